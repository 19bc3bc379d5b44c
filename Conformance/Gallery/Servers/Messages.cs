using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>What the server says, as bytes of JSON text; everything raw goes out as it came in.</summary>
internal class Messages(Variation variation)
{
    protected virtual string Time => variation.TimeMember is { } member
        ? $",\"{member}\":\"{TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)}\""
        : "";

    /// <summary>A JSON string holding the given text.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    public virtual byte[] Ack(ClientRequest request) =>
        Text($$"""{"type":"ack"{{Id(request.RawRequestId)}},"topic":{{Quote(request.Topic)}},"status":"ok"{{Time}}}""");

    public virtual byte[] Event(string topic, string rawMessage) =>
        Text($$"""{"type":"event","topic":{{Quote(topic)}},"message":{{rawMessage}}{{Time}}}""");

    public virtual byte[] Pong(ClientRequest request) => Text($$"""{"type":"pong"{{Id(request.RawRequestId)}}{{Time}}}""");

    public virtual byte[] Deleted(string topic) => Text($$"""{"type":"info","topic":{{Quote(topic)}},"msg":"topic_deleted"{{Time}}}""");

    public virtual byte[] Heartbeat() => Text($$"""{"type":"info","msg":"ping"{{Time}}}""");

    public virtual byte[] Error(string code, string message, string? rawRequestId = null)
    {
        var error = variation.StringErrors ? Quote(code) : $$"""{"code":{{Quote(code)}},"message":{{Quote(message)}}}""";
        return Text($$"""{"type":"error"{{Id(rawRequestId)}},"error":{{error}}{{Time}}}""");
    }

    /// <summary>An error over REST.</summary>
    public virtual HttpResponse Problem(int status, string code, string detail)
    {
        var title = HttpResponse.TitleOf(status);
        return variation.StringErrors
            ? new HttpResponse(status, $$"""{"error":{{Quote(detail)}}}""")
            : new HttpResponse(
                status,
                $$"""{"type":"about:blank","title":"{{title}}","status":{{status}},"detail":{{Quote(detail)}},"code":"{{code}}"}""",
                "application/problem+json");
    }

    protected static string Id(string? raw) => raw is null ? "" : $",\"request_id\":{raw}";

    protected static byte[] Text(string json) => Encoding.UTF8.GetBytes(json);
}
