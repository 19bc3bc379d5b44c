namespace PubSub.Stress.Net;

/// <summary>Bytes that wait to be sent, in one array that grows to the most that ever waited.</summary>
internal sealed class OutBuffer
{
    private byte[] _bytes = [];
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Pending => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Room for at least this many bytes; call <see cref="Advance"/> with the number used.</summary>
    public Span<byte> Reserve(int bytes)
    {
        if (_bytes.Length - _end < bytes)
        {
            Pending.CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
            if (_bytes.Length - _end < bytes)
            {
                Array.Resize(ref _bytes, Math.Max(_end + bytes, _bytes.Length * 2));
            }
        }

        return _bytes.AsSpan(_end);
    }

    public void Advance(int bytes) => _end += bytes;

    public void Sent(int bytes)
    {
        _start += bytes;
        if (_start == _end)
        {
            _start = _end = 0;
        }
    }
}
