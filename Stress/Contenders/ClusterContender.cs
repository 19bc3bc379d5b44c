using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>
/// One or more nodes of one cluster, measured as one server. Subscribers connect to the nodes in turn from the first, publishers from
/// the second. So with several nodes, the first publisher and the first subscriber are at different ones. The caller owns the nodes.
/// </summary>
internal sealed class ClusterContender : IContender
{
    private readonly IReadOnlyList<PubSubContender> _nodes;
    private readonly RedisServer? _redis;
    private int _subscribers;
    private int _publishers;

    /// <param name="name">The name in the report.</param>
    /// <param name="nodes">The nodes.</param>
    /// <param name="redis">The Redis that the nodes share; null for one node without.</param>
    public ClusterContender(string name, IReadOnlyList<PubSubContender> nodes, RedisServer? redis)
    {
        (Name, _nodes, _redis) = (name, nodes, redis);
        Version = nodes.Count == 1 ? nodes[0].Version : $"{nodes.Count} × {nodes[0].Version}";
        var processes = nodes.Select(node => node.Cost?.Id).Concat(redis is null ? [] : [(int?)redis.Id]).ToArray();
        Cost = Array.TrueForAll(processes, id => id is not null) ? new ProcessCost([.. processes.OfType<int>()]) : null;
    }

    public string Name { get; }

    public string Version { get; }

    public int Nodes => _nodes.Count;

    /// <summary>The sum over the nodes and Redis; null if one of them cannot be observed.</summary>
    public ProcessCost? Cost { get; }

    public string? Death => _nodes.Select(node => node.Death).Append(_redis?.Death).FirstOrDefault(death => death is not null);

    /// <summary>The next subscriber connects to the first node, the next publisher to the second.</summary>
    public void Rewind() => _subscribers = _publishers = 0;

    public void CreateTopic(string topic) => _nodes[0].CreateTopic(topic);

    public void DeleteTopic(string topic) => _nodes[0].DeleteTopic(topic);

    public BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        _nodes[++_publishers % _nodes.Count].Begin(loop, payloadBytes, receiveBuffer);

    public BrokerConnection BeginSubscriber(Loop loop, int payloadBytes) =>
        _nodes[_subscribers++ % _nodes.Count].Begin(loop, payloadBytes);

    public void Dispose()
    {
    }
}
