namespace PubSub;

/// <summary>
/// The subscribers that were given something and whose readers still have to be told. Whoever publishes many messages in a
/// row tells each reader once, at the end: that is where batches come from.
/// </summary>
/// <remarks>
/// Not safe for concurrent use: one per publisher. A publisher must call <see cref="Release"/> before it waits for anything;
/// until then those readers sleep, whoever else publishes to them.
/// </remarks>
public sealed class Wakes
{
    private readonly List<Subscriber> _sleeping = [];
    private readonly List<Subscriber> _closed = [];

    internal void Add(Subscriber sleeping) => _sleeping.Add(sleeping);

    internal void AddClosed(Subscriber closed) => _closed.Add(closed);

    /// <summary>Wakes every reader noted so far, and takes every subscriber that was closed out of its topics.</summary>
    public void Release()
    {
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
    }
}
