using System.Diagnostics;
using HdrHistogram;

namespace PubSub.Stress.Measure;

/// <summary>
/// Durations in an HdrHistogram, to three digits, from a nanosecond to an hour, without allocation per duration. For one thread.
/// </summary>
internal sealed class Latencies
{
    private const int Digits = 3;
    private static readonly long Longest = 3600 * Stopwatch.Frequency;

    private readonly LongHistogram _ticks = new(1, Longest, Digits);

    /// <summary>Adds a duration in ticks of <see cref="Stopwatch"/>. More than an hour counts as an hour.</summary>
    public void Add(long ticks) => _ticks.RecordValue(Math.Clamp(ticks, 0, Longest));

    /// <summary>Adds all durations of another histogram.</summary>
    public void Add(Latencies other) => _ticks.Add(other._ticks);

    public void Reset() => _ticks.Reset();

    /// <summary>Null if no duration was added.</summary>
    public Percentiles? Summarize() => _ticks.TotalCount == 0
        ? null
        : new Percentiles(_ticks.TotalCount, At(50), At(90), At(99), At(99.9), At(100));

    private double At(double percentile) => Math.Round(_ticks.GetValueAtPercentile(percentile) * 1e6 / Stopwatch.Frequency, 1);
}
