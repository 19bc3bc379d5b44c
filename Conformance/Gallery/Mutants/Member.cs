using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>One member of an object, as it was written.</summary>
internal readonly record struct Member(string Name, string Json)
{
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 128 };

    /// <summary>The text that it holds, if it is a string.</summary>
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
                // Half a surrogate pair.
                return null;
            }
        }
    }

    /// <summary>All members in their order; none of what is no object.</summary>
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
            // No JSON, or a name that is no text.
            return [];
        }
    }

    public static string Spell(IEnumerable<Member> members) =>
        $"{{{string.Join(',', members.Select(member => $"{Messages.Quote(member.Name)}:{member.Json}"))}}}";
}
