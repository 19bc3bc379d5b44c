namespace PubSub.Stress.Protocols;

/// <summary>
/// The bytes that all frames of one kind share: everything but one number and one timestamp. Learned from a parsed frame. A frame
/// that fits needs no parsing; any other frame is parsed.
/// </summary>
internal sealed class FrameShape
{
    private const byte Quote = (byte)'"';

    private readonly byte[] _first;
    private readonly byte[] _second;
    private readonly byte[] _third;
    private readonly bool _isNumberFirst;
    private readonly int _timestampLength; // in the frame it was learned from; others may differ

    private FrameShape(ReadOnlySpan<byte> frame, Range one, Range two, bool isNumberFirst)
    {
        _first = frame[..one.Start].ToArray();
        _second = frame[one.End..two.Start].ToArray();
        _third = frame[two.End..].ToArray();
        _isNumberFirst = isNumberFirst;
        var timestamp = isNumberFirst ? two : one;
        _timestampLength = timestamp.End.Value - timestamp.Start.Value;
    }

    /// <param name="frame">A frame that was parsed.</param>
    /// <param name="numberAt">The index of its number.</param>
    /// <param name="timestamp">Its timestamp without the quotes; empty, at the end of the frame, if it has none.</param>
    public static FrameShape Learn(ReadOnlySpan<byte> frame, int numberAt, Range timestamp)
    {
        var number = numberAt..(numberAt + Digits.Width);
        var isNumberFirst = numberAt < timestamp.Start.Value;
        return isNumberFirst ? new FrameShape(frame, number, timestamp, true) : new FrameShape(frame, timestamp, number, false);
    }

    public bool TryRead(ReadOnlySpan<byte> frame, out long number)
    {
        number = 0;
        if (!frame.StartsWith(_first))
        {
            return false;
        }

        frame = frame[_first.Length..];
        return _isNumberFirst
            ? TakeNumber(ref frame, out number) && Take(_second, ref frame) && SkipTimestamp(_third, ref frame)
                && frame.SequenceEqual(_third)
            : SkipTimestamp(_second, ref frame) && Take(_second, ref frame) && TakeNumber(ref frame, out number)
                && frame.SequenceEqual(_third);
    }

    private static bool TakeNumber(ref ReadOnlySpan<byte> frame, out long number)
    {
        if (!Digits.TryRead(frame, out number))
        {
            return false;
        }

        frame = frame[Digits.Width..];
        return true;
    }

    private static bool Take(byte[] part, ref ReadOnlySpan<byte> frame)
    {
        if (!frame.StartsWith(part))
        {
            return false;
        }

        frame = frame[part.Length..];
        return true;
    }

    // The part after a timestamp begins with its closing quote; it is empty only in a frame without timestamp.
    private bool SkipTimestamp(byte[] following, ref ReadOnlySpan<byte> frame)
    {
        if (following.Length == 0)
        {
            return frame.IsEmpty;
        }

        var length = frame.Length > _timestampLength && frame[_timestampLength] == Quote ? _timestampLength : frame.IndexOf(Quote);
        if (length < 0)
        {
            return false;
        }

        frame = frame[length..];
        return true;
    }
}
