using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// One TCP connection. What was read too far waits for the next reader, a peer that does not read is given up after
/// ten seconds, and the end is either polite or a reset. Disposing it does not end it: WebSocket and TLS streams
/// dispose what they are given.
/// </summary>
internal sealed class Connection : AsyncStream
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly byte[] _input = new byte[4096];
    private int _start;
    private int _end;

    public Connection(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _stream = new NetworkStream(socket);
    }

    /// <summary>How long a peer may read nothing while there is something to read.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often so far its reader came and found nothing to read.</summary>
    public int Idles { get; private set; }

    /// <summary>Whether the peer has ended its direction, and all that it sent before has been read.</summary>
    public bool IsHalfClosed => _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0;

    /// <summary>An exception that ends a connection without a fault of the server.</summary>
    public static bool IsEnd(Exception e) =>
        e is IOException or SocketException or WebSocketException or AuthenticationException or HttpFault
            or OperationCanceledException or TimeoutException or ObjectDisposedException;

    /// <summary>A connection to the server there.</summary>
    public static async Task<Connection> OpenAsync(Uri origin, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(origin.DnsSafeHost, origin.Port, cancellation);
            return new Connection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Longest length in bytes: the next line without its end, or null at the end of the stream. A longer line is an <see cref="HttpFault"/>.
    /// </summary>
    public Seam<Func<int, CancellationToken, Task<string?>>> ReadLineAsync => field ??= new(async (longest, cancellation) =>
    {
        var line = new StringBuilder();
        while (_start < _end || await FillAsync(cancellation))
        {
            var read = _input.AsMemory(_start, _end - _start);
            var feed = read.Span.IndexOf((byte)'\n');
            line.Append(Encoding.Latin1.GetString(read.Span[..(feed < 0 ? read.Length : feed)]));
            _start += feed < 0 ? read.Length : feed + 1;
            if (line.Length > longest)
            {
                throw new HttpFault(431, "BAD_REQUEST", $"a line of the head must be at most {longest} bytes long");
            }

            if (feed >= 0)
            {
                return line.ToString().TrimEnd('\r');
            }
        }

        return null;
    });

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_start == _end)
        {
            Idles += _socket.Available == 0 ? 1 : 0;
            return await Receive.Call(buffer, cancellationToken);
        }

        var count = Math.Min(buffer.Length, _end - _start);
        _input.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            await Send.Call(buffer, limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Half a frame may be out; nothing sensible can follow it.
            Reset();
            throw new IOException("The peer does not read.");
        }
    }

    /// <summary>Says that nothing more will come, reads on until the peer says the same or a second has passed, and closes.</summary>
    /// <remarks>To close with bytes unread would reset the connection, and the peer might lose what was sent last.</remarks>
    public async Task EndAsync()
    {
        using var limit = new CancellationTokenSource(Linger);
        await EndOutput.Call();
        try
        {
            while (await _stream.ReadAsync(_input, limit.Token) > 0)
            {
                // It is too late to be heard.
            }
        }
        catch (OperationCanceledException)
        {
            // Long enough.
        }

        _socket.Dispose();
    }

    /// <summary>Ends this direction only.</summary>
    public Seam<Func<Task>> EndOutput => field ??= new(() =>
    {
        _socket.Shutdown(SocketShutdown.Send);
        return Task.CompletedTask;
    });

    /// <summary>Ends at once, with a TCP reset.</summary>
    public void Reset()
    {
        try
        {
            _socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (IsEnd(e))
        {
            // It has ended already.
        }

        _socket.Dispose();
    }

    /// <summary>The next bytes of the peer; 0 is the end.</summary>
    public Seam<Func<Memory<byte>, CancellationToken, ValueTask<int>>> Receive => field ??= new(_stream.ReadAsync);

    public Seam<Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask>> Send => field ??= new(_stream.WriteAsync);

    private async Task<bool> FillAsync(CancellationToken cancellation)
    {
        _start = 0;
        _end = 0;
        _end = await Receive.Call(_input, cancellation);
        return _end > 0;
    }
}
