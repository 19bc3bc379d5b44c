using System.Threading.Tasks.Sources;

namespace PubSub;

/// <summary>Lets one waiter wait for the next set, again and again, without allocating.</summary>
/// <remarks>
/// The owner arms and disarms it under its own lock, so a set is never missed, and sets it outside every lock.
/// </remarks>
/// <param name="eager">Whether the waiter continues at once, on the thread that sets, or on the thread pool.</param>
internal sealed class Signal(bool eager = false) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = !eager };
    private bool _armed; // guarded by the owner's lock

    /// <summary>Starts a wait. At most one may be under way.</summary>
    public ValueTask Arm()
    {
        _core.Reset();
        _armed = true;
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Whether somebody waits and has not been promised a <see cref="Set"/>.</summary>
    public bool IsArmed => _armed;

    /// <summary>Ends the wait, if there is one; then the caller owes it a <see cref="Set"/>.</summary>
    public bool Disarm()
    {
        var owed = _armed;
        _armed = false;
        return owed;
    }

    /// <summary>Wakes the waiter.</summary>
    public void Set() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _core.OnCompleted(continuation, state, token, flags);
}
