using System.Globalization;
using System.Text;
using System.Text.Json;
using PubSub.Hosting.WebSocket;

namespace PubSub.Hosting.Protocol;

/// <summary>Makes the server's messages. Each method returns a finished frame, encoded once for all its receivers.</summary>
/// <remarks>Raw arguments are JSON as the client wrote it; they are copied byte for byte.</remarks>
/// <param name="time">The clock.</param>
/// <param name="refused">Told the code of each error message; null if nothing counts them.</param>
internal sealed class ServerMessage(TimeProvider time, Action<string>? refused = null)
{
    private readonly Timestamp _clock = new(time);

    /// <summary>The moment of this call, in ticks of 100 ns since the year 1, UTC.</summary>
    public long Now => _clock.Now;

    /// <summary>The event that a message becomes; its stamp is its time of acceptance (PS-FAN-006).</summary>
    public Draft Event(ReadOnlyMemory<byte> rawTopic, ReadOnlyMemory<byte> rawMessage) =>
        Text(_clock.Now, """{"type":"event","topic":"""u8, rawTopic.Span, ""","message":"""u8, rawMessage.Span, default, default);

    /// <summary>An event that another node has encoded.</summary>
    /// <param name="frame">Its frame, which shows some time and is the callee's from now on.</param>
    /// <param name="stamp">Its stamp, which it shows from now on.</param>
    public static Draft Event(byte[] frame, long stamp)
    {
        var place = frame.Length - Stamp.Length - 2;
        Stamp.Write(stamp, frame.AsSpan(place));
        return new Draft(frame, stamp, place);
    }

    /// <summary>The ack of a publish, with the stamp of its event (PS-RES-002), or of an unsubscribe.</summary>
    public Frame Ack(ReadOnlyMemory<byte> rawRequestId, ReadOnlyMemory<byte> rawTopic, long? stamp = null) => Text(
        stamp ?? _clock.Now,
        "{\"type\":\"ack\""u8, IdLabel(rawRequestId), rawRequestId.Span, ""","topic":"""u8, rawTopic.Span, ",\"status\":\"ok\""u8).Frame;

    /// <summary>The ack of a subscribe, which is a position (PS-RES-002).</summary>
    /// <param name="rawRequestId">See <see cref="Request"/>.</param>
    /// <param name="rawTopic">The topic as the client spelled it.</param>
    /// <param name="epoch">The topic's.</param>
    /// <param name="time">The caller's time, as a stamp.</param>
    /// <param name="whole">Whether nothing is missing behind the client's position; null if it named none.</param>
    public Draft Subscribed(ReadOnlyMemory<byte> rawRequestId, ReadOnlyMemory<byte> rawTopic, string epoch, long time, bool? whole) => Text(
        time,
        "{\"type\":\"ack\""u8,
        IdLabel(rawRequestId),
        rawRequestId.Span,
        ""","topic":"""u8,
        rawTopic.Span,
        Encoding.ASCII.GetBytes($",\"status\":\"ok\",\"epoch\":\"{epoch}\"" + whole switch
        {
            null => "",
            true => ",\"complete\":true",
            false => ",\"complete\":false",
        }));

    /// <summary>Tells the reader of a stream that events later than its position may be missing (PS-SSE-005).</summary>
    public Draft Gap(string topic, string epoch, long time) => Text(
        time,
        "{\"type\":\"gap\",\"topic\":\""u8,
        JsonEncodedText.Encode(topic).EncodedUtf8Bytes,
        "\",\"epoch\":\""u8,
        Encoding.ASCII.GetBytes(epoch),
        "\""u8,
        default);

    public Frame Pong(ReadOnlyMemory<byte> rawRequestId) =>
        Text(_clock.Now, "{\"type\":\"pong\""u8, IdLabel(rawRequestId), rawRequestId.Span, default, default, default).Frame;

    public Frame Error(ReadOnlyMemory<byte> rawRequestId, Refusal refusal)
    {
        refused?.Invoke(refusal.Code);
        return Text(
            _clock.Now,
            "{\"type\":\"error\""u8,
            IdLabel(rawRequestId),
            rawRequestId.Span,
            ""","error":{"code":"""u8,
            Encoding.UTF8.GetBytes($"\"{refusal.Code}\",\"message\":\"{JsonEncodedText.Encode(refusal.Text)}\"{RetryAfter(refusal)}}}"),
            default).Frame;
    }

    public Frame TopicDeleted(string topic) =>
        Text(
            _clock.Now,
            "{\"type\":\"info\",\"topic\":\""u8,
            JsonEncodedText.Encode(topic).EncodedUtf8Bytes,
            "\",\"msg\":\"topic_deleted\""u8,
            default,
            default,
            default).Frame;

    private static string RetryAfter(Refusal refusal) =>
        refusal.RetryAfter is { } milliseconds ? string.Create(CultureInfo.InvariantCulture, $",\"retry_after_ms\":{milliseconds}") : "";

    private static ReadOnlySpan<byte> IdLabel(ReadOnlyMemory<byte> rawRequestId) => rawRequestId.IsEmpty ? default : ""","request_id":"""u8;

    /// <summary>One text frame of the parts in a row, then the timestamp and the closing brace.</summary>
    private Draft Text(
        long time,
        ReadOnlySpan<byte> a,
        ReadOnlySpan<byte> b,
        ReadOnlySpan<byte> c,
        ReadOnlySpan<byte> d,
        ReadOnlySpan<byte> e,
        ReadOnlySpan<byte> f)
    {
        var label = ",\"timestamp\":\""u8;
        var length = a.Length + b.Length + c.Length + d.Length + e.Length + f.Length + label.Length + Stamp.Length + 2;
        var frame = WebSocketFrame.Text(length, out var rest);
        Put(a, ref rest);
        Put(b, ref rest);
        Put(c, ref rest);
        Put(d, ref rest);
        Put(e, ref rest);
        Put(f, ref rest);
        Put(label, ref rest);
        _clock.Write(time, rest);
        "\"}"u8.CopyTo(rest[Stamp.Length..]);
        return new Draft(frame, time, frame.Length - Stamp.Length - 2);
    }

    private static void Put(ReadOnlySpan<byte> part, ref Span<byte> rest)
    {
        part.CopyTo(rest);
        rest = rest[part.Length..];
    }
}
