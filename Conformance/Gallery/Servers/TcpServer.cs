using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Listens on a loopback port, by default a free one, and serves every connection on its own. An exception on one connection ends only that
/// connection; it is kept in <see cref="Faults"/> unless it comes from the network.
/// </summary>
internal abstract class TcpServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Connection, Task> _connections = [];
    private readonly ConcurrentQueue<Exception> _faults = [];
    private readonly CancellationTokenSource _stopping = new();
    private TcpListener? _listener;
    private int _isDown;
    private EndPoint? _local;
    private Task _accepting = Task.CompletedTask;

    public Uri Origin => new($"{Scheme}://{_local ?? throw new InvalidOperationException("The server has not started.")}");

    /// <summary>Exceptions that are faults of the server itself; a test may assert that there are none.</summary>
    public IReadOnlyCollection<Exception> Faults => _faults;

    protected virtual string Scheme => Uri.UriSchemeHttp;

    /// <summary>Whether it has crashed.</summary>
    public bool HasCrashed => _stopping.IsCancellationRequested;

    /// <summary>Cancelled when the server dies.</summary>
    protected CancellationToken Stopping => _stopping.Token;

    /// <summary>Dies as a killed process does: the port closes, and every connection is reset, at once.</summary>
    public void Crash()
    {
        _stopping.Cancel();
        _listener?.Stop();
        ResetAll();
    }

    /// <summary>Resets every open connection.</summary>
    protected void ResetAll()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Reset();
        }
    }

    /// <summary>
    /// Dies, and listens again at the same address after this time, as under a supervisor. Calls made while it is down do nothing.
    /// </summary>
    protected async Task BounceAsync(TimeSpan down)
    {
        if (Interlocked.Exchange(ref _isDown, 1) == 1)
        {
            return;
        }

        var address = (IPEndPoint)_local!;
        _listener!.Stop();
        ResetAll();
        await Task.Delay(down, _stopping.Token);
        ResetAll();
        Start(address.Port, address.Address);
        Volatile.Write(ref _isDown, 0);
    }

    /// <summary>Accepts no further connection; those that are open stay open.</summary>
    public void Close() => _listener?.Stop();

    public async ValueTask DisposeAsync()
    {
        Crash();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_connections.Values);
        _listener?.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Ends when the connection has ended.</summary>
    protected Task ServedAsync(Connection connection) => _connections.GetValueOrDefault(connection, Task.CompletedTask);

    /// <summary>Listens and begins to serve; a constructor calls it last.</summary>
    /// <param name="port">0 for any that is free.</param>
    /// <param name="address">Another loopback address than 127.0.0.1.</param>
    /// <exception cref="CannotStart">The port is in use.</exception>
    protected void Start(int port = 0, IPAddress? address = null)
    {
        _listener = new TcpListener(address ?? IPAddress.Loopback, port);
        try
        {
            _listener.Start(backlog: 512);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new CannotStart($"the port {port} is in use", e);
        }

        _local = _listener.LocalEndpoint;
        _accepting = AcceptAsync(_listener);
    }

    /// <summary>Serves one connection. When this returns the connection is closed in order; when it throws it is reset.</summary>
    protected abstract Task ServeAsync(Connection connection, CancellationToken stopping);

    protected virtual Connection Open(Socket socket) => new(socket);

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            var connection = Open(await listener.AcceptSocketAsync(_stopping.Token));
            var served = new TaskCompletionSource();
            _connections[connection] = served.Task;
            _ = ServeToTheEndAsync(connection, served);
        }
    }

    private async Task ServeToTheEndAsync(Connection connection, TaskCompletionSource served)
    {
        try
        {
            // Crash cannot reset a connection that is accepted while it runs.
            _stopping.Token.ThrowIfCancellationRequested();
            await Task.Yield();
            await ServeAsync(connection, _stopping.Token);
            await connection.EndAsync();
        }
        catch (Exception e)
        {
            connection.Reset();
            if (!Connection.IsEnd(e))
            {
                _faults.Enqueue(e);
            }
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            served.SetResult();
        }
    }
}
