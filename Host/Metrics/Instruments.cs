using System.Diagnostics.Metrics;

namespace PubSub.Hosting.Metrics;

/// <summary>
/// The instruments of the Host. There are none unless METRICS or OTLP_ENDPOINT is set. No label has the name of a topic or a client, and
/// the values of each label are a closed set.
/// </summary>
/// <remarks>
/// Safe for concurrent use. What is counted often is a <see cref="Tally"/>, which is read when metrics are collected. The histograms are
/// recorded for a sample of the batches (<see cref="BatchMeter"/>).
/// </remarks>
internal sealed class Instruments
{
    public const string MeterName = "PubSub.Host";

    private static readonly double[] Seconds =
        [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private static readonly int[] Events = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000];

    private readonly Meter _meter;
    private readonly TimeProvider _time;
    private readonly Counter<long> _refusals;
    private readonly Histogram<int> _depth;
    private readonly Histogram<double> _latency;

    public Instruments(IMeterFactory meters, Broker broker, TimeProvider time)
    {
        _time = time;
        (WebSocket, Stream, Http) = (new("websocket", this), new("sse", this), new("http", this));
        _meter = meters.Create(MeterName);
        Traffic[] lasting = [WebSocket, Stream];
        Traffic[] publishing = [WebSocket, Http];
        _meter.CreateObservableUpDownCounter(
            "pubsub.connections",
            () => lasting.Select(transport => transport.Measure(transport.Connections)),
            "{connection}",
            "WebSocket connections and event streams that are open.");
        _meter.CreateObservableUpDownCounter(
            "pubsub.subscriptions", () => broker.Count().Subscriptions, "{subscription}", "Subscriptions of this node's connections.");
        _meter.CreateObservableUpDownCounter(
            "pubsub.topics", () => broker.Count().Topics, "{topic}", "Topics; with REDIS, those that this node mirrors.");
        Count("pubsub.publishes", publishing, transport => transport.Publishes, "{message}", "Messages accepted.");
        Count("pubsub.deliveries", lasting, transport => transport.Deliveries, "{event}", "Live events written, for each subscriber.");
        Count("pubsub.received", publishing, transport => transport.Received, "By", "Bytes of WebSocket frames and of published bodies.");
        Count("pubsub.sent", lasting, transport => transport.Sent, "By", "Bytes of WebSocket frames and event streams.");
        Count("pubsub.slow_consumers", lasting, transport => transport.SlowConsumers, "{connection}", "Connections cut as slow consumers.");
        _meter.CreateObservableCounter(
            "pubsub.log.dropped", () => DropReports.Lines, "{line}", "Lines of the log that were dropped, once the console reports them.");
        _refusals = _meter.CreateCounter<long>("pubsub.refusals", "{error}", "Errors answered, by code.");
        _depth = _meter.CreateHistogram(
            "pubsub.queue.depth",
            "{event}",
            "Live events outstanding for a subscriber when one of eight batches is taken.",
            advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = Events });
        _latency = _meter.CreateHistogram(
            "pubsub.delivery.latency",
            "s",
            "From an event's timestamp to the end of its write: the last event of one of eight batches.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
    }

    public Traffic WebSocket { get; }

    /// <summary>Server-Sent Events.</summary>
    public Traffic Stream { get; }

    /// <summary>Publishes over HTTP.</summary>
    public Traffic Http { get; }

    /// <summary>Shows the state of the node.</summary>
    /// <param name="isAvailable">Whether the engine can carry out requests.</param>
    /// <param name="isDraining">Whether the process is stopping.</param>
    public void ObserveState(Func<bool> isAvailable, Func<bool> isDraining)
    {
        _meter.CreateObservableGauge(
            "pubsub.engine.available", () => isAvailable() ? 1 : 0, description: "1 while the engine can carry out requests.");
        _meter.CreateObservableGauge("pubsub.draining", () => isDraining() ? 1 : 0, description: "1 while the node is draining.");
    }

    /// <summary>An error is answered.</summary>
    /// <param name="code">Of the closed set of the protocol's codes.</param>
    public void Refuse(string code) => _refusals.Add(1, new KeyValuePair<string, object?>("code", code));

    /// <summary>Records the events outstanding for one subscriber.</summary>
    public void RecordDepth(int events) => _depth.Record(events);

    /// <summary>Records the age of an event that was written now. Where clocks disagree it is 0 at least.</summary>
    /// <param name="stamp">The event's.</param>
    public void RecordLatency(DateTime stamp) => _latency.Record(Math.Max(0, (_time.GetUtcNow().UtcDateTime - stamp).TotalSeconds));

    private void Count(string name, Traffic[] transports, Func<Traffic, Tally> tally, string unit, string description) =>
        _meter.CreateObservableCounter(
            name, () => transports.Select(transport => transport.Measure(tally(transport).Sum())), unit, description);
}
