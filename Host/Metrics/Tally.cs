using System.Numerics;

namespace PubSub.Hosting.Metrics;

/// <summary>A number that many threads raise at once. Each processor has a cache line of its own to add to.</summary>
internal sealed class Tally
{
    /// <summary>Numbers from one part to the next: two cache lines, which processors fetch together.</summary>
    private const int Stride = 16;

    private static readonly int Parts = (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount);

    private readonly long[] _parts = new long[(Parts + 1) * Stride];

    public void Add(long amount) =>
        Interlocked.Add(ref _parts[((Thread.GetCurrentProcessorId() & (Parts - 1)) + 1) * Stride], amount);

    /// <summary>The sum of all that was added; never less than a sum that was read before.</summary>
    public long Sum()
    {
        var sum = 0L;
        for (var part = Stride; part < _parts.Length; part += Stride)
        {
            sum += Volatile.Read(ref _parts[part]);
        }

        return sum;
    }
}
