using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using PubSub.Stress.Net;

namespace PubSub.Stress.Protocols;

/// <summary>The parts of frames that all connections to one server share.</summary>
/// <param name="IdPrefix">The text before the number in every id: empty, or the start of a UUID.</param>
/// <param name="Payload">The JSON token that every message carries.</param>
/// <param name="Shapes">
/// The shape of events, by topic. Shared, so that a thousand subscribers of one topic compare with the same few cache lines.
/// </param>
internal sealed record PubSubSpelling(string IdPrefix, byte[] Payload, ConcurrentDictionary<string, FrameShape> Shapes);

/// <summary>
/// Speaks the protocol of SPEC.md. Requests are numbered from 1 and must be answered in that order; message ids are numbers too.
/// Every event must carry a topic subscribed to and the payload published.
/// </summary>
internal sealed class PubSubConnection(Loop loop, Endpoint endpoint, PubSubSpelling spelling, int receiveBuffer)
    : BrokerConnection(loop, endpoint, receiveBuffer)
{
    private const byte Text = 0x1;

    private readonly PubSubSpelling _spelling = spelling;
    private readonly byte[] _idPrefix = Encoding.ASCII.GetBytes(spelling.IdPrefix);
    private readonly HashSet<string> _topics = [];
    private readonly SendTimes _sentAt = new();
    private FrameShape? _events;
    private FrameShape? _acks;
    private string? _topic;
    private byte[] _publish = [];
    private int _requestIdAt;
    private int _messageIdAt;
    private int _topicNumberAt = -1;
    private long _requests;
    private long _answers;
    private long _burst;

    public override int Unanswered => (int)(_requests - _answers);

    /// <summary>The code of the error the server sent last.</summary>
    public string? Error { get; private set; }

    /// <summary>Called for every answer, with the code of an error or null. If set, an error does not fail the run.</summary>
    public Action<string?>? OnAnswer { get; set; }

    /// <summary>Called for events of topics other than the first subscribed topic.</summary>
    public Action<string, long>? OnOtherTopic { get; set; }

    /// <summary>Called for the notice that a topic was deleted.</summary>
    public Action<string>? OnTopicDeleted { get; set; }

    public override void Subscribe(string topic, int lastN)
    {
        _topic ??= topic;
        _topics.Add(topic);
        Ask($$"""{"type":"subscribe","topic":"{{topic}}","client_id":"stress-{{Key}}","last_n":{{lastN}},"request_id":"{{NextId()}}"}""");
    }

    public void Unsubscribe(string topic) =>
        Ask($$"""{"type":"unsubscribe","topic":"{{topic}}","client_id":"stress-{{Key}}","request_id":"{{NextId()}}"}""");

    public void Ping() => Ask($$"""{"type":"ping","request_id":"{{NextId()}}"}""");

    /// <summary>Sends a frame's header and this many bytes of its payload, and never the rest.</summary>
    public void BreakOffAfter(int bytes)
    {
        var request = new byte[bytes + 14];
        request[0] = 0x81;
        request[1] = 0xFE; // masked; the length is in the next two bytes
        request[2] = 0x10;
        Flush();
        _ = Socket.Send(request, System.Net.Sockets.SocketFlags.None, out _);
    }

    public override void PublishTo(string topic)
    {
        var number = _spelling.IdPrefix + Digits.Text(0);
        var topicPart = $$"""{"type":"publish","topic":"{{topic}}","message":{"id":""" + "\"";
        var idPart = topicPart + number + "\",\"payload\":";
        var tail = "},\"request_id\":\"" + number + "\"}";
        _publish = [.. Encoding.UTF8.GetBytes(idPart), .. _spelling.Payload, .. Encoding.UTF8.GetBytes(tail)];
        _messageIdAt = Encoding.UTF8.GetByteCount(topicPart) + _idPrefix.Length;
        _requestIdAt = _publish.Length - "\"}".Length - Digits.Width;
        _topicNumberAt = -1;
    }

    /// <summary>Like <see cref="PublishTo"/>, for topics whose names differ only in the number at their end.</summary>
    public void PublishToNumbered(string stem)
    {
        PublishTo(stem + Digits.Text(0));
        _topicNumberAt = """{"type":"publish","topic":"}""".Length - 1 + Encoding.UTF8.GetByteCount(stem);
    }

    /// <summary>Queues one message to one of the numbered topics.</summary>
    public void Publish(long topicNumber, long id)
    {
        Digits.Write(topicNumber, _publish.AsSpan(_topicNumberAt));
        Publish(id);
    }

    public override void Publish(long id)
    {
        _requests++;
        Digits.Write(id, _publish.AsSpan(_messageIdAt));
        Digits.Write(_requests, _publish.AsSpan(_requestIdAt));
        Write(Text, _publish);
        if (RoundTrips is not null)
        {
            _sentAt.Add(_requests, Now(), Unanswered);
        }
        else
        {
            _sentAt.Add(_requests, 0, Unanswered);
        }
    }

    protected override void Receive(ReadOnlySpan<byte> message)
    {
        if (_events is not null && _events.TryRead(message, out var number))
        {
            Inbox?.Take(number);
        }
        else if (_acks is not null && _acks.TryRead(message, out number))
        {
            Answered(number, null);
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

    private string NextId() => _spelling.IdPrefix + Digits.Text(++_requests);

    private void Ask(string request)
    {
        Write(Text, Encoding.UTF8.GetBytes(request));
        _sentAt.Add(_requests, 0, Unanswered);
    }

    private void Parse(ReadOnlySpan<byte> frame)
    {
        var message = new ServerMessage(frame);
        switch (message.Type)
        {
            case "event" when message.Topic is { } topic && _topics.Contains(topic)
                && frame[message.Payload].SequenceEqual(_spelling.Payload):
                var number = Number(frame, message.MessageIdAt);
                if (topic == _topic)
                {
                    Inbox?.Take(number);
                    _events = LearnEvent(frame, message);
                }
                else
                {
                    OnOtherTopic?.Invoke(topic, number);
                }

                break;
            case "ack":
                Answered(Number(frame, message.RequestIdAt), null);
                _acks = FrameShape.Learn(frame, message.RequestIdAt + _idPrefix.Length, message.Timestamp);
                break;
            case "pong":
                Answered(Number(frame, message.RequestIdAt), null);
                break;
            case "info": // a heartbeat, a deleted topic, or the notice of an end, which the end itself reports
                if (message.Topic is { } deleted)
                {
                    OnTopicDeleted?.Invoke(deleted);
                }

                break;
            case "error" when OnAnswer is not null && message.RequestIdAt >= 0:
                Answered(Number(frame, message.RequestIdAt), message.ErrorCode ?? message.ErrorText ?? "error");
                break;
            case "error" when MayEnd:
                Error = message.ErrorCode ?? message.ErrorText;
                break;
            default:
                throw new RunFailed($"unexpected: {ServerMessage.Excerpt(frame)}");
        }
    }

    private FrameShape LearnEvent(ReadOnlySpan<byte> frame, ServerMessage message)
    {
        if (_spelling.Shapes.TryGetValue(_topic!, out var known) && known.TryRead(frame, out _))
        {
            return known;
        }

        var shape = FrameShape.Learn(frame, message.MessageIdAt + _idPrefix.Length, message.Timestamp);
        _spelling.Shapes[_topic!] = shape;
        return shape;
    }

    private void Answered(long request, string? error)
    {
        if (request != _answers + 1)
        {
            throw new RunFailed($"request {request} was answered after request {_answers}");
        }

        _answers = request;
        if (_sentAt.Of(request) is > 0 and var sentAt)
        {
            RoundTrips?.Add(Now() - sentAt);
        }

        OnAnswer?.Invoke(error);
    }

    // The clock is read once for everything that is read, or sent, in one call.
    private long Now() => _burst != 0 ? _burst : _burst = Stopwatch.GetTimestamp();

    private long Number(ReadOnlySpan<byte> frame, int at) =>
        at >= 0 && frame[at..].StartsWith(_idPrefix) && Digits.TryRead(frame[(at + _idPrefix.Length)..], out var number)
            ? number
            : throw new RunFailed($"an id that was never sent: {ServerMessage.Excerpt(frame)}");
}
