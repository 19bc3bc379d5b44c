using System.Net;
using System.Net.Sockets;

namespace PubSub.PropertyTests.Wire;

/// <summary>
/// Passes TCP connections on to a server, and cuts them: each after a number of bytes, or all at once. Some are cut by a FIN and some by
/// a reset, at any byte, so also within a frame. It can also go silent, or slow.
/// </summary>
internal sealed class CuttingRelay : IDisposable
{
    private readonly Uri _server;
    private readonly Func<int?> _allowance;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly HashSet<Socket> _clients = []; // guarded by itself
    private bool _isClosed; // guarded by _clients
    private int _accepted;
    private volatile TaskCompletionSource _passes = Passing();

    /// <param name="server">The server.</param>
    /// <param name="allowance">The bytes that the next connection may bring to its client; null for any number.</param>
    public CuttingRelay(Uri server, Func<int?> allowance)
    {
        (_server, _allowance) = (server, allowance);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Connections accepted so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>How long each piece is held back, in both directions.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>
    /// Passes nothing on, in either direction, until <see cref="Speak"/>, which passes on what came meanwhile. Connections stay open, and
    /// new ones are accepted.
    /// </summary>
    public void FallSilent() => _passes = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Speak() => _passes.TrySetResult();

    /// <summary>Cuts all connections, and each new one at once, until <see cref="Open"/>.</summary>
    public void Close()
    {
        lock (_clients)
        {
            _isClosed = true;
            foreach (var client in _clients)
            {
                Cut(client);
            }
        }
    }

    public void Open()
    {
        lock (_clients)
        {
            _isClosed = false;
        }
    }

    public void Dispose()
    {
        Close();
        Speak();
        _listener.Dispose();
    }

    private static TaskCompletionSource Passing()
    {
        var passes = new TaskCompletionSource();
        passes.SetResult();
        return passes;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync();
                Interlocked.Increment(ref _accepted);
                _ = CarryAsync(client, _allowance());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task CarryAsync(Socket client, int? allowance)
    {
        using var own = client;
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            lock (_clients)
            {
                if (_isClosed)
                {
                    Cut(client);
                    return;
                }

                _clients.Add(client);
            }

            await server.ConnectAsync(_server.Host, _server.Port);
            await Task.WhenAny(CopyAsync(client, server, null), CopyAsync(server, client, allowance));
            Cut(client);
        }
        catch (SocketException)
        {
            // One of the two has gone; the other is closed.
        }
        finally
        {
            lock (_clients)
            {
                _clients.Remove(client);
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to, int? allowance)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            for (var left = allowance ?? long.MaxValue; left > 0;)
            {
                var read = await from.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)));
                if (read == 0)
                {
                    return;
                }

                left -= read;
                if (Delay > TimeSpan.Zero)
                {
                    await Task.Delay(Delay);
                }

                await _passes.Task;
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    private static void Cut(Socket client)
    {
        try
        {
            client.LingerState = new LingerOption(client.Handle % 2 == 0, 0); // true with 0 seconds: a reset
            client.Close();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has been cut before.
        }
    }
}
