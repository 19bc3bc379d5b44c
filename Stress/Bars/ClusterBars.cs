using System.Globalization;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>All loads for clusters, their medians beside those of the Host alone, and the bars.</summary>
internal sealed class ClusterBars
{
    private const double Milliseconds = 1e-3; // of a microsecond

    private static readonly Func<Run, double?> Publishes = Ratio.Figure(Names.Publishes), Deliveries = Ratio.Figure(Names.Deliveries);

    private static readonly Func<Run, double?> P50 = Ratio.Latency(Names.DeliveryLatency, p => p.P50 * Milliseconds);
    private static readonly Func<Run, double?> P99 = Ratio.Latency(Names.DeliveryLatency, p => p.P99 * Milliseconds);

    private IReadOnlyList<Run> _oneTopic = [], _manyTopics = [], _fanOut = [], _latency = [];

    public void Measure(Bench bench, ClosedLoad load)
    {
        _oneTopic = Cluster.MeasureOneTopic(bench, load);
        _manyTopics = Cluster.MeasureManyTopics(bench, load);
        _fanOut = Cluster.MeasureFanOut(bench, load);
        _latency = Cluster.MeasureLatency(bench, load);
    }

    /// <summary>Medians by contender, each with its ratio to the first contender, or, of latency, the difference.</summary>
    public string Table(IReadOnlyList<string> contenders)
    {
        return Summary.Columns(
        [
            ["median", .. contenders],
            ["one topic, acked publishes/s", .. Cells(_oneTopic, Publishes, Times)],
            ["50 topics, messages/s", .. Cells(_manyTopics, Deliveries, Times)],
            ["1 → 100, deliveries/s", .. Cells(_fanOut, Deliveries, Times)],
            ["p50 at 1,000 messages/s, ms", .. Cells(_latency, P50, Added)],
            ["p99 at 1,000 messages/s, ms", .. Cells(_latency, P99, Added)],
        ]);

        IEnumerable<string> Cells(IReadOnlyList<Run> runs, Func<Run, double?> figure, Func<double, double, string> compare)
        {
            var medians = contenders.Select(name => Spread.Of(BarsRun.Of(runs, name).Select(figure).OfType<double>())?.Median).ToArray();
            return medians.Index().Select(one => one.Item is not { } median ? "–"
                : one.Index == 0 || medians[0] is not { } first ? Summary.Number(median)
                : $"{Summary.Number(median)} ({compare(median, first)})");
        }
    }

    public IReadOnlyList<Bar> Bars()
    {
        var two = Cluster.NameOf(2);
        return
        [
            new(
                "one topic at two nodes, acked publishes/s",
                Limits.AtLeast(30_000),
                "1/s",
                Summary.Of(BarsRun.Of(_oneTopic, two), Names.Publishes),
                ""),
            new(
                "1 → 100 over two nodes, deliveries/s against one Host without Redis",
                Limits.AtLeast(0.7),
                "x",
                Ratio.Of(_fanOut, two, Cluster.Alone, Deliveries),
                ""),
            new("p50 added at 1,000 messages/s from one of two nodes to the other", Limits.AtMost(1), "ms", AddedAt(P50), ""),
            new("p99 added at 1,000 messages/s from one of two nodes to the other", Limits.AtMost(5), "ms", AddedAt(P99), ""),
        ];

        Spread? AddedAt(Func<Run, double?> percentile) =>
            Ratio.Difference(BarsRun.Of(_latency, two), BarsRun.Of(_latency, Cluster.Alone), percentile);
    }

    private static string Times(double value, double first) => string.Create(CultureInfo.InvariantCulture, $"{value / first:0.00} x");

    private static string Added(double value, double first) =>
        string.Create(CultureInfo.InvariantCulture, $"{value - first:+0.###;-0.###;0}");
}
