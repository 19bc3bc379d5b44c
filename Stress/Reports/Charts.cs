namespace PubSub.Stress;

/// <summary>Which charts a set of runs gives, in the order of the questions.</summary>
internal static class Charts
{
    public static IReadOnlyList<(string Scenario, IChart Chart)> Of(IReadOnlyList<RunGroup> groups)
    {
        var data = new ChartData(groups);
        return [.. GrowthCharts.Of(data), .. LatencyCharts.Of(data), .. CostCharts.Of(data)];
    }
}
