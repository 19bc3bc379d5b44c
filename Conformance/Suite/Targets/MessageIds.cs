using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Targets;

/// <summary>
/// Which strings the target accepts as <c>message.id</c> or <c>request_id</c>. Scenarios use m1, m2, m3. If the target accepts only
/// UUIDs, each id is sent as one fixed UUID and translated back when it is read.
/// </summary>
public sealed partial class MessageIds
{
    private readonly ConcurrentDictionary<string, string>? _meant; // id by UUID
    private readonly ConcurrentDictionary<string, string> _sent = new(StringComparer.Ordinal); // UUID by id

    private MessageIds(bool uuids) => _meant = uuids ? new(StringComparer.Ordinal) : null;

    /// <summary>The target accepts any string.</summary>
    public static MessageIds Any { get; } = new(uuids: false);

    public bool AreUuids => _meant is not null;

    /// <summary>The target accepts only UUIDs in canonical form.</summary>
    public static MessageIds Uuids() => new(uuids: true);

    /// <summary>True when the target accepts this id unchanged.</summary>
    public bool Takes(string id) => !AreUuids
        || (Guid.TryParseExact(id, "D", out var uuid)
            && uuid.ToString("D").Equals(id, StringComparison.OrdinalIgnoreCase)); // parsing is lenient

    /// <summary>The text that is sent for this id.</summary>
    public string Spell(string id)
    {
        if (_meant is null || Takes(id))
        {
            return id;
        }

        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(id))[..16];
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40); // version 4 and variant 1 of RFC 9562, which is what validators look at
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        var uuid = new Guid(bytes, bigEndian: true).ToString("D");
        _meant[uuid] = id;
        _sent[id] = uuid;
        return uuid;
    }

    /// <summary>An id with the start of its UUID: <c>m1 (6b6f1234\u2026)</c>. Any other text is unchanged.</summary>
    public string Show(string id) => _sent.TryGetValue(id, out var uuid) ? $"{id} ({uuid[..8]}\u2026)" : id;

    /// <summary>Received text with the id added after each UUID: <c>6b6f1234-... (m1)</c>.</summary>
    public string Explain(string wire) => _sent.IsEmpty
        ? wire
        : Uuid().Replace(wire, uuid => _meant!.TryGetValue(uuid.Value, out var id) ? $"{uuid.Value} ({id})" : uuid.Value);

    /// <summary>The id that a UUID stands for; any other text is unchanged.</summary>
    public string? Meant(string? spelling) => spelling is not null && _meant?.TryGetValue(spelling, out var id) == true ? id : spelling;

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Uuid();
}
