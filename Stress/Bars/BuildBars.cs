using PubSub.Stress.Contenders;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>Figures that need a build of our own: memory when idle, and allocations.</summary>
internal static class BuildBars
{
    private const int Few = 10, Many = 100; // subscribers

    public static bool Measure(BarsRun run)
    {
        using var lineup = new Lineup();
        HostBuild[] builds = [lineup.Own(new HostBuild(aot: true)), lineup.Own(new HostBuild(aot: false))];
        Array.ForEach(builds, build => lineup.Note(build.Kind, "Host, published Release"));
        lineup.Note(BarsRun.Ours, "Host, published Release for the JIT, with a startup hook");
        var bench = new Bench("bars-builds", lineup, run.Folder);
        return bench.CloseAfter(() => Measure(run, bench, builds));
    }

    private static void Measure(BarsRun run, Bench bench, HostBuild[] builds)
    {
        var idle = Memory.Measure(bench, builds, run.Load.Repetitions);
        run.Absolute(
            "resident when idle, Native AOT",
            Limits.AtMost(20, 12),
            "MB",
            Summary.Of(BarsRun.Of(idle, builds[0].Kind), Names.Resident));

        var allocations = Allocations.Measure(bench, builds[1].Executable, [Few, Many], run.Load);
        var (few, many) = (PerPublish(allocations, Few), PerPublish(allocations, Many));
        const double more = Many - Few;
        run.Absolute(
            "bytes allocated for each further delivery of a publish",
            Limits.AtMost(1),
            "B",
            few is null || many is null
                ? null
                : new Spread((many.Median - few.Median) / more, (many.Min - few.Max) / more, (many.Max - few.Min) / more),
            remark: "100 less 10 subscribers");
        run.Absolute("bytes allocated per publish, 1 → 10, the moonshot", Limits.AtMost(1), "B", few);
    }

    private static Spread? PerPublish(IReadOnlyList<Run> runs, int subscribers) =>
        Summary.Of(runs.Where(run => (int)run.Parameters[Names.Subscribers] == subscribers), Allocations.PerPublish);
}
