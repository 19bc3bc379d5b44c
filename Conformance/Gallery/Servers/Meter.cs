using System.Globalization;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Counts what the server does, and answers <c>/metrics</c> (SPEC, section 22).</summary>
internal sealed class Meter(SmallServer server)
{
    private const string Type = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private long _publishes;
    private long _deliveries;
    private long _refusals;

    public long Publishes => Interlocked.Read(ref _publishes);
    public long Deliveries => Interlocked.Read(ref _deliveries);

    /// <summary>Counts so many messages that were accepted.</summary>
    public Seam<Action<int>> Published => field ??= new(messages => Interlocked.Add(ref _publishes, messages));

    /// <summary>Counts an event that is queued for a subscriber.</summary>
    public Seam<Action> Delivered => field ??= new(() => Interlocked.Increment(ref _deliveries));

    /// <summary>Counts a request that is refused.</summary>
    public Seam<Action> Refused => field ??= new(() => Interlocked.Increment(ref _refusals));

    /// <summary>The number of open WebSocket connections.</summary>
    public Seam<Func<long>> Connections => field ??= new(() => server.Sessions.Keys.Count(session => !session.Queue.Ended.IsCompleted));

    /// <summary>The path of the metrics.</summary>
    public Seam<Func<HttpRequest, bool>> IsAsked => field ??= new(request => request.Path == "/metrics");

    public Seam<Func<HttpResponse>> Answer => field ??= new(() => new(200, Text.Call(), Type));

    public Seam<Func<string>> Text => field ??= new(() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        # TYPE pubsub_connections gauge
        # HELP pubsub_connections Open connections.
        pubsub_connections {Connections.Call()}
        # TYPE pubsub_publishes counter
        # HELP pubsub_publishes Messages accepted.
        pubsub_publishes_total {Publishes}
        # TYPE pubsub_deliveries counter
        pubsub_deliveries_total {Deliveries}
        # TYPE pubsub_refusals counter
        pubsub_refusals_total{"{"}code="BAD_REQUEST"{"}"} {Interlocked.Read(ref _refusals)}
        # TYPE pubsub_queue_events histogram
        pubsub_queue_events_bucket{"{"}le="1.0"{"}"} {Deliveries}
        pubsub_queue_events_bucket{"{"}le="+Inf"{"}"} {Deliveries}
        pubsub_queue_events_sum {Deliveries}
        pubsub_queue_events_count {Deliveries}
        # EOF

        """).ReplaceLineEndings("\n"));
}
