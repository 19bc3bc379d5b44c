using PubSub.Interleavings.Harness;

namespace System.Threading.Tasks.Sources;

/// <summary>
/// Replaces the runtime's own. Another fiber may get the turn before each step that two threads may take at once, and work for the thread
/// pool becomes a fiber.
/// </summary>
internal struct ManualResetValueTaskSourceCore<TResult>
{
    private Action<object?>? _continuation;
    private object? _state;
    private TResult? _result;
    private bool _completed;

    public bool RunContinuationsAsynchronously { get; set; }

    public short Version { get; private set; }

    public void Reset()
    {
        Version++;
        (_continuation, _state, _result, _completed) = (null, null, default, false);
    }

    public void SetResult(TResult result)
    {
        Fiber.Current?.CallsOut();
        Fiber.Current?.Pause();
        if (_completed)
        {
            throw new InvalidOperationException("the result was set twice");
        }

        (_completed, _result) = (true, result);
        if (_continuation is { } continuation)
        {
            Continue(continuation, _state, hop: RunContinuationsAsynchronously);
        }
    }

    public readonly ValueTaskSourceStatus GetStatus(short token)
    {
        Check(token);
        return _completed ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    public readonly TResult GetResult(short token)
    {
        Check(token);
        return _completed ? _result! : throw new InvalidOperationException("the result was read before it was set");
    }

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        _ = flags; // the broker captures no context
        Fiber.Current?.Pause();
        Check(token);
        if (_continuation is not null)
        {
            throw new InvalidOperationException("two threads wait at once");
        }

        (_continuation, _state) = (continuation, state);
        if (_completed)
        {
            Continue(continuation, state, hop: true);
        }
    }

    private static void Continue(Action<object?> continuation, object? state, bool hop)
    {
        if (hop && Fiber.Current is { } fiber)
        {
            fiber.Scheduler.Spawn("pool", () => continuation(state));
        }
        else
        {
            continuation(state);
        }
    }

    private readonly void Check(short token)
    {
        if (token != Version)
        {
            throw new InvalidOperationException("the token belongs to an earlier wait");
        }
    }
}
