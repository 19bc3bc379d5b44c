using System.Diagnostics;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>Mosquitto behind its WebSocket listener: MQTT 3.1.1, QoS 0.</summary>
internal sealed class MosquittoContender : PeerContender
{
    private readonly TempFolder _folder = new("mosquitto-stress-");
    private readonly ServerProcess _process;
    private readonly Endpoint _endpoint;

    public MosquittoContender(string name, string path)
        : base(name)
    {
        Version = $"{Programs.Ask(path, "-h")} over WebSocket, QoS 0: publishes unanswered, in frames of 1 KiB, without persistence";
        var port = ServerProcess.FreePort();
        var config = _folder.PathOf("mosquitto.conf");

        // Version 2.0.11 does not start without a listener for plain TCP, which is not used here.
        File.WriteAllText(config, $"""
            listener {ServerProcess.FreePort()} 127.0.0.1
            listener {port} 127.0.0.1
            protocol websockets
            allow_anonymous true
            persistence false
            log_type error
            """ + "\n");
        _process = new ServerProcess(new ProcessStartInfo(path, ["-c", config]), new Uri($"http://127.0.0.1:{port}"));
        Cost = new ProcessCost(_process.Id);
        _endpoint = Endpoint.Of(_process.Url, "/mqtt", "mqtt");
    }

    public override string Version { get; }

    public override ProcessCost? Cost { get; }

    public override string? Death => _process.Death;

    public override BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        new MqttConnection(loop, _endpoint, Payload(payloadBytes), receiveBuffer);

    public override void Dispose()
    {
        _process.Dispose();
        _folder.Dispose();
    }
}
