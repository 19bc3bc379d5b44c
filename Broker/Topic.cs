using System.Diagnostics;

namespace PubSub;

/// <summary>
/// A named, ordered stream. Everything that happens to it happens inside its gate, one step after the other; that sequence is the
/// topic's order, for every subscriber and for replay (PS-FAN-003).
/// </summary>
/// <remarks>Nothing inside the gate waits, calls out, or enters another gate.</remarks>
public sealed class Topic
{
    private readonly Lock _gate = new();
    private readonly HashSet<Subscriber> _subscribers = []; // guarded by _gate
    private readonly Ring<(Frame Frame, int Length)> _retained; // guarded by _gate; reading a length from an old frame would miss the cache
    private readonly Budget _budget;
    private long _messages; // guarded by _gate
    private long _bytes; // guarded by _gate; what the topic takes of the budget
    private volatile bool _deleted; // written under _gate, once

    // The caller has taken the bytes from the budget.
    internal Topic(string name, BrokerLimits limits, Budget budget, long bytes)
    {
        Name = name;
        (_budget, _bytes) = (budget, bytes);
        _retained = new Ring<(Frame, int)>(limits.MaxMessages);
    }

    /// <summary>The name, as it was created; compared ordinally.</summary>
    public string Name { get; }

    /// <summary>
    /// Accepts a message: retains its event and queues it to every current subscriber (PS-PUB-012). A subscriber over its bound is
    /// closed instead. Readers are woken by <paramref name="wakes"/>.
    /// </summary>
    public PublishResult Publish(Frame message, Wakes wakes)
    {
        lock (_gate)
        {
            AssertInvariants();
            if (_deleted)
            {
                return PublishResult.TopicNotFound;
            }

            var growth = _retained.TryPeekForgotten(out var forgotten)
                ? message.Length - forgotten.Length
                : message.Length + Budget.PerEvent;
            if (!_budget.TryTake(growth))
            {
                return PublishResult.LimitReached;
            }

            _bytes += growth;
            _messages++;
            _retained.Add((message, message.Length));
            foreach (var subscriber in _subscribers)
            {
                if (!subscriber.TryDeliver(message, wakes))
                {
                    _subscribers.Remove(subscriber); // a HashSet allows it during enumeration
                }
            }

            return PublishResult.Accepted;
        }
    }

    /// <summary>As <see cref="Publish"/>, waking the readers before it returns.</summary>
    /// <returns>Whether it was accepted.</returns>
    public bool TryPublish(Frame message)
    {
        var wakes = new Wakes();
        var result = Publish(message, wakes);
        wakes.Release();
        return result == PublishResult.Accepted;
    }

    /// <summary>
    /// Subscribes: queues the ack, then the newest <paramref name="lastN"/> retained events, oldest first, then joins. No publish
    /// falls between, so there is neither gap nor duplicate (PS-RPL-002). Without an ack, only the events are queued.
    /// </summary>
    public SubscribeResult Subscribe(Subscriber subscriber, int lastN, Frame? ack, Wakes wakes)
    {
        lock (_gate)
        {
            AssertInvariants();
            if (_deleted)
            {
                return SubscribeResult.TopicNotFound;
            }

            var outcome = subscriber.Join(this, _retained.Last(lastN).Select(retained => retained.Frame), ack, wakes);
            if (outcome == SubscribeResult.Joined)
            {
                _subscribers.Add(subscriber);
            }

            return outcome;
        }
    }

    /// <summary>As <see cref="Subscribe(Subscriber, int, Frame?, Wakes)"/> without an ack, waking the reader before it returns.</summary>
    public SubscribeResult Subscribe(Subscriber subscriber, int lastN = 0)
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
            AssertInvariants();
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
            AssertInvariants();
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
            AssertInvariants();
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
            _budget.GiveBack(_bytes);
            _deleted = true; // last, since it is read outside the gate too: a thread that sees it finds every notice queued
            return true;
        }
    }

    /// <summary>Whether it has been deleted. False is true only for now; the verbs decide again inside the gate.</summary>
    internal bool IsDeleted => _deleted;

    internal void Remove(Subscriber closed)
    {
        lock (_gate)
        {
            AssertInvariants();
            _subscribers.Remove(closed);
        }
    }

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        Debug.Assert(_messages >= _retained.Count, "a message is retained only if it was accepted");
        Debug.Assert(_bytes >= Budget.PerTopic + ((long)_retained.Count * Budget.PerEvent), "what is retained is taken of the budget");
        Debug.Assert(!_deleted || _subscribers.Count == 0, "a deleted topic has no subscribers");
    }
}

/// <summary>The outcome of a publish.</summary>
public enum PublishResult
{
    /// <summary>It is retained, and queued to every subscriber.</summary>
    Accepted,

    /// <summary>The topic has been deleted; nothing happened.</summary>
    TopicNotFound,

    /// <summary>There is no room for it within <see cref="BrokerLimits.MaxRetainedBytes"/>; nothing happened.</summary>
    LimitReached,
}
