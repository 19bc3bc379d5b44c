using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>One member of an object in its original spelling.</summary>
internal readonly record struct Member(string Name, string Json)
{
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 128 };

    /// <summary>The value if it is a string; otherwise null.</summary>
    public string? Text
    {
        get
        {
            try
            {
                return Json.StartsWith('"') ? JsonSerializer.Deserialize<string>(Json) : null;
            }
            catch (JsonException)
            {
                // An unpaired surrogate.
                return null;
            }
        }
    }

    /// <summary>All members in their order; empty if the text is not an object.</summary>
    public static IReadOnlyList<Member> Of(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text, Depth);
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? [.. json.RootElement.EnumerateObject().Select(member => new Member(member.Name, member.Value.GetRawText()))]
                : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a name with an unpaired surrogate.
            return [];
        }
    }

    public static string Spell(IEnumerable<Member> members) =>
        $"{{{string.Join(',', members.Select(member => $"{Messages.Quote(member.Name)}:{member.Json}"))}}}";
}
