using System.Text.Json.Serialization;

namespace PubSub.Stress.Measure;

/// <summary>Microseconds, except the count.</summary>
internal sealed record Percentiles(
    long Count,
    double P50,
    double P90,
    double P99,
    [property: JsonPropertyName("p99_9")] double P999,
    double Max)
{
    public override string ToString() => $"p50 {P50:N0}  p90 {P90:N0}  p99 {P99:N0}  p99.9 {P999:N0}  max {Max:N0} µs";
}
