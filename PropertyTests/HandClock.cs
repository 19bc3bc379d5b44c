namespace PubSub.PropertyTests;

/// <summary>A clock that goes on only when it is told to. What falls due on the way has its turn, in order and each at its time.</summary>
internal sealed class HandClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 10, 0, 0, TimeSpan.Zero);

    private readonly Lock _latch = new();
    private readonly List<Alarm> _alarms = []; // guarded by _latch
    private long _now = TimeSpan.TicksPerHour; // not 0, which a session takes for "never"
    private Exception? _fault;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override DateTimeOffset GetUtcNow() =>
        Interlocked.Exchange(ref _fault, null) is { } fault ? throw fault : Start + new TimeSpan(GetTimestamp() - TimeSpan.TicksPerHour);

    /// <summary>Whoever asks next for the time of day gets this instead, once.</summary>
    public void FailNext(Exception fault) => _fault = fault;

    public void Advance(double seconds)
    {
        var until = GetTimestamp() + TimeSpan.FromSeconds(seconds).Ticks;
        while (NextBefore(until) is { } due)
        {
            due.Ring();
        }

        Interlocked.Exchange(ref _now, until);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, callback, state);
        alarm.Change(dueTime, period);
        return alarm;
    }

    private Alarm? NextBefore(long until)
    {
        lock (_latch)
        {
            var next = _alarms.Where(alarm => alarm.Due <= until).MinBy(alarm => alarm.Due);
            if (next is not null)
            {
                Interlocked.Exchange(ref _now, Math.Max(_now, next.Due));
                next.Proceed();
            }

            return next;
        }
    }

    private sealed class Alarm(HandClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public long Due { get; private set; } = long.MaxValue; // guarded by the clock's latch, as the period is

        public void Ring() => callback(state);

        /// <summary>On to the next time, if there is one.</summary>
        public void Proceed() => Due = _period > TimeSpan.Zero ? Due + _period.Ticks : long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._latch)
            {
                (Due, _period) = (dueTime < TimeSpan.Zero ? long.MaxValue : clock.GetTimestamp() + dueTime.Ticks, period);
                clock._alarms.Remove(this);
                clock._alarms.Add(this);
                return true;
            }
        }

        public void Dispose()
        {
            lock (clock._latch)
            {
                clock._alarms.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
