using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>
/// Speaks Redis' pub/sub (RESP 2). A publish is answered with the number of its receivers; a connection that subscribed cannot publish.
/// </summary>
internal sealed class RedisConnection(Loop loop, Endpoint endpoint, byte[] payload, int receiveBuffer)
    : StreamConnection(loop, endpoint, receiveBuffer)
{
    private readonly byte[] _payload = payload;
    private readonly ArrayBufferWriter<byte> _commands = new(64);
    private readonly SendTimes _sentAt = new();
    private byte[] _publish = [];
    private byte[] _messageHead = [];
    private byte[] _subscribed = [];
    private int _digitsAt;
    private long _requests;
    private long _answers;
    private long _burst;

    public override int Unanswered => (int)(_requests - _answers);

    public override void Subscribe(string topic, int lastN)
    {
        _commands.Write(Encoding.UTF8.GetBytes($"*2\r\n{Bulk("SUBSCRIBE")}{Bulk(topic)}"));
        _messageHead = Encoding.UTF8.GetBytes($"*3\r\n{Bulk("message")}{Bulk(topic)}${_payload.Length}\r\n");
        _subscribed = Encoding.UTF8.GetBytes($"*3\r\n{Bulk("subscribe")}{Bulk(topic)}:1\r\n");
        _requests++;
    }

    public override void PublishTo(string topic)
    {
        var head = Encoding.UTF8.GetBytes($"*3\r\n{Bulk("PUBLISH")}{Bulk(topic)}${_payload.Length}\r\n");
        _publish = [.. head, .. _payload, .. "\r\n"u8];
        _digitsAt = head.Length;
    }

    public override void Publish(long id)
    {
        Digits.Write(id, _publish.AsSpan(_digitsAt));
        _commands.Write(_publish);
        _requests++;
        _sentAt.Add(_requests, RoundTrips is null ? 0 : Now(), Unanswered);
    }

    protected override void Seal()
    {
        _burst = 0;
        if (_commands.WrittenCount > 0)
        {
            Write(Binary, _commands.WrittenSpan);
            _commands.ResetWrittenCount();
        }
    }

    protected override void Settle()
    {
        _burst = 0;
        base.Settle();
    }

    protected override int Consume(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        while (TryTake(bytes[position..], out var length))
        {
            position += length;
        }

        return position;
    }

    private bool TryTake(ReadOnlySpan<byte> bytes, out int length)
    {
        length = 0;
        if (bytes.IsEmpty)
        {
            return false;
        }

        if (bytes[0] == (byte)':')
        {
            var end = bytes.IndexOf((byte)'\n');
            if (end < 0)
            {
                return false;
            }

            if (!Utf8Parser.TryParse(bytes[1..end], out long _, out _))
            {
                throw Unexpected(bytes);
            }

            length = end + 1;
            Answered();
            return true;
        }

        if (_subscribed.Length == 0 || bytes[0] == (byte)'-')
        {
            throw Unexpected(bytes); // an error, or a message that only a subscriber receives
        }

        if (IsWhole(bytes, _subscribed, 0, ref length))
        {
            Answered();
            return true;
        }

        if (IsWhole(bytes, _messageHead, _payload.Length + 2, ref length))
        {
            Inbox?.Take(Number(bytes.Slice(_messageHead.Length, _payload.Length), _payload));
            return true;
        }

        return false;
    }

    // True if the whole message has arrived, false if more may come. Any message but these two kinds fails the run.
    private bool IsWhole(ReadOnlySpan<byte> bytes, byte[] head, int following, ref int length)
    {
        if (bytes.Length < head.Length + following)
        {
            var known = Math.Min(bytes.Length, head.Length);
            if (!bytes[..known].SequenceEqual(_messageHead.AsSpan(0, Math.Min(known, _messageHead.Length)))
                && !bytes[..known].SequenceEqual(_subscribed.AsSpan(0, Math.Min(known, _subscribed.Length))))
            {
                throw Unexpected(bytes);
            }

            return false;
        }

        if (!bytes.StartsWith(head))
        {
            return head == _messageHead ? throw Unexpected(bytes) : false;
        }

        length = head.Length + following;
        return true;
    }

    private void Answered()
    {
        _answers++;
        if (_sentAt.Of(_answers) is > 0 and var sentAt)
        {
            RoundTrips?.Add(Now() - sentAt);
        }
    }

    private long Now() => _burst != 0 ? _burst : _burst = Stopwatch.GetTimestamp();

    private static RunFailed Unexpected(ReadOnlySpan<byte> bytes) => new($"unexpected: {ServerMessage.Excerpt(bytes)}");

    private static string Bulk(string text) => $"${Encoding.UTF8.GetByteCount(text)}\r\n{text}\r\n";
}
