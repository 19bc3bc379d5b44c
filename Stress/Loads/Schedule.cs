using System.Diagnostics;

namespace PubSub.Stress.Loads;

/// <summary>
/// When each message of an open loop is due, whether or not the server and the load generator keep up. Latency counts from then, so
/// it includes the wait behind an earlier message that was late.
/// </summary>
internal sealed class Schedule(double perSecond)
{
    private readonly double _interval = Stopwatch.Frequency / perSecond;
    private long _start = long.MaxValue;
    private long _firstCounted = long.MaxValue;
    private long _lastCounted;

    /// <summary>Message 1 is due now, and the next ones at the rate.</summary>
    public void Start() => Volatile.Write(ref _start, Stopwatch.GetTimestamp());

    /// <summary>In ticks of <see cref="Stopwatch"/>.</summary>
    public long DueAt(long id) => _start + (long)((id - 1) * _interval);

    /// <summary>How many messages are due by a moment.</summary>
    public long DueBy(long moment) => moment < _start ? 0 : (long)((moment - _start) / _interval) + 1;

    /// <summary>Only these messages count; earlier ones are warm-up, later ones prove that nothing came twice.</summary>
    public void Count(long first, long last)
    {
        Volatile.Write(ref _lastCounted, last);
        Volatile.Write(ref _firstCounted, first);
    }

    public bool Counts(long id) => id >= Volatile.Read(ref _firstCounted) && id <= Volatile.Read(ref _lastCounted);
}
