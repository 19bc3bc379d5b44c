using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>Says whatever it is told: every frame goes back as it came, and every body with 200.</summary>
internal sealed class EchoServer : UpgradingServer
{
    public EchoServer() => Start();

    protected override HttpResponse Answer(HttpRequest request, byte[] body) => new(200, Encoding.UTF8.GetString(body));

    protected override async Task TalkAsync(Connection connection, CancellationToken stopping)
    {
        while (await RawFrame.ReadAsync(connection, stopping) is { } frame)
        {
            await connection.WriteAsync(frame.Encode(), stopping);
        }
    }
}
