using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Unicode;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// One WebSocket connection: a read loop that answers one request after the other, and a write loop that is the only reader of the
/// queue. The runtime does the framing, masking, UTF-8 checks and Pongs.
/// </summary>
internal sealed class Session(Connection connection, SmallServer server) : IDisposable
{
    private const int UsualMessage = 2048;

    private readonly CancellationTokenSource _leaving = new();

    /// <summary>The texts that this connection is still to be sent.</summary>
    public SendQueue Queue { get; } = new(server);

    /// <summary>The topics that it ever subscribed to.</summary>
    public ConcurrentDictionary<Topic, byte> Joined { get; } = [];

    /// <summary>Whether the peer disconnected without a Close frame, or violated RFC 6455.</summary>
    public bool IsLost { get; private set; }

    /// <summary>The client at the other end.</summary>
    public Caller Caller { get; set; } = Caller.Everyone;

    public SmallServer Server => server;
    public Connection Connection => connection;

    /// <summary>In bytes; a larger message is refused.</summary>
    public Seam<Func<int>> LargestMessage => field ??= new(() => server.Settings.MessageBytes);

    /// <summary>The runtime sends Pings when idle, and aborts the connection of a peer that does not answer.</summary>
    public Seam<Func<WebSocketCreationOptions>> Options => field ??= new(() => new()
    {
        IsServer = true,
        KeepAliveInterval = server.Settings.KeepAliveInterval,
        KeepAliveTimeout = server.Settings.KeepAliveTimeout,
    });

    /// <summary>The present number of subscriptions of the connection.</summary>
    public Seam<Func<int>> Subscriptions => field ??= new(() => Joined.Keys.Count(topic => topic.Has(Queue)));

    /// <summary>Returns when the WebSocket has ended for any reason; the caller ends the TCP connection.</summary>
    public Seam<Func<Task>> RunAsync => field ??= new(async () =>
    {
        using var socket = WebSocket.CreateFromStream(server.NewWire.Call(connection), Options.Call());
        var beating = BeatAsync();
        var watching = WatchAsync(socket);
        var leaving = LeaveWhenEndedAsync();
        var writing = WriteAsync(socket);
        try
        {
            await ReadAsync(socket);
        }
        catch (Exception e) when (Connection.IsEnd(e))
        {
            // The runtime has already sent the Close frame if the peer violated RFC 6455.
            IsLost = true;
            Queue.Abandon.Call(null, 1000, "");
        }

        await Task.WhenAll(leaving, writing, beating, watching);
        LeaveAll.Call();
    });

    public void Dispose()
    {
        _leaving.Dispose();
        Queue.Dispose();
    }

