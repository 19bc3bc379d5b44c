namespace PubSub.Conformance.Running;

/// <summary>Limits how many scenarios run at one time, once this machine has run out of a resource.</summary>
internal sealed class Admission(TimeProvider time)
{
    /// <summary>Scenarios that fail within this time lower the limit only once.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _waiting = []; // guarded by _gate
    private int _running; // guarded by _gate
    private int _most = int.MaxValue; // guarded by _gate
    private long? _lowered; // guarded by _gate

    public async Task EnterAsync(CancellationToken cancellation)
    {
        TaskCompletionSource turn;
        lock (_gate)
        {
            if (_running < _most)
            {
                _running++;
                return;
            }

            turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn);
        }

        try
        {
            await turn.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (!turn.TrySetCanceled(CancellationToken.None))
        {
            // The turn was granted at the same moment: give it back.
            Leave();
            throw;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            _running--;
            while (_running < _most && _waiting.TryDequeue(out var next))
            {
                // A cancelled waiter does not count as running.
                _running += next.TrySetResult() ? 1 : 0;
            }
        }
    }

    /// <summary>Limits the scenarios to half of those that run now, but at least one.</summary>
    public void Halve()
    {
        lock (_gate)
        {
            if (_lowered is { } then && time.GetElapsedTime(then) < Together)
            {
                return;
            }

            _lowered = time.GetTimestamp();
            _most = Math.Max(1, Math.Min(_most, _running) / 2);
        }
    }
}
