namespace PubSub.Stress.Reports;

/// <summary>The charts of a set of runs.</summary>
internal static class Charts
{
    public static IReadOnlyList<(string Scenario, IChart Chart)> Of(IReadOnlyList<RunGroup> groups)
    {
        var data = new ChartData(groups);
        return [.. GrowthCharts.Of(data), .. LatencyCharts.Of(data), .. CostCharts.Of(data), .. ClusterCharts.Of(data)];
    }
}
