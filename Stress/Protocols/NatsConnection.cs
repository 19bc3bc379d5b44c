using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace PubSub.Stress;

/// <summary>
/// Speaks the NATS client protocol over WebSocket frames, which may cut its byte stream anywhere. Publishes are not answered;
/// a PING stands behind each subscription and its PONG is the answer. What is published between two flushes travels in one
/// frame, as NATS' own clients do it.
/// </summary>
internal sealed class NatsConnection : Connection
{
    private const byte Binary = 0x2;

    private readonly byte[] _payload;
    private readonly ArrayBufferWriter<byte> _lines = new(64);
    private byte[] _publish = [];
    private int _digitsAt;
    private byte[] _carry = [];
    private int _carryLength;
    private int _unanswered;

    public NatsConnection(Loop loop, Endpoint endpoint, byte[] payload)
        : base(loop, endpoint, receiveBuffer: 0)
    {
        _payload = payload;
        _lines.Write("CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"stress\",\"version\":\"1\",\"protocol\":1}\r\n"u8);
    }

    public override int Unanswered => _unanswered;

    public override void Subscribe(string topic, int lastN)
    {
        _lines.Write(Encoding.UTF8.GetBytes($"SUB {topic} 1\r\nPING\r\n"));
        _unanswered++;
    }

    public override void PublishTo(string topic)
    {
        var line = Encoding.UTF8.GetBytes($"PUB {topic} {_payload.Length}\r\n");
        _publish = [.. line, .. _payload, .. "\r\n"u8];
        _digitsAt = line.Length;
    }

    public override void Publish(long id)
    {
        Digits.Write(id, _publish.AsSpan(_digitsAt));
        _lines.Write(_publish);
    }

    protected override void Seal()
    {
        if (_lines.WrittenCount > 0)
        {
            WriteFrame(Binary, _lines.WrittenSpan);
            _lines.ResetWrittenCount();
        }
    }

    protected override void Receive(ReadOnlySpan<byte> message)
    {
        if (_carryLength == 0)
        {
            Carry(message[Consume(message)..]);
            return;
        }

        var joined = new byte[_carryLength + message.Length]; // only behind a cut
        _carry.AsSpan(0, _carryLength).CopyTo(joined);
        message.CopyTo(joined.AsSpan(_carryLength));
        Carry(joined.AsSpan(Consume(joined)));
    }

    // Returns how many bytes were consumed: the whole operations.
    private int Consume(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        while (true)
        {
            var rest = bytes[position..];
            var end = rest.IndexOf((byte)'\n');
            if (end < 0)
            {
                return position;
            }

            var line = rest[..end].TrimEnd((byte)'\r');
            if (line.StartsWith("MSG "u8))
            {
                var size = Size(line);
                if (rest.Length < end + 1 + size + 2)
                {
                    return position;
                }

                Deliver(rest.Slice(end + 1, size));
                position += size + 2;
            }
            else
            {
                Obey(line);
            }

            position += end + 1;
        }
    }

    private void Deliver(ReadOnlySpan<byte> payload)
    {
        if (!Digits.TryRead(payload, out var id) || !payload[Digits.Width..].SequenceEqual(_payload.AsSpan(Digits.Width)))
        {
            throw new RunFailed($"a payload that was never published: {ServerMessage.Excerpt(payload)}");
        }

        Inbox?.Take(id);
    }

    private void Obey(ReadOnlySpan<byte> line)
    {
        if (line.SequenceEqual("PING"u8))
        {
            _lines.Write("PONG\r\n"u8);
            Flush();
        }
        else if (line.SequenceEqual("PONG"u8))
        {
            _unanswered--;
        }
        else if (!line.StartsWith("INFO "u8) && !line.StartsWith("+OK"u8))
        {
            throw new RunFailed($"unexpected: {ServerMessage.Excerpt(line)}");
        }
    }

    private void Carry(ReadOnlySpan<byte> rest)
    {
        if (rest.Length > _carry.Length)
        {
            _carry = new byte[rest.Length * 2];
        }

        rest.CopyTo(_carry);
        _carryLength = rest.Length;
    }

    private static int Size(ReadOnlySpan<byte> line) =>
        Utf8Parser.TryParse(line[(line.LastIndexOf((byte)' ') + 1)..], out int size, out _) && size >= 0
            ? size
            : throw new RunFailed($"no size: {ServerMessage.Excerpt(line)}");
}
