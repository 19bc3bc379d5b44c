using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
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
    IConnectionLifetimeFeature connection,
    PipeReader input,
    Outlet outlet,
    Broker broker,
    Settings settings,
    ServerMessage say,
    ILogger logger) : Session(id, connection, outlet, broker, settings, logger)
{
    // Used by the read loop only.
    private readonly Wakes _wakes = new();
    private readonly MessageReader _messages = new(settings.MaxMessageBytes);
    private int _kept; // bytes of buffered requests that the broker counts
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
                NoteSignOfLife();
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
            Log.ProtocolBroken(Logger, Id, broken.Message);
            _fault = "the client broke the protocol";
            _closeFrame = WebSocketFrame.Close(broken.Status);
        }
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
            case CloseReason.Left when _closeFrame is { } close:
                yield return close;
                break;
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
                if (Subscriber.Closed != CloseReason.None)
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
    private void RefuseTooLarge()
    {
        Reply(say.Error(default, Refusals.MessageTooLarge(Settings)));
        _fault = "a request was too large";
        _closeFrame = Closes.RequestTooLarge;
        WakeOthers();
        Subscriber.Close(CloseReason.Left);
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
            Log.BadRequest(Logger, Id, bad.Message);
            Reply(say.Error(bad.RequestId, Refusals.BadRequest(bad.Message)));
        }
#pragma warning disable CA1031 // a bug of ours must not cost the client its connection
        catch (Exception bug)
#pragma warning restore CA1031
        {
            Log.RequestFailed(Logger, bug, Id);
            Reply(say.Error(default, Refusals.Failed));
        }
    }

    private void Execute(Request request)
    {
        switch (request)
        {
            case Request.Publish publish:
                Log.Published(Logger, Id, new(publish.Topic), publish.Message.Length);
                var published = Broker.Find(publish.Topic)?.Publish(say.Event(publish.RawTopic, publish.Message), _wakes) ?? default;
                Reply(published.Result switch
                {
                    PublishResult.Accepted => say.Ack(publish.RequestId, publish.RawTopic, published.Stamp),
                    PublishResult.LimitReached => say.Error(publish.RequestId, Refusals.NoMemory(Settings)),
                    _ => say.Error(publish.RequestId, Refusals.TopicNotFound),
                });
                break;

            case Request.Subscribe subscribe:
                Log.Subscribed(Logger, Id, new(subscribe.Topic), subscribe.LastN);
                switch (Subscribe(subscribe))
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

            case Request.Unsubscribe unsubscribe:
                Log.Unsubscribed(Logger, Id, new(unsubscribe.Topic));
                var unsubscribed = say.Ack(unsubscribe.RequestId, unsubscribe.RawTopic);
                if (Broker.Find(unsubscribe.Topic)?.TryUnsubscribe(Subscriber, unsubscribed, _wakes) is not true)
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
        if (Broker.Find(request.Topic) is not { } topic)
        {
            return SubscribeResult.TopicNotFound;
        }

        return request.Position is { } position
            ? topic.Resume(Subscriber, position, Ack(whole: true), Ack(whole: false), _wakes)
            : topic.Subscribe(Subscriber, request.LastN, Ack(whole: null), _wakes);

        Draft Ack(bool? whole) => say.Subscribed(request.RequestId, request.RawTopic, topic.Epoch, whole);
    }

    private void Reply(Frame reply) => Subscriber.Reply(reply, _wakes);

    private void Refuse(Request request, Refusal refusal) => Reply(say.Error(request.RequestId, refusal));
}
