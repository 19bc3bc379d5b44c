using System.Text;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>Acks whatever it is told, and does nothing of it; over REST it says yes to everything and has nothing.</summary>
internal sealed class AckingServer : UpgradingServer
{
    public AckingServer() => Start();

    protected override HttpResponse Answer(HttpRequest request, byte[] body) => (request.Method, request.Path) switch
    {
        ("POST", _) => new(201, "{}"),
        (_, "/v1/topics") => new(200, """{"topics":[]}"""),
        (_, "/v1/health") => new(200, """{"uptime_seconds":0,"topics":0,"subscribers":0}"""),
        (_, "/v1/stats") => new(200, """{"topics":{}}"""),
        _ => new(200, "{}"),
    };

    protected override async Task TalkAsync(Connection connection, CancellationToken stopping)
    {
        while (await RawFrame.ReadAsync(connection, stopping) is { } frame)
        {
            if (frame.IsData)
            {
                await connection.WriteAsync(new RawFrame(0x81, Ack(Encoding.UTF8.GetString(frame.Payload))).Encode(), stopping);
            }
        }
    }

    private static byte[] Ack(string text) => Messages.Text(
        $$"""{"type":"ack"{{Messages.Id(Member(text, "request_id") is { } id ? Messages.Quote(id) : null)}},"topic":{{Messages.Quote(Member(text, "topic") ?? "")}},"status":"ok"}""");

    private static string? Member(string text, string name)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.GetProperty(name).GetString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // It is acked all the same.
            return null;
        }
    }
}
