using System.Buffers.Binary;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Lies between a TCP connection and the WebSocket on it (<see cref="SmallServer.EachFilter"/>), takes the bytes of both directions apart
/// into frames, and lets a wrap put others in the place of each: none, one or many. As it is, nothing is changed.
/// </summary>
/// <remarks>
/// A frame is shown when it is whole. One that claims more than <see cref="LargestFrame"/> bytes is passed on as it comes and shown to
/// nobody, and so is all that follows a length that no frame can have, and what is left of a frame that was cut off by the end. Each
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

    /// <summary>What the client is to read in the place of this frame; what has to look as if the server had sent it is not masked.</summary>
    public Seam<Func<Frame, IEnumerable<Frame>>> FromServer => field ??= new(frame => [frame]);

    /// <summary>The next bytes of the client, before anything has been made of them; 0 is the end.</summary>
    public Seam<Func<Memory<byte>, CancellationToken, ValueTask<int>>> Receive => field ??= new(wire.ReadAsync);

    /// <summary>Bytes in, bytes out.</summary>
    private sealed class Direction
    {
        private const int LongestHeader = 14;

        private byte[] _held = new byte[4096]; // the beginning of a frame, up to _end
        private int _end;
        private long _unseen; // how many more bytes are passed on as they come

        public bool IsWithinFrame => _end > 0 || _unseen > 0;

        public byte[] Pass(ReadOnlySpan<byte> bytes, Func<Frame, IEnumerable<Frame>> replace)
        {
            using var passed = new MemoryStream();
            while (bytes.Length > 0)
            {
                bytes = bytes[(_unseen > 0 ? Unseen(bytes, passed) : Hold(bytes))..];
                while (_unseen == 0 && TryTake(out var frame))
                {
                    foreach (var other in frame is null ? [] : replace(frame))
                    {
                        passed.Write(other.Encode());
                    }
                }

                if (_unseen > 0 && _end > 0)
                {
                    _unseen -= Math.Min(_unseen, _end);
                    passed.Write(_held, 0, _end);
                    _end = 0;
                }
            }

            return passed.ToArray();
        }

        /// <summary>The beginning of a frame that will never be whole.</summary>
        public byte[] TakeRest()
        {
            var rest = _held[.._end];
            _end = 0;
            return rest;
        }

        private int Unseen(ReadOnlySpan<byte> bytes, MemoryStream passed)
        {
            var count = (int)Math.Min(_unseen, bytes.Length);
            passed.Write(bytes[..count]);
            _unseen -= count;
            return count;
        }

        // Never more than the rest of one frame, so that what is held back has a bound.
        private int Hold(ReadOnlySpan<byte> bytes)
        {
            var count = (int)Math.Min(Missing(), bytes.Length);
            if (_end + count > _held.Length)
            {
                Array.Resize(ref _held, Math.Min(Math.Max(2 * _held.Length, _end + count), LongestHeader + LargestFrame));
            }

            bytes[..count].CopyTo(_held.AsSpan(_end));
            _end += count;
            return count;
        }

        /// <summary>How many bytes the header, or else the frame, still needs; at least one.</summary>
        private long Missing() => TryReadHeader(out var header, out var payload) ? header + payload - _end : header - _end;

        /// <summary>False when more has to come first; null when it is not to be seen.</summary>
        private bool TryTake(out Frame? frame)
        {
            frame = null;
            if (!TryReadHeader(out var header, out var payload))
            {
                return false;
            }

            if (payload is < 0 or > LargestFrame)
            {
                _unseen = payload is < 0 or > long.MaxValue - LongestHeader ? long.MaxValue : header + payload;
                return true;
            }

            if (_end < header + payload)
            {
                return false;
            }

            frame = Decode(header, (int)payload);
            _end = 0;
            return true;
        }

        /// <summary>False, and how long it is as far as is known, when it is not there yet.</summary>
        private bool TryReadHeader(out int header, out long payload)
        {
            payload = _end < 2 ? 0 : _held[1] & 0x7f;
            var lengthBytes = payload switch { 126 => 2, 127 => 8, _ => 0 };
            header = _end < 2 ? 2 : 2 + lengthBytes + (_held[1] >= 0x80 ? 4 : 0);
            if (_end < 2 || _end < header)
            {
                return false;
            }

            payload = lengthBytes switch
            {
                2 => BinaryPrimitives.ReadUInt16BigEndian(_held.AsSpan(2)),
                8 => BinaryPrimitives.ReadInt64BigEndian(_held.AsSpan(2)),
                _ => payload,
            };
            return true;
        }

        private Frame Decode(int header, int payload)
        {
            var isMasked = _held[1] >= 0x80;
            var lengthBytes = (_held[1] & 0x7f) switch { 126 => 2, 127 => 8, _ => 0 };
            var bytes = _held[header..(header + payload)];
            for (var i = 0; isMasked && i < bytes.Length; i++)
            {
                bytes[i] ^= _held[header - 4 + (i & 3)];
            }

            return new Frame((Opcode)(_held[0] & 15), bytes)
            {
                Final = _held[0] >= 0x80,
                Reserved = (_held[0] >> 4) & 7,
                Masked = isMasked,

                // The shortest form is left open, so that another payload finds its own.
                LengthBytes = lengthBytes == (payload switch { < 126 => 0, <= ushort.MaxValue => 2, _ => 8 }) ? null : lengthBytes,
            };
        }
    }
}
