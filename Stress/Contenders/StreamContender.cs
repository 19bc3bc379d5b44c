using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>The server under test once more, with subscribers by Server-Sent Events. It does not own the server.</summary>
internal sealed class StreamContender(PubSubContender server) : IContender
{
    public string Name => "sse";

    public string Version => $"{server.Name}, with subscribers by Server-Sent Events";

    public ProcessCost? Cost => server.Cost;

    public string? Death => server.Death;

    public void CreateTopic(string topic) => server.CreateTopic(topic);

    public void DeleteTopic(string topic) => server.DeleteTopic(topic);

    public BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) => server.Begin(loop, payloadBytes, receiveBuffer);

    public BrokerConnection BeginSubscriber(Loop loop, int payloadBytes) => server.BeginStream(loop, payloadBytes);

    public void Dispose()
    {
        // The server belongs to another contender.
    }
}
