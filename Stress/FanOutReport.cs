namespace PubSub.Stress;

internal sealed record FanOutReport(Setting Setting, FanOutLoad Load, FanOutResult[] Results);

internal sealed record FanOutLoad(int[] Subscribers, int PayloadBytes, int Outstanding, TimeSpan Window, TimeSpan Warmup, int Runs);

internal sealed record FanOutResult(int Subscribers, FanOutContender[] Contenders, FanOutRatio? Ratio);

/// <summary>One run; a failed one has no figures.</summary>
/// <param name="DeliveriesPerSecond">Events received by all subscribers together.</param>
/// <param name="ServerMicrosecondsPerDelivery">User and system time of the server's process.</param>
/// <param name="ClientCores">Processor time of the load generator per second: near 1, its one thread is the limit.</param>
/// <param name="AckRoundTrip">From a publish to its answer; null where publishes are not answered.</param>
/// <param name="Failure">The promise that was broken.</param>
internal sealed record FanOutRun(
    double DeliveriesPerSecond, double? ServerMicrosecondsPerDelivery, double ClientCores, Percentiles? AckRoundTrip, string? Failure)
{
    public override string ToString() => Failure is not null
        ? $"FAILED: {Failure}"
        : $"{DeliveriesPerSecond,11:N0} deliveries/s  server {ServerMicrosecondsPerDelivery?.ToString("0.000") ?? "?"} µs each" +
          $"  client {ClientCores:0.00} cores  {(AckRoundTrip is null ? "" : $"acks {AckRoundTrip}")}";
}

/// <summary>The runs of one contender that did not fail.</summary>
internal sealed record FanOutContender(string Name, Spread? DeliveriesPerSecond, Spread? ServerMicrosecondsPerDelivery, FanOutRun[] Runs)
{
    public override string ToString() => DeliveriesPerSecond is not { } rate
        ? $"{Name,-7}every run failed"
        : $"{Name,-7}{rate.Median,11:N0} deliveries/s ({rate.Min:N0}..{rate.Max:N0})" +
          (ServerMicrosecondsPerDelivery is { } cost ? $"  server {cost.Median:0.000} µs each ({cost.Min:0.000}..{cost.Max:0.000})" : "") +
          (Runs.Count(r => r.Failure is not null) is > 0 and var failed ? $"  {failed} of {Runs.Length} runs FAILED" : "");
}

/// <summary>First over second, of medians: a rate above 1 is faster, a cost below 1 is cheaper.</summary>
internal sealed record FanOutRatio(string First, string Second, double DeliveriesPerSecond, double? ServerMicrosecondsPerDelivery)
{
    /// <summary>Null unless each has a run that did not fail.</summary>
    public static FanOutRatio? Of(FanOutContender first, FanOutContender second) =>
        first.DeliveriesPerSecond is { } rate && second.DeliveriesPerSecond is { } other
            ? new FanOutRatio(
                first.Name,
                second.Name,
                rate.Median / other.Median,
                first.ServerMicrosecondsPerDelivery?.Median / second.ServerMicrosecondsPerDelivery?.Median)
            : null;

    public override string ToString() =>
        $"{First} / {Second}: deliveries/s x {DeliveriesPerSecond:0.00}, " +
        $"server time per delivery x {ServerMicrosecondsPerDelivery?.ToString("0.00") ?? "?"}";
}
