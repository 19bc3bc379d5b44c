using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>
/// A protocol that is a stream of bytes, over plain TCP or in the frames of a WebSocket, which may split a message anywhere.
/// </summary>
internal abstract class StreamConnection(Loop loop, Endpoint endpoint, int receiveBuffer) : BrokerConnection(loop, endpoint, receiveBuffer)
{
    protected const byte Binary = 0x2;

    private byte[] _carry = [];
    private int _carryLength;

    /// <returns>How many bytes were consumed: those of complete messages.</returns>
    protected abstract override int Consume(ReadOnlySpan<byte> bytes);

    protected sealed override void Receive(ReadOnlySpan<byte> message)
    {
        if (_carryLength == 0)
        {
            Carry(message[Consume(message)..]);
            return;
        }

        var joined = new byte[_carryLength + message.Length]; // only after a split message
        _carry.AsSpan(0, _carryLength).CopyTo(joined);
        message.CopyTo(joined.AsSpan(_carryLength));
        Carry(joined.AsSpan(Consume(joined)));
    }

    /// <summary>The number at the start of a payload. Fails if the rest differs from the published payload.</summary>
    protected static long Number(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> published) =>
        payload.Length == published.Length
        && payload[Digits.Width..].SequenceEqual(published[Digits.Width..])
        && Digits.TryRead(payload, out var id)
            ? id
            : throw new RunFailed($"a payload that was never published: {ServerMessage.Excerpt(payload)}");

    private void Carry(ReadOnlySpan<byte> rest)
    {
        if (rest.Length > _carry.Length)
        {
            _carry = new byte[rest.Length * 2];
        }

        rest.CopyTo(_carry);
        _carryLength = rest.Length;
    }
}
