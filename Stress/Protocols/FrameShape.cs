namespace PubSub.Stress;

/// <summary>
/// The bytes that all frames of one kind have in common: everything but one number and whatever follows <c>end</c>. Learned from a
/// frame that was parsed; a frame that fits needs no parsing, a frame that does not is parsed again.
/// </summary>
internal sealed class FrameShape(ReadOnlySpan<byte> frame, int numberAt, int end)
{
    private readonly byte[] _before = frame[..numberAt].ToArray();
    private readonly byte[] _after = frame[(numberAt + Digits.Width)..end].ToArray();

    /// <summary>The shape of a parsed message, if its timestamp, which varies, does not precede its number, which moves.</summary>
    public static FrameShape? Learn(ReadOnlySpan<byte> frame, int numberAt, int timestampAt) =>
        timestampAt > numberAt ? new FrameShape(frame, numberAt, timestampAt) : null;

    public bool TryRead(ReadOnlySpan<byte> frame, out long number)
    {
        number = 0;
        return frame.Length > _before.Length + Digits.Width + _after.Length
            && frame.StartsWith(_before)
            && frame[(_before.Length + Digits.Width)..].StartsWith(_after)
            && Digits.TryRead(frame[_before.Length..], out number);
    }
}
