using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace PubSub.Conformance;

/// <summary>
/// Which strings the target takes for a <c>message.id</c>, or for a <c>request_id</c>. Scenarios use m1, m2, m3; where only UUIDs are taken, each of these stands for
/// one UUID on the wire, the same one every time, and is read back from it.
/// </summary>
public sealed class MessageIds
{
    private readonly ConcurrentDictionary<string, string>? _meant;

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
        return uuid;
    }

    /// <summary>The id that a spelling stands for; any other text is itself.</summary>
    public string? Meant(string? spelling) => spelling is not null && _meant?.TryGetValue(spelling, out var id) == true ? id : spelling;
}
