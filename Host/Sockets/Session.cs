using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// The Host's side of one WebSocket connection: a read loop that carries requests to the broker, and a write loop that carries the
/// subscriber's queue to the wire. They meet in the subscriber, and in the farewell that the one leaves for the other.
/// </summary>
internal sealed class Session(
    string id,
    IConnectionLifetimeFeature connection,
    PipeReader input,
    Outlet outlet,
    Broker broker,
    Settings settings,
    ServerMessage say,
    ILogger logger)
{
    private readonly Subscriber _subscriber = broker.Admit(eager: true);
    private readonly Wakes _wakes = new(); // the read loop's own
    private readonly MessageReader _messages = new(settings.MaxMessageBytes); // the read loop's own
    private int _kept; // the read loop's own; bytes of requests that the broker knows to be kept
    private bool _othersTurn; // the read loop's own; whether it has woken anyone since it last waited
    private int? _goodbye; // the status of the client's Close frame, 1005 if it had none
    private string? _fault; // what the client did wrong, if that is why the connection ends
    private Frame? _farewell; // the Close frame that answers the client, or tells it what it did wrong; set before the subscriber is closed, read after
    private long _received; // reads that brought something, counted by the read loop for the sweep

    private readonly Deadlines _deadlines = new(settings); // the sweep's own
    private bool _ended; // likewise; whether it has given the peer up, and the loops are about to notice

    /// <summary>Identifies the connection in logs.</summary>
    public string Id => id;

    /// <summary>Why its subscriber was closed; <see cref="CloseReason.None"/> while it is open.</summary>
    public CloseReason Closed => _subscriber.Closed;

    /// <summary>How it ended, for the log.</summary>
    public string Ending => (Closed, _goodbye) switch
    {
        (CloseReason.Left, { } status) => $"closed by the client with {status}",
        (CloseReason.Left, null) => _fault ?? "connection lost",
        (CloseReason.TopicDeleted, _) => "topic deleted",
        (CloseReason.Draining, _) => "draining",
        _ => "slow consumer",
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
            // The peer broke the connection.
        }
        finally
        {
            WakeOthers();
            _messages.Forget();
            _subscriber.Close(CloseReason.Left);
            await writing.ConfigureAwait(false);
            _subscriber.Forget();
        }
    }

    /// <summary>Says goodbye to the peer once what is queued has been sent.</summary>
    public void Drain() => _subscriber.Close(CloseReason.Draining);

    /// <summary>Ends the connection at once, whatever it is waiting for.</summary>
    public void Abort() => connection.Abort();

    /// <summary>Looks after the waits that the loops cannot bound themselves. Called by one sweep at a time.</summary>
    public void Sweep(TimeSpan now)
    {
        if (_ended)
        {
            return;
        }

        switch (_deadlines.Look(now, Volatile.Read(ref _received), outlet.Taken, outlet.IsWaiting, Closed != CloseReason.None))
        {
            case Due.Ping:
                var wakes = new Wakes();
                _subscriber.Reply(WebSocketFrame.Ping, wakes);
                wakes.Release();
                break;
            case Due.EndSilent:
                Log.PingUnanswered(logger, Id, settings.KeepAliveTimeout);
                End();
                break;
            case Due.EndUnread:
                Log.WriteTimedOut(logger, Id, settings.WriteTimeout);
                End();
                break;
            case Due.End:
                End();
                break;
        }
    }

    private void End()
    {
        _ended = true;
        Abort();
    }

    // ---- the read loop ----

    private async Task ReadLoopAsync()
    {
        try
        {
            while (_goodbye is null)
            {
                Keep(_messages.Kept);
                WakeOthers(); // whatever was to be told to others is told before a wait
                var arrival = input.ReadAsync();
                if (!arrival.IsCompleted)
                {
                    _messages.Rest();
                    _othersTurn = false;
                }
                else if (_othersTurn)
                {
                    await LetOthersRunAsync().ConfigureAwait(false);
                }

                var read = await arrival.ConfigureAwait(false);
                Volatile.Write(ref _received, _received + 1);
                var bytes = read.Buffer;
                while (_goodbye is null && _messages.TryRead(ref bytes, out var received))
                {
                    await HandleAsync(received).ConfigureAwait(false);
                }

                input.AdvanceTo(bytes.Start, read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (BrokenProtocolException broken)
        {
            Log.ProtocolBroken(logger, Id, broken.Message);
            _fault = "the client broke the protocol";
            _farewell = WebSocketFrame.Close(broken.Status);
        }
    }

    private async ValueTask HandleAsync(Received received)
    {
        switch (received.Kind)
        {
            case Opcode.Pong:
                break;
            case Opcode.Text or Opcode.Binary when received.IsTooLarge:
                RefuseTooLarge();
                break;
            case Opcode.Close:
                var status = received.CloseStatus();
                (_goodbye, _farewell) = (status ?? 1005, _farewell ?? WebSocketFrame.Close(status));
                break;
            default:
                await WaitForRoomAsync().ConfigureAwait(false);
                if (_subscriber.Closed != CloseReason.None)
                {
                    break;
                }

                Handle(received);
                if (_wakes.AreDue)
                {
                    await LetOthersRunAsync().ConfigureAwait(false);
                }

                break;
        }
    }

    /// <summary>The wakes deferred so far fall due.</summary>
    private void WakeOthers() => _othersTurn |= _wakes.Release();

    /// <summary>
    /// A client that sends without a pause must not outrun the subscribers that its own requests have woken: they are carried first, and
    /// it queues up behind them for the thread pool. It never waits for their peers.
    /// </summary>
    private async ValueTask LetOthersRunAsync()
    {
        WakeOthers();
        _othersTurn = false;
        await Task.Yield();
    }

    /// <summary>A client that does not read the answers to its requests is not asked for more of them (PS-BPR-010).</summary>
    private ValueTask WaitForRoomAsync()
    {
        var room = _subscriber.WaitForRoomAsync();
        if (!room.IsCompleted)
        {
            Keep(settings.MaxMessageBytes + Composition.UnreadBytes); // at most: the request that waits, and what comes behind it
            WakeOthers();
        }

        return room;
    }

    private void Keep(int bytes)
    {
        if (bytes != _kept)
        {
            _kept = bytes;
            _subscriber.Keep(bytes, _wakes);
        }
    }

    /// <summary>Says why and says goodbye; the peer is still listened to until it answers, but no request of it is (PS-ROB-004).</summary>
    private void RefuseTooLarge()
    {
        Reply(say.Error(default, ErrorCode.BadRequest, $"the request must be at most {settings.MaxMessageBytes} bytes long (MAX_MESSAGE_BYTES)"));
        _fault = "a request was too large";
        _farewell = WebSocketFrame.Close(1009, "request too large");
        WakeOthers();
        _subscriber.Close(CloseReason.Left);
    }

    private void Handle(Received received)
    {
        try
        {
            switch (received.Kind)
            {
                case Opcode.Ping:
                    Reply(WebSocketFrame.Pong(received.Payload.Span));
                    break;
                case Opcode.Text:
                    Handle(Request.Parse(received.Payload));
                    break;
                default:
                    throw new BadRequestException("the request must be a text message, not a binary one", default);
            }
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
                Log.Published(logger, Id, new(publish.Topic), publish.Message.Length);
                var result = broker.Find(publish.Topic)?.Publish(say.Event(publish.RawTopic, publish.Message), _wakes);
                Reply(result switch
                {
                    PublishResult.Accepted => say.Ack(publish.RequestId, publish.RawTopic),
                    PublishResult.LimitReached => NoMemory(publish),
                    _ => TopicNotFound(publish),
                });
                break;

            case Request.Subscribe subscribe:
                Log.Subscribed(logger, Id, new(subscribe.Topic), subscribe.LastN);
                var ack = say.Ack(subscribe.RequestId, subscribe.RawTopic);
                switch (broker.Find(subscribe.Topic)?.Subscribe(_subscriber, subscribe.LastN, ack, _wakes) ?? SubscribeResult.TopicNotFound)
                {
                    case SubscribeResult.TopicNotFound:
                        Reply(TopicNotFound(subscribe));
                        break;
                    case SubscribeResult.BudgetReached:
                        Reply(NoMemory(subscribe));
                        break;
                    case SubscribeResult.LimitReached:
                        throw new BadRequestException(
                            $"topic must not be one more than the {settings.MaxSubscriptions} that a connection may subscribe to (MAX_SUBSCRIPTIONS)",
                            subscribe.RequestId);
                }

                break;

            case Request.Unsubscribe unsubscribe:
                Log.Unsubscribed(logger, Id, new(unsubscribe.Topic));
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

    private Frame NoMemory(Request request) => say.Error(request.RequestId, ErrorCode.LimitExceeded, settings.NoMemory);

    private Frame TopicNotFound(Request request) => say.Error(request.RequestId, ErrorCode.TopicNotFound, "topic not found");

    // ---- the write loop ----

    private async Task WriteLoopAsync()
    {
        try
        {
            var more = _subscriber.WaitAsync();
            while (await more.ConfigureAwait(false))
            {
                var batch = _subscriber.Take(Outlet.BatchBytes);
                var writing = outlet.WriteAsync(batch);
                if (!writing.IsCompleted)
                {
                    _subscriber.Hold();
                }

                await writing.ConfigureAwait(false);
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
                await outlet.WriteAsync(frame.Bytes).ConfigureAwait(false);
            }
        }
        catch (Exception gone) when (IsDisconnect(gone))
        {
            GiveUp(); // the peer is gone
        }
        catch
        {
            GiveUp(); // a bug of ours, which the end of the session reports
            throw;
        }
    }

    /// <summary>Whatever the read loop waits for, bytes or room, will not come.</summary>
    private void GiveUp()
    {
        _subscriber.Close(CloseReason.Left);
        Abort();
    }

    /// <summary>What the peer is told when its queue has ended, by reason (SPEC, sections Backpressure, Topic deletion, Lifecycle).</summary>
    private IEnumerable<Frame> LastWords()
    {
        switch (_subscriber.Closed)
        {
            case CloseReason.SlowConsumer:
                yield return say.Error(default, ErrorCode.SlowConsumer, "the subscriber's queue overflowed");
                yield return WebSocketFrame.Close(1008, "slow consumer");
                break;
            case CloseReason.TopicDeleted:
                yield return WebSocketFrame.Close(1000, "topic deleted");
                break;
            case CloseReason.Draining:
                yield return WebSocketFrame.Close(1001, "server is shutting down");
                break;
            case CloseReason.Left when _farewell is { } farewell:
                yield return farewell;
                break;
        }
    }

    private static bool IsDisconnect(Exception exception) =>
        exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException;
}
