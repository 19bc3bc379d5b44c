using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>Redis' own pub/sub.</summary>
internal sealed class RedisContender : PeerContender
{
    private readonly RedisServer _server;
    private readonly Endpoint _endpoint;

    public RedisContender(string name, string path)
        : base(name)
    {
        _server = new RedisServer(path);
        Cost = new ProcessCost(_server.Id);
        _endpoint = Endpoint.Of(_server.Url, null);
    }

    public override string Version => $"{_server.Version}, each publish answered";

    public override ProcessCost? Cost { get; }

    public override string? Death => _server.Death;

    public override BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        new RedisConnection(loop, _endpoint, Payload(payloadBytes), receiveBuffer);

    public override void Dispose() => _server.Dispose();
}
