using System.Buffers;
using System.Buffers.Text;
using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>
/// Speaks the NATS client protocol. Publishes are not answered; a PING follows each subscription, and its PONG counts as the answer.
/// Messages published between two flushes are sent in one frame, as NATS' own clients do.
/// </summary>
internal sealed class NatsConnection : StreamConnection
{
    private readonly byte[] _payload;
    private readonly ArrayBufferWriter<byte> _lines = new(64);
    private byte[] _publish = [];
    private byte[] _message = [];
    private int _digitsAt;
    private int _unanswered;

    public NatsConnection(Loop loop, Endpoint endpoint, byte[] payload, int receiveBuffer)
        : base(loop, endpoint, receiveBuffer)
    {
        _payload = payload;
        _lines.Write("CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"stress\",\"version\":\"1\",\"protocol\":1}\r\n"u8);
    }

    public override int Unanswered => _unanswered;

    public override void Subscribe(string topic, int lastN)
    {
        _lines.Write(Encoding.UTF8.GetBytes($"SUB {topic} 1\r\nPING\r\n"));
        _message = Encoding.UTF8.GetBytes($"MSG {topic} 1 ");
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
            Write(Binary, _lines.WrittenSpan);
            _lines.ResetWrittenCount();
        }
    }

    protected override int Consume(ReadOnlySpan<byte> bytes)
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
                if (_message.Length == 0 || !line.StartsWith(_message))
                {
                    throw new RunFailed($"a message of another subject: {ServerMessage.Excerpt(line)}");
                }

                var size = Size(line);
                if (rest.Length < end + 1 + size + 2)
                {
                    return position;
                }

                Inbox?.Take(Number(rest.Slice(end + 1, size), _payload));
                position += size + 2;
            }
            else
            {
                Obey(line);
            }

            position += end + 1;
        }
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

    private static int Size(ReadOnlySpan<byte> line) =>
        Utf8Parser.TryParse(line[(line.LastIndexOf((byte)' ') + 1)..], out int size, out _) && size >= 0
            ? size
            : throw new RunFailed($"no size: {ServerMessage.Excerpt(line)}");
}
