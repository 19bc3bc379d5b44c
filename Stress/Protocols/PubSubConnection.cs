using System.Diagnostics;
using System.Text;

namespace PubSub.Stress;

/// <summary>
/// Speaks protocol v1. Requests are numbered from 1 and must be answered in that order; message ids are numbers too.
/// Every event must carry the topic subscribed to and the payload published.
/// </summary>
internal sealed class PubSubConnection(Loop loop, Endpoint endpoint, byte[] payload, Dictionary<string, FrameShape> shapes, int receiveBuffer)
    : Connection(loop, endpoint, receiveBuffer)
{
    /// <summary>The most publishes that may be unanswered at a time.</summary>
    public const int MaxUnanswered = 1024;

    private const byte Text = 0x1;

    // Shared by the connections of one contender: a thousand subscribers of one topic compare with the same few cache lines.
    private readonly Dictionary<string, FrameShape> _shapes = shapes;

    private readonly byte[] _payload = payload; // the JSON token, quotes included
    private long[] _sentAt = [];
    private FrameShape? _events;
    private FrameShape? _acks;
    private string? _topic;
    private byte[] _publish = [];
    private int _requestIdAt;
    private int _messageIdAt;
    private long _requests;
    private long _answers;
    private long _burst;

    public override int Unanswered => (int)(_requests - _answers);

    /// <summary>The code of the error the server sent last.</summary>
    public string? Error { get; private set; }

    public override void Subscribe(string topic, int lastN)
    {
        _topic = topic;
        _requests++;
        WriteFrame(Text, Encoding.UTF8.GetBytes(
            $$"""{"type":"subscribe","topic":"{{topic}}","client_id":"stress-{{Key}}","last_n":{{lastN}},"request_id":"{{Digits.Text(_requests)}}"}"""));
    }

    public override void PublishTo(string topic)
    {
        var number = Digits.Text(0);
        var head = $$"""{"type":"publish","topic":"{{topic}}","message":{"id":"{{number}}","payload":""";
        var tail = $$"""},"request_id":"{{number}}"}""";
        _publish = [.. Encoding.UTF8.GetBytes(head), .. _payload, .. Encoding.UTF8.GetBytes(tail)];
        _messageIdAt = head.IndexOf(number, StringComparison.Ordinal);
        _requestIdAt = head.Length + _payload.Length + tail.IndexOf(number, StringComparison.Ordinal);
        _sentAt = new long[MaxUnanswered];
    }

    public override void Publish(long id)
    {
        _requests++;
        Digits.Write(id, _publish.AsSpan(_messageIdAt));
        Digits.Write(_requests, _publish.AsSpan(_requestIdAt));
        WriteFrame(Text, _publish);
        _sentAt[_requests % MaxUnanswered] = Now();
    }

    protected override void Receive(ReadOnlySpan<byte> message)
    {
        if (_events is not null && _events.TryRead(message, out var number))
        {
            Inbox?.Take(number);
        }
        else if (_acks is not null && _acks.TryRead(message, out number))
        {
            Answered(number);
        }
        else
        {
            Parse(message);
        }
    }

    protected override void Settle()
    {
        _burst = 0;
        base.Settle();
    }

    protected override void Seal() => _burst = 0;

    private void Parse(ReadOnlySpan<byte> frame)
    {
        var message = new ServerMessage(frame);
        switch (message.Type)
        {
            case "event" when message.Topic == _topic && frame[message.Payload].SequenceEqual(_payload):
                Inbox?.Take(Number(frame, message.MessageIdAt));
                _events = LearnEvent(frame, message);
                break;
            case "ack":
                Answered(Number(frame, message.RequestIdAt));
                _acks = FrameShape.Learn(frame, message.RequestIdAt, message.TimestampAt);
                break;
            case "info": // a heartbeat, or the notice before an end, which then speaks for itself
                break;
            case "error" when MayEnd:
                Error = message.ErrorCode ?? message.ErrorText;
                break;
            default:
                throw new RunFailed($"unexpected: {ServerMessage.Excerpt(frame)}");
        }
    }

    private FrameShape? LearnEvent(ReadOnlySpan<byte> frame, ServerMessage message)
    {
        if (_shapes.TryGetValue(_topic!, out var known) && known.TryRead(frame, out _))
        {
            return known;
        }

        // The payload has to lie within the part that is compared.
        var shape = message.Payload.Start.Value < message.TimestampAt ? FrameShape.Learn(frame, message.MessageIdAt, message.TimestampAt) : null;
        if (shape is not null)
        {
            _shapes[_topic!] = shape;
        }

        return shape;
    }

    private void Answered(long request)
    {
        if (request != _answers + 1)
        {
            throw new RunFailed($"request {request} was answered after request {_answers}");
        }

        _answers = request;
        RoundTrips?.Add(Now() - _sentAt[request % MaxUnanswered]);
    }

    // One reading of the clock serves everything that is read, or sent, in one go.
    private long Now() => _burst != 0 ? _burst : _burst = Stopwatch.GetTimestamp();

    private static long Number(ReadOnlySpan<byte> frame, int at) =>
        at >= 0 && Digits.TryRead(frame[at..], out var number)
            ? number
            : throw new RunFailed($"an id that was never sent: {ServerMessage.Excerpt(frame)}");
}
