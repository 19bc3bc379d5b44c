using System.Globalization;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;

namespace PubSub.Stress.Reports;

/// <summary>Charts of latency: by percentile at a fixed rate, and at two percentiles over the load.</summary>
internal static class LatencyCharts
{
    private static readonly Axis Percentiles =
        new("of all deliveries", false, [(1, "p50"), (2, "p90"), (3, "p99"), (4, "p99.9"), (5, "max")]);

    private static readonly Func<Percentiles, double>[] Read = [p => p.P50, p => p.P90, p => p.P99, p => p.P999, p => p.Max];
    private static readonly Axis Milliseconds = new("due to received, ms", true);

    public static IEnumerable<(string Scenario, IChart Chart)> Of(ChartData data) => AtFixedRates(data).Concat(AgainstLoad(data));

    /// <summary>One line for each group of runs, over the percentiles; null if nothing was measured.</summary>
    public static LineChart? ByPercentile(string name, string title, string note, ChartData data, IEnumerable<RunGroup> groups)
    {
        var lines = groups
            .Select(group => data.Line(group.Contender, Read.Select((one, n) => (n + 1.0, Of(group, one)))))
            .Where(line => line.Points.Count > 0)
            .ToArray();
        return lines.Length == 0
            ? null
            : new LineChart(name, title, $"Open loop, from when each was due. {note}", Percentiles, Milliseconds, lines);
    }

    private static IEnumerable<(string, IChart)> AtFixedRates(ChartData data)
    {
        var loads = data.Of(Latency.Scenario)
            .GroupBy(group => (Rate: group.Parameter(Names.Rate), Subscribers: group.Parameter(Names.Subscribers)));
        foreach (var load in loads.OrderBy(load => load.Key))
        {
            var (rate, subscribers) = load.Key;
            var name = string.Create(CultureInfo.InvariantCulture, $"latency-{rate:0}-per-second-to-{subscribers:0}");
            var title = string.Create(
                CultureInfo.InvariantCulture, $"How long does a message take at {rate:N0} per second to {subscribers:N0}?");
            if (ByPercentile(name, title, data.Note(Latency.Scenario), data, load) is { } chart)
            {
                yield return (Latency.Scenario, chart);
            }
        }
    }

    private static IEnumerable<(string, IChart)> AgainstLoad(ChartData data)
    {
        var lines = data.Of(Saturation.Scenario)
            .Where(group => group.Parameters.ContainsKey(Names.Share))
            .GroupBy(group => group.Contender)
            .SelectMany(own => (Series[])[Curve(own, " p99", p => p.P99, faint: false), Curve(own, " p50", p => p.P50, faint: true)])
            .Where(line => line.Points.Count > 1)
            .ToArray();
        if (lines.Length > 0)
        {
            yield return (Saturation.Scenario, new LineChart(
                "latency-against-load",
                "How does latency grow with load?",
                $"Open loop, from when each was due, at shares of each server's own maximum.\n{data.Note(Saturation.Scenario)}",
                new Axis("deliveries per second", true),
                Milliseconds,
                lines));
        }

        Series Curve(IGrouping<string, RunGroup> own, string more, Func<Percentiles, double> percentile, bool faint) =>
            data.Line(
                own.Key,
                own.Select(group => (group.Figure(Names.Deliveries)?.Median ?? double.NaN, Of(group, percentile))),
                more,
                faint);
    }

    private static Spread? Of(RunGroup group, Func<Percentiles, double> percentile) =>
        group.Latency(Names.DeliveryLatency, percentile)?.Times(1e-3);
}
