using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;

namespace PubSub.Stress.Reports;

/// <summary>Line charts of a figure over a growing parameter: subscribers, payload, topics, connections.</summary>
internal static class GrowthCharts
{
    private static readonly Growth[] All =
    [
        new(FanOut.Scenario, "fan-out-throughput", "How many deliveries per second as the audience grows?",
            Names.Subscribers, "subscribers of the one topic", Names.Deliveries, "deliveries per second"),
        new(FanOut.Scenario, "fan-out-cost", "What does a delivery cost the server as the audience grows?",
            Names.Subscribers, "subscribers of the one topic", Names.CpuPerDelivery, "server CPU per delivery, µs"),
        new(Pairs.Scenario, "pairs-throughput", "How many deliveries per second over independent topics?",
            Names.Pairs, "topics with one publisher and one subscriber each", Names.Deliveries, "deliveries per second"),
        new(Payload.Scenario, "payload-throughput", "How much payload is delivered as messages grow?",
            Names.Payload, "payload, bytes", Names.PayloadDelivered, "payload delivered, MB per second"),
        new(Payload.Scenario, "payload-cost", "What does a delivery cost as messages grow?",
            Names.Payload, "payload, bytes", Names.CpuPerDelivery, "server CPU per delivery, µs"),
        new(Idle.Scenario, "idle-memory", "How does memory grow with connections?",
            Names.Connections, "idle connections with one subscription each", Idle.ResidentWith, "resident memory, MB", IsLinear: true),
        new(Topics.Scenario, "topics-cost", "What does a publish cost as topics grow?",
            Names.Topics, "topics", Names.CpuPerPublish, "server CPU per publish, µs"),
        new(Allocations.Scenario, "allocations", "How many bytes does the server allocate for a delivery?",
            Names.Subscribers, "subscribers of the one topic", Allocations.PerDelivery, "bytes allocated per delivery"),
    ];

    public static IEnumerable<(string Scenario, IChart Chart)> Of(ChartData data)
    {
        foreach (var one in All)
        {
            var lines = data.Lines(one.Scenario, one.Parameter, one.Figure);
            if (lines.Any(line => line.Points.Count > 1))
            {
                var x = new Axis(one.X, !one.IsLinear, one.IsLinear ? null : data.Ticks(one.Scenario, one.Parameter));
                var y = new Axis(one.Y, !one.IsLinear);
                yield return (one.Scenario, new LineChart(one.Name, one.Title, data.Note(one.Scenario), x, y, lines));
            }
        }
    }

    private sealed record Growth(
        string Scenario, string Name, string Title, string Parameter, string X, string Figure, string Y, bool IsLinear = false);
}
