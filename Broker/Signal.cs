using System.Threading.Tasks.Sources;

namespace PubSub;

/// <summary>Lets one waiter wait for the next set, again and again, without allocating; a set may carry an answer.</summary>
/// <remarks>
/// The owner arms and disarms it under its own lock, so a set is never missed, and sets it outside every lock.
/// </remarks>
/// <param name="eager">Whether the waiter continues at once, on the thread that sets, or on the thread pool.</param>
internal sealed class Signal(bool eager = false) : IValueTaskSource, IValueTaskSource<bool>
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = !eager };
    private bool _armed; // guarded by the owner's lock

    /// <summary>Starts a wait. At most one may be under way.</summary>
    public ValueTask Arm() => new(this, Start());

    /// <summary>Starts a wait for an answer. At most one may be under way.</summary>
    public ValueTask<bool> ArmForAnswer() => new(this, Start());

    /// <summary>Whether a waiter waits and no thread owes it a <see cref="Set"/>.</summary>
    public bool IsArmed => _armed;

    /// <summary>Ends the wait, if there is one; then the caller owes it a <see cref="Set"/>.</summary>
    public bool Disarm()
    {
        var owed = _armed;
        _armed = false;
        return owed;
    }

    /// <summary>Wakes the waiter.</summary>
    public void Set(bool answer = true) => _core.SetResult(answer);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    private short Start()
    {
        _core.Reset();
        _armed = true;
        return _core.Version;
    }
}
