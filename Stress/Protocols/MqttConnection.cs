using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>
/// Speaks MQTT 3.1.1, QoS 0: publishes are not answered. Messages published between two flushes are sent together, in frames of about
/// <see cref="FrameBytes"/>: Mosquitto 2.0.11 leaves the rest of a larger frame unread until another event wakes it.
/// </summary>
internal sealed class MqttConnection : StreamConnection
{
    private const int FrameBytes = 1024;
    private const byte ConnectAccepted = 0x20;
    private const byte Published = 0x30;
    private const byte Subscribed = 0x90;
    private const byte Ponged = 0xD0;

    private readonly byte[] _payload;
    private readonly ArrayBufferWriter<byte> _packets = new(64);
    private byte[] _publish = [];
    private byte[] _topic = [];
    private int _digitsAt;
    private int _unanswered;

    public MqttConnection(Loop loop, Endpoint endpoint, byte[] payload, int receiveBuffer)
        : base(loop, endpoint, receiveBuffer)
    {
        _payload = payload;
        var client = Encoding.UTF8.GetBytes($"stress-{Guid.NewGuid():N}");

        // Protocol MQTT, level 4, a clean session, and no keep-alive.
        byte[] head = [0, 4, .. "MQTT"u8, 4, 2, 0, 0];
        _packets.Write<byte>([0x10, .. Length(head.Length + 2 + client.Length), .. head, .. Short(client.Length), .. client]);
        _unanswered = 1;
    }

    public override int Unanswered => _unanswered;

    public override void Subscribe(string topic, int lastN)
    {
        _topic = Encoding.UTF8.GetBytes(topic);
        _packets.Write<byte>([0x82, .. Length(2 + 2 + _topic.Length + 1), .. Short(1), .. Short(_topic.Length), .. _topic, 0]);
        _unanswered++;
    }

    public override void PublishTo(string topic)
    {
        var name = Encoding.UTF8.GetBytes(topic);
        byte[] head = [Published, .. Length(2 + name.Length + _payload.Length), .. Short(name.Length), .. name];
        _publish = [.. head, .. _payload];
        _digitsAt = head.Length;
    }

    public override void Publish(long id)
    {
        Digits.Write(id, _publish.AsSpan(_digitsAt));
        _packets.Write(_publish);
        if (_packets.WrittenCount >= FrameBytes)
        {
            Seal();
        }
    }

    protected override void Seal()
    {
        for (var rest = _packets.WrittenSpan; rest.Length > 0; rest = rest[Math.Min(FrameBytes, rest.Length)..])
        {
            Write(Binary, rest[..Math.Min(FrameBytes, rest.Length)]);
        }

        _packets.ResetWrittenCount();
    }

    protected override int Consume(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        while (TryReadLength(bytes[position..], out var head, out var length) && bytes.Length - position - head >= length)
        {
            Obey(bytes[position], bytes.Slice(position + head, length));
            position += head + length;
        }

        return position;
    }

    private void Obey(byte type, ReadOnlySpan<byte> packet)
    {
        switch (type)
        {
            case ConnectAccepted when packet.SequenceEqual((byte[])[0, 0]):
            case Subscribed when packet.SequenceEqual((byte[])[0, 1, 0]):
                _unanswered--;
                break;
            case Published when packet.Length >= 2 + _topic.Length && packet[2..].StartsWith(_topic)
                && BinaryPrimitives.ReadUInt16BigEndian(packet) == _topic.Length:
                Inbox?.Take(Number(packet[(2 + _topic.Length)..], _payload));
                break;
            case Ponged:
                break;
            default:
                throw new RunFailed($"unexpected: a packet 0x{type:X2} of {packet.Length} bytes");
        }
    }

    private static bool TryReadLength(ReadOnlySpan<byte> bytes, out int head, out int length)
    {
        (head, length) = (1, 0);
        for (var shift = 0; head < bytes.Length && shift <= 21; shift += 7)
        {
            var digit = bytes[head++];
            length |= (digit & 0x7F) << shift;
            if (digit < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static byte[] Length(int length)
    {
        var digits = new List<byte>();
        do
        {
            digits.Add((byte)((length & 0x7F) | (length > 0x7F ? 0x80 : 0)));
            length >>= 7;
        }
        while (length > 0);
        return [.. digits];
    }

    private static byte[] Short(int value) => [(byte)(value >> 8), (byte)value];
}
