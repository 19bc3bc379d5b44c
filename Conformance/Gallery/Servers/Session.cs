using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Unicode;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// One WebSocket connection: a read loop that answers one request after the other, and a write loop that alone takes from the
/// outbox. Framing, masking, UTF-8 and the Pongs are the runtime's.
/// </summary>
internal class Session(SessionSeed seed) : IDisposable
{
    private const int UsualMessage = 2048;

    private readonly CancellationTokenSource _leaving = new();

    /// <summary>Everything that this connection is still to be sent.</summary>
    public Outbox Outbox { get; } = seed.Server.Parts.Outbox(seed.Server);

    /// <summary>The topics that it ever subscribed to.</summary>
    public ConcurrentDictionary<Topic, byte> Joined { get; } = [];

    /// <summary>Whether the peer is gone without a word.</summary>
    protected bool IsLost { get; private set; }

    protected Connection Connection => seed.Connection;
    protected SmallServer Server => seed.Server;
    protected Messages Messages => seed.Server.Messages;
    protected Topics Topics => seed.Server.Topics;
    protected Settings Settings => seed.Server.Settings;

    /// <summary>In bytes; what is larger is refused.</summary>
    protected virtual int LargestMessage => Settings.MessageBytes;

    /// <summary>The runtime sends Pings after a silence, and gives up who does not answer.</summary>
    protected virtual WebSocketCreationOptions Options =>
        new() { IsServer = true, KeepAliveInterval = Settings.KeepAliveInterval, KeepAliveTimeout = Settings.KeepAliveTimeout };

    /// <summary>How many there are now.</summary>
    protected virtual int Subscriptions => Joined.Keys.Count(topic => topic.Has(Outbox));

    /// <summary>Returns when the WebSocket has ended, one way or the other; the TCP connection is the caller's to end.</summary>
    public virtual async Task RunAsync()
    {
        using var socket = WebSocket.CreateFromStream(seed.Server.Parts.Wire(Connection), Options);
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
            // The peer left, or broke the rules and has been told so by the runtime.
            IsLost = true;
        }

