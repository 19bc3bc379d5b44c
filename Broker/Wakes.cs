namespace PubSub;

/// <summary>
/// The wake list of one publisher: subscribers whose readers sleep and have something to take. A publisher that sends a burst wakes each
/// reader once, at the end; that is where batches come from.
/// </summary>
/// <remarks>
/// <para>The round trip of a wake-up: a topic, inside its gate, offers an event to a subscriber. The subscriber, inside its latch, queues
/// it and, if its reader sleeps, adds itself to this list, once. If the event is over the subscriber's bound, the subscriber closes and
/// adds itself to the list of the closed. The publisher leaves the gate and calls <see cref="Release"/>, holding no lock: that wakes the
/// readers, and takes the closed subscribers out of their topics, gate by gate.</para>
/// <para>Not safe for concurrent use. A publisher must call <see cref="Release"/> before it waits for anything, and as soon as
/// <see cref="AreDue"/> is true.</para>
/// </remarks>
public sealed class Wakes
{
    private readonly List<Subscriber> _sleeping = [];
    private readonly List<Subscriber> _closed = [];
    private Backlog? _overflowing;

    /// <summary>
    /// Whether a subscriber is within a quarter of its bound, or all together are over theirs. Then the publisher releases and lets other
    /// threads run before it goes on: a reader that has not been scheduled yet is not slow.
    /// </summary>
    public bool AreDue { get; private set; }

    internal void Add(Subscriber sleeping) => _sleeping.Add(sleeping);

    internal void FallDue() => AreDue = true;

    /// <summary>All subscribers together have more outstanding than they may.</summary>
    internal void NoteOverflow(Backlog overflowing)
    {
        _overflowing = overflowing;
        FallDue();
    }

    internal void AddClosed(Subscriber closed) => _closed.Add(closed);

    /// <summary>
    /// Wakes every reader on the list, and takes every closed subscriber out of its topics. The list is empty afterwards.
    /// </summary>
    /// <returns>False if it was empty before.</returns>
    public bool Release()
    {
        AreDue = false;
        _overflowing?.Relieve();
        _overflowing = null;
        if (_sleeping.Count + _closed.Count == 0)
        {
            return false;
        }

        foreach (var subscriber in _sleeping)
        {
            subscriber.Wake();
        }

        _sleeping.Clear();

        foreach (var subscriber in _closed)
        {
            subscriber.Depart();
        }

        _closed.Clear();
        return true;
    }
}
