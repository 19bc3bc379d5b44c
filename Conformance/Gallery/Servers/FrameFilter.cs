using System.Buffers;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Lies between a TCP connection and the WebSocket on it (<see cref="SmallServer.EachFilter"/>), takes the bytes of both directions apart
/// into frames, and lets a wrap put others in the place of each: none, one or many. As it is, nothing is changed.
/// </summary>
/// <remarks>
/// A frame is shown when it is whole. One that claims more than <see cref="LargestFrame"/> bytes is passed on as it comes and not shown,
/// and neither is all that follows a length that no frame can have, or what is left of a frame that was cut off by the end. Each
/// direction is asked for one frame at a time, but both at once. An <see cref="IOException"/> out of either ends the connection without a
/// word; a frame that RFC 6455 forbids, in the place of one from the client, makes the WebSocket end it with 1002.
/// </remarks>
internal sealed class FrameFilter(Stream wire) : AsyncStream
{
    /// <summary>In bytes of payload: the most that is held back of one frame.</summary>
    public const int LargestFrame = 256 * 1024;

    private readonly byte[] _input = new byte[16 * 1024];
    private readonly Direction _fromClient = new();
    private readonly Direction _fromServer = new();
    private ReadOnlyMemory<byte> _ready;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_ready.IsEmpty)
        {
            var count = await Receive.Call(_input, cancellationToken);
            _ready = count > 0 ? _fromClient.Pass(_input.AsSpan(0, count), FromClient.Call) : _fromClient.TakeRest();
            if (count == 0 && _ready.IsEmpty)
            {
                return 0;
            }
        }

        var length = Math.Min(buffer.Length, _ready.Length);
        _ready[..length].CopyTo(buffer);
        _ready = _ready[length..];
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var passed = _fromServer.Pass(buffer.Span, FromServer.Call);
        if (passed.Length > 0)
        {
            await wire.WriteAsync(passed, cancellationToken);
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => wire.FlushAsync(cancellationToken);

    /// <summary>Whether the client has sent the beginning of a frame and not yet the end.</summary>
    public bool IsWithinFrame => _fromClient.IsWithinFrame;

    /// <summary>What the server is to read in the place of this frame; what has to look as if the client had sent it is masked.</summary>
    public Seam<Func<Frame, IEnumerable<Frame>>> FromClient => field ??= new(frame => [frame]);

    /// <summary>What the client is to read in the place of this frame; what has to look as if the server sent it is not masked.</summary>
    public Seam<Func<Frame, IEnumerable<Frame>>> FromServer => field ??= new(frame => [frame]);

    /// <summary>The next bytes of the client, before anything has been made of them; 0 is the end.</summary>
    public Seam<Func<Memory<byte>, CancellationToken, ValueTask<int>>> Receive => field ??= new(wire.ReadAsync);

    /// <summary>Bytes in, bytes out.</summary>
    private sealed class Direction
    {
        private readonly ArrayBufferWriter<byte> _held = new(4096); // the beginning of a frame
        private long _unseen; // how many more bytes are passed on as they come

        public bool IsWithinFrame => _held.WrittenCount > 0 || _unseen > 0;

        public byte[] Pass(ReadOnlySpan<byte> bytes, Func<Frame, IEnumerable<Frame>> replace)
        {
            using var passed = new MemoryStream();
            _held.Write(bytes);
            var rest = _held.WrittenSpan.ToArray().AsSpan();
            _held.ResetWrittenCount();
            while (TryTakeUnseen(ref rest, passed) || TryTakeFrame(ref rest, replace, passed))
            {
                // The next frame.
            }

            _held.Write(rest);
            return passed.ToArray();
        }

        /// <summary>The beginning of a frame that will never be whole.</summary>
        public byte[] TakeRest()
        {
            var rest = _held.WrittenSpan.ToArray();
            _held.ResetWrittenCount();
            return rest;
        }

        private bool TryTakeUnseen(ref Span<byte> bytes, MemoryStream passed)
        {
            var count = (int)Math.Min(_unseen, bytes.Length);
            passed.Write(bytes[..count]);
            _unseen -= count;
            bytes = bytes[count..];
            return count > 0;
        }

        private bool TryTakeFrame(ref Span<byte> bytes, Func<Frame, IEnumerable<Frame>> replace, MemoryStream passed)
        {
            if (!FrameHeader.TryRead(bytes, out var header))
            {
                return false;
            }

            if (header.Length is < 0 or > LargestFrame)
            {
                _unseen = header.Length is < 0 or > long.MaxValue - FrameHeader.LongestSize ? long.MaxValue : header.Size + header.Length;
                return true;
            }

            var size = header.Size + (int)header.Length;
            if (bytes.Length < size)
            {
                return false;
            }

            foreach (var other in replace(Frame.Decode(header, bytes[..size].ToArray())))
            {
                passed.Write(other.Encode());
            }

            bytes = bytes[size..];
            return true;
        }
    }
}
