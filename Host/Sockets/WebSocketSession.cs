using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Access;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Transport;
using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// The session of a WebSocket: its read loop carries requests to the broker. With the write loop it shares the subscriber, and the Close
/// frame that it leaves for the write loop.
/// </summary>
internal sealed class WebSocketSession(
    string id,
    Caller caller,
    IConnectionLifetimeFeature connection,
    PipeReader input,
    Outlet outlet,
    Broker broker,
    IEngine engine,
    Settings settings,
    ServerMessage say,
    ILogger logger) : Session(id, caller, connection, outlet, broker, settings, logger)
{
    // Used by the read loop only.
    private readonly Wakes _wakes = new();
    private readonly MessageReader _messages = new(settings.MaxMessageBytes);
    private UnderWay? _underWay; // made by the first publish that does not complete at once
    private int _kept; // bytes of buffered requests, and of publishes under way, that the broker counts
    private bool _othersTurn; // whether it has woken a reader since it last waited

    private int? _peerClose; // the status of the client's Close frame, 1005 if it had none
    private string? _fault; // the rule that the client broke, if that ends the connection
    private Frame? _closeFrame; // answers the client's Close, or names its fault; set before the subscriber is closed, read after

    protected override string Leaving => _peerClose is { } status ? $"closed by the client with {status}" : _fault ?? "connection lost";

    protected override async Task ReadLoopAsync()
    {
        try
        {
            while (_peerClose is null)
            {
                Keep(_messages.Kept + (_underWay?.Bytes ?? 0));
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
                NoteSignOfLife();
                var bytes = read.Buffer;
                while (_peerClose is null && _messages.TryRead(ref bytes, out var received))
                {
                    await AdmitAsync(received).ConfigureAwait(false);
                }

                input.AdvanceTo(bytes.Start, read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (BrokenProtocolException broken)
        {
            Log.ProtocolBroken(Logger, Id, broken.Message);
            _fault = "the client broke the protocol";
            _closeFrame = WebSocketFrame.Close(broken.Status);
        }

        await SettleAsync().ConfigureAwait(false);
    }

    protected override void OnRead()
    {
        WakeOthers();
        _messages.Forget();
    }

    protected override void OnWritten()
    {
        // The client answers the Close frame, or CLOSE_TIMEOUT ends the wait for it.
    }

    protected override ValueTask WriteAsync(ReadOnlyMemory<Outgoing> frames) => Outlet.WriteAsync(frames);

    protected override IEnumerable<Frame> ClosingFrames()
    {
        switch (Subscriber.Closed)
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
            case CloseReason.MissedEvents:
                yield return say.Error(default, Refusals.MissedEvents);
                yield return Closes.MissedEvents;
                break;
            case CloseReason.AccessEnded:
                yield return say.Error(default, Refusals.AccessEnded);
                yield return Closes.AccessEnded;
                break;
            case CloseReason.Left when _closeFrame is { } close:
                yield return close;
                break;
        }
    }

    /// <summary>Takes one message. A publish mostly completes at once; then no state machine is made.</summary>
    private ValueTask AdmitAsync(Received received)
    {
        switch (received.Kind)
        {
            case Opcode.Pong:
                return default;
            case Opcode.Text or Opcode.Binary when received.IsTooLarge:
                return RefuseTooLargeAsync();
            case Opcode.Close:
                var status = received.CloseStatus();
                (_peerClose, _closeFrame) = (status ?? CloseStatus.None, _closeFrame ?? WebSocketFrame.Close(status));
                return default;
            default:
                var room = WaitForRoomAsync();
                if (!room.IsCompletedSuccessfully)
                {
                    return AdmitLaterAsync(room, received);
                }

                room.GetAwaiter().GetResult();
                return AdmitNowAsync(received);
        }
    }

    private async ValueTask AdmitLaterAsync(ValueTask room, Received received)
    {
        await room.ConfigureAwait(false);
        await AdmitNowAsync(received).ConfigureAwait(false);
    }

    private ValueTask AdmitNowAsync(Received received)
    {
        if (Subscriber.Closed != CloseReason.None)
        {
            return default;
        }

        var answering = AnswerAsync(received);
        return answering.IsCompletedSuccessfully && !_wakes.AreDue ? default : LetOthersRunAfterAsync(answering);
    }

    private async ValueTask LetOthersRunAfterAsync(ValueTask answering)
    {
        await answering.ConfigureAwait(false);
        if (_wakes.AreDue)
        {
            await LetOthersRunAsync().ConfigureAwait(false);
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
        var room = Subscriber.WaitForRoomAsync();
        if (!room.IsCompleted)
        {
            Keep(Settings.MaxMessageBytes + RawSocket.UnreadBytes); // at most: the request that waits, and what comes behind it
            WakeOthers();
        }

        return room;
    }

    private void Keep(int bytes)
    {
        if (bytes != _kept)
        {
            _kept = bytes;
            Subscriber.Keep(bytes, _wakes);
        }
    }

    /// <summary>Sends the error and a Close frame. Until the peer answers that, its requests are read and ignored (PS-ROB-004).</summary>
    private async ValueTask RefuseTooLargeAsync()
    {
        await SettleAsync().ConfigureAwait(false);
        Reply(say.Error(default, Refusals.MessageTooLarge(Settings)));
        _fault = "a request was too large";
        _closeFrame = Closes.RequestTooLarge;
        WakeOthers();
        Subscriber.Close(CloseReason.Left);
    }

    private ValueTask AnswerAsync(Received received)
    {
        try
        {
            switch (received.Kind)
            {
                case Opcode.Ping:
                    Reply(WebSocketFrame.Pong(received.Payload.Span));
                    return default;
                case Opcode.Text:
                    return ExecuteAsync(Request.Parse(received.Payload));
                default:
                    throw new BadRequestException("the request must be a text message, not a binary one", default);
            }
        }
        catch (BadRequestException bad)
        {
            return RefuseAsync(bad);
        }
#pragma warning disable CA1031 // a bug of ours must not cost the client its connection
        catch (Exception bug)
#pragma warning restore CA1031
        {
            Reply(Failure(default, bug));
            return default;
        }
    }

    private ValueTask ExecuteAsync(Request request)
    {
        if (request is not Request.Publish publish)
        {
            return ExecuteInTurnAsync(request);
        }

        if (Caller.IsBound && Caller.Publish(publish.Topic, 1, publish.Message.Length) is { } refusal)
        {
            return RefuseInTurnAsync(publish, refusal);
        }

        Log.Published(Logger, Id, new(publish.Topic), publish.Message.Length);
        var draft = say.Event(publish.RawTopic, publish.Message);
        var publishing = engine.PublishAsync(publish.Topic, draft, _wakes);
        if (publishing.IsCompletedSuccessfully && (_underWay is null || _underWay.Bytes == 0))
        {
            Reply(Outcome(publish.RequestId, publish.RawTopic, publishing.Result));
            return default;
        }

        return AnswerLaterAsync(publish, publishing, draft.Length);
    }

    private async ValueTask RefuseInTurnAsync(Request request, Refusal refusal)
    {
        await SettleAsync().ConfigureAwait(false);
        Refuse(request, refusal);
    }

    private ValueTask AnswerLaterAsync(Request.Publish publish, ValueTask<Publication> publishing, int bytes)
    {
        // The request's memory is used again as soon as the next one is read.
        var (requestId, rawTopic) = (publish.RequestId.ToArray(), publish.RawTopic.ToArray());
        _underWay ??= new UnderWay(Subscriber);
        var room = _underWay.AddAsync(publishing, bytes, (published, failure) =>
            failure is null ? Outcome(requestId, rawTopic, published) : Failure(requestId, failure));
        if (!room.IsCompleted)
        {
            WakeOthers();
        }

        return room;
    }

    private Frame Outcome(ReadOnlyMemory<byte> requestId, ReadOnlyMemory<byte> rawTopic, Publication published) => published.Result switch
    {
        PublishResult.Accepted => say.Ack(requestId, rawTopic, published.Stamp),
        PublishResult.LimitReached => say.Error(requestId, Refusals.NoMemory(Settings)),
        _ => say.Error(requestId, Refusals.TopicNotFound),
    };

    private async ValueTask RefuseAsync(BadRequestException bad)
    {
        await SettleAsync().ConfigureAwait(false);
        Log.BadRequest(Logger, Id, bad.Message);
        Reply(say.Error(bad.RequestId, Refusals.BadRequest(bad.Message)));
    }

    /// <summary>Carries out a request that is no publish, once those before it are answered.</summary>
    private async ValueTask ExecuteInTurnAsync(Request request)
    {
        try
        {
            await SettleAsync().ConfigureAwait(false);
            await ExecuteAloneAsync(request).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // a bug of ours must not cost the client its connection
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Reply(Failure(request.RequestId, failure));
        }
    }

    private async ValueTask ExecuteAloneAsync(Request request)
    {
        switch (request)
        {
            case Request.Subscribe { Topic: var topic } when !Caller.MaySubscribe(topic):
                Refuse(request, Refusals.Forbidden("subscribe to"));
                break;

            case Request.Unsubscribe { Topic: var topic } when !Caller.MaySubscribe(topic):
                Refuse(request, Refusals.Forbidden("unsubscribe from"));
                break;

            case Request.Subscribe subscribe:
                Log.Subscribed(Logger, Id, new(subscribe.Topic), subscribe.LastN);
                switch (await Await(engine.SubscribeAsync(subscribe.Topic, Subscriber, Join, _wakes)).ConfigureAwait(false))
                {
                    case SubscribeResult.TopicNotFound:
                        Refuse(subscribe, Refusals.TopicNotFound);
                        break;
                    case SubscribeResult.BudgetReached:
                        Refuse(subscribe, Refusals.NoMemory(Settings));
                        break;
                    case SubscribeResult.LimitReached:
                        Refuse(subscribe, Refusals.TooManySubscriptions(Settings));
                        break;
                }

                break;

                SubscribeResult Join(Topic topic, long time, Wakes wakes)
                {
                    return subscribe.Position is { } position
                        ? topic.Resume(Subscriber, position, Ack(whole: true), Ack(whole: false), wakes)
                        : topic.Subscribe(Subscriber, subscribe.LastN, Ack(whole: null), wakes);

                    Draft Ack(bool? whole) => say.Subscribed(subscribe.RequestId, subscribe.RawTopic, topic.Epoch, time, whole);
                }

            case Request.Unsubscribe unsubscribe:
                Log.Unsubscribed(Logger, Id, new(unsubscribe.Topic));
                var unsubscribed = say.Ack(unsubscribe.RequestId, unsubscribe.RawTopic);
                if (!await Await(engine.UnsubscribeAsync(unsubscribe.Topic, Subscriber, unsubscribed, _wakes)).ConfigureAwait(false))
                {
                    Refuse(unsubscribe, Refusals.TopicNotFound);
                }

                break;

            case Request.Ping ping:
                var settling = engine.SettleAsync(Subscriber);
                if (!settling.IsCompletedSuccessfully)
                {
                    WakeOthers();
                    await settling.ConfigureAwait(false);
                }

                Reply(say.Pong(ping.RequestId));
                break;
        }
    }

    /// <summary>Completes when all publishes of this connection are answered.</summary>
    private ValueTask SettleAsync()
    {
        var settling = _underWay?.SettleAsync() ?? default;
        if (!settling.IsCompleted)
        {
            WakeOthers();
        }

        return settling;
    }

    private ValueTask<T> Await<T>(ValueTask<T> task)
    {
        if (!task.IsCompleted)
        {
            WakeOthers();
        }

        return task;
    }

    private Frame Failure(ReadOnlyMemory<byte> requestId, Exception failure)
    {
        if (failure is UnavailableException unavailable)
        {
            return say.Error(requestId, Refusals.Unavailable(unavailable.MayHaveHappened));
        }

        Log.RequestFailed(Logger, failure, Id);
        return say.Error(default, Refusals.Failed);
    }

    private void Reply(Frame reply) => Subscriber.Reply(reply, _wakes);

    private void Refuse(Request request, Refusal refusal) => Reply(say.Error(request.RequestId, refusal));
}
