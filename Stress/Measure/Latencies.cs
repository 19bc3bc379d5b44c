using System.Diagnostics;
using System.Numerics;

namespace PubSub.Stress;

/// <summary>Counts of durations in buckets no wider than 1/128 of their value; no allocation per duration.</summary>
internal sealed class Latencies
{
    private const int PrecisionBits = 7;
    private const int Exact = 2 << PrecisionBits; // below this each value has a bucket of its own

    private readonly long[] _counts = new long[Exact + ((64 - PrecisionBits) << PrecisionBits)];
    private long _count;
    private long _max;

    /// <summary>A duration in ticks of <see cref="Stopwatch"/>.</summary>
    public void Add(long ticks)
    {
        _counts[Bucket(ticks)]++;
        _count++;
        _max = Math.Max(_max, ticks);
    }

    /// <summary>Null when nothing was added.</summary>
    public Percentiles? Summarize() => _count == 0 ? null : new Percentiles(_count, At(0.5), At(0.9), At(0.99), At(0.999), Microseconds(_max));

    // The upper end of the bucket in which the duration of this rank lies.
    private double At(double share)
    {
        var rank = (long)Math.Ceiling(_count * share);
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            rank -= _counts[bucket];
            if (rank <= 0)
            {
                return Microseconds(Math.Min(UpperEnd(bucket), _max));
            }
        }

        return Microseconds(_max);
    }

    private static int Bucket(long ticks)
    {
        if (ticks < Exact)
        {
            return (int)ticks;
        }

        var shift = BitOperations.Log2((ulong)ticks) - PrecisionBits;
        return (shift << PrecisionBits) + (int)(ticks >> shift);
    }

    private static long UpperEnd(int bucket)
    {
        if (bucket < Exact)
        {
            return bucket;
        }

        var shift = (bucket >> PrecisionBits) - 1;
        return (((long)bucket - (shift << PrecisionBits) + 1) << shift) - 1;
    }

    private static double Microseconds(long ticks) => Math.Round(ticks * 1e6 / Stopwatch.Frequency, 1);
}
