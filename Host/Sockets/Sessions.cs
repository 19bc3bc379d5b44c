using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Rest;

namespace PubSub.Hosting.Sockets;

/// <summary>All sessions: admits them, looks after their deadlines, and drains them when the process is asked to stop.</summary>
internal sealed class Sessions(Broker broker, Settings settings, ServerMessage say, TimeProvider time, ILogger<Sessions> logger)
    : IHostedLifecycleService, IDisposable
{
    private readonly ConcurrentDictionary<Session, byte> _open = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count; // sessions open or being opened, bounded by MAX_CONNECTIONS
    private Task _sweeping = Task.CompletedTask;
    private bool _draining; // written once

    /// <summary>Whether the process is stopping: it is not ready, and admits nobody (PS-LIF-002).</summary>
    public bool IsDraining => Volatile.Read(ref _draining);

    /// <summary>Answers a request to the WebSocket path: with a session that lasts as long as the connection, or with the reason why not.</summary>
    public async Task AcceptAsync(HttpContext context)
    {
        var input = context.Features.Get<IConnectionTransportFeature>()?.Transport.Input;
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        var connection = context.Features.Get<IConnectionLifetimeFeature>(); // the context ends with the request, and others may abort a moment later
        if (!context.WebSockets.IsWebSocketRequest || input is null || socket is null || connection is null)
        {
            context.Response.Headers.Upgrade = "websocket";
            context.Response.Headers.SecWebSocketVersion = "13";
            await Problem.WriteAsync(context, 426, ErrorCode.UpgradeRequired, "this path takes WebSocket handshakes of version 13 only").ConfigureAwait(false);
        }
        else if (!Origin.IsAllowed(context.Request, settings.AllowedOrigins))
        {
            await Problem.WriteAsync(context, 403, ErrorCode.ForbiddenOrigin, "the Origin is of another host and not in ALLOWED_ORIGINS").ConfigureAwait(false);
        }
        else if (IsDraining)
        {
            await Problem.WriteAsync(context, 503, ErrorCode.Draining, "the server is shutting down").ConfigureAwait(false);
        }
        else if (Interlocked.Increment(ref _count) > settings.MaxConnections)
        {
            Leave();
            context.Response.Headers.RetryAfter = "1";
            var full = $"{settings.MaxConnections} connections are open, which is the most there may be (MAX_CONNECTIONS)";
            await Problem.WriteAsync(context, 503, ErrorCode.LimitExceeded, full).ConfigureAwait(false);
        }
        else
        {
            try
            {
                await RunAsync(context, connection, input, socket).ConfigureAwait(false);
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
        _sweeping = SweepAsync();
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Drains. Here and not in StopAsync: the web server stops first, and would wait for the very connections that this is to close.
    /// </summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _draining, true); // no look around before it: whoever is not seen from here sees it
        Log.Draining(logger, Volatile.Read(ref _count));
        foreach (var (session, _) in _open)
        {
            session.Drain();
        }

        if (Volatile.Read(ref _count) == 0)
        {
            _drained.TrySetResult();
        }

        try
        {
            await _drained.Task.WaitAsync(TimeSpan.FromSeconds(settings.DrainTimeout), time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException)
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
        try
        {
            await _stopped.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // Whoever embeds the host may stop it a second time, when it is gone already.
        }

        await _sweeping.ConfigureAwait(false);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopped.Dispose();

    private async Task RunAsync(HttpContext context, IConnectionLifetimeFeature connection, PipeReader input, Socket socket)
    {
        (await context.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false)).Dispose(); // the handshake; see HandshakeOnly
        var session = new Session(context.Connection.Id, connection, input, new Outlet(socket), broker, settings, say, time, logger);
        _open.TryAdd(session, 0);
        Log.SessionOpened(logger, session.Id, context.Connection.RemoteIpAddress);
        try
        {
            if (IsDraining)
            {
                session.Drain(); // it slipped in while draining began
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
            _drained.TrySetResult();
        }
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(settings.SweepInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopped.Token).ConfigureAwait(false))
            {
                foreach (var (session, _) in _open)
                {
                    session.Sweep();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped: there is no session left to look after.
        }
    }
}

internal static class SessionsExtensions
{
    /// <summary>The WebSocket path. It asks for no services, which would be kept with the request for as long as the connection lasts.</summary>
    public static void MapSessions(this IEndpointRouteBuilder routes) =>
        routes.Map("/v1/ws", (RequestDelegate)routes.ServiceProvider.GetRequiredService<Sessions>().AcceptAsync);
}
