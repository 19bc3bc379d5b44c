using System.Text;
using System.Text.Json;
using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Protocol;

/// <summary>Makes the server's messages. Each method returns a finished frame, encoded once for all its receivers.</summary>
/// <remarks>Raw arguments are JSON as the client wrote it; they are copied byte for byte.</remarks>
internal sealed class ServerMessage(TimeProvider time)
{
    private readonly Timestamp _now = new(time);

    /// <summary>The event that a message becomes, with this moment as its time of acceptance (PS-FAN-006).</summary>
    public Frame Event(ReadOnlyMemory<byte> rawTopic, ReadOnlyMemory<byte> rawMessage) =>
        Text("""{"type":"event","topic":"""u8, rawTopic.Span, ""","message":"""u8, rawMessage.Span, default, default);

    public Frame Ack(ReadOnlyMemory<byte> rawRequestId, ReadOnlyMemory<byte> rawTopic) =>
        Text("{\"type\":\"ack\""u8, IdLabel(rawRequestId), rawRequestId.Span, ""","topic":"""u8, rawTopic.Span, ",\"status\":\"ok\""u8);

    public Frame Pong(ReadOnlyMemory<byte> rawRequestId) =>
        Text("{\"type\":\"pong\""u8, IdLabel(rawRequestId), rawRequestId.Span, default, default, default);

    public Frame Error(ReadOnlyMemory<byte> rawRequestId, Refusal refusal) =>
        Text(
            "{\"type\":\"error\""u8,
            IdLabel(rawRequestId),
            rawRequestId.Span,
            ""","error":{"code":"""u8,
            Encoding.UTF8.GetBytes($"\"{refusal.Code}\",\"message\":\"{JsonEncodedText.Encode(refusal.Text)}\"}}"),
            default);

    public Frame TopicDeleted(string topic) =>
        Text(
            "{\"type\":\"info\",\"topic\":\""u8,
            JsonEncodedText.Encode(topic).EncodedUtf8Bytes,
            "\",\"msg\":\"topic_deleted\""u8,
            default,
            default,
            default);

    private static ReadOnlySpan<byte> IdLabel(ReadOnlyMemory<byte> rawRequestId) => rawRequestId.IsEmpty ? default : ""","request_id":"""u8;

    /// <summary>One text frame of the parts in a row, then the timestamp and the closing brace.</summary>
    private Frame Text(
        ReadOnlySpan<byte> a,
        ReadOnlySpan<byte> b,
        ReadOnlySpan<byte> c,
        ReadOnlySpan<byte> d,
        ReadOnlySpan<byte> e,
        ReadOnlySpan<byte> f)
    {
        var label = ",\"timestamp\":\""u8;
        var length = a.Length + b.Length + c.Length + d.Length + e.Length + f.Length + label.Length + Timestamp.Length + 2;
        var frame = WebSocketFrame.Text(length, out var rest);
        Put(a, ref rest);
        Put(b, ref rest);
        Put(c, ref rest);
        Put(d, ref rest);
        Put(e, ref rest);
        Put(f, ref rest);
        Put(label, ref rest);
        _now.Write(rest);
        "\"}"u8.CopyTo(rest[Timestamp.Length..]);
        return new Frame(frame);
    }

    private static void Put(ReadOnlySpan<byte> part, ref Span<byte> rest)
    {
        part.CopyTo(rest);
        rest = rest[part.Length..];
    }
}
