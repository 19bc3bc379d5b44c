namespace PubSub;

/// <summary>
/// Bytes for the wire that are finished but for their stamp. They show the caller's time; if the topic has reached a later stamp already,
/// the gate writes its own in that place, and encodes nothing again.
/// </summary>
/// <param name="bytes">The bytes, which the caller hands over and must not touch again.</param>
/// <param name="time">The caller's time, in ticks of 100 ns since the year 1, UTC.</param>
/// <param name="place">Where the bytes show it, <see cref="Stamp.Length"/> bytes long; negative if they do not.</param>
public readonly struct Draft(byte[] bytes, long time, int place)
{
    /// <summary>The size in bytes, which a stamp does not change.</summary>
    public int Length => bytes.Length;

    /// <summary>The bytes as they are, with the caller's time, for a message that belongs to no topic's order.</summary>
    public Frame Frame => new(bytes);

    /// <summary>A frame that shows no time and asks for none: it is stamped as early as possible.</summary>
    public static implicit operator Draft(Frame frame) => new(frame.Array, time: 0, place: -1);

    /// <summary>Decides the stamp, which is later than <paramref name="last"/>, and finishes the bytes.</summary>
    /// <returns>The frame, which nothing changes any more.</returns>
    internal Frame Finish(ref long last)
    {
        last = Math.Max(time, last + 1);
        if (place >= 0 && last != time)
        {
            Stamp.Write(last, bytes.AsSpan(place));
        }

        return new Frame(bytes);
    }
}

/// <summary>
/// A position in a topic's order: a time in ticks of 100 ns since the year 1, UTC. Within a topic each is later than the one before, also
/// when the clock is set back (PS-RES-001).
/// </summary>
public static class Stamp
{
    /// <summary>Bytes of its text, <c>2025-08-28T10:00:00.0000000Z</c> (RFC 3339).</summary>
    public const int Length = 28;

    /// <summary>Writes its text to the first <see cref="Length"/> bytes.</summary>
    public static void Write(long stamp, Span<byte> target) => new DateTime(stamp, DateTimeKind.Utc).TryFormat(target, out _, "O");
}

/// <summary>Where a reader of a topic has got to: what it saw last, and in which life of the topic.</summary>
/// <param name="Since">The stamp of the last event or ack that it has seen.</param>
/// <param name="Epoch">The topic's <see cref="Topic.Epoch"/> at that time; null if the reader does not say.</param>
public readonly record struct Position(long Since, string? Epoch);
