using System.Collections.Concurrent;
using PubSub.Hosting.Access;
using PubSub.Hosting.Connections;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Sockets;

/// <summary>All sessions: admits them, looks after their deadlines, and drains them when the process is asked to stop.</summary>
internal sealed class Sessions(Settings settings, Capacity capacity, TimeProvider time, ILogger<Sessions> logger)
    : IHostedLifecycleService, IDisposable
{
    private readonly ConcurrentDictionary<Session, byte> _open = new();
    private readonly SweepClock _clock = new(time, settings.SweepInterval); // advanced under _sweep
    private readonly Lock _sweep = new(); // the next sweep does not overtake one that takes long

    // True when the last session has ended, false when DRAIN_TIMEOUT is over.
    private readonly TaskCompletionSource<bool> _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count; // sessions open or being opened, bounded by Capacity.Sessions
    private ITimer? _sweeps;
    private TimeSpan? _drainBy; // guarded by _sweep
    private bool _draining; // written once

    /// <summary>Whether the process is stopping: it is not ready, and admits no connection (PS-LIF-002).</summary>
    public bool IsDraining => Volatile.Read(ref _draining);

    /// <summary>
    /// Answers a request of a subscriber: with a session that lasts as long as the connection, or with the reason why not.
    /// </summary>
    /// <param name="context">Of the request.</param>
    /// <param name="begin">Begins the session; null if it has answered with a reason why not.</param>
    public async Task AdmitAsync(HttpContext context, Func<Task<Session?>> begin)
    {
        if (IsDraining)
        {
            await Problem.WriteAsync(context, Refusals.Draining).ConfigureAwait(false);
        }
        else if (Interlocked.Increment(ref _count) > capacity.Sessions)
        {
            Leave();
            context.Response.Headers.RetryAfter = "1";
            var bound = capacity.Sessions < settings.MaxConnections ? "file descriptors and memory" : "MAX_CONNECTIONS";
            await Problem.WriteAsync(context, Refusals.TooManyConnections(capacity.Sessions, bound)).ConfigureAwait(false);
        }
        else
        {
            using var place = context.Caller().TakeConnection();
            try
            {
                if (place is { IsAcquired: false })
                {
                    await Problem.WriteAsync(context, Refusals.TooManyOfIdentity).ConfigureAwait(false);
                }
                else if (await begin().ConfigureAwait(false) is { } session)
                {
                    await RunAsync(context, session).ConfigureAwait(false);
                }
            }
            finally
            {
                Leave();
            }
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _sweeps = time.CreateTimer(_ => Sweep(), state: null, settings.SweepInterval, settings.SweepInterval);
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        Log.Bounds(logger, capacity.Sessions, settings.MaxRetainedBytes, settings.MaxOutstandingBytes);
        if (capacity.Sessions < settings.MaxConnections)
        {
            Log.LowCapacity(logger, settings.MaxConnections, capacity.DescriptorsNeeded, capacity.MemoryNeeded, capacity.Sessions);
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// Drains. Here and not in StopAsync: the web server stops first, and would wait for the very connections that this is to close.
    /// </summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _draining, true); // before the sessions are listed: one that is not in the list reads it
        Log.Draining(logger, Volatile.Read(ref _count));
        foreach (var (session, _) in _open)
        {
            session.Drain();
        }

        if (Volatile.Read(ref _count) == 0)
        {
            _drained.TrySetResult(true);
        }

        lock (_sweep)
        {
            _drainBy = _clock.Now + TimeSpan.FromSeconds(settings.DrainTimeout);
        }

        await using var hurry = cancellationToken.Register(() => _drained.TrySetResult(false)).ConfigureAwait(false);
        if (!await _drained.Task.ConfigureAwait(false))
        {
            Log.DrainTimedOut(logger, Volatile.Read(ref _count), settings.DrainTimeout);
            foreach (var (session, _) in _open)
            {
                session.Abort();
            }
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_sweeps is { } sweeps)
        {
            await sweeps.DisposeAsync().ConfigureAwait(false);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _sweeps?.Dispose();

    private async Task RunAsync(HttpContext context, Session session)
    {
        _open.TryAdd(session, 0);
        Log.SessionOpened(logger, session.Id, context.Connection.RemoteIpAddress);
        try
        {
            if (IsDraining)
            {
                session.Drain(); // it opened while draining began
            }

            await session.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _open.TryRemove(session, out _);
            if (session.Closed == CloseReason.SlowConsumer)
            {
                Log.SlowConsumerClosed(logger, session.Id);
            }
            else
            {
                Log.SessionClosed(logger, session.Id, session.Ending);
            }
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _count) == 0 && IsDraining)
        {
            _drained.TrySetResult(true);
        }
    }

    private void Sweep()
    {
        if (!_sweep.TryEnter())
        {
            return;
        }

        try
        {
            _clock.Tick();
            foreach (var (session, _) in _open)
            {
                session.Sweep(_clock.Now);
            }

            if (_clock.Now >= _drainBy)
            {
                _drained.TrySetResult(false);
            }
        }
        finally
        {
            _sweep.Exit();
        }
    }
}
