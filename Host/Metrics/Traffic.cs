using System.Diagnostics.Metrics;

namespace PubSub.Hosting.Metrics;

/// <summary>What one kind of transport has carried since the start. Safe for concurrent use.</summary>
/// <param name="transport">The value of the label <c>transport</c>.</param>
/// <param name="instruments">Record what is sampled.</param>
internal sealed class Traffic(string transport, Instruments instruments)
{
    private readonly KeyValuePair<string, object?> _label = new("transport", transport);
    private int _connections;

    /// <summary>Connections that are open now.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Connections that were ended because their subscriber was a slow consumer.</summary>
    public Tally SlowConsumers { get; } = new();

    /// <summary>Messages accepted.</summary>
    public Tally Publishes { get; } = new();

    /// <summary>Live events that the operating system accepted.</summary>
    public Tally Deliveries { get; } = new();

    /// <summary>Bytes of frames, or of bodies.</summary>
    public Tally Received { get; } = new();

    /// <summary>Bytes of frames, or of a stream, that the operating system accepted.</summary>
    public Tally Sent { get; } = new();

    public void Open() => Interlocked.Increment(ref _connections);

    public void Close(CloseReason reason)
    {
        Interlocked.Decrement(ref _connections);
        if (reason == CloseReason.SlowConsumer)
        {
            SlowConsumers.Add(1);
        }
    }

    /// <summary>A meter for one session.</summary>
    public BatchMeter Meter() => new(instruments, this);

    public Measurement<long> Measure(long value) => new(value, _label);
}
