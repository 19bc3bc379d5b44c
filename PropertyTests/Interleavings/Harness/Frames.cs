namespace PubSub.Interleavings.Harness;

/// <summary>The frames of steps, all of one length: a mark, what an ack says of the events that follow, and a stamp.</summary>
internal static class Frames
{
    public const int Length = 2 + Stamp.Length;

    /// <summary>A frame that shows no stamp.</summary>
    public static Frame Of(byte mark) => new(Bytes(mark));

    /// <summary>A frame that shows its time.</summary>
    /// <param name="time">In ticks, less than a second.</param>
    public static Draft At(long time, byte mark, bool? whole = null)
    {
        var bytes = Bytes(mark);
        bytes[1] = whole switch { true => 1, false => 2, null => 0 };
        Stamp.Write(time, bytes.AsSpan(2));
        return new Draft(bytes, time, place: 2);
    }

    public static Got Read(Outgoing outgoing)
    {
        var bytes = outgoing.Frame.Bytes.Span;
        var stamp = 0;
        for (var place = Length - 8; bytes[^1] == 'Z' && place < Length - 1; place++)
        {
            stamp = (stamp * 10) + bytes[place] - '0';
        }

        return new Got(bytes[0], outgoing.Live, stamp, bytes[1] switch { 1 => true, 2 => false, _ => null });
    }

    private static byte[] Bytes(byte mark)
    {
        var bytes = new byte[Length];
        bytes[0] = mark;
        return bytes;
    }
}
