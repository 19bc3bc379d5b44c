using System.Buffers;
using System.Net.WebSockets;
using System.Text.Unicode;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// The Host's side of one WebSocket connection: a read loop that carries requests to the broker, and a write loop that carries the
/// subscriber's queue to the wire. They meet only in the subscriber.
/// </summary>
internal sealed class Session(
    HttpContext context,
    WebSocket socket,
    SocketStream stream,
    Broker broker,
    Settings settings,
    ServerMessage say,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>Bytes that one write to the network carries at most, unless a single frame is larger.</summary>
    private const int BatchBytes = 32 * 1024;

    /// <summary>Bytes of the buffer that a request is first read into; it doubles up to MAX_MESSAGE_BYTES.</summary>
    private const int FirstBufferBytes = 4 * 1024;

    private readonly Subscriber _subscriber = broker.Admit(eager: true);
    private readonly Wakes _wakes = new(); // the read loop's own
    private byte[] _request = []; // the read loop's own; rented while there is anything to read
    private bool _othersTurn; // the read loop's own; whether it has woken anyone since it last waited
    private Frame? _farewell; // the Close frame, when this side of the conversation or the runtime chose it

    // Read by the sweep. Timestamps of the time provider; 0 means "not now".
    private long _heard = time.GetTimestamp();
    private long _pinged;
    private long _writing;
    private long _wrote;
    private long _closing;

    /// <summary>Identifies the connection in logs.</summary>
    public string Id => context.Connection.Id;

    /// <summary>Why its subscriber was closed; <see cref="CloseReason.None"/> while it is open.</summary>
    public CloseReason Closed => _subscriber.Closed;

    /// <summary>How it ended, for the log.</summary>
    public string Ending => (Closed, socket.CloseStatus) switch
    {
        (CloseReason.Left, null) => _farewell is null ? "connection lost" : "the client broke the protocol",
        (CloseReason.Left, { } status) => $"closed by the client with {(int)status}",
        (CloseReason.TopicDeleted, _) => "topic deleted",
        _ => "draining",
    };

    /// <summary>Runs the connection until it has ended.</summary>
    public async Task RunAsync()
    {
        var writing = WriteLoopAsync();
        try
        {
            await ReadLoopAsync().ConfigureAwait(false);
        }
        catch (Exception gone) when (IsDisconnect(gone))
        {
            // The peer broke the connection or the rules. In the latter case the runtime has queued its Close frame.
        }
        finally
        {
            BeforeReading();
            ReturnRequestBuffer();
            _subscriber.Close(CloseReason.Left);
            await writing.ConfigureAwait(false);
        }
    }

    /// <summary>Says goodbye to the peer once what is queued has been sent.</summary>
    public void Drain() => _subscriber.Close(CloseReason.Draining);

    /// <summary>Ends the connection at once, whatever it is waiting for.</summary>
    public void Abort() => context.Abort();

    /// <summary>Called by the stream before it reads from the network: the wakes deferred so far fall due.</summary>
    public void BeforeReading() => _othersTurn |= _wakes.Release();

    /// <summary>Called by the stream whenever the peer has sent something.</summary>
    public void Heard()
    {
        Volatile.Write(ref _heard, time.GetTimestamp());
        Volatile.Write(ref _pinged, 0);
    }

    /// <summary>
    /// Called by the stream with a frame that the runtime's WebSocket wants sent: a Pong waits for room like every other answer, a
    /// Close frame becomes this session's last word.
    /// </summary>
    public async ValueTask QueueControlFrameAsync(ReadOnlyMemory<byte> frame)
    {
        var copy = new Frame(frame.ToArray()); // the runtime reuses its buffer
        if (WebSocketFrame.IsClose(frame.Span))
        {
            _farewell = copy;
            return;
        }

        await WaitForRoomAsync().ConfigureAwait(false);
        _subscriber.Reply(copy, _wakes);
    }

    /// <summary>Looks after the waits that the loops cannot bound themselves. Called by one sweep at a time.</summary>
    public void Sweep()
    {
        var now = time.GetTimestamp();
        if (Volatile.Read(ref _writing) is var writing and not 0 && IsOver(writing, settings.WriteTimeout, now))
        {
            Log.WriteTimedOut(logger, Id, settings.WriteTimeout);
            Abort();
        }
        else if (_subscriber.Closed != CloseReason.None)
        {
            _closing = _closing == 0 ? now : _closing;
            if (IsOver(Math.Max(_closing, Volatile.Read(ref _wrote)), settings.CloseTimeout, now))
            {
                Abort();
            }
        }
        else if (settings.KeepAliveInterval > 0)
        {
            KeepAlive(now);
        }
    }

    private void KeepAlive(long now)
    {
        var pinged = Volatile.Read(ref _pinged);
        if (pinged != 0)
        {
            if (IsOver(pinged, settings.KeepAliveTimeout, now))
            {
                Log.PingUnanswered(logger, Id, settings.KeepAliveTimeout);
                Abort();
            }
        }
        else if (IsOver(Volatile.Read(ref _heard), settings.KeepAliveInterval, now))
        {
            Volatile.Write(ref _pinged, now);
            var wakes = new Wakes();
            _subscriber.Reply(WebSocketFrame.Ping, wakes);
            wakes.Release();
        }
    }

    private bool IsOver(long since, double seconds, long now) => time.GetElapsedTime(since, now).TotalSeconds > seconds;

    // ---- the read loop ----

    private async Task ReadLoopAsync()
    {
        while (true)
        {
            await WaitForRoomAsync().ConfigureAwait(false);
            var arrival = socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
            if (!arrival.IsCompleted)
            {
                ReturnRequestBuffer();
                _othersTurn = false;
            }
            else if (_othersTurn)
            {
                await LetOthersRunAsync().ConfigureAwait(false);
            }

            var received = await arrival.ConfigureAwait(false);
            var length = 0;
            while (received.MessageType != WebSocketMessageType.Close && !received.EndOfMessage && length <= settings.MaxMessageBytes)
            {
                GrowRequestBuffer(length);
                received = await socket.ReceiveAsync(_request.AsMemory(length), CancellationToken.None).ConfigureAwait(false);
                length += received.Count;
            }

            if (length > settings.MaxMessageBytes)
            {
                await RefuseTooLargeAsync().ConfigureAwait(false);
                return;
            }

            if (received.MessageType == WebSocketMessageType.Close)
            {
                _farewell ??= WebSocketFrame.Close((int?)socket.CloseStatus is var status and not 1005 ? status : null);
                return;
            }

            if (received is { Count: 0, MessageType: WebSocketMessageType.Text } && !Utf8.IsValid(_request.AsSpan(0, length)))
            {
                // The runtime refuses invalid UTF-8 itself, save a character that an empty last fragment leaves unfinished.
                _farewell = WebSocketFrame.Close((int)WebSocketCloseStatus.InvalidPayloadData);
                return;
            }

            if (_subscriber.Closed == CloseReason.None)
            {
                Handle(received.MessageType, _request.AsMemory(0, length));
                if (_wakes.AreDue)
                {
                    await LetOthersRunAsync().ConfigureAwait(false);
                }
            }
        }
    }

    /// <summary>
    /// A client that sends without a pause must not outrun the subscribers that its own requests have woken: they are carried first, and
    /// it queues up behind them for the thread pool. It never waits for their peers.
    /// </summary>
    private async ValueTask LetOthersRunAsync()
    {
        BeforeReading();
        _othersTurn = false;
        await Task.Yield();
    }

    /// <summary>A client that does not read the answers to its requests is not asked for more of them (PS-BPR-010).</summary>
    private ValueTask WaitForRoomAsync()
    {
        var room = _subscriber.WaitForRoomAsync();
        if (!room.IsCompleted)
        {
            BeforeReading();
        }

        return room;
    }

    /// <summary>Says why, says goodbye, and reads on without looking until the peer answers (PS-ROB-004).</summary>
    private async Task RefuseTooLargeAsync()
    {
        Reply(say.Error(default, ErrorCode.BadRequest, $"the request must be at most {settings.MaxMessageBytes} bytes long (MAX_MESSAGE_BYTES)"));
        _farewell = WebSocketFrame.Close((int)WebSocketCloseStatus.MessageTooBig, "request too large");
        BeforeReading();
        _subscriber.Close(CloseReason.Left);
        while ((await socket.ReceiveAsync(_request.AsMemory(), CancellationToken.None).ConfigureAwait(false)).MessageType != WebSocketMessageType.Close)
        {
            // The sweep bounds this by CLOSE_TIMEOUT.
        }
    }

    private void GrowRequestBuffer(int length)
    {
        if (length < _request.Length)
        {
            return;
        }

        // One byte more than a request may have tells "just fits" from "too large".
        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(Math.Max(length * 2, FirstBufferBytes), settings.MaxMessageBytes + 1));
        _request.AsSpan(0, length).CopyTo(larger);
        ReturnRequestBuffer();
        _request = larger;
    }

    private void ReturnRequestBuffer()
    {
        if (_request.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_request);
            _request = [];
        }
    }

    private void Handle(WebSocketMessageType type, ReadOnlyMemory<byte> message)
    {
        try
        {
            if (type != WebSocketMessageType.Text)
            {
                throw new BadRequestException("the request must be a text message, not a binary one", default);
            }

            Handle(Request.Parse(message));
        }
        catch (BadRequestException bad)
        {
            Log.BadRequest(logger, Id, bad.Message);
            Reply(say.Error(bad.RequestId, ErrorCode.BadRequest, bad.Message));
        }
#pragma warning disable CA1031 // the one place where a bug of ours must not cost the client its connection
        catch (Exception bug)
#pragma warning restore CA1031
        {
            Log.RequestFailed(logger, bug, Id);
            Reply(say.Error(default, ErrorCode.Internal, "the server failed to handle the request"));
        }
    }

    private void Handle(Request request)
    {
        switch (request)
        {
            case Request.Publish publish:
                Log.Published(logger, Id, publish.Topic, publish.Message.Length);
                var accepted = broker.Find(publish.Topic)?.TryPublish(say.Event(publish.RawTopic, publish.Message), _wakes) ?? false;
                Reply(accepted ? say.Ack(publish.RequestId, publish.RawTopic) : TopicNotFound(publish));
                break;

            case Request.Subscribe subscribe:
                Log.Subscribed(logger, Id, subscribe.Topic, subscribe.LastN);
                var ack = say.Ack(subscribe.RequestId, subscribe.RawTopic);
                switch (broker.Find(subscribe.Topic)?.Subscribe(_subscriber, subscribe.LastN, ack, _wakes) ?? Subscribing.TopicNotFound)
                {
                    case Subscribing.TopicNotFound:
                        Reply(TopicNotFound(subscribe));
                        break;
                    case Subscribing.LimitReached:
                        throw new BadRequestException(
                            $"topic must not be one more than the {settings.MaxSubscriptions} that a connection may subscribe to (MAX_SUBSCRIPTIONS)",
                            subscribe.RequestId);
                }

                break;

            case Request.Unsubscribe unsubscribe:
                Log.Unsubscribed(logger, Id, unsubscribe.Topic);
                var left = broker.Find(unsubscribe.Topic)?.TryUnsubscribe(_subscriber, say.Ack(unsubscribe.RequestId, unsubscribe.RawTopic), _wakes) ?? false;
                if (!left)
                {
                    Reply(TopicNotFound(unsubscribe));
                }

                break;

            case Request.Ping ping:
                Reply(say.Pong(ping.RequestId));
                break;
        }
    }

    private void Reply(Frame reply) => _subscriber.Reply(reply, _wakes);

    private Frame TopicNotFound(Request request) => say.Error(request.RequestId, ErrorCode.TopicNotFound, "topic not found");

    // ---- the write loop ----

    private async Task WriteLoopAsync()
    {
        try
        {
            var more = _subscriber.WaitAsync();
            while (await more.ConfigureAwait(false))
            {
                await WriteAsync(_subscriber.Take(BatchBytes)).ConfigureAwait(false);
                _subscriber.Release();
                more = _subscriber.WaitAsync();
                if (more.IsCompleted)
                {
                    // This may be a publisher's thread: it gets one batch carried, not all that others add meanwhile.
                    await Task.Yield();
                }
            }

            foreach (var frame in LastWords())
            {
                await WriteAsync(frame.Bytes).ConfigureAwait(false);
            }
        }
        catch (Exception gone) when (IsDisconnect(gone))
        {
            Abort(); // the peer is gone, and so the read loop has nothing to wait for
        }
        catch
        {
            Abort(); // a bug of ours: end the read loop, which then reports it
            throw;
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<Outgoing> batch)
    {
        if (batch.Length == 1)
        {
            await WriteAsync(batch.Span[0].Frame.Bytes).ConfigureAwait(false);
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(BatchBytes);
        try
        {
            await WriteAsync(buffer.AsMemory(0, Copy(batch.Span, buffer))).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> frames)
    {
        Volatile.Write(ref _writing, time.GetTimestamp());
        await stream.WriteWireAsync(frames).ConfigureAwait(false);
        Volatile.Write(ref _wrote, time.GetTimestamp());
        Volatile.Write(ref _writing, 0);
    }

    private static int Copy(ReadOnlySpan<Outgoing> batch, byte[] buffer)
    {
        var length = 0;
        foreach (ref readonly var outgoing in batch)
        {
            outgoing.Frame.Bytes.Span.CopyTo(buffer.AsSpan(length));
            length += outgoing.Frame.Length;
        }

        return length;
    }

    /// <summary>What the peer is told when its queue has ended, by reason (SPEC, sections Backpressure, Topic deletion, Lifecycle).</summary>
    private IEnumerable<Frame> LastWords()
    {
        switch (_subscriber.Closed)
        {
            case CloseReason.SlowConsumer:
                yield return say.Error(default, ErrorCode.SlowConsumer, "the subscriber's queue overflowed");
                yield return WebSocketFrame.Close((int)WebSocketCloseStatus.PolicyViolation, "slow consumer");
                break;
            case CloseReason.TopicDeleted:
                yield return WebSocketFrame.Close((int)WebSocketCloseStatus.NormalClosure, "topic deleted");
                break;
            case CloseReason.Draining:
                yield return WebSocketFrame.Close((int)WebSocketCloseStatus.EndpointUnavailable, "server is shutting down");
                break;
            case CloseReason.Left when _farewell is { } farewell:
                yield return farewell;
                break;
        }
    }

    private static bool IsDisconnect(Exception exception) =>
        exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException;
}
