using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>Latency from when each message was due, with queues as deep as those of the peer.</summary>
internal static class OpenLoopBars
{
    private const double Milliseconds = 1e-3; // of a microsecond
    private const int Rate = 1000; // messages per second
    private const int Subscribers = 10;
    private const int Half = 50; // percent

    public static bool Measure(BarsRun run)
    {
        using var lineup = run.Open(DeepQueues.Settings, [BarsRun.Nats]);
        var bench = new Bench("bars-open-loop", lineup, run.Folder);
        return bench.CloseAfter(() => Measure(run, bench));
    }

    private static void Measure(BarsRun run, Bench bench)
    {
        var calm = BarsRun.Of(Latency.Measure(bench, Rate, Subscribers, run.Load), BarsRun.Ours);
        run.Absolute(
            "p99 at 1,000 messages/s → 10 subscribers",
            Limits.AtMost(1),
            "ms",
            Summary.Of(calm, Names.DeliveryLatency, p => p.P99),
            Milliseconds);
        run.Absolute(
            "p99.9 at 1,000 messages/s → 10 subscribers, the moonshot",
            Limits.AtMost(1),
            "ms",
            Summary.Of(calm, Names.DeliveryLatency, p => p.P999),
            Milliseconds);

        var half = Saturation.Measure(bench, [Half], Subscribers, run.Load)[Half];
        var ratio = Ratio.Of(half, BarsRun.Ours, BarsRun.Nats, Ratio.Latency(Names.DeliveryLatency, p => p.P99));
        run.Absolute(
            "p99 at half of its own maximum, against nats at half of its",
            Limits.AtMost(1.5, 1),
            "x",
            ratio,
            remark: ratio is null
                ? $"{BarsRun.Nats} is absent, or failed"
                : $"load generator: {Client(half, BarsRun.Ours)} of a core for us, {Client(half, BarsRun.Nats)} for nats");
    }

    // Cores used by the load generator. Near 1 its single thread is saturated and adds to the latencies.
    private static string Client(IReadOnlyList<Run> runs, string contender) =>
        Summary.Of(BarsRun.Of(runs, contender), Names.ClientCpu) is { Median: var median } ? Summary.Number(median) : "–";
}
