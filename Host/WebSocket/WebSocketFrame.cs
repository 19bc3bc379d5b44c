using System.Buffers.Binary;
using System.Text;

namespace PubSub.Hosting.WebSocket;

/// <summary>A WebSocket frame as a server sends it: final, unmasked (RFC 6455 §5.2), and so the same bytes for every peer.</summary>
internal static class WebSocketFrame
{
    private const byte Final = 0x80;

    /// <summary>An empty Ping.</summary>
    public static Frame Ping { get; } = new([Final | (byte)Opcode.Ping, 0]);

    /// <summary>The answer to a Ping: the same data, at most 125 bytes (PS-WS-007).</summary>
    public static Frame Pong(ReadOnlySpan<byte> data) => new([Final | (byte)Opcode.Pong, (byte)data.Length, .. data]);

    /// <summary>A frame around a text of <paramref name="length"/> bytes, which the caller writes to <paramref name="text"/>.</summary>
    public static byte[] Text(int length, out Span<byte> text)
    {
        var headerLength = length switch { < 126 => 2, <= ushort.MaxValue => 4, _ => 10 };
        var frame = GC.AllocateUninitializedArray<byte>(headerLength + length);
        frame[0] = Final | (byte)Opcode.Text;
        switch (headerLength)
        {
            case 2:
                frame[1] = (byte)length;
                break;
            case 4:
                frame[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)length);
                break;
            default:
                frame[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)length);
                break;
        }

        text = frame.AsSpan(headerLength);
        return frame;
    }

    /// <summary>What a frame of the server carries: the bytes behind its header.</summary>
    public static ReadOnlySpan<byte> Payload(Frame frame)
    {
        var bytes = frame.Bytes.Span;
        return bytes[(bytes[1] switch { 127 => 10, 126 => 4, _ => 2 })..];
    }

    /// <summary>Whether it is a text.</summary>
    public static bool IsText(Frame frame) => frame.Bytes.Span[0] == (Final | (byte)Opcode.Text);

    /// <summary>A Close frame with a status code and a reason of at most 123 bytes; without a code it is empty (RFC 6455 §5.5.1).</summary>
    public static Frame Close(int? status, string reason = "")
    {
        if (status is not { } code)
        {
            return new Frame([Final | (byte)Opcode.Close, 0]);
        }

        var text = Encoding.UTF8.GetBytes(reason);
        var frame = new byte[4 + text.Length];
        frame[0] = Final | (byte)Opcode.Close;
        frame[1] = (byte)(2 + text.Length);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)code);
        text.CopyTo(frame, 4);
        return new Frame(frame);
    }
}
