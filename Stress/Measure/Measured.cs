namespace PubSub.Stress.Measure;

/// <summary>The figures and latencies of one run.</summary>
internal sealed class Measured
{
    public const string More = "more";
    public const string Less = "less";

    private readonly Dictionary<string, Figure> _figures = [];
    private readonly Dictionary<string, Percentiles> _latencies = [];

    public IReadOnlyDictionary<string, Figure> Figures => _figures;

    public IReadOnlyDictionary<string, Percentiles> Latencies => _latencies;

    /// <summary>Deliveries in each of equal steps of time; null if they were not counted.</summary>
    public IReadOnlyList<double>? Timeline { get; init; }

    /// <summary>Adds a figure, unless it is null or not finite.</summary>
    public Measured Add(string name, double? value, string unit, string? better = null)
    {
        if (value is { } known && double.IsFinite(known))
        {
            _figures[name] = new Figure(known, unit, better);
        }

        return this;
    }

    public Measured Add(string name, Latencies latencies)
    {
        if (latencies.Summarize() is { } percentiles)
        {
            _latencies[name] = percentiles;
        }

        return this;
    }
}

/// <param name="Value">The number.</param>
/// <param name="Unit">The unit of the number.</param>
/// <param name="Better">more or less; null if neither is better.</param>
internal sealed record Figure(double Value, string Unit, string? Better = null);
