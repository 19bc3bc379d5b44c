namespace PubSub;

/// <summary>
/// The bytes that a broker keeps for later: topics, subscriptions, and the events that topics retain
/// (<see cref="BrokerLimits.MaxRetainedBytes"/>, PS-BPR-013).
/// </summary>
/// <remarks>Safe for concurrent use, without a lock, so it may be called inside a gate.</remarks>
internal sealed class Budget(long most)
{
    /// <summary>Bytes of an event beside its frame: the array's head and its places in a ring that grows by doubling.</summary>
    public const int PerEvent = 80;

    /// <summary>Bytes of a topic beside its name: the object, its gate, its ring and its set of subscribers, empty.</summary>
    public const int PerTopic = 768;

    /// <summary>Bytes of a subscription: its places in the topic's set and in the subscriber's.</summary>
    public const int PerSubscription = 128;

    private long _taken;

    /// <summary>Takes so many bytes, or gives them back if they are negative.</summary>
    /// <returns>False when that is more than is left; then nothing was taken.</returns>
    public bool TryTake(long bytes)
    {
        if (bytes == 0 || Interlocked.Add(ref _taken, bytes) <= most || bytes < 0)
        {
            return true;
        }

        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    public void GiveBack(long bytes) => TryTake(-bytes);
}
