using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace PubSub.Stress;

/// <summary>How the servers of one protocol are spoken to: what of a frame does not depend on the connection.</summary>
/// <param name="IdPrefix">Stands before the number in every id: nothing, or what makes it a UUID.</param>
/// <param name="Payload">The JSON token that every message carries.</param>
/// <param name="Shapes">
/// By topic, of events. Shared by the connections of a server: a thousand subscribers of one topic compare with the same few cache lines.
/// </param>
internal sealed record PubSubSpelling(string IdPrefix, byte[] Payload, ConcurrentDictionary<string, FrameShape> Shapes);

/// <summary>
/// Speaks the protocol of SPEC.md. Requests are numbered from 1 and must be answered in that order; message ids are numbers too.
/// Every event must carry a topic subscribed to and the payload published.
/// </summary>
internal sealed class PubSubConnection(Loop loop, Endpoint endpoint, PubSubSpelling spelling, int receiveBuffer)
    : Connection(loop, endpoint, receiveBuffer)
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

    /// <summary>Told of every answer, with the code of an error or null; while set, an error is an answer like any other.</summary>
    public Action<string?>? OnAnswer { get; set; }

    /// <summary>Told of events of other topics than the first that was subscribed to.</summary>
    public Action<string, long>? OnOtherTopic { get; set; }

    /// <summary>Told of the notice that a topic was deleted.</summary>
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

    /// <summary>So many bytes of a request that is never finished, and then nothing that a server could read.</summary>
    public void BreakOffAfter(int bytes)
    {
        var request = new byte[bytes + 14];
        request[0] = 0x81;
        request[1] = 0xFE; // masked, and as long as the next two bytes say
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

    /// <summary>As <see cref="PublishTo"/>, for topics that differ only in the number that ends their name.</summary>
    public void PublishToNumbered(string stem)
    {
        PublishTo(stem + Digits.Text(0));
        _topicNumberAt = """{"type":"publish","topic":"}""".Length - 1 + Encoding.UTF8.GetByteCount(stem);
    }

    /// <summary>To one of the numbered topics.</summary>
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
            case "event" when message.Topic is { } topic && _topics.Contains(topic) && frame[message.Payload].SequenceEqual(_spelling.Payload):
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
            case "info": // a heartbeat, or the notice of an end, which then speaks for itself
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

    // One reading of the clock serves everything that is read, or sent, in one go.
    private long Now() => _burst != 0 ? _burst : _burst = Stopwatch.GetTimestamp();

    private long Number(ReadOnlySpan<byte> frame, int at) =>
        at >= 0 && frame[at..].StartsWith(_idPrefix) && Digits.TryRead(frame[(at + _idPrefix.Length)..], out var number)
            ? number
            : throw new RunFailed($"an id that was never sent: {ServerMessage.Excerpt(frame)}");
}
