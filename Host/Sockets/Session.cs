using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Access;
using PubSub.Hosting.Metrics;
using PubSub.Hosting.Transport;
using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// The Host's side of one subscriber's connection: a read loop, which its door gives it, and a write loop that carries the subscriber's
/// queue to the wire.
/// </summary>
internal abstract class Session(
    string id,
    Caller caller,
    IConnectionLifetimeFeature connection,
    Outlet outlet,
    Broker broker,
    Settings settings,
    ILogger logger,
    Traffic? traffic)
{
    private readonly BatchMeter? _meter = traffic?.Meter();
    private readonly Deadlines _deadlines = new(settings); // used by the sweep only
    private bool _ended; // used by the sweep only; it has aborted the connection, and the loops are about to notice
    private long _signs; // signs of life of the peer; counted by one loop, read by the sweep
    private volatile string? _missed; // the deadline that the peer missed, if that ended the session

    /// <summary>Identifies the connection in logs.</summary>
    public string Id => id;

    /// <summary>Why its subscriber was closed; <see cref="CloseReason.None"/> while it is open.</summary>
    public CloseReason Closed => Subscriber.Closed;

    /// <summary>How its events leave: <c>websocket</c> or <c>sse</c>.</summary>
    public abstract string Transport { get; }

    /// <summary>Whether a write waits for the peer.</summary>
    public bool IsWaiting => outlet.IsWaiting;

    /// <summary>Its outstanding live events now, and their bytes.</summary>
    public (int Events, long Bytes) Outstanding => Subscriber.Outstanding();

    /// <summary>The topics that it is subscribed to now.</summary>
    public IReadOnlyList<Topic> Topics => Subscriber.Topics();

    /// <summary>Whether the server ended it for something that the peer did or failed to do.</summary>
    public bool IsCut => Closed is CloseReason.SlowConsumer or CloseReason.MissedEvents or CloseReason.AccessEnded || Fault is not null;

    /// <summary>Why it ended: what the peer did wrong, if that was it, and not how it then left.</summary>
    public string Reason => Closed == CloseReason.Left && Fault is { } fault ? fault : Ending;

    /// <summary>How it ended, for the log.</summary>
    public string Ending => Closed switch
    {
        CloseReason.Left => _missed ?? Leaving,
        CloseReason.TopicDeleted => "topic deleted",
        CloseReason.Draining => "draining",
        CloseReason.MissedEvents => "events may be missing",
        CloseReason.AccessEnded => "access has ended",
        _ => "slow consumer",
    };

    /// <summary>Counts what it carries; null if nothing is measured.</summary>
    public Traffic? Traffic => traffic;

    protected Broker Broker => broker;

    protected Caller Caller => caller;

    protected Subscriber Subscriber { get; } = broker.Admit(eager: true);

    /// <summary>Only the write loop writes to it.</summary>
    protected Outlet Outlet => outlet;

    protected Settings Settings => settings;

    protected ILogger Logger => logger;

    /// <summary>The rule that the peer broke, if that ended the session.</summary>
    protected virtual string? Fault => _missed;

    /// <summary>How the peer left, for the log.</summary>
    protected abstract string Leaving { get; }

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
            OnRead();
            Subscriber.Close(CloseReason.Left);
            await writing.ConfigureAwait(false);
            Subscriber.Forget();
        }
    }

    /// <summary>Sends what is queued, then the last words.</summary>
    public void Drain() => Subscriber.Close(CloseReason.Draining);

    /// <summary>Ends the connection at once, also during a wait.</summary>
    public void Abort() => connection.Abort();

    /// <summary>Bounds the waits that the loops cannot bound themselves. Called by one sweep at a time.</summary>
    public void Sweep(TimeSpan now)
    {
        if (_ended)
        {
            return;
        }

        if (caller.HasEnded)
        {
            Subscriber.Close(CloseReason.AccessEnded);
        }

        switch (_deadlines.Check(now, Volatile.Read(ref _signs), outlet.Taken, outlet.IsWaiting, Closed != CloseReason.None))
        {
            case Due.Ping:
                var wakes = new Wakes();
                Subscriber.Reply(WebSocketFrame.Ping, wakes);
                wakes.Release();
                break;
            case Due.AbortSilent:
                Log.PingUnanswered(logger, Id, settings.KeepAliveTimeout);
                End("ping unanswered");
                break;
            case Due.AbortUnread:
                Log.WriteTimedOut(logger, Id, settings.WriteTimeout);
                End("write timed out");
                break;
            case Due.Abort:
                End(missed: null);
                break;
        }
    }

    /// <summary>Reads until the peer has ended its side or left.</summary>
    protected abstract Task ReadLoopAsync();

    /// <summary>Called when the read loop has ended.</summary>
    protected abstract void OnRead();

    /// <summary>Writes frames in order; completes when the operating system has accepted them.</summary>
    protected abstract ValueTask WriteAsync(ReadOnlyMemory<Outgoing> frames);

    /// <summary>The frames behind the queue, by the reason of the close.</summary>
    protected abstract IEnumerable<Frame> ClosingFrames();

    /// <summary>Called when the last words have been written.</summary>
    protected abstract void OnWritten();

    /// <summary>The peer has shown that it is there.</summary>
    protected void NoteSignOfLife() => Volatile.Write(ref _signs, _signs + 1);

    private void End(string? missed)
    {
        (_ended, _missed) = (true, missed);
        Abort();
    }

    private async Task WriteLoopAsync()
    {
        try
        {
            var more = Subscriber.WaitAsync();
            while (await more.ConfigureAwait(false))
            {
                var batch = Subscriber.Take(Outlet.BatchBytes);
                _meter?.Take(batch.Span, Subscriber);
                var writing = WriteAsync(batch);
                if (!writing.IsCompleted)
                {
                    Subscriber.Hold();
                }

                await writing.ConfigureAwait(false);
                _meter?.Write(batch.Span);
                Subscriber.Release();
                more = Subscriber.WaitAsync();
                if (more.IsCompleted)
                {
                    // This may be a publisher's thread: it writes one batch, not all that others add meanwhile.
                    await Task.Yield();
                }
            }

            foreach (var frame in ClosingFrames())
            {
                await WriteAsync(new[] { new Outgoing(frame, Live: false) }).ConfigureAwait(false);
            }

            OnWritten();
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
        Subscriber.Close(CloseReason.Left);
        Abort();
    }

    private static bool IsDisconnect(Exception exception) =>
        exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException;
}
