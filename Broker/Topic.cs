namespace PubSub;

/// <summary>
/// A named, ordered stream. Everything that happens to it happens inside its gate, one after the other; that sequence is the
/// topic's order, for every subscriber and for replay (PS-FAN-003).
/// </summary>
/// <remarks>Nothing inside the gate waits, calls out, or enters another gate.</remarks>
public sealed class Topic
{
    private readonly Lock _gate = new();
    private readonly HashSet<Subscriber> _subscribers = []; // guarded by _gate
    private readonly Ring<Frame> _retained; // guarded by _gate
    private long _messages; // guarded by _gate
    private volatile bool _deleted; // written under _gate, once

    internal Topic(string name, BrokerLimits limits)
    {
        Name = name;
        _retained = new Ring<Frame>(limits.MaxMessages);
    }

    /// <summary>The name, as it was created; compared ordinally.</summary>
    public string Name { get; }

    /// <summary>
    /// Accepts a message: retains its event and queues it to every current subscriber (PS-PUB-012). A subscriber over its bound is
    /// closed instead. Readers are woken by <paramref name="wakes"/>.
    /// </summary>
    /// <returns>False when the topic has been deleted; then nothing happened.</returns>
    public bool TryPublish(Frame message, Wakes wakes)
    {
        lock (_gate)
        {
            if (_deleted)
            {
                return false;
            }

            _messages++;
            _retained.Add(message);
            foreach (var subscriber in _subscribers)
            {
                if (!subscriber.TryDeliver(message, wakes))
                {
                    _subscribers.Remove(subscriber); // legal while enumerating a HashSet
                }
            }

            return true;
        }
    }

    /// <summary>As <see cref="TryPublish(Frame, Wakes)"/>, waking the readers before it returns.</summary>
    public bool TryPublish(Frame message)
    {
        var wakes = new Wakes();
        var accepted = TryPublish(message, wakes);
        wakes.Release();
        return accepted;
    }

    /// <summary>
    /// Subscribes: queues the ack, then the newest <paramref name="lastN"/> retained events, oldest first, then joins. No publish
    /// falls between, so there is neither gap nor duplicate (PS-RPL-002). Without an ack, only the events are queued.
    /// </summary>
    public Subscribing Subscribe(Subscriber subscriber, int lastN, Frame? ack, Wakes wakes)
    {
        lock (_gate)
        {
            if (_deleted)
            {
                return Subscribing.TopicNotFound;
            }

            var outcome = subscriber.Join(this, _retained.Last(lastN), ack, wakes);
            if (outcome == Subscribing.Joined)
            {
                _subscribers.Add(subscriber);
            }

            return outcome;
        }
    }

    /// <summary>As <see cref="Subscribe(Subscriber, int, Frame?, Wakes)"/> without an ack, waking the reader before it returns.</summary>
    public Subscribing Subscribe(Subscriber subscriber, int lastN = 0)
    {
        var wakes = new Wakes();
        var outcome = Subscribe(subscriber, lastN, ack: null, wakes);
        wakes.Release();
        return outcome;
    }

    /// <summary>Ends the subscription, if there is one, and queues the ack: no event of this topic follows it (PS-UNS-002).</summary>
    /// <returns>False when the topic has been deleted; then nothing was queued.</returns>
    public bool TryUnsubscribe(Subscriber subscriber, Frame? ack, Wakes wakes)
    {
        lock (_gate)
        {
            if (_deleted)
            {
                return false;
            }

            _subscribers.Remove(subscriber);
            subscriber.Leave(this, ack, wakes);
            return true;
        }
    }

    /// <summary>The numbers of this moment. <c>Messages</c> counts what was accepted since creation; replays do not count.</summary>
    public (int Subscribers, long Messages) Count()
    {
        lock (_gate)
        {
            return (_subscribers.Count, _messages);
        }
    }

    /// <summary>
    /// Deletes: queues the notice behind the events of every subscriber and ends its subscription, or, with
    /// <paramref name="disconnect"/>, closes it.
    /// </summary>
    /// <returns>False when it was deleted before.</returns>
    internal bool TryDelete(Frame notice, bool disconnect, Wakes wakes)
    {
        lock (_gate)
        {
            if (_deleted)
            {
                return false;
            }

            foreach (var subscriber in _subscribers)
            {
                subscriber.Leave(this, notice, wakes);
                if (disconnect)
                {
                    subscriber.Close(CloseReason.TopicDeleted, wakes);
                }
            }

            _subscribers.Clear();
            _deleted = true; // last, since it is read outside the gate too: whoever sees it finds every notice queued
            return true;
        }
    }

    /// <summary>Whether it has been deleted. A no holds only for now; the verbs decide again inside the gate.</summary>
    internal bool IsDeleted => _deleted;

    internal void Remove(Subscriber closed)
    {
        lock (_gate)
        {
            _subscribers.Remove(closed);
        }
    }
}
