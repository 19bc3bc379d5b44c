namespace PubSub.Stress;

/// <summary>One run of one scenario against one server; a failed one has no figures.</summary>
/// <param name="Scenario">The verb.</param>
/// <param name="Contender">The server's name.</param>
/// <param name="Repetition">From 1; contenders take turns within a repetition.</param>
/// <param name="Variant">What was different in kind, where a scenario has several.</param>
/// <param name="Parameters">What was different in number.</param>
/// <param name="Figures">What was measured.</param>
/// <param name="Latencies">Distributions of durations, in microseconds.</param>
/// <param name="Failure">The promise that was broken; null if all were kept.</param>
internal sealed record Run(
    string Scenario,
    string Contender,
    int Repetition,
    string? Variant,
    IReadOnlyDictionary<string, double> Parameters,
    IReadOnlyDictionary<string, Figure> Figures,
    IReadOnlyDictionary<string, Percentiles> Latencies,
    string? Failure);

/// <param name="Value">How much.</param>
/// <param name="Unit">Of what.</param>
/// <param name="Better">more or less; null for a figure that is no merit.</param>
internal sealed record Figure(double Value, string Unit, string? Better = null);
