using System.Buffers;
using System.Net.Sockets;
using PubSub.Hosting.Metrics;

namespace PubSub.Hosting.Transport;

/// <summary>
/// Writes frames to the socket of one connection. Only its session's write loop calls it; the framework writes nothing after the handshake.
/// </summary>
/// <remarks>
/// Sends synchronously what fits into the socket's buffer, from a buffer that belongs to the thread; only the rest is copied and awaited.
/// </remarks>
internal sealed class Outlet(Socket socket, Tally? sent = null)
{
    /// <summary>Bytes that one write carries at most, unless a single frame is larger.</summary>
    public const int BatchBytes = 32 * 1024;

    [ThreadStatic]
    private static byte[]? _batch;

    private volatile bool _isWaiting;
    private long _taken;

    /// <summary>Whether a write waits for the peer.</summary>
    public bool IsWaiting => _isWaiting;

    /// <summary>
    /// How often the socket has accepted a part of a write that waited. If a write waits and this does not grow, the peer reads nothing.
    /// </summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>Writes frames in order; completes when the operating system has accepted them.</summary>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">The connection has been ended.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<Outgoing> frames)
    {
        if (frames.Length == 1)
        {
            return WriteAsync(frames.Span[0].Frame.Bytes);
        }

        var batch = _batch ??= new byte[BatchBytes];
        var length = 0;
        foreach (ref readonly var outgoing in frames.Span)
        {
            outgoing.Frame.Bytes.Span.CopyTo(batch.AsSpan(length));
            length += outgoing.Frame.Length;
        }

        var accepted = Send(batch.AsSpan(0, length));
        return accepted == length ? default : WriteCopyAsync(batch.AsSpan(accepted, length - accepted));
    }

    /// <summary>Writes one frame.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> frame)
    {
        var accepted = Send(frame.Span);
        return accepted == frame.Length ? default : WriteRestAsync(frame[accepted..]);
    }

    /// <returns>How many bytes fitted into the socket's buffer.</returns>
    private int Send(ReadOnlySpan<byte> bytes)
    {
        if (socket.Blocking)
        {
            socket.Blocking = false; // the server's own reads do not block anyway
        }

        var accepted = socket.Send(bytes, SocketFlags.None, out var error);
        sent?.Add(accepted);
        return error switch
        {
            SocketError.Success => accepted,
            SocketError.WouldBlock => 0,
            _ => throw new SocketException((int)error),
        };
    }

    private ValueTask WriteCopyAsync(ReadOnlySpan<byte> rest)
    {
        var copy = ArrayPool<byte>.Shared.Rent(rest.Length); // the batch is about to serve another connection
        rest.CopyTo(copy);
        return WriteAsync(copy, rest.Length);
    }

    private async ValueTask WriteAsync(byte[] rented, int length)
    {
        try
        {
            await WriteRestAsync(rented.AsMemory(0, length)).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private async ValueTask WriteRestAsync(ReadOnlyMemory<byte> rest)
    {
        _isWaiting = true;
        while (!rest.IsEmpty)
        {
            var part = rest[..Math.Min(rest.Length, BatchBytes)]; // sending ends when all of it is taken, and a large frame may take long
            var accepted = await socket.SendAsync(part, SocketFlags.None).ConfigureAwait(false);
            sent?.Add(accepted);
            rest = rest[accepted..];
            Volatile.Write(ref _taken, _taken + 1);
        }

        _isWaiting = false;
    }
}
