using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Bars;

/// <summary>
/// A figure of one server divided by that of another, or less it: the ratio or difference of the medians, and the range over the
/// repetitions.
/// </summary>
internal static class Ratio
{
    /// <summary>Null if either side was not measured.</summary>
    public static Spread? Of(IReadOnlyList<Run> runs, string ours, string theirs, Func<Run, double?> figure) => Of(
        [.. runs.Where(run => run.Contender == ours)],
        [.. runs.Where(run => run.Contender == theirs)],
        figure);

    /// <summary>Null if either side was not measured.</summary>
    public static Spread? Of(IReadOnlyList<Run> ours, IReadOnlyList<Run> theirs, Func<Run, double?> figure) =>
        Of(ours, theirs, figure, (one, other) => one / other);

    /// <summary>The difference. Null if either side was not measured.</summary>
    public static Spread? Difference(IReadOnlyList<Run> ours, IReadOnlyList<Run> theirs, Func<Run, double?> figure) =>
        Of(ours, theirs, figure, (one, other) => one - other);

    // Joins the runs of the two sides by their repetition.
    private static Spread? Of(
        IReadOnlyList<Run> ours, IReadOnlyList<Run> theirs, Func<Run, double?> figure, Func<double, double, double> combine)
    {
        if (Spread.Of(ours.Select(figure).OfType<double>()) is not { } one
            || Spread.Of(theirs.Select(figure).OfType<double>()) is not { } other)
        {
            return null;
        }

        var within = Spread.Of(ours
            .Join(theirs, run => run.Repetition, run => run.Repetition, (run, beside) => (Ours: figure(run), Theirs: figure(beside)))
            .Where(pair => pair is { Ours: not null, Theirs: not null })
            .Select(pair => combine(pair.Ours!.Value, pair.Theirs!.Value)));
        var combined = combine(one.Median, other.Median);
        return new Spread(combined, within?.Min ?? combined, within?.Max ?? combined);
    }

    public static Func<Run, double?> Figure(string name) => run => run.Figures.GetValueOrDefault(name)?.Value;

    public static Func<Run, double?> Latency(string name, Func<Percentiles, double> percentile) =>
        run => run.Latencies.TryGetValue(name, out var found) ? percentile(found) : null;
}
