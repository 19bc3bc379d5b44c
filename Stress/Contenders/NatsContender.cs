using System.Diagnostics;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>nats-server, over WebSocket or plain TCP.</summary>
internal sealed class NatsContender : PeerContender
{
    private readonly TempFolder _folder = new("nats-stress-");
    private readonly ServerProcess _process;
    private readonly Endpoint _endpoint;

    public NatsContender(string name, string path, bool webSocket)
        : base(name)
    {
        Version = $"{Programs.Ask(path, "--version")} over {(webSocket ? "WebSocket" : "TCP")}, publishes unanswered";
        var config = _folder.PathOf("nats.conf");
        var (plain, framed) = (ServerProcess.FreePort(), ServerProcess.FreePort());
        File.WriteAllText(config, $$"""
            listen: "127.0.0.1:{{plain}}"
            websocket { host: "127.0.0.1", port: {{framed}}, no_tls: true }
            """);
        var url = new Uri(webSocket ? $"http://127.0.0.1:{framed}" : $"tcp://127.0.0.1:{plain}");
        _process = new ServerProcess(new ProcessStartInfo(path, ["-c", config]), url);
        Cost = new ProcessCost(_process.Id);
        _endpoint = Endpoint.Of(_process.Url, webSocket ? "/" : null);
    }

    public override string Version { get; }

    public override ProcessCost? Cost { get; }

    public override string? Death => _process.Death;

    public override BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        new NatsConnection(loop, _endpoint, Payload(payloadBytes), receiveBuffer);

    public override void Dispose()
    {
        _process.Dispose();
        _folder.Dispose();
    }
}
