using System.Buffers;
using PubSub.Conformance.Network;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Sits between a TCP connection and its WebSocket (<see cref="SmallServer.EachFilter"/>), splits the bytes of both directions into frames,
/// and lets a wrap replace each frame by none, one or many others. By default it changes nothing.
/// </summary>
/// <remarks>
/// A wrap gets a frame when it is complete. Three things pass through without the wraps: a frame that claims more than
/// <see cref="LargestFrame"/> bytes, all bytes after an impossible length, and a frame that the end of the connection cuts off. The wraps
/// of one direction never run concurrently; those of the two directions may. An <see cref="IOException"/> from a wrap ends the connection
/// without a Close frame. If a wrap replaces a client's frame by one that RFC 6455 forbids, the WebSocket closes with 1002.
/// </remarks>
internal sealed class FrameFilter(Stream wire) : AsyncStream
{
    /// <summary>In bytes of payload: the most that is buffered of one frame.</summary>
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

    /// <summary>Whether the client has sent the beginning of a frame but not its end.</summary>
    public bool IsWithinFrame => _fromClient.IsWithinFrame;

    /// <summary>The frames that the server reads instead of this one; the frames of a correct client are masked.</summary>
    public Seam<Func<Frame, IEnumerable<Frame>>> FromClient => field ??= new(frame => [frame]);

    /// <summary>The frames that the client reads instead of this one; the frames of a correct server are not masked.</summary>
    public Seam<Func<Frame, IEnumerable<Frame>>> FromServer => field ??= new(frame => [frame]);

    /// <summary>Reads the next bytes of the client, before they are split into frames; 0 is the end.</summary>
    public Seam<Func<Memory<byte>, CancellationToken, ValueTask<int>>> Receive => field ??= new(wire.ReadAsync);

    /// <summary>Splits the bytes of one direction into frames.</summary>
    private sealed class Direction
    {
        private readonly ArrayBufferWriter<byte> _held = new(4096); // the beginning of a frame
        private long _unseen; // how many more bytes pass through without the wraps

        public bool IsWithinFrame => _held.WrittenCount > 0 || _unseen > 0;

        public byte[] Pass(ReadOnlySpan<byte> bytes, Func<Frame, IEnumerable<Frame>> replace)
        {
            using var passed = new MemoryStream();
            _held.Write(bytes);
            var rest = _held.WrittenSpan.ToArray().AsSpan();
            _held.ResetWrittenCount();
            while (TryTakeUnseen(ref rest, passed) || TryTakeFrame(ref rest, replace, passed))
            {
                // Each call takes one frame or one piece.
            }

            _held.Write(rest);
            return passed.ToArray();
        }

        /// <summary>The beginning of a frame that will never be complete.</summary>
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
