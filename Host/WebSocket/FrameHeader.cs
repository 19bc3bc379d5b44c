using System.Buffers;
using System.Buffers.Binary;

namespace PubSub.Hosting.WebSocket;

/// <summary>What precedes the bytes of a frame that a client sends (RFC 6455 §5.2).</summary>
/// <param name="Final">Whether the message ends with this frame.</param>
/// <param name="Opcode">What the frame carries.</param>
/// <param name="Length">Bytes that follow the header, at most 125 in a control frame.</param>
/// <param name="Mask">The masking key as it lies in memory.</param>
internal readonly record struct FrameHeader(bool Final, Opcode Opcode, long Length, uint Mask)
{
    /// <summary>Bytes that may follow the header of a control frame (RFC 6455 §5.5).</summary>
    public const int MaxControlBytes = 125;

    /// <summary>Whether it is a Close, a Ping or a Pong, which may come between the fragments of a message.</summary>
    public bool IsControl => Opcode >= Opcode.Close;

    /// <summary>Reads a header, or nothing when it is not all there yet.</summary>
    /// <exception cref="BrokenProtocolException">No client may send this.</exception>
    public static bool TryRead(ref SequenceReader<byte> bytes, out FrameHeader header)
    {
        header = default;
        if (!bytes.TryPeek(0, out var first) || !bytes.TryPeek(1, out var second))
        {
            return false;
        }

        var (opcode, shortLength) = (Judge(first), second & 0x7F);
        if ((second & 0x80) == 0)
        {
            throw new BrokenProtocolException("a client's frames must be masked");
        }

        if (opcode >= Opcode.Close && ((first & 0x80) == 0 || shortLength > MaxControlBytes))
        {
            throw new BrokenProtocolException("a control frame must not be fragmented, nor longer than 125 bytes");
        }

        var lengthBytes = shortLength switch { 126 => 2, 127 => 8, _ => 0 };
        Span<byte> rest = stackalloc byte[sizeof(ulong) + sizeof(uint)];
        rest = rest[..(lengthBytes + sizeof(uint))];
        if (bytes.Remaining < 2 + rest.Length)
        {
            return false;
        }

        bytes.Advance(2);
        bytes.TryCopyTo(rest);
        bytes.Advance(rest.Length);
        var length = lengthBytes switch
        {
            2 => BinaryPrimitives.ReadUInt16BigEndian(rest),
            8 => BinaryPrimitives.ReadInt64BigEndian(rest),
            _ => shortLength,
        };
        header = new FrameHeader((first & 0x80) != 0, opcode, length, BitConverter.ToUInt32(rest[lengthBytes..]));
        return length >= 0 ? true : throw new BrokenProtocolException("a length has 63 bits");
    }

    private static Opcode Judge(byte first)
    {
        if ((first & 0x70) != 0)
        {
            throw new BrokenProtocolException("a reserved bit is set, and no extension was agreed on");
        }

        var opcode = (Opcode)(first & 0x0F);
        return opcode is <= Opcode.Binary or (>= Opcode.Close and <= Opcode.Pong)
            ? opcode
            : throw new BrokenProtocolException("the opcode is reserved");
    }
}

/// <summary>What a frame carries (RFC 6455 §11.8).</summary>
internal enum Opcode : byte
{
    /// <summary>More of the message that an earlier frame began.</summary>
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

/// <summary>The client broke RFC 6455; the connection has to end (PS-WS-010 to 013).</summary>
/// <param name="message">The rule that it broke.</param>
/// <param name="status">The status of the Close frame that ends the connection.</param>
internal sealed class BrokenProtocolException(string message, int status = CloseStatus.ProtocolError) : Exception(message)
{
    public int Status => status;
}
