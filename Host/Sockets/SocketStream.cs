using System.Buffers;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// The bytes under one WebSocket. It gives the outgoing direction a single owner: what the runtime's WebSocket would write behind
/// our back (Pong and Close frames) becomes an ordinary frame in the subscriber's queue. And it knows when the session has handled all
/// that one read brought, which is when deferred wakes fall due.
/// </summary>
/// <remarks>
/// Reading uses a zero-byte read to wait and a pooled buffer only while there are bytes, so an idle connection holds none.
/// </remarks>
internal sealed class SocketStream(Stream wire) : Stream
{
    /// <summary>What one read from the network may bring, in bytes.</summary>
    private const int BufferBytes = 16 * 1024;

    private byte[]? _buffer;
    private int _start;
    private int _end;

    /// <summary>The session that this is the stream of; set before the first byte is read.</summary>
    public Session Session { get; set; } = null!;

    /// <summary>Writes to the network. Only the session's write loop may.</summary>
    public ValueTask WriteWireAsync(ReadOnlyMemory<byte> frames) => wire.WriteAsync(frames);

    public override async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        if (_start == _end)
        {
            if (destination.IsEmpty)
            {
                ReturnBuffer();
                await ReadWireAsync(default, cancellationToken).ConfigureAwait(false);
                return 0;
            }

            _buffer ??= ArrayPool<byte>.Shared.Rent(BufferBytes);
            (_start, _end) = (0, await ReadWireAsync(_buffer, cancellationToken).ConfigureAwait(false));
            Session.Heard();
        }

        var count = Math.Min(destination.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(destination.Span);
        _start += count;
        return count;
    }

    /// <summary>Takes one frame from the runtime's WebSocket, which writes frame by frame, and queues a copy.</summary>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken = default) => Session.QueueControlFrameAsync(frame);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        ReturnBuffer();
        base.Dispose(disposing);
    }

    private ValueTask<int> ReadWireAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        Session.BeforeReading();
        return wire.ReadAsync(destination, cancellationToken);
    }

    private void ReturnBuffer()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            (_start, _end) = (0, 0);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