    private async Task ReadAsync(WebSocket socket)
    {
        var largest = LargestMessage.Call();
        var buffer = new byte[Math.Min(UsualMessage, largest + 1)];
        while (true)
        {
            if (!Queue.Ended.IsCompleted)
            {
                await Queue.RoomAsync.Call(_leaving.Token);
            }

            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(length), _leaving.Token);
                length += part.Count;
                if (length > largest)
                {
                    RefuseTooLarge.Call(part.MessageType);
                }
                else if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, Math.Min(2 * length, largest + 1));
                }

                // While the connection closes, messages are read and dropped until the peer's Close frame.
                length = Queue.Ended.IsCompleted ? 0 : length;
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close)
            {
                Queue.Finish.Call(null, (int)(socket.CloseStatus ?? WebSocketCloseStatus.Empty), "");
                return;
            }

            if (part.MessageType == WebSocketMessageType.Text && !Utf8.IsValid(buffer.AsSpan(0, length)))
            {
                // The runtime does not detect an incomplete character before an empty last fragment.
                Queue.Abandon.Call(null, 1007, "");
            }

            if (!Queue.Ended.IsCompleted)
            {
                await ThinkAsync.Call(buffer.AsMemory(0, length));
                Receive.Call(part.MessageType, buffer.AsMemory(0, length));
            }
        }
    }

    private async Task WriteAsync(WebSocket socket)
    {
        try
        {
            while (await Queue.NextAsync() is { } text)
            {
                await socket.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            }

            // Skip the Close frame if the peer is already gone.
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                var (code, reason) = Queue.Closing!.Value;
                var status = (WebSocketCloseStatus)code;
                await socket.CloseOutputAsync(status, status == WebSocketCloseStatus.Empty ? null : reason, CancellationToken.None);
            }
        }
        catch (Exception e) when (Connection.IsEnd(e))
        {
            // The connection has ended, or the peer does not read.
            Queue.Abandon.Call(null, 1006, "");
        }

        _leaving.CancelAfter(server.Settings.CloseTimeout);
    }

    /// <summary>Called before a text is answered; the connection is not read until its task ends.</summary>
    public Seam<Func<ReadOnlyMemory<byte>, Task>> ThinkAsync => field ??= new(_ => Task.CompletedTask);

    /// <summary>Type, text: answers one message of the client before the next is read.</summary>
    public Seam<Action<WebSocketMessageType, ReadOnlyMemory<byte>>> Receive => field ??= new((type, text) =>
    {
        try
        {
            if (type == WebSocketMessageType.Binary)
            {
                throw new BadRequest("the request must be a text message", null);
            }

            var request = Parse.Call(text);
            server.Hear.Call(this, request);
            server.Log.Request.Call(request);
            Answer.Call(request);
        }
        catch (BadRequest bad)
        {
            server.Log.Write.Call(LogLevel.Debug, $"refused: {bad.Message}");
            Refuse.Call(bad);
        }
    });

    /// <summary>Parses a request; a <see cref="BadRequest"/> when the text is not a valid one.</summary>
    public Seam<Func<ReadOnlyMemory<byte>, ClientRequest>> Parse => field ??= new(text =>
        ClientRequest.Read(text, server.Variation, server.Offers.Contains(Capability.Resume)));

    /// <summary>Answers a text that is not a valid request.</summary>
    public Seam<Action<BadRequest>> Refuse => field ??= new(bad =>
    {
        if (!bad.IsJson && server.Variation.HangsUpOnBrokenJson)
        {
            Queue.Abandon.Call(null, 1003, "");
            return;
        }

        server.Meter.Refused.Call();
        Queue.Reply.Call(server.Messages.Error.Call("BAD_REQUEST", bad.Message, bad.RawRequestId));
    });

    /// <summary>Refuses a message that is too large: it is not parsed, and the connection has to end.</summary>
    public Seam<Action<WebSocketMessageType>> RefuseTooLarge => field ??= new(_ =>
    {
        var rule = $"the request must be at most {LargestMessage.Call()} bytes long";
        Queue.Finish.Call(server.Messages.Error.Call("BAD_REQUEST", rule, null), 1009, "too large");
    });

    public Seam<Action<ClientRequest>> Answer => field ??= new(request =>
    {
        if (server.Guard.NeededFor.Call(request.Type) is { } needed && !server.Guard.May.Call(Caller, needed, request.Topic))
        {
            server.Guard.Forbid.Call(this, request);
            return;
        }

        if (request.Type == "publish" && server.Guard.Take.Call(Caller, 1) is { } wait)
        {
            server.Guard.Slow.Call(this, request, wait);
            return;
        }

        var topic = server.Topics.Find.Call(request.Topic);
        var done = request.Type switch
        {
            "ping" => Ping.Call(request),
            "subscribe" => topic is not null && Subscribe.Call(topic, request),
            "unsubscribe" => topic is not null && Unsubscribe.Call(topic, request),
            _ => topic is not null && Publish.Call(topic, request),
        };
        if (!done)
        {
            NotFound.Call(request);
        }
    });

    public Seam<Func<ClientRequest, bool>> Ping => field ??= new(request =>
    {
        Queue.Reply.Call(server.Messages.Pong.Call(request));
        return true;
    });

    /// <summary>False when the topic is deleted, as for <see cref="Unsubscribe"/> and <see cref="Publish"/>.</summary>
    public Seam<Func<Topic, ClientRequest, bool>> Subscribe => field ??= new((topic, request) =>
    {
        // Joined.Count is an upper bound that is cheap to check first.
        var most = server.Settings.MostSubscriptions;
        if (Joined.Count >= most && Subscriptions.Call() >= most && !topic.Has(Queue))
        {
            throw new BadRequest($"topic must not be beyond MAX_SUBSCRIPTIONS, which is {most}", request.RawRequestId);
        }

        Joined[topic] = 0;
        lock (topic.Gate)
        {
            var members = server.Offers.Contains(Capability.Resume) ? topic.InAck.Call(Queue, request) : "";
            var ack = Messages.At(topic.AckStamp.Call(), () => Ack.Call(request with { InAck = members }));
            return topic.TrySubscribe.Call(Queue, request, ack);
        }
    });

    public Seam<Func<Topic, ClientRequest, bool>> Unsubscribe =>
        field ??= new((topic, request) => topic.TryUnsubscribe.Call(Queue, request, Ack.Call(request)));

    public Seam<Func<Topic, ClientRequest, bool>> Publish => field ??= new((topic, request) =>
    {
        if (!server.Topics.HasRoomFor(server.Messages.Event.Call(topic.Name, request.RawMessage).Length))
        {
            Queue.Reply.Call(server.Messages.Error.Call("LIMIT_EXCEEDED", "all topics together retain too much", request.RawRequestId));
            return true;
        }

        // Inside the gate, so that the stamps are in the topic's order.
        lock (topic.Gate)
        {
            var @event = topic.Encode.Call(request.RawMessage);
            var ack = AckAt.Call(topic.StampOf(@event)!.Value, request);
            return topic.TryPublish.Call(@event, Queue, request, ack);
        }
    });

    public Seam<Func<ClientRequest, byte[]>> Ack => field ??= new(request => server.Messages.Ack.Call(request));

    /// <summary>Stamp, request: the ack of a publish, with the time of its event.</summary>
    public Seam<Func<long, ClientRequest, byte[]>> AckAt =>
        field ??= new((stamp, request) => Messages.At(stamp, () => Ack.Call(request)));

    public Seam<Action<ClientRequest>> NotFound => field ??= new(request =>
        Queue.Reply.Call(server.Messages.Error.Call("TOPIC_NOT_FOUND", "topic not found", request.RawRequestId)));

    /// <summary>Ends all subscriptions of a connection that has ended or is about to end.</summary>
    public Seam<Action> LeaveAll => field ??= new(() =>
    {
        foreach (var topic in Joined.Keys)
        {
            topic.Leave.Call(Queue);
        }
    });

    private async Task LeaveWhenEndedAsync()
    {
        await Queue.Ended;
        LeaveAll.Call();
    }

    /// <summary>
    /// Cancels the read when the runtime aborts the WebSocket because the peer answers no Ping: disposing the stream does not end the read.
    /// </summary>
    private async Task WatchAsync(WebSocket socket)
    {
        while (!Queue.Ended.IsCompleted && socket.State != WebSocketState.Aborted)
        {
            await Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(100)), Queue.Ended);
        }

        if (socket.State == WebSocketState.Aborted)
        {
            await _leaving.CancelAsync();
        }
    }

    private async Task BeatAsync()
    {
        if (server.Variation.Heartbeat is not { } interval)
        {
            return;
        }

        using var timer = new PeriodicTimer(interval);
        while (!Queue.Ended.IsCompleted)
        {
            Queue.Say.Call(server.Messages.Heartbeat.Call());
            await Task.WhenAny(timer.WaitForNextTickAsync(CancellationToken.None).AsTask(), Queue.Ended);
        }
    }
}
