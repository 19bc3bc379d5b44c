using System.Text;
using System.Text.Json;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>
/// Rewrites requests as the target needs them: see <see cref="Accommodations"/>. It changes only what it has to. A text that is no JSON
/// object stays unchanged, and so does one that is already rewritten.
/// </summary>
internal static class Spelling
{
    /// <summary>Begins a request_id that no scenario gave: the reply to it counts as one without request_id.</summary>
    private const string AddedId = "not-asked-for-";

    private const int LongestRequestId = 255;

    /// <summary>Members that have a meaning beside <c>topic</c>: a member of a message with such a name is not moved there.</summary>
    public static readonly string[] BesideTopic = ["type", "topic", "client_id", "request_id", "last_n"];
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = 1_000_000 };

    private static int _counter;

    /// <summary>A <c>client_id</c> for a request of a connection that has none.</summary>
    public static string NewClientId() => $"conformance-{Interlocked.Increment(ref _counter)}";

    /// <summary>A WebSocket message of the suite.</summary>
    /// <param name="clientId">The connection's; null if it has none.</param>
    /// <param name="isWhole">The scenario adds nothing more, so a request_id that the target requires has to be added here.</param>
    public static string Of(string text, Target target, string? clientId = null, bool isWhole = true)
    {
        var wants = target.Accommodations;
        if (wants.LeaveRequests)
        {
            return text;
        }

        try
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            var members = Members(utf8, 0, utf8.Length);
            var type = members.FirstOrDefault(member => member.Name == "type")?.Text;
            var changes = new List<Change>();
            Add(members, type, target, clientId, isWhole, changes);
            if (wants.UuidRequestIds)
            {
                changes.AddRange(members.Where(member => member is { Name: "request_id", Text.Length: <= LongestRequestId })
                    .Select(id => new Change(id.Value, Json.Quote(target.RequestIds.Spell(id.Text!)))));
            }

            if (type == "publish")
            {
                changes.AddRange(members.Where(member => member.Name == "message").SelectMany(message => Rewritten(utf8, message, wants)));
            }

            return Encoding.UTF8.GetString(Changed(utf8, changes));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The scenario made it malformed on purpose.
            return text;
        }
    }

    /// <summary>The body of a creation.</summary>
    public static byte[] Creation(byte[] body, Target target)
    {
        if (target.Accommodations.TopicName is var name && name == "name")
        {
            return body;
        }

        try
        {
            // A scenario that uses the target's member name as a wrong one still sends a wrong one.
            var renamed = Members(body, 0, body.Length).Where(member => member.Name == "name" || member.Name == name)
                .Select(member => new Change(member.Key, Json.Quote(member.Name == name ? "name" : name)));
            return Changed(body, [.. renamed]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return body;
        }
    }

    /// <summary>The request_id of a reply as the scenario knows it; null for one that the scenario did not give.</summary>
    public static string? RequestId(string? spelt, Target target) =>
        target.RequestIds.Meant(spelt) is { } id && !id.StartsWith(AddedId, StringComparison.Ordinal) ? id : null;

    /// <summary>The path, with a slash at its end if the target needs one.</summary>
    public static string Path(string path, Target target)
    {
        if (target.Accommodations.Slashes.Count == 0)
        {
            return path;
        }

        var kind = path.StartsWith($"{RestPaths.Topics}/", StringComparison.Ordinal) ? RestPaths.NamedTopic : path;
        return target.Accommodations.Slashes.Contains(kind) ? $"{path}/" : path;
    }

    private static void Add(List<Member> members, string? type, Target target, string? clientId, bool isWhole, List<Change> changes)
    {
        var wants = target.Accommodations;
        var added = (type is null ? null : wants.Adds.GetValueOrDefault(type))?
            .Where(addition => members.TrueForAll(member => member.Name != addition.Key))
            .Select(addition => (addition.Key, Json: addition.Value.ValueKind == JsonValueKind.Null
                ? Json.Quote(clientId ?? NewClientId())
                : addition.Value.GetRawText())).ToList() ?? [];
        if (isWhole && wants.RequestIdRequired && members.TrueForAll(member => member.Name != "request_id"))
        {
            var id = target.RequestIds.Spell($"{AddedId}{Interlocked.Increment(ref _counter)}");
            added.Add(("request_id", Json.Quote(id)));
        }

        if (added.Count > 0 && members.Count > 0)
        {
            var at = members[0].Key.Start.Value;
            changes.Add(new(at..at, string.Concat(added.Select(member => $"{Json.Quote(member.Key)}:{member.Json},"))));
        }
    }

    private static IEnumerable<Change> Rewritten(byte[] utf8, Member message, Accommodations wants)
    {
        if (wants.Message is not ("message" or Accommodations.Flat))
        {
            yield return new(message.Key, Json.Quote(wants.Message));
        }

        if (utf8[message.Value.Start] != '{')
        {
            yield break;
        }

        var inner = Members(utf8, message.Value.Start.Value, message.Value.End.Value);
        var payloads = inner.Where(member => member.Name == "payload" && wants.Payload != "payload")
            .Select(member => new Change(member.Key, Json.Quote(wants.Payload))).ToList();
        if (wants.Message != Accommodations.Flat)
        {
            foreach (var payload in payloads)
            {
                yield return payload;
            }
        }
        else
        {
            var moved = inner.Where(member => !BesideTopic.Contains(member.Name))
                .Select(member => (Name: member.Name == "payload" ? wants.Payload : member.Name, Json: utf8[member.Value]))
                .Select(member => $"{Json.Quote(member.Name)}:{Encoding.UTF8.GetString(member.Json)}");
            yield return new(message.Key.Start..message.Value.End, string.Join(',', moved.DefaultIfEmpty("\"\":null")));
        }
    }

    private static byte[] Changed(byte[] utf8, List<Change> changes)
    {
        var changed = new List<byte>();
        var at = 0;
        foreach (var change in changes.OrderBy(change => change.Where.Start.Value))
        {
            changed.AddRange(utf8[at..change.Where.Start.Value]);
            changed.AddRange(Encoding.UTF8.GetBytes(change.Json));
            at = change.Where.End.Value;
        }

        return [.. changed, .. utf8[at..]];
    }

    /// <summary>The members of the object between these two positions; none when there is no object.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    private static List<Member> Members(byte[] utf8, int start, int end)
    {
        var members = new List<Member>();
        var reader = new Utf8JsonReader(utf8.AsSpan(start..end), AnyDepth);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return members;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;

            // The reader consumes the colon with the name.
            var quote = start + (int)reader.TokenStartIndex;
            var key = quote..(quote + reader.ValueSpan.Length + 2);
            reader.Read();
            var text = reader.TokenType == JsonTokenType.String ? TextOf(ref reader) : null;
            var from = start + (int)reader.TokenStartIndex;
            reader.Skip();
            members.Add(new(name, text, key, from..(start + (int)reader.BytesConsumed)));
        }

        while (reader.Read())
        {
            // The reader throws if anything follows the object.
        }

        return members;
    }

    // Null for a string with a lone surrogate.
    private static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <param name="Text">The value, if it is a string.</param>
    /// <param name="Key">The bytes of the name, quotes included.</param>
    /// <param name="Value">The bytes of the value.</param>
    private sealed record Member(string Name, string? Text, Range Key, Range Value);

    private sealed record Change(Range Where, string Json);
}
