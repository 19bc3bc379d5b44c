using System.Diagnostics;
using System.Globalization;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>redis-server over plain TCP, without persistence, and with room for more than its default of 10,000 clients.</summary>
internal sealed class RedisContender : PeerContender
{
    private const string MostClients = "60000"; // Redis lowers it if the limit of descriptors is lower

    private readonly TempFolder _folder = new("redis-stress-");
    private readonly ServerProcess _process;
    private readonly Endpoint _endpoint;

    public RedisContender(string name, string path)
        : base(name)
    {
        var program = string.Join(' ', Programs.Ask(path, "--version").Split(' ').Take(3));
        Version = $"{program} over TCP, each publish answered, without persistence, maxclients {MostClients}";
        var port = ServerProcess.FreePort();
        string[] arguments =
        [
            "--bind", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--save", "", "--appendonly", "no",
            "--dir", _folder.Info.FullName, "--maxclients", MostClients,
        ];
        _process = new ServerProcess(new ProcessStartInfo(path, arguments), new Uri($"tcp://127.0.0.1:{port}"));
        Cost = new ProcessCost(_process.Id);
        _endpoint = Endpoint.Of(_process.Url, null);
    }

    public override string Version { get; }

    public override ProcessCost? Cost { get; }

    public override string? Death => _process.Death;

    public override BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        new RedisConnection(loop, _endpoint, Payload(payloadBytes), receiveBuffer);

    public override void Dispose()
    {
        _process.Dispose();
        _folder.Dispose();
    }
}
