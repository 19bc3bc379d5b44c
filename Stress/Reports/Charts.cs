using System.Globalization;

namespace PubSub.Stress;

/// <summary>Which charts a set of runs gives.</summary>
internal sealed class Charts(IReadOnlyList<RunGroup> groups)
{
    private readonly string[] _others = [.. groups.Select(group => group.Contender).Distinct().Where(name => Palette.Hex(name, 0) == Palette.Hex("", 0))];

    public IEnumerable<(string Scenario, IChart Chart)> All()
    {
        foreach (var (scenario, chart) in Lines().Concat(Distributions()).Concat(Bars()))
        {
            yield return (scenario, chart);
        }
    }

    private IEnumerable<(string, IChart)> Lines()
    {
        var subscribers = new Axis("subscribers of the one topic", true, Decades(Names.Subscribers, FanOut.Scenario));
        (string Scenario, string Name, string Title, string Parameter, Axis X, string Figure, Axis Y)[] charts =
        [
            (FanOut.Scenario, "fan-out-throughput", "How many deliveries per second as the audience grows?", Names.Subscribers, subscribers,
                Names.Deliveries, new Axis("deliveries per second", true)),
            (FanOut.Scenario, "fan-out-cost", "What does a delivery cost the server as the audience grows?", Names.Subscribers, subscribers,
                Names.CpuPerDelivery, new Axis("server CPU per delivery, µs", true)),
            (Pairs.Scenario, "pairs-throughput", "How many deliveries per second over independent topics?", Names.Pairs,
                new Axis("topics with one publisher and one subscriber each", true, Decades(Names.Pairs, Pairs.Scenario)),
                Names.Deliveries, new Axis("deliveries per second", true)),
            (Payload.Scenario, "payload-throughput", "How much payload is delivered as messages grow?", Names.Payload,
                new Axis("payload, bytes", true, Decades(Names.Payload, Payload.Scenario)), Names.PayloadDelivered, new Axis("payload delivered, MB per second", true)),
            (Payload.Scenario, "payload-cost", "What does a delivery cost as messages grow?", Names.Payload,
                new Axis("payload, bytes", true, Decades(Names.Payload, Payload.Scenario)), Names.CpuPerDelivery, new Axis("server CPU per delivery, µs", true)),
            (Topics.Scenario, "topics-cost", "What does a publish cost as topics grow?", Names.Topics,
                new Axis("topics", true, Decades(Names.Topics, Topics.Scenario)), Names.CpuPerPublish, new Axis("server CPU per publish, µs", false)),
            (Idle.Scenario, "idle-memory", "How does memory grow with connections?", Names.Connections,
                new Axis("idle connections with one subscription each", false), "resident_with", new Axis("resident memory, MB", false)),
            (Allocations.Scenario, "allocations", "How many bytes does the server allocate for a delivery?", Names.Subscribers,
                new Axis("subscribers of the one topic", true, Decades(Names.Subscribers, Allocations.Scenario)), Allocations.PerDelivery,
                new Axis("bytes allocated per delivery", true)),
        ];
        foreach (var (scenario, name, title, parameter, x, figure, y) in charts)
        {
            var lines = groups.Where(group => group.Scenario == scenario)
                .GroupBy(group => group.Contender)
                .Select(own => Line(own.Key, own.Select(group => (group.Parameter(parameter), group.Figure(figure)))))
                .Where(line => line.Points.Count > 0).ToArray();
            if (lines.Any(line => line.Points.Count > 1))
            {
                yield return (scenario, new LineChart(name, title, Note(scenario), x, y, lines));
            }
        }
    }

    private IEnumerable<(string, IChart)> Distributions()
    {
        (double At, string Text)[] percentiles = [(1, "p50"), (2, "p90"), (3, "p99"), (4, "p99.9"), (5, "max")];
        Func<Percentiles, double>[] read = [p => p.P50, p => p.P90, p => p.P99, p => p.P999, p => p.Max];
        var rates = groups.Where(group => group.Scenario == Latency.Scenario).GroupBy(group => (Rate: group.Parameter(Names.Rate), Subscribers: group.Parameter(Names.Subscribers)));
        foreach (var rate in rates.OrderBy(rate => rate.Key))
        {
            var lines = rate.Select(group => Line(group.Contender, read.Select((one, n) => (n + 1.0, Milliseconds(group.Latency(Names.DeliveryLatency, one)))))).Where(line => line.Points.Count > 0).ToArray();
            if (lines.Length > 0)
            {
                yield return (Latency.Scenario, new LineChart(
                    string.Create(CultureInfo.InvariantCulture, $"latency-{rate.Key.Rate:0}-per-second-to-{rate.Key.Subscribers:0}"),
                    string.Create(CultureInfo.InvariantCulture, $"How long does a message take at {rate.Key.Rate:N0} per second to {rate.Key.Subscribers:N0} subscribers?"),
                    "Open loop, from when each was due. " + Note(Latency.Scenario),
                    new Axis("of all deliveries", false, percentiles),
                    new Axis("due to received, ms", true),
                    lines));
            }
        }

        var loads = groups.Where(group => group.Scenario == Saturation.Scenario && group.Parameters.ContainsKey(Names.Share)).GroupBy(group => group.Contender);
        var curves = loads.SelectMany(own => new[]
        {
            Line(own.Key, own.Select(group => (group.Figure(Names.Deliveries)?.Median ?? double.NaN, Milliseconds(group.Latency(Names.DeliveryLatency, p => p.P99)))), " p99"),
            Line(own.Key, own.Select(group => (group.Figure(Names.Deliveries)?.Median ?? double.NaN, Milliseconds(group.Latency(Names.DeliveryLatency, p => p.P50)))), " p50", faint: true),
        }).Where(line => line.Points.Count > 1).ToArray();
        if (curves.Length > 0)
        {
            yield return (Saturation.Scenario, new LineChart(
                "latency-against-load",
                "How does latency grow with load?",
                "Open loop, from when each was due, at shares of each server's own maximum.\n" + Note(Saturation.Scenario),
                new Axis("deliveries per second", true),
                new Axis("due to received, ms", true),
                curves));
        }
    }

