namespace PubSub;

/// <summary>
/// The subscribers that were given something and whose readers still have to be told. Whoever publishes many messages in a
/// row tells each reader once, at the end: that is where batches come from.
/// </summary>
/// <remarks>
/// Not safe for concurrent use: one per publisher. A publisher must call <see cref="Release"/> before it waits for anything, and as
/// soon as <see cref="AreDue"/> says so.
/// </remarks>
public sealed class Wakes
{
    private readonly List<Subscriber> _sleeping = [];
    private readonly List<Subscriber> _closed = [];
    private Backlog? _overflowing;

    /// <summary>
    /// Whether a subscriber is within a quarter of its bound. Then the publisher releases and lets others run before it goes on: a reader that
    /// only had no turn yet is not slow.
    /// </summary>
    public bool AreDue { get; private set; }

    internal void Add(Subscriber sleeping) => _sleeping.Add(sleeping);

    internal void FallDue() => AreDue = true;

    /// <summary>The sum of what subscribers have not taken is over its bound.</summary>
    internal void NoteOverflow(Backlog overflowing)
    {
        _overflowing = overflowing;
        FallDue();
    }

    internal void AddClosed(Subscriber closed) => _closed.Add(closed);

    /// <summary>Wakes every reader noted so far, and takes every subscriber that was closed out of its topics.</summary>
    /// <returns>Whether there was any.</returns>
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
