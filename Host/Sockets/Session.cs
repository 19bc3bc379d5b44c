using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Transport;
using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// The Host's side of one WebSocket connection: a read loop that carries requests to the broker, and a write loop that carries the
/// subscriber's queue to the wire. They share the subscriber, and the Close frame that the read loop leaves for the write loop.
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
    private readonly Wakes _wakes = new(); // used by the read loop only
    private readonly MessageReader _messages = new(settings.MaxMessageBytes); // used by the read loop only
    private int _kept; // used by the read loop only; bytes of buffered requests that the broker counts
    private bool _othersTurn; // used by the read loop only; whether it has woken a reader since it last waited
    private int? _peerClose; // the status of the client's Close frame, 1005 if it had none
    private string? _fault; // the rule that the client broke, if that ends the connection
    private Frame? _closeFrame; // answers the client's Close, or names its fault; set before the subscriber is closed, read after
    private long _received; // reads that brought bytes; counted by the read loop, read by the sweep

    private readonly Deadlines _deadlines = new(settings); // used by the sweep only
    private bool _ended; // used by the sweep only; it has aborted the connection, and the loops are about to notice

    /// <summary>Identifies the connection in logs.</summary>
    public string Id => id;

    /// <summary>Why its subscriber was closed; <see cref="CloseReason.None"/> while it is open.</summary>
    public CloseReason Closed => _subscriber.Closed;

    /// <summary>How it ended, for the log.</summary>
    public string Ending => (Closed, _peerClose) switch
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

    /// <summary>Sends what is queued, then a Close frame.</summary>
    public void Drain() => _subscriber.Close(CloseReason.Draining);

    /// <summary>Ends the connection at once, also during a wait.</summary>
    public void Abort() => connection.Abort();

    /// <summary>Bounds the waits that the loops cannot bound themselves. Called by one sweep at a time.</summary>
    public void Sweep(TimeSpan now)
    {
        if (_ended)
        {
            return;
        }

        switch (_deadlines.Check(now, Volatile.Read(ref _received), outlet.Taken, outlet.IsWaiting, Closed != CloseReason.None))
        {
            case Due.Ping:
                var wakes = new Wakes();
                _subscriber.Reply(WebSocketFrame.Ping, wakes);
                wakes.Release();
                break;
            case Due.AbortSilent:
                Log.PingUnanswered(logger, Id, settings.KeepAliveTimeout);
                End();
                break;
            case Due.AbortUnread:
                Log.WriteTimedOut(logger, Id, settings.WriteTimeout);
                End();
                break;
            case Due.Abort:
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
            while (_peerClose is null)
            {
                Keep(_messages.Kept);
                WakeOthers(); // before a wait
                var arrival = input.ReadAsync();
                if (!arrival.IsCompleted)
                {
                    _messages.TrimBuffer();
                    _othersTurn = false;
                }
                else if (_othersTurn)
                {
                    await LetOthersRunAsync().ConfigureAwait(false);
                }

                var read = await arrival.ConfigureAwait(false);
                Volatile.Write(ref _received, _received + 1);
                var bytes = read.Buffer;
                while (_peerClose is null && _messages.TryRead(ref bytes, out var received))
                {
                    await AdmitAsync(received).ConfigureAwait(false);
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
            _closeFrame = WebSocketFrame.Close(broken.Status);
        }
    }

    private async ValueTask AdmitAsync(Received received)
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
                (_peerClose, _closeFrame) = (status ?? CloseStatus.None, _closeFrame ?? WebSocketFrame.Close(status));
                break;
            default:
                await WaitForRoomAsync().ConfigureAwait(false);
                if (_subscriber.Closed != CloseReason.None)
                {
                    break;
                }

                Answer(received);
                if (_wakes.AreDue)
                {
                    await LetOthersRunAsync().ConfigureAwait(false);
                }

                break;
        }
    }

    /// <summary>Wakes the readers on the wake list.</summary>
    private void WakeOthers() => _othersTurn |= _wakes.Release();

    /// <summary>
    /// Lets the readers that this client's requests have woken run first: a client that sends without a pause must not outrun them. It
    /// queues behind them for the thread pool, and never waits for their peers.
    /// </summary>
    private async ValueTask LetOthersRunAsync()
    {
        WakeOthers();
        _othersTurn = false;
        await Task.Yield();
    }

    /// <summary>No further request of a client is read while it does not read the answers (PS-BPR-010).</summary>
    private ValueTask WaitForRoomAsync()
    {
        var room = _subscriber.WaitForRoomAsync();
        if (!room.IsCompleted)
        {
            Keep(settings.MaxMessageBytes + RawSocket.UnreadBytes); // at most: the request that waits, and what comes behind it
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

    /// <summary>Sends the error and a Close frame. Until the peer answers that, its requests are read and ignored (PS-ROB-004).</summary>
    private void RefuseTooLarge()
    {
        Reply(say.Error(default, Refusals.MessageTooLarge(settings)));
        _fault = "a request was too large";
        _closeFrame = Closes.RequestTooLarge;
        WakeOthers();
        _subscriber.Close(CloseReason.Left);
    }

    private void Answer(Received received)
    {
        try
        {
            switch (received.Kind)
            {
                case Opcode.Ping:
                    Reply(WebSocketFrame.Pong(received.Payload.Span));
                    break;
                case Opcode.Text:
                    Execute(Request.Parse(received.Payload));
                    break;
                default:
                    throw new BadRequestException("the request must be a text message, not a binary one", default);
            }
        }
        catch (BadRequestException bad)
        {
            Log.BadRequest(logger, Id, bad.Message);
            Reply(say.Error(bad.RequestId, Refusals.BadRequest(bad.Message)));
        }
#pragma warning disable CA1031 // a bug of ours must not cost the client its connection
        catch (Exception bug)
#pragma warning restore CA1031
        {
            Log.RequestFailed(logger, bug, Id);
            Reply(say.Error(default, Refusals.Failed));
        }
    }

    private void Execute(Request request)
    {
        switch (request)
        {
            case Request.Publish publish:
                Log.Published(logger, Id, new(publish.Topic), publish.Message.Length);
                var published = broker.Find(publish.Topic)?.Publish(say.Event(publish.RawTopic, publish.Message), _wakes) ?? default;
                Reply(published.Result switch
                {
                    PublishResult.Accepted => say.Ack(publish.RequestId, publish.RawTopic, published.Stamp),
                    PublishResult.LimitReached => say.Error(publish.RequestId, Refusals.NoMemory(settings)),
                    _ => say.Error(publish.RequestId, Refusals.TopicNotFound),
                });
                break;

            case Request.Subscribe subscribe:
                Log.Subscribed(logger, Id, new(subscribe.Topic), subscribe.LastN);
                switch (Subscribe(subscribe))
                {
                    case SubscribeResult.TopicNotFound:
                        Refuse(subscribe, Refusals.TopicNotFound);
                        break;
                    case SubscribeResult.BudgetReached:
                        Refuse(subscribe, Refusals.NoMemory(settings));
                        break;
                    case SubscribeResult.LimitReached:
                        Refuse(subscribe, Refusals.TooManySubscriptions(settings));
                        break;
                }

                break;

            case Request.Unsubscribe unsubscribe:
                Log.Unsubscribed(logger, Id, new(unsubscribe.Topic));
                var unsubscribed = say.Ack(unsubscribe.RequestId, unsubscribe.RawTopic);
                if (broker.Find(unsubscribe.Topic)?.TryUnsubscribe(_subscriber, unsubscribed, _wakes) is not true)
                {
                    Refuse(unsubscribe, Refusals.TopicNotFound);
                }

                break;

            case Request.Ping ping:
                Reply(say.Pong(ping.RequestId));
                break;
        }
    }

    private SubscribeResult Subscribe(Request.Subscribe request)
    {
        if (broker.Find(request.Topic) is not { } topic)
        {
            return SubscribeResult.TopicNotFound;
        }

        return request.Position is { } position
            ? topic.Resume(_subscriber, position, Ack(whole: true), Ack(whole: false), _wakes)
            : topic.Subscribe(_subscriber, request.LastN, Ack(whole: null), _wakes);

        Draft Ack(bool? whole) => say.Subscribed(request.RequestId, request.RawTopic, topic.Epoch, whole);
    }

    private void Reply(Frame reply) => _subscriber.Reply(reply, _wakes);

    private void Refuse(Request request, Refusal refusal) => Reply(say.Error(request.RequestId, refusal));

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
                    // This may be a publisher's thread: it writes one batch, not all that others add meanwhile.
                    await Task.Yield();
                }
            }

            foreach (var frame in ClosingFrames())
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

    /// <summary>Ends the read loop's wait, for bytes or for room.</summary>
    private void GiveUp()
    {
        _subscriber.Close(CloseReason.Left);
        Abort();
    }

    /// <summary>The frames behind the queue, by the reason of the close.</summary>
    private IEnumerable<Frame> ClosingFrames()
    {
        switch (_subscriber.Closed)
        {
            case CloseReason.SlowConsumer:
                yield return say.Error(default, Refusals.SlowConsumer);
                yield return Closes.SlowConsumer;
                break;
            case CloseReason.TopicDeleted:
                yield return Closes.TopicDeleted;
                break;
            case CloseReason.Draining:
                yield return Closes.Draining;
                break;
            case CloseReason.Left when _closeFrame is { } close:
                yield return close;
                break;
        }
    }

    private static bool IsDisconnect(Exception exception) =>
        exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException;
}
