using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;

namespace PubSub.Stress.Reports;

/// <summary>Charts of a Host alone beside several Hosts on one Redis: throughput, and latency by percentile.</summary>
internal static class ClusterCharts
{
    public static IEnumerable<(string Scenario, IChart Chart)> Of(ChartData data)
    {
        (string Variant, string Name, string Title, string Figure)[] throughputs =
        [
            (Cluster.OneTopic, "cluster-one-topic", "How many messages per second does one topic take?", Names.Publishes),
            (Cluster.ManyTopics, "cluster-50-topics", "How many messages per second do 50 topics take?", Names.Deliveries),
            (Cluster.FanOutTo100, "cluster-fan-out", "How many deliveries per second to 100 subscribers?", Names.Deliveries),
        ];
        var note = data.Note(Cluster.Scenario);
        foreach (var (variant, name, title, figure) in throughputs)
        {
            var bars = data.Of(Cluster.Scenario)
                .Where(group => group.Variant == variant)
                .Select(group => (group.Contender, data.Hex(group.Contender), group.Figure(figure)));
            if (CostCharts.Draw(name, title, note, $"{figure} per second", bars) is { } chart)
            {
                yield return (Cluster.Scenario, chart);
            }
        }

        var timed = data.Of(Cluster.Scenario).Where(group => group.Variant == Cluster.AtRate);
        const string question = "How long does a message take from one node to another?";
        if (LatencyCharts.ByPercentile("cluster-latency", question, note, data, timed) is { } latency)
        {
            yield return (Cluster.Scenario, latency);
        }

        foreach (var fault in data.Of(Cluster.Scenario).Where(group => group.Runs.Any(run => run.Timeline is not null)))
        {
            yield return (Cluster.Scenario, Timeline(fault, note));
        }
    }

    private static LineChart Timeline(RunGroup fault, string note) => new(
        fault.Variant == ClusterFault.NodeKilled ? "cluster-node-killed" : "cluster-redis-paused",
        $"What do subscribers at two nodes receive while {fault.Variant}?",
        note,
        new Axis("seconds", IsLogarithmic: false),
        new Axis("deliveries per 100 ms", IsLogarithmic: false),
        [
            new Series(
                "",
                Palette.Hex("pubsub", 0),
                [
                    .. fault.Runs.First(run => run.Timeline is not null).Timeline!
                        .Select((count, step) => (step * ClusterFault.StepSeconds, new Spread(count, count, count))),
                ],
                IsOurs: false),
        ]);
}
