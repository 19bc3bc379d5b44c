namespace PubSub.Hosting.Sockets;

/// <summary>
/// The clock of the deadlines. It advances with each sweep, and not while the process was stopped (a suspended machine, a debugger, no
/// processor time): a peer is not disconnected for an answer that the server could not read.
/// </summary>
/// <param name="time">The clock of the system.</param>
/// <param name="interval">The time between two sweeps.</param>
internal sealed class SweepClock(TimeProvider time, TimeSpan interval)
{
    /// <summary>Sweeps that do not count after a stall, the late one included: what arrived meanwhile is read first.</summary>
    private const int Grace = 2;

    /// <summary>A sweep that is later than this comes after a stall.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(500);

    private long _last = time.GetTimestamp();
    private int _grace;

    /// <summary>The time since the clock was made, as far as it counts.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Advances by the time since the last call, but by two intervals at most.</summary>
    public void Tick()
    {
        var now = time.GetTimestamp();
        var elapsed = time.GetElapsedTime(_last, now);
        _last = now;
        if (elapsed > interval + Stall)
        {
            _grace = Grace;
        }

        if (_grace > 0)
        {
            _grace--;
            return;
        }

        Now += elapsed < 2 * interval ? elapsed : 2 * interval;
    }
}
