using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>Throughput and its cost, with the default settings.</summary>
internal static class ClosedLoopBars
{
    private const double ClaimedPerSecond = 50_000; // messages of one topic, as the first description of the protocol claims
    private static readonly string[] Peers = [BarsRun.Nats, "nats-tcp", BarsRun.Redis, "mosquitto", BarsRun.Limit];
    private static readonly TimeSpan CutLimit = TimeSpan.FromSeconds(30);

    public static bool Measure(BarsRun run)
    {
        using var lineup = run.Open([], [BarsRun.Nats, BarsRun.Redis, BarsRun.Limit], others: true);
        var bench = new Bench("bars-closed-loop", lineup, run.Folder);
        return bench.CloseAfter(() => Measure(run, bench));
    }

    private static void Measure(BarsRun run, Bench bench)
    {
        var load = run.Load;
        var one = FanOut.Measure(bench, 1, load);
        run.Against("1 → 1 deliveries/s, against nats over WebSocket", BarsRun.Nats, Limits.AtLeast(0.9, 1.25), one, Names.Deliveries);
        run.Absolute(
            "one topic, messages/s with acks",
            Limits.AtLeast(4 * ClaimedPerSecond, 10 * ClaimedPerSecond),
            "1/s",
            Summary.Of(BarsRun.Of(one, BarsRun.Ours), Names.Publishes));

        var hundred = FanOut.Measure(bench, 100, load);
        run.Against(
            "1 → 100 deliveries/s, against nats over WebSocket", BarsRun.Nats, Limits.AtLeast(1.25, 1.75), hundred, Names.Deliveries);
        run.Against("1 → 100 deliveries/s, against Redis", BarsRun.Redis, Limits.AtLeast(1), hundred, Names.Deliveries);
        run.Against("1 → 100 server CPU per delivery, against bare C", BarsRun.Limit, Limits.AtMost(3, 2), hundred, Names.CpuPerDelivery);

        var thousand = FanOut.Measure(bench, 1000, load);
        run.Against(
            "1 → 1,000 deliveries/s, against nats over WebSocket", BarsRun.Nats, Limits.AtLeast(1.25, 1.75), thousand, Names.Deliveries);
        run.Against("1 → 1,000 deliveries/s, against Redis", BarsRun.Redis, Limits.AtLeast(1), thousand, Names.Deliveries);

        var pairs = Pairs.Measure(bench, 50, load);
        run.Against("50 pairs deliveries/s, against nats over WebSocket", BarsRun.Nats, Limits.AtLeast(0.6, 1), pairs, Names.Deliveries);
        AgainstOthers(run, bench, [one, hundred, thousand, pairs]);

        run.Growth(
            "server CPU per delivery, 10,000 against 10 subscribers",
            Limits.AtMost(1.5, 1),
            FanOut.Measure(bench, 10_000, load, alone: true),
            FanOut.Measure(bench, 10, load, alone: true),
            Names.CpuPerDelivery);

        var slow = Slow.Measure(bench, 1, Slow.Never, new SlowLoad(20, 500, 4096, load.Window, CutLimit), load.Repetitions);
        run.Absolute(
            "p99 of 19 healthy subscribers, with one that never reads",
            Limits.AtMost(1.2, 1),
            "x",
            Summary.Of(slow, Names.P99Ratio),
            remark: "open loop, 500 messages/s of 4 KiB");
    }

    // The smallest ratio over all loads and all other implementations.
    private static void AgainstOthers(BarsRun run, Bench bench, IReadOnlyList<Run>[] loads)
    {
        var others = bench.Lineup.All.Select(contender => contender.Name).Except([BarsRun.Ours, .. Peers]).ToArray();
        var closest = others
            .SelectMany(other => loads.Select(runs => Ratio.Of(runs, BarsRun.Ours, other, Ratio.Figure(Names.Deliveries))))
            .OfType<Spread>()
            .MinBy(ratio => ratio.Median);
        run.Absolute(
            "every load, against the fastest other implementation",
            Limits.AtLeast(10, 20),
            "x",
            closest,
            remark: closest is null ? "name one: --against NAME=URL or NAME=COMMAND" : $"the closest of {string.Join(", ", others)}");
    }
}
