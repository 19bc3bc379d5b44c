using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace PubSub.Hosting.WebSocket;

/// <summary>
/// Makes messages of the bytes that a client sends, in any fragmentation (RFC 6455 §5.4). The part of an unfinished message that has
/// arrived is kept unmasked and contiguous; an incomplete header stays in the input.
/// </summary>
/// <param name="maxMessageBytes">Bytes of one message, at most.</param>
internal sealed class MessageReader(int maxMessageBytes)
{
    /// <summary>Bytes of the buffer that a message is first put into; it doubles up to the limit.</summary>
    private const int FirstBufferBytes = 4 * 1024;

    private FrameHeader _frame;
    private long _missing; // bytes of the current frame that have not come yet
    private bool _inFrame;
    private Opcode _kind; // of the unfinished message; Continuation when there is none
    private byte[] _message = []; // rented while there is anything in it
    private int _length;
    private byte[] _control = []; // a control frame may come amid a message
    private int _controlLength;
    private bool _skips; // a message was too large; the rest of it is skipped, and its end is unknown

    /// <summary>Reads up to the end of the next message or control frame, and removes what it has read from the input.</summary>
    /// <returns>False when the input ends before a message does.</returns>
    /// <exception cref="BrokenProtocolException">No client may send this; nothing that follows has a meaning.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> bytes, out Received received)
    {
        var reader = new SequenceReader<byte>(bytes);
        received = default;
        var isWhole = false;
        while (!isWhole && (_inFrame || TryBegin(ref reader)))
        {
            if (IsTooLarge)
            {
                received = new Received(_kind, default, IsTooLarge: true);
                (_skips, isWhole) = (true, true);
                break;
            }

            TakePayload(ref reader);
            if (_missing > 0)
            {
                break;
            }

            _inFrame = false;
            isWhole = TryEnd(out received);
        }

        bytes = reader.UnreadSequence;
        return isWhole;
    }

    private bool IsTooLarge => !_skips && !_frame.IsControl && _missing > maxMessageBytes - _length; // a frame may claim any length

    /// <summary>Bytes that it keeps of an incomplete message.</summary>
    public int Kept => _length == 0 ? 0 : _message.Length;

    /// <summary>Returns the buffer if no message is incomplete. To be called before a wait; the last message is no longer valid.</summary>
    public void TrimBuffer()
    {
        if (_length == 0 && _message.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_message);
            _message = [];
        }
    }

    /// <summary>To be called at the end.</summary>
    public void Forget()
    {
        _length = 0;
        TrimBuffer();
    }

    private bool TryBegin(ref SequenceReader<byte> bytes)
    {
        if (!FrameHeader.TryRead(ref bytes, out _frame))
        {
            return false;
        }

        (_missing, _inFrame) = (_frame.Length, true);
        if (_frame.IsControl)
        {
            _controlLength = 0;
            return true;
        }

        if ((_frame.Opcode == Opcode.Continuation) != (_kind != Opcode.Continuation))
        {
            throw new BrokenProtocolException(
                _kind == Opcode.Continuation ? "there is no message to continue" : "the last message is unfinished");
        }

        if (_frame.Opcode != Opcode.Continuation)
        {
            (_kind, _length) = (_frame.Opcode, 0);
        }

        return true;
    }

    /// <summary>Takes the bytes of the current frame that have arrived.</summary>
    private void TakePayload(ref SequenceReader<byte> bytes)
    {
        while (_missing > 0 && !bytes.End)
        {
            var part = bytes.UnreadSpan;
            part = part[..(int)Math.Min(part.Length, _missing)];
            if (_frame.IsControl)
            {
                _control = _control.Length == 0 ? new byte[FrameHeader.MaxControlBytes] : _control;
                Unmask(part, _control.AsSpan(_controlLength));
                _controlLength += part.Length;
            }
            else if (!_skips)
            {
                Grow(_length + part.Length);
                Unmask(part, _message.AsSpan(_length));
                _length += part.Length;
            }

            _missing -= part.Length;
            bytes.Advance(part.Length);
        }
    }

    private bool TryEnd(out Received received)
    {
        received = default;
        if (_frame.IsControl)
        {
            received = new Received(_frame.Opcode, _control.AsMemory(0, _controlLength));
            return true;
        }

        if (!_frame.Final)
        {
            return false;
        }

        var (kind, length) = (_kind, _length);
        (_kind, _length) = (Opcode.Continuation, 0);
        if (_skips)
        {
            return false;
        }

        if (kind == Opcode.Text && !Utf8.IsValid(_message.AsSpan(0, length)))
        {
            throw new BrokenProtocolException("a text message must be UTF-8", status: WebSocket.CloseStatus.InvalidText);
        }

        received = new Received(kind, _message.AsMemory(0, length));
        return true;
    }

    private void Grow(int length)
    {
        if (length > _message.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(length, _message.Length * 2), FirstBufferBytes));
            _message.AsSpan(0, _length).CopyTo(larger);
            if (_message.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(_message);
            }

            _message = larger;
        }
    }

    /// <summary>Copies a part of the current frame, each byte with the byte of the key that is its turn (RFC 6455 §5.3).</summary>
    private void Unmask(ReadOnlySpan<byte> masked, Span<byte> plain)
    {
        var turn = (int)(_frame.Length - _missing) % sizeof(uint);
        var key = BitOperations.RotateRight(_frame.Mask, 8 * (BitConverter.IsLittleEndian ? turn : -turn));
        var keys = Vector.AsVectorByte(new Vector<uint>(key));
        var wide = MemoryMarshal.Cast<byte, Vector<byte>>(masked);
        var wideTarget = MemoryMarshal.Cast<byte, Vector<byte>>(plain[..masked.Length]);
        for (var i = 0; i < wide.Length; i++)
        {
            wideTarget[i] = wide[i] ^ keys;
        }

        Span<byte> keyBytes = stackalloc byte[sizeof(uint)];
        MemoryMarshal.Write(keyBytes, key);
        for (var i = wide.Length * Vector<byte>.Count; i < masked.Length; i++)
        {
            plain[i] = (byte)(masked[i] ^ keyBytes[i % sizeof(uint)]);
        }
    }
}

/// <summary>A whole message, or a control frame.</summary>
/// <param name="Kind">Text, Binary, Close, Ping or Pong.</param>
/// <param name="Payload">Unmasked, and valid until the next one is read.</param>
/// <param name="IsTooLarge">
/// Whether the message is longer than allowed (PS-ROB-004). Then it has no payload here, and no message follows, only control frames.
/// </param>
internal readonly record struct Received(Opcode Kind, ReadOnlyMemory<byte> Payload, bool IsTooLarge = false)
{
    /// <summary>The status of a Close frame, or null when it has none.</summary>
    /// <exception cref="BrokenProtocolException">A status must be legal, and the reason behind it UTF-8 (RFC 6455 §5.5.1,
    /// §7.4).</exception>
    public int? CloseStatus()
    {
        if (Payload.IsEmpty)
        {
            return null;
        }

        var status = Payload.Length > 1 ? BinaryPrimitives.ReadUInt16BigEndian(Payload.Span) : 0;
        if (status is not ((>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999)))
        {
            throw new BrokenProtocolException("no client may send this status");
        }

        return Utf8.IsValid(Payload.Span[2..])
            ? status
            : throw new BrokenProtocolException("a reason must be UTF-8", status: WebSocket.CloseStatus.InvalidText);
    }
}
