namespace PubSub.Stress.Measure;

/// <summary>The median and the range of repeated runs.</summary>
internal sealed record Spread(double Median, double Min, double Max)
{
    public Spread Times(double factor) => new(Median * factor, Min * factor, Max * factor);

    /// <summary>Null when there is nothing to summarize.</summary>
    public static Spread? Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0
            ? null
            : new Spread((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[0], sorted[^1]);
    }
}
