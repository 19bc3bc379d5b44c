using PubSub.Hosting.Engine;

namespace PubSub.Hosting.Redis;

/// <summary>
/// A subscriber's request to join or leave, carried out at the moment that a mark gives it in the topic's order. Either the mirror takes
/// it, or the caller that waits withdraws it; never both.
/// </summary>
/// <param name="token">Tells its mark from others.</param>
/// <param name="act">What is done then.</param>
internal sealed class Turn(string token, Join act)
{
    private readonly TaskCompletionSource<SubscribeResult?> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isOver;

    public string Token => token;

    /// <summary>The stamp of its mark, in microseconds; 0 as long as the mark is not known to be there. Used by the mirror only.</summary>
    public long Stamp { get; set; }

    public bool IsOver => Volatile.Read(ref _isOver) == 1;

    /// <summary>What came of it; null if the mark was missed, so that another is needed.</summary>
    public Task<SubscribeResult?> Outcome => _outcome.Task;

    public void Take(Topic topic, long ticks, Wakes wakes)
    {
        if (!TryEnd())
        {
            return;
        }

        try
        {
            _outcome.SetResult(act(topic, ticks, wakes));
        }
#pragma warning disable CA1031 // a bug, which the one that waits reports
        catch (Exception bug)
#pragma warning restore CA1031
        {
            _outcome.SetException(bug);
        }
    }

    public void Miss()
    {
        if (TryEnd())
        {
            _outcome.SetResult(null);
        }
    }

    /// <returns>False when it was taken or missed before.</returns>
    public bool TryWithdraw() => TryEnd();

    private bool TryEnd() => Interlocked.Exchange(ref _isOver, 1) == 0;
}
