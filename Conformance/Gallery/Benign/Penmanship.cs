using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>
/// Rewrites JSON (RFC 8259) without changing its meaning. The message of an event stays as its publisher wrote it.
/// </summary>
internal abstract class Penmanship
{
    private static readonly JsonDocumentOptions AnyDepth = new() { MaxDepth = 1_000 };

    public string Rewrite(string json)
    {
        using var read = JsonDocument.Parse(json, AnyDepth);
        return Value("", read.RootElement);
    }

    /// <param name="name">The name of the member whose value the object is; empty for the outermost object.</param>
    /// <param name="members">The original names, and the rewritten values.</param>
    protected abstract string Object(string name, IReadOnlyList<(string Name, string Value)> members);

    protected virtual string Array(IReadOnlyList<string> items) => $"[{string.Join(',', items)}]";

    protected virtual string Text(JsonElement text) => text.GetRawText();

    protected static string Plain(IEnumerable<(string Name, string Value)> members) =>
        $"{{{string.Join(',', members.Select(member => $"{Messages.Quote(member.Name)}:{member.Value}"))}}}";

    private string Value(string name, JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object when name == "message" => json.GetRawText(),
        JsonValueKind.Object => Object(name, [.. json.EnumerateObject().Select(member => (member.Name, Value(member.Name, member.Value)))]),
        JsonValueKind.Array => Array([.. json.EnumerateArray().Select(item => Value($"one of {name}", item))]),
        JsonValueKind.String => Text(json),
        _ => json.GetRawText(),
    };
}
