using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Unicode;

namespace PubSub.Conformance.Tests.Servers;

/// <summary>
/// One WebSocket connection: a read loop that answers one request after the other, and a write loop that alone takes from the
/// outbox. Framing, masking, UTF-8 and the Pongs are the runtime's.
/// </summary>
internal sealed class Session(Connection connection, Topics topics, Variation variation, Action<ClientRequest> heard) : IDisposable
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly Messages _messages = new(variation);
    private readonly Outbox _outbox = new(
        variation.DropsOldest, () => new Messages(variation).Error("SLOW_CONSUMER", "too many events are unread"));
    private readonly ConcurrentDictionary<Topic, byte> _joined = [];
    private readonly CancellationTokenSource _leaving = new();

    /// <summary>Returns when the WebSocket has ended, one way or the other; the TCP connection is the caller's to end.</summary>
    public async Task RunAsync()
    {
        using var socket = WebSocket.CreateFromStream(
            connection, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });
        var beating = BeatAsync();
        var leaving = LeaveWhenEndedAsync();
        var writing = WriteAsync(socket);
        try
        {
            await ReadAsync(socket);
        }
        catch (Exception e) when (Connection.IsEnd(e))
        {
            // The peer left, or broke the rules and has been told so by the runtime.
        }

        _outbox.Abandon(null, 1000, "");
        await Task.WhenAll(leaving, writing, beating);
        LeaveAll();
    }

    public void Dispose()
    {
        _leaving.Dispose();
        _outbox.Dispose();
    }

    private async Task ReadAsync(WebSocket socket)
    {
        var buffer = new byte[SmallServer.MessageBytes + 1];
        while (true)
        {
            if (!_outbox.Ended.IsCompleted)
            {
                await _outbox.RoomAsync(_leaving.Token);
            }

            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(length), _leaving.Token);
                length += part.Count;
                if (length == buffer.Length)
                {
                    var rule = $"the request must be at most {SmallServer.MessageBytes} bytes long";
                    _outbox.Finish(_messages.Error("BAD_REQUEST", rule), 1009, "too large");
                }

                // Of a connection that is closing everything is read, and only the end is of interest.
                length = _outbox.Ended.IsCompleted ? 0 : length;
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close)
            {
                _outbox.Abandon(null, (int)(socket.CloseStatus ?? WebSocketCloseStatus.Empty), "");
                return;
            }

            if (part.MessageType == WebSocketMessageType.Text && !Utf8.IsValid(buffer.AsSpan(0, length)))
            {
                // The runtime overlooks a character that is cut short by an empty last fragment.
                _outbox.Abandon(null, 1007, "");
            }

            if (!_outbox.Ended.IsCompleted)
            {
                Answer(part.MessageType, buffer.AsMemory(0, length));
            }
        }
    }

    private async Task WriteAsync(WebSocket socket)
    {
        try
        {
            while (await _outbox.NextAsync() is { } text)
            {
                await socket.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            }

            var (code, reason) = _outbox.Closing!.Value;
            var status = (WebSocketCloseStatus)code;
            await socket.CloseOutputAsync(status, status == WebSocketCloseStatus.Empty ? null : reason, CancellationToken.None);
        }
        catch (Exception e) when (Connection.IsEnd(e))
        {
            // Whoever ended it knows why.
            _outbox.Abandon(null, 1006, "");
        }

        _leaving.CancelAfter(CloseTimeout);
    }

    private void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
    {
        try
        {
            if (type == WebSocketMessageType.Binary)
            {
                throw new BadRequest("the request must be a text message", null);
            }

            var request = ClientRequest.Read(text, variation);
            heard(request);
            Answer(request);
        }
        catch (BadRequest bad) when (!bad.IsJson && variation.HangsUpOnBrokenJson)
        {
            _outbox.Abandon(null, 1003, "");
        }
        catch (BadRequest bad)
        {
            _outbox.Reply(_messages.Error("BAD_REQUEST", bad.Message, bad.RawRequestId));
        }
    }

    private void Answer(ClientRequest request)
    {
        var topic = topics.Find(request.Topic);
        var done = request.Type switch
        {
            "ping" => Pong(request),
            "subscribe" => topic?.TrySubscribe(Joining(topic), request.LastN, _messages.Ack(request)),
            "unsubscribe" => topic?.TryUnsubscribe(_outbox, _messages.Ack(request)),
            _ => topic?.TryPublish(_messages.Event(topic.Name, request.RawMessage), _outbox, _messages.Ack(request)),
        };
        if (done is not true)
        {
            _outbox.Reply(_messages.Error("TOPIC_NOT_FOUND", "topic not found", request.RawRequestId));
        }
    }

    private bool Pong(ClientRequest request)
    {
        _outbox.Reply(_messages.Pong(request));
        return true;
    }

    private Outbox Joining(Topic topic)
    {
        _joined[topic] = 0;
        return _outbox;
    }

    private async Task LeaveWhenEndedAsync()
    {
        await _outbox.Ended;
        LeaveAll();
    }

    private void LeaveAll()
    {
        foreach (var topic in _joined.Keys)
        {
            topic.Leave(_outbox);
        }
    }

    private async Task BeatAsync()
    {
        if (variation.Heartbeat is not { } interval)
        {
            return;
        }

        using var timer = new PeriodicTimer(interval);
        while (!_outbox.Ended.IsCompleted)
        {
            _outbox.Say(_messages.Heartbeat());
            await Task.WhenAny(timer.WaitForNextTickAsync(CancellationToken.None).AsTask(), _outbox.Ended);
        }
    }
}
