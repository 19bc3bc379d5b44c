using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Reports;

/// <summary>The repetitions of one load against one contender.</summary>
internal sealed record RunGroup(
    string Scenario, string? Variant, string Contender, IReadOnlyDictionary<string, double> Parameters, IReadOnlyList<Run> Runs)
{
    public int Failed => Runs.Count(run => run.Failure is not null);

    public static IReadOnlyList<RunGroup> Of(IEnumerable<Run> runs) =>
    [
        .. runs.GroupBy(run => (run.Scenario, run.Variant, run.Contender, Key(run)))
            .Select(group =>
                new RunGroup(group.Key.Scenario, group.Key.Variant, group.Key.Contender, group.First().Parameters, [.. group])),
    ];

    /// <summary>Null if the figure was not measured, or every run failed.</summary>
    public Spread? Figure(string name) => Summary.Of(Runs, name);

    /// <summary>A percentile, in microseconds. Null if it was not measured, or every run failed.</summary>
    public Spread? Latency(string name, Func<Percentiles, double> percentile) => Summary.Of(Runs, name, percentile);

    public double Parameter(string name) => Parameters.GetValueOrDefault(name, double.NaN);

    private static string Key(Run run) =>
        string.Join('|', run.Parameters.Select(parameter => $"{parameter.Key}={parameter.Value:R}"));
}