    private IEnumerable<(string, IChart)> Bars()
    {
        foreach (var connections in groups.Where(group => group.Scenario == Idle.Scenario).GroupBy(group => group.Parameter(Names.Connections)))
        {
            var bars = connections.Select(group => (Palette.Label(group.Contender), Hex(group.Contender), Value: group.Figure(Names.BytesPerConnection)))
                .Where(bar => bar.Value is not null).Select(bar => (bar.Item1, bar.Item2, Scaled(bar.Value!, 1 / 1024.0))).OrderBy(bar => bar.Item3.Median).ToArray();
            if (bars.Length > 0)
            {
                yield return (Idle.Scenario, new BarChart(
                    string.Create(CultureInfo.InvariantCulture, $"idle-{connections.Key:0}"),
                    string.Create(CultureInfo.InvariantCulture, $"What does each of {connections.Key:N0} idle connections cost in memory?"),
                    Note(Idle.Scenario),
                    "resident KiB per connection with one subscription",
                    bars));
            }
        }

        (string Scenario, string Name, string Title, string Label)[] ratios =
        [
            (Slow.Scenario, "slow", "What do others notice of slow subscribers?", "p99 of the healthy: with the slow ones / without"),
            (Faults.Scenario, "faults", "What do others notice of rude and unlucky clients?", "p99 of the others: with the fault / without"),
        ];
        foreach (var (scenario, name, title, label) in ratios)
        {
            var bars = groups.Where(group => group.Scenario == scenario)
                .Select(group => (Label: Named(group), Value: group.Figure(Names.P99Ratio)))
                .Where(bar => bar.Value is not null).Select(bar => (bar.Label, Palette.Hex("pubsub", 0), bar.Value!)).ToArray();
            if (bars.Length > 0)
            {
                yield return (scenario, new BarChart(name, title, Note(scenario), label, bars, Reference: 1));
            }
        }

        var builds = groups.Where(group => group.Scenario == Memory.Scenario)
            .Select(group => (Label: group.Contender, Hex: Hex(group.Contender), Value: group.Figure(Names.Resident)))
            .Where(bar => bar.Value is not null).Select(bar => (bar.Label, bar.Hex, bar.Value!)).ToArray();
        if (builds.Length > 0)
        {
            yield return (Memory.Scenario, new BarChart("memory", "How much memory does the idle server hold?", Note(Memory.Scenario), "resident MB", builds));
        }
    }

    private static string Named(RunGroup group) => group.Parameters.TryGetValue("slow", out var slow)
        ? string.Create(CultureInfo.InvariantCulture, $"{slow:0} of {group.Parameter(Names.Subscribers):0} {(slow == 1 ? group.Variant : group.Variant?.Replace("reads", "read", StringComparison.Ordinal))}")
        : group.Variant ?? group.Contender;

    private Series Line(string contender, IEnumerable<(double X, Spread? Y)> points, string more = "", bool faint = false) => new(
        Palette.Label(contender) + more,
        Hex(contender),
        [.. points.Where(point => point.Y is not null && double.IsFinite(point.X)).Select(point => (point.X, point.Y!)).OrderBy(point => point.X)],
        IsOurs: contender == "pubsub",
        IsFaint: faint || contender == "limit");

    private string Hex(string contender) => Palette.Hex(contender, Array.IndexOf(_others, contender));

    private static Spread? Milliseconds(Spread? microseconds) => microseconds is null ? null : Scaled(microseconds, 1e-3);

    private static Spread Scaled(Spread spread, double factor) => new(spread.Median * factor, spread.Min * factor, spread.Max * factor);

    // What was the same in all runs of a chart, and how many there are.
    private string Note(string scenario)
    {
        var own = groups.Where(group => group.Scenario == scenario && group.Figure(Names.ClientCpu) is not null || group.Scenario == scenario).ToArray();
        var payloads = own.Select(group => group.Parameter(Names.Payload)).Where(double.IsFinite).Distinct().ToArray();
        var runs = own.Max(group => group.Runs.Count);
        return string.Join(", ", new[]
        {
            payloads.Length == 1 ? string.Create(CultureInfo.InvariantCulture, $"{payloads[0]:N0}-byte payload") : null,
            runs > 1 ? $"median and range of {runs} runs" : "one run",
            "client and server share the machine",
        }.OfType<string>());
    }

    private IReadOnlyList<(double, string)> Decades(string parameter, string scenario) =>
        [.. groups.Where(group => group.Scenario == scenario).Select(group => group.Parameter(parameter)).Where(double.IsFinite).Distinct().Order().Select(at => (at, Axis.Short(at)))];
}
