using System.Globalization;
using System.Text;
using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Streams;

/// <summary>
/// Frames as Server-Sent Events (HTML Standard, section 9.2): an event of a topic has an <c>id</c> and no name; any other message has its
/// type as its name, and no id; a Ping is a comment.
/// </summary>
/// <param name="epoch">The topic's.</param>
/// <param name="isChunked">Whether each write is a chunk of an HTTP/1.1 body (RFC 9112 §7.1).</param>
internal sealed class EventText(string epoch, bool isChunked)
{
    /// <summary>Bytes before and behind a chunk: up to eight digits of its length, and two line ends.</summary>
    private const int ChunkBytes = 8 + 2 + 2;

    private readonly byte[] _id = Encoding.ASCII.GetBytes($"id: {epoch}/");

    private static ReadOnlySpan<byte> Data => "data: "u8;

    /// <summary>The size in bytes that <see cref="Write"/> needs at most.</summary>
    public int MaxLength(ReadOnlySpan<Outgoing> frames)
    {
        var length = ChunkBytes;
        foreach (ref readonly var outgoing in frames)
        {
            var json = WebSocketFrame.Payload(outgoing.Frame);
            var lines = 1 + json.Count((byte)'\n') + json.Count((byte)'\r');
            length += _id.Length + Stamp.Length + json.Length + (lines * Data.Length) + 32;
        }

        return length;
    }

    /// <summary>Writes frames.</summary>
    /// <param name="frames">At least one.</param>
    /// <param name="target">At least <see cref="MaxLength"/> bytes.</param>
    /// <param name="isLast">Whether one of them says that the topic is deleted; nothing follows it.</param>
    /// <returns>Bytes written.</returns>
    public int Write(ReadOnlySpan<Outgoing> frames, Span<byte> target, out bool isLast)
    {
        isLast = false;
        var head = isChunked ? 8 + 2 : 0;
        var length = head;
        foreach (ref readonly var outgoing in frames)
        {
            length += WriteOne(outgoing.Frame, target[length..], ref isLast);
        }

        if (isChunked)
        {
            (length - head).TryFormat(target, out _, "x8", CultureInfo.InvariantCulture);
            "\r\n"u8.CopyTo(target[8..]);
            "\r\n"u8.CopyTo(target[length..]);
            length += 2;
        }

        return length;
    }

    private int WriteOne(Frame frame, Span<byte> target, ref bool isLast)
    {
        var rest = target;
        if (!WebSocketFrame.IsText(frame))
        {
            Put(":\n\n"u8, ref rest); // a Ping
            return target.Length - rest.Length;
        }

        var json = WebSocketFrame.Payload(frame);
        var type = json["{\"type\":\""u8.Length..];
        type = type[..type.IndexOf((byte)'"')];
        if (type.SequenceEqual("event"u8))
        {
            Put(_id, ref rest);
            Put(json.Slice(json.Length - "\"}"u8.Length - Stamp.Length, Stamp.Length), ref rest);
        }
        else
        {
            isLast |= type.SequenceEqual("info"u8);
            Put("event: "u8, ref rest);
            Put(type, ref rest);
        }

        // A publisher may have put line ends between the tokens of its message.
        for (var end = json.IndexOfAny((byte)'\n', (byte)'\r'); end >= 0; end = json.IndexOfAny((byte)'\n', (byte)'\r'))
        {
            PutLine(json[..end], ref rest);
            json = json[(end + 1)..];
        }

        PutLine(json, ref rest);
        Put("\n\n"u8, ref rest);
        return target.Length - rest.Length;
    }

    private static void PutLine(ReadOnlySpan<byte> line, ref Span<byte> rest)
    {
        Put("\n"u8, ref rest);
        Put(Data, ref rest);
        Put(line, ref rest);
    }

    private static void Put(ReadOnlySpan<byte> part, ref Span<byte> rest)
    {
        part.CopyTo(rest);
        rest = rest[part.Length..];
    }
}
