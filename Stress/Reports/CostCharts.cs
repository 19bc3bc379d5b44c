using System.Globalization;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;

namespace PubSub.Stress.Reports;

/// <summary>Bar charts: memory of a connection, influence on other subscribers, memory of an idle server.</summary>
internal static class CostCharts
{
    private const double Kibibytes = 1 / 1024.0; // of a byte

    public static IEnumerable<(string Scenario, IChart Chart)> Of(ChartData data)
    {
        var idle = data.Of(Idle.Scenario).GroupBy(group => group.Parameter(Names.Connections)).OrderBy(group => group.Key);
        foreach (var connections in idle)
        {
            var bars = connections
                .Select(group => (
                    Label: Palette.Label(group.Contender),
                    Hex: data.Hex(group.Contender),
                    Value: group.Figure(Names.BytesPerConnection)?.Times(Kibibytes)))
                .OrderBy(bar => bar.Value?.Median);
            var name = string.Create(CultureInfo.InvariantCulture, $"idle-{connections.Key:0}");
            var title = string.Create(
                CultureInfo.InvariantCulture, $"What does each of {connections.Key:N0} idle connections cost in memory?");
            if (Draw(name, title, data.Note(Idle.Scenario), "resident KiB per connection with one subscription", bars) is { } chart)
            {
                yield return (Idle.Scenario, chart);
            }
        }

        (string Scenario, string Title, string Label)[] ratios =
        [
            (Slow.Scenario, "How do slow subscribers affect the others?", "p99 of the healthy: with the slow ones / without"),
            (Faults.Scenario, "How do faults affect the other clients?", "p99 of the others: with the fault / without"),
        ];
        foreach (var (scenario, title, label) in ratios)
        {
            var bars = data.Of(scenario).Select(group => (Named(group), data.Hex(group.Contender), group.Figure(Names.P99Ratio)));
            if (Draw(scenario, title, data.Note(scenario), label, bars, reference: 1) is { } chart)
            {
                yield return (scenario, chart);
            }
        }

        var builds = data.Of(Memory.Scenario).Select(group => (group.Contender, data.Hex(group.Contender), group.Figure(Names.Resident)));
        const string question = "How much memory does the idle server hold?";
        if (builds.Any() && Draw("memory", question, data.Note(Memory.Scenario), "resident MB", builds) is { } memory)
        {
            yield return (Memory.Scenario, memory);
        }
    }

    /// <summary>Null if nothing was measured.</summary>
    public static BarChart? Draw(
        string name,
        string title,
        string subtitle,
        string label,
        IEnumerable<(string Label, string Hex, Spread? Value)> bars,
        double? reference = null)
    {
        (string, string, Spread)[] measured =
        [
            .. bars.Where(bar => bar.Value is not null).Select(bar => (bar.Label, bar.Hex, bar.Value!)),
        ];
        return measured.Length == 0 ? null : new BarChart(name, title, subtitle, label, measured, reference);
    }

    private static string Named(RunGroup group) => group.Parameters.TryGetValue(Slow.SlowOnes, out var slow)
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"{slow:0} of {group.Parameter(Names.Subscribers):0} {Slow.Plural(group.Variant!, (int)slow)}")
        : group.Variant ?? group.Contender;
}