        Outbox.Abandon(null, 1000, "");
        await Task.WhenAll(leaving, writing, beating, watching);
        LeaveAll();
    }

    public void Dispose()
    {
        _leaving.Dispose();
        Outbox.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task ReadAsync(WebSocket socket)
    {
        var buffer = new byte[Math.Min(UsualMessage, LargestMessage + 1)];
        while (true)
        {
            if (!Outbox.Ended.IsCompleted)
            {
                await Outbox.RoomAsync(_leaving.Token);
            }

            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(length), _leaving.Token);
                length += part.Count;
                if (length > LargestMessage)
                {
                    RefuseTooLarge(part.MessageType);
                }
                else if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, Math.Min(2 * length, LargestMessage + 1));
                }

                // Of a connection that is closing everything is read, and only the end is of interest.
                length = Outbox.Ended.IsCompleted ? 0 : length;
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close)
            {
                Outbox.Abandon(null, (int)(socket.CloseStatus ?? WebSocketCloseStatus.Empty), "");
                return;
            }

            if (part.MessageType == WebSocketMessageType.Text && !Utf8.IsValid(buffer.AsSpan(0, length)))
            {
                // The runtime overlooks a character that is cut short by an empty last fragment.
                Outbox.Abandon(null, 1007, "");
            }

            if (!Outbox.Ended.IsCompleted)
            {
                await ThinkAsync(buffer.AsMemory(0, length));
                Answer(part.MessageType, buffer.AsMemory(0, length));
            }
        }
    }

    /// <summary>How long it takes to answer; nothing else of the connection is read meanwhile.</summary>
    protected virtual Task ThinkAsync(ReadOnlyMemory<byte> text) => Task.CompletedTask;

    private async Task WriteAsync(WebSocket socket)
    {
        try
        {
            while (await Outbox.NextAsync() is { } text)
            {
                await socket.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            }

            // Of whom is gone nobody takes leave.
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                var (code, reason) = Outbox.Closing!.Value;
                var status = (WebSocketCloseStatus)code;
                await socket.CloseOutputAsync(status, status == WebSocketCloseStatus.Empty ? null : reason, CancellationToken.None);
            }
        }
        catch (Exception e) when (Connection.IsEnd(e))
        {
            // Whoever ended it knows why.
            Outbox.Abandon(null, 1006, "");
        }

        _leaving.CancelAfter(Settings.CloseTimeout);
    }

    /// <summary>One message of the client, whole; it is answered before the next is read.</summary>
    protected virtual void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
    {
        try
        {
            if (type == WebSocketMessageType.Binary)
            {
                throw new BadRequest("the request must be a text message", null);
            }

            var request = Read(text);
            Server.Hear(Connection, request);
            Server.Log.Request(request);
            Answer(request);
        }
        catch (BadRequest bad)
        {
            Server.Log.Write(LogLevel.Debug, $"refused: {bad.Message}");
            Refuse(bad);
        }
    }

    /// <exception cref="BadRequest">It is none.</exception>
    protected virtual ClientRequest Read(ReadOnlyMemory<byte> text) => ClientRequest.Read(text, Server.Parts.Variation);

    /// <summary>What could not be understood.</summary>
    protected virtual void Refuse(BadRequest bad)
    {
        if (!bad.IsJson && Server.Parts.Variation.HangsUpOnBrokenJson)
        {
            Outbox.Abandon(null, 1003, "");
            return;
        }

        Outbox.Reply(Messages.Error("BAD_REQUEST", bad.Message, bad.RawRequestId));
    }

    /// <summary>What cannot be read to its end; nothing of it is looked at, and the connection has to end.</summary>
    protected virtual void RefuseTooLarge(WebSocketMessageType type)
    {
        var rule = $"the request must be at most {LargestMessage} bytes long";
        Outbox.Finish(Messages.Error("BAD_REQUEST", rule), 1009, "too large");
    }

    protected virtual void Answer(ClientRequest request)
    {
        var topic = Topics.Find(request.Topic);
        var done = request.Type switch
        {
            "ping" => Ping(request),
            "subscribe" => topic is not null && Subscribe(topic, request),
            "unsubscribe" => topic is not null && Unsubscribe(topic, request),
            _ => topic is not null && Publish(topic, request),
        };
        if (!done)
        {
            NotFound(request);
        }
    }

    protected virtual bool Ping(ClientRequest request)
    {
        Outbox.Reply(Messages.Pong(request));
        return true;
    }

    /// <summary>False when the topic is gone, as of the others below.</summary>
    protected virtual bool Subscribe(Topic topic, ClientRequest request)
    {
        // Who never joined so many cannot be subscribed to so many.
        if (Joined.Count >= Settings.MostSubscriptions && Subscriptions >= Settings.MostSubscriptions && !topic.Has(Outbox))
        {
            throw new BadRequest($"topic must not be beyond MAX_SUBSCRIPTIONS, which is {Settings.MostSubscriptions}", request.RawRequestId);
        }

        Joined[topic] = 0;
        return topic.TrySubscribe(Outbox, request, Ack(request));
    }

    protected virtual bool Unsubscribe(Topic topic, ClientRequest request) => topic.TryUnsubscribe(Outbox, request, Ack(request));

    protected virtual bool Publish(Topic topic, ClientRequest request) =>
        topic.TryPublish(Messages.Event(topic.Name, request.RawMessage), Outbox, request, Ack(request));

    protected virtual byte[] Ack(ClientRequest request) => Messages.Ack(request);

    protected virtual void NotFound(ClientRequest request) =>
        Outbox.Reply(Messages.Error("TOPIC_NOT_FOUND", "topic not found", request.RawRequestId));

    /// <summary>The connection has ended, or is about to: nobody needs to deliver to it any more.</summary>
    protected virtual void LeaveAll()
    {
        foreach (var topic in Joined.Keys)
        {
            topic.Leave(Outbox);
        }
    }

    private async Task LeaveWhenEndedAsync()
    {
        await Outbox.Ended;
        LeaveAll();
    }

    /// <summary>Who answers no Ping is given up by the runtime, which does not tell whoever reads from a stream that cannot be closed.</summary>
    private async Task WatchAsync(WebSocket socket)
    {
        while (!Outbox.Ended.IsCompleted && socket.State != WebSocketState.Aborted)
        {
            await Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(100)), Outbox.Ended);
        }

        if (socket.State == WebSocketState.Aborted)
        {
            await _leaving.CancelAsync();
        }
    }

    private async Task BeatAsync()
    {
        if (Server.Parts.Variation.Heartbeat is not { } interval)
        {
            return;
        }

        using var timer = new PeriodicTimer(interval);
        while (!Outbox.Ended.IsCompleted)
        {
            Outbox.Say(Messages.Heartbeat());
            await Task.WhenAny(timer.WaitForNextTickAsync(CancellationToken.None).AsTask(), Outbox.Ended);
        }
    }
}
