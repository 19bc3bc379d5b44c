using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Bars;

/// <summary>A figure of one server divided by that of another: the ratio of the medians, and the range over the repetitions.</summary>
internal static class Ratio
{
    /// <summary>Null if either side was not measured.</summary>
    public static Spread? Of(IReadOnlyList<Run> runs, string ours, string theirs, Func<Run, double?> figure) => Of(
        [.. runs.Where(run => run.Contender == ours)],
        [.. runs.Where(run => run.Contender == theirs)],
        figure);

    /// <summary>Joins the runs of the two sides by their repetition. Null if either side was not measured.</summary>
    public static Spread? Of(IReadOnlyList<Run> ours, IReadOnlyList<Run> theirs, Func<Run, double?> figure)
    {
        if (Spread.Of(ours.Select(figure).OfType<double>()) is not { } numerator
            || Spread.Of(theirs.Select(figure).OfType<double>()) is not { } denominator)
        {
            return null;
        }

        var within = Spread.Of(ours
            .Join(theirs, run => run.Repetition, run => run.Repetition, (one, other) => figure(one) / figure(other))
            .OfType<double>());
        var ratio = numerator.Median / denominator.Median;
        return new Spread(ratio, within?.Min ?? ratio, within?.Max ?? ratio);
    }

    public static Func<Run, double?> Figure(string name) => run => run.Figures.GetValueOrDefault(name)?.Value;

    public static Func<Run, double?> Latency(string name, Func<Percentiles, double> percentile) =>
        run => run.Latencies.TryGetValue(name, out var found) ? percentile(found) : null;
}
