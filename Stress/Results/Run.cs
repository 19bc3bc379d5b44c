using PubSub.Stress.Measure;

namespace PubSub.Stress.Results;

/// <summary>One run of one scenario against one server; a failed one has no figures.</summary>
/// <param name="Scenario">The verb.</param>
/// <param name="Contender">The server's name.</param>
/// <param name="Repetition">From 1; contenders take turns within a repetition.</param>
/// <param name="Variant">The kind of load, if a scenario has several.</param>
/// <param name="Parameters">The numeric parameters of the load.</param>
/// <param name="Figures">The measured values.</param>
/// <param name="Latencies">Distributions of durations, in microseconds.</param>
/// <param name="Failure">The promise that was broken; null if all were kept.</param>
/// <param name="Timeline">Deliveries in each of equal steps of time, if a scenario counts them.</param>
internal sealed record Run(
    string Scenario,
    string Contender,
    int Repetition,
    string? Variant,
    IReadOnlyDictionary<string, double> Parameters,
    IReadOnlyDictionary<string, Figure> Figures,
    IReadOnlyDictionary<string, Percentiles> Latencies,
    string? Failure,
    IReadOnlyList<double>? Timeline = null);
