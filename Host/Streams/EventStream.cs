using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Access;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Sockets;
using PubSub.Hosting.Transport;

namespace PubSub.Hosting.Streams;

/// <summary>
/// The session of a stream of Server-Sent Events. Its subscriber's queue holds the same frames as that of a WebSocket;
/// <see cref="EventText"/> rewrites their heads on the way out.
/// </summary>
internal sealed class EventStream(
    string id,
    Caller caller,
    IConnectionLifetimeFeature connection,
    PipeReader input,
    Outlet outlet,
    bool isChunked,
    Broker broker,
    IEngine engine,
    Settings settings,
    ServerMessage say,
    ILogger logger) : Session(id, caller, connection, outlet, broker, settings, logger)
{
    private EventText _text = new("", isChunked); // written before the session runs

    protected override string Leaving => "the reader left";

    /// <summary>The position that all events are later than, once it has joined.</summary>
    public Position Position { get; private set; }

    /// <summary>Subscribes.</summary>
    /// <returns>Why not; null if it has.</returns>
    public async ValueTask<Refusal?> JoinAsync(string topic, Beginning beginning)
    {
        Log.StreamOpened(Logger, Id, new(topic));
        return await engine.SubscribeAsync(topic, Subscriber, Join, new Wakes()).ConfigureAwait(false) switch
        {
            SubscribeResult.Joined => null,
            SubscribeResult.BudgetReached => Refusals.NoMemory(Settings),
            _ => Refusals.TopicNotFound,
        };

        SubscribeResult Join(Topic joined, long time, Wakes wakes)
        {
            _text = new EventText(joined.Epoch, isChunked);
            Position = beginning.Position ?? joined.Before(beginning.LastN ?? 0);
            return joined.Resume(Subscriber, Position, whole: null, say.Gap(joined.Name, joined.Epoch, time), wakes);
        }
    }

    /// <summary>Ends a session that has not run.</summary>
    public void Discard()
    {
        Subscriber.Close(CloseReason.Left);
        Subscriber.Forget();
    }

    /// <summary>Reads what the client must not send, until it ends the connection.</summary>
    protected override async Task ReadLoopAsync()
    {
        ReadResult read;
        do
        {
            read = await input.ReadAsync().ConfigureAwait(false);
            input.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted && !read.IsCanceled);
    }

    protected override void OnRead()
    {
        // Nothing was read for others to act on.
    }

    /// <summary>Ends the read loop: the client learns by the end of the connection that nothing follows.</summary>
    protected override void OnWritten() => input.CancelPendingRead();

    protected override ValueTask WriteAsync(ReadOnlyMemory<Outgoing> frames)
    {
        var text = ArrayPool<byte>.Shared.Rent(_text.MaxLength(frames.Span));
        var length = _text.Write(frames.Span, text, out var isLast);
        var writing = Outlet.WriteAsync(text.AsMemory(0, length));
        return FinishAsync(writing, text, isLast);
    }

    protected override IEnumerable<Frame> ClosingFrames()
    {
        switch (Closed)
        {
            case CloseReason.SlowConsumer:
                yield return say.Error(default, Refusals.SlowConsumer);
                break;
            case CloseReason.MissedEvents:
                yield return say.Error(default, Refusals.MissedEvents);
                break;
            case CloseReason.AccessEnded:
                yield return say.Error(default, Refusals.AccessEnded);
                break;
        }
    }

    private async ValueTask FinishAsync(ValueTask writing, byte[] rented, bool isLast)
    {
        try
        {
            await writing.ConfigureAwait(false);
            NoteSignOfLife(); // the peer answers nothing; what it takes has to do
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        if (isLast)
        {
            Subscriber.Close(CloseReason.TopicDeleted);
        }
    }
}
