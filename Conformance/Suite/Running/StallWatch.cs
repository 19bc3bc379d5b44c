namespace PubSub.Conformance.Running;

/// <summary>
/// Detects when this process did not run: it was stopped, the machine slept, or no thread was free. Lost time is the delay of a timer
/// between two ticks, and any difference between the wall clock and the monotonic clock.
/// </summary>
public sealed class StallWatch : IDisposable
{
    /// <summary>A wait that lost this much time decides nothing.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    /// <summary>How often a wait that decided nothing is repeated.</summary>
    public const int MostRepeats = 5;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    /// <summary>Shorter delays of a tick are normal and do not count.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(300);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private long _last; // guarded by _gate
    private DateTimeOffset _lastWall; // guarded by _gate
    private TimeSpan _lost; // guarded by _gate

    public StallWatch(TimeProvider time)
    {
        _time = time;
        _last = time.GetTimestamp();
        _lastWall = time.GetUtcNow();
        _timer = time.CreateTimer(_ => Note(), null, Tick, Tick);
    }

    /// <summary>The watch of this process.</summary>
    public static StallWatch OfProcess { get; } = new(TimeProvider.System);

    /// <summary>All the time lost so far, including since the last tick.</summary>
    public TimeSpan Lost
    {
        get
        {
            lock (_gate)
            {
                return _lost + Missing();
            }
        }
    }

    /// <summary>Runs the wait, and repeats it if a stall spoilt it, whether it returned or threw.</summary>
    public async Task<T> UnstalledAsync<T>(Func<Task<T>> wait, CancellationToken cancellation)
    {
        for (var repeat = 0; ; repeat++)
        {
            var before = Lost;
            try
            {
                var result = await wait();
                if (!IsSpoilt(before, repeat, cancellation))
                {
                    return result;
                }
            }
            catch (Exception) when (IsSpoilt(before, repeat, cancellation))
            {
                // The result of a stalled wait means nothing.
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private bool IsSpoilt(TimeSpan before, int repeat, CancellationToken cancellation) =>
        repeat < MostRepeats && !cancellation.IsCancellationRequested && Lost - before >= Tolerance;

    private void Note()
    {
        lock (_gate)
        {
            _lost += Missing();
            _last = _time.GetTimestamp();
            _lastWall = _time.GetUtcNow();
        }
    }

    // The monotonic clock stands still while a machine sleeps; the wall clock goes on, or is corrected afterwards.
    private TimeSpan Missing()
    {
        var passed = _time.GetElapsedTime(_last);
        return Counted(passed - Tick) + Counted((_time.GetUtcNow() - _lastWall - passed).Duration());
    }

    private static TimeSpan Counted(TimeSpan delay) => delay >= Shortest ? delay : TimeSpan.Zero;
}
