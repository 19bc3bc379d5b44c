using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>Memory and topics, each in a new server process.</summary>
internal static class FreshProcessBars
{
    private const int Connections = 10_000;
    private const int ManyTopics = 100_000;
    private const int Seed = 1;
    private const double Kibibytes = 1 / 1024.0; // of a byte

    public static bool Measure(BarsRun run) => MeasureIdle(run) & MeasureTopics(run);

    private static bool MeasureIdle(BarsRun run)
    {
        using var lineup = run.Open([], [BarsRun.Nats, BarsRun.Redis]);
        var bench = new Bench("bars-idle", lineup, run.Folder);
        return bench.CloseAfter(() =>
        {
            var idle = BarsRun.Of(Idle.Measure(bench, Connections, run.Load.Window, runs: 1), BarsRun.Ours);
            run.Absolute(
                "memory of an idle connection with one subscription, of 10,000",
                Limits.AtMost(14, 8),
                "KiB",
                Summary.Of(idle, Names.BytesPerConnection),
                Kibibytes,
                "resident set");
        });
    }

    private static bool MeasureTopics(BarsRun run)
    {
        using var lineup = run.Open(Topics.ManyTopics, []);
        var bench = new Bench("bars-topics", lineup, run.Folder);
        return bench.CloseAfter(() =>
        {
            var one = Topics.Measure(bench, 1, run.Load, Seed);
            run.Growth(
                "server CPU per publish to one topic, among 100,000 against alone",
                Limits.AtMost(1.2),
                Topics.Measure(bench, ManyTopics, run.Load, Seed, busy: 1),
                one,
                Names.CpuPerPublish);
            run.Growth(
                "server CPU per publish, to 100,000 topics at random against 1",
                Limits.AtMost(1.2),
                Topics.Measure(bench, ManyTopics, run.Load, Seed),
                one,
                Names.CpuPerPublish);
        });
    }
}
