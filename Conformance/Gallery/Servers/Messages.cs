using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Encodes the server's messages as JSON; raw values go out exactly as they came in.</summary>
internal sealed class Messages(SmallServer server)
{
    [ThreadStatic]
    private static long? _stamp;

    /// <summary>The present time, in ticks of 100 ns since the year 1, UTC.</summary>
    public Seam<Func<long>> Clock => field ??= new(() => TimeProvider.System.GetUtcNow().Ticks);

    /// <summary>The text of a time, with all its ticks: a reader may send it back as a position.</summary>
    public Seam<Func<long, string>> Format =>
        field ??= new(ticks => new DateTime(ticks).ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture));

    /// <summary>Encodes a message with this time instead of the present one.</summary>
    public static byte[] At(long stamp, Func<byte[]> encode)
    {
        _stamp = stamp;
        try
        {
            return encode();
        }
        finally
        {
            _stamp = null;
        }
    }

    /// <summary>The time as the last member of every message, with the comma before it, or nothing.</summary>
    public Seam<Func<string>> Time => field ??= new(() => server.Variation.TimeMember is { } member
        ? $",\"{member}\":\"{Format.Call(_stamp ?? Clock.Call())}\""
        : "");

    public Seam<Func<ClientRequest, byte[]>> Ack => field ??= new(request =>
        Text($$"""
            {"type":"ack"{{Id(request.RawRequestId)}},"topic":{{Quote(request.Topic)}},"status":"ok"{{request.InAck}}{{Time.Call()}}}
            """));

    /// <summary>Topic, raw message.</summary>
    public Seam<Func<string, string, byte[]>> Event => field ??= new((topic, rawMessage) =>
        Text($$"""{"type":"event","topic":{{Quote(topic)}},"message":{{rawMessage}}{{Time.Call()}}}"""));

    public Seam<Func<ClientRequest, byte[]>> Pong => field ??= new(request =>
        Text($$"""{"type":"pong"{{Id(request.RawRequestId)}}{{Time.Call()}}}"""));

    /// <summary>The notice that a topic is gone.</summary>
    public Seam<Func<string, byte[]>> Deleted => field ??= new(topic =>
        Text($$"""{"type":"info","topic":{{Quote(topic)}},"msg":"topic_deleted"{{Time.Call()}}}"""));

    public Seam<Func<byte[]>> Heartbeat => field ??= new(() => Text($$"""{"type":"info","msg":"ping"{{Time.Call()}}}"""));

    /// <summary>Code, sentence, raw request_id or null.</summary>
    public Seam<Func<string, string, string?, byte[]>> Error => field ??= new((code, message, rawRequestId) =>
    {
        var error = server.Variation.StringErrors ? Quote(code) : $$"""{"code":{{Quote(code)}},"message":{{Quote(message)}}}""";
        return Text($$"""{"type":"error"{{Id(rawRequestId)}},"error":{{error}}{{Time.Call()}}}""");
    });

    /// <summary>Status, code, detail: an error over REST.</summary>
    public Seam<Func<int, string, string, HttpResponse>> Problem => field ??= new((status, code, detail) =>
    {
        var title = HttpResponse.TitleOf(status);
        return server.Variation.StringErrors
            ? new HttpResponse(status, $$"""{"error":{{Quote(detail)}}}""")
            : new HttpResponse(
                status,
                $$"""{"type":"about:blank","title":"{{title}}","status":{{status}},"detail":{{Quote(detail)}},"code":"{{code}}"}""",
                "application/problem+json");
    });

    /// <summary>A JSON string holding the given text.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>The member request_id with the comma before it, or nothing.</summary>
    public static string Id(string? raw) => raw is null ? "" : $",\"request_id\":{raw}";

    public static byte[] Text(string json) => Encoding.UTF8.GetBytes(json);
}
