using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// One TCP connection. Bytes read ahead are kept for the next read. A write fails after ten seconds if the peer does not read. The
/// connection ends in order or with a reset. Disposing does not end it, because WebSocket and TLS streams dispose the stream that they get.
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

    /// <summary>How long one write may take.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many reads so far found no bytes waiting.</summary>
    public int Idles { get; private set; }

    /// <summary>Whether the peer has ended its direction, and all its bytes have been read.</summary>
    public bool IsHalfClosed => _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0;

    /// <summary>Whether an exception is a normal end of a connection, not a fault of the server.</summary>
    public static bool IsEnd(Exception e) =>
        e is IOException or SocketException or WebSocketException or AuthenticationException or HttpFault
            or OperationCanceledException or TimeoutException or ObjectDisposedException;

    /// <summary>Connects to the server at the origin.</summary>
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
    /// Longest length in bytes. The next line without its line break, or null at the end of the stream; an <see cref="HttpFault"/> for a
    /// longer line.
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
            // A part of a frame may have been sent, so the connection cannot be used any more.
            Reset();
            throw new IOException("The peer does not read.");
        }
    }

    /// <summary>Ends this direction, reads until the peer ends the other or a second has passed, and closes.</summary>
    /// <remarks>Closing with unread bytes would reset the connection, and the peer might lose the last bytes sent.</remarks>
    public async Task EndAsync()
    {
        using var limit = new CancellationTokenSource(Linger);
        await EndOutput.Call();
        try
        {
            while (await _stream.ReadAsync(_input, limit.Token) > 0)
            {
                // Discard bytes that arrive too late.
            }
        }
        catch (OperationCanceledException)
        {
            // The peer does not end its direction in time.
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

    /// <summary>Reads the next bytes of the peer; 0 is the end.</summary>
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
