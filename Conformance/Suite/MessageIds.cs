using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace PubSub.Conformance;

/// <summary>
/// Which strings the target takes for a <c>message.id</c>, or for a <c>request_id</c>. Scenarios use m1, m2, m3; where only UUIDs are taken, each of these stands for
/// one UUID on the wire, the same one every time, and is read back from it.
/// </summary>
public sealed partial class MessageIds
{
    private readonly ConcurrentDictionary<string, string>? _meant; // by what is on the wire
    private readonly ConcurrentDictionary<string, string> _sent = new(StringComparer.Ordinal); // the other way round

    private MessageIds(bool uuids) => _meant = uuids ? new(StringComparer.Ordinal) : null;

    /// <summary>Any string will do.</summary>
    public static MessageIds Any { get; } = new(uuids: false);

    public bool AreUuids => _meant is not null;

    /// <summary>Only UUIDs in their canonical form will do.</summary>
    public static MessageIds Uuids() => new(uuids: true);

    /// <summary>True when the target takes this id as it is.</summary>
    public bool Takes(string id) => !AreUuids
        || (Guid.TryParseExact(id, "D", out var uuid)
            && uuid.ToString("D").Equals(id, StringComparison.OrdinalIgnoreCase)); // parsing is lenient

    /// <summary>What goes on the wire for this id.</summary>
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

    /// <summary>An id with the beginning of what stands for it on the wire: <c>m1 (6b6f1234\u2026)</c>. Any other text is itself.</summary>
    public string Show(string id) => _sent.TryGetValue(id, out var uuid) ? $"{id} ({uuid[..8]}\u2026)" : id;

    /// <summary>Text from the wire with what each UUID stands for behind it: <c>6b6f1234-... (m1)</c>.</summary>
    public string Explain(string wire) =>
        _sent.IsEmpty ? wire : Uuid().Replace(wire, uuid => _meant!.TryGetValue(uuid.Value, out var id) ? $"{uuid.Value} ({id})" : uuid.Value);

    /// <summary>The id that a spelling stands for; any other text is itself.</summary>
    public string? Meant(string? spelling) => spelling is not null && _meant?.TryGetValue(spelling, out var id) == true ? id : spelling;

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Uuid();
}
