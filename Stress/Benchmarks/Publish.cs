using BenchmarkDotNet.Attributes;

namespace PubSub.Benchmarks;

/// <summary>
/// The broker alone, without sockets and JSON: retains one message and queues it for each subscriber, which takes and releases it at
/// once. Time and bytes are those of a publish; divide by the subscribers for a delivery.
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class Publish
{
    private const int BatchBytes = 64 * 1024;

    private readonly Frame _frame = new(new byte[200]);
    private Subscriber[] _subscribers = [];
    private Topic _topic = null!;

    [Params(1, 10, 100, 1000)]
    public int Subscribers { get; set; }

    [GlobalSetup]
    public void Subscribe()
    {
        var broker = new Broker(new BrokerLimits());
        broker.Create("orders");
        _topic = broker.Find("orders")!;
        _subscribers = [.. Enumerable.Range(0, Subscribers).Select(_ => broker.Admit())];
        Array.ForEach(_subscribers, subscriber => _topic.Subscribe(subscriber));
        Once();
    }

    [Benchmark]
    public int Once()
    {
        _topic.TryPublish(_frame);
        var taken = 0;
        foreach (var subscriber in _subscribers)
        {
            taken += subscriber.Take(BatchBytes).Length;
            subscriber.Release();
        }

        return taken;
    }
}
