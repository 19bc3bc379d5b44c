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
    private readonly Ring<Retained> _retained; // guarded by _gate
    private readonly Budget _budget;
    private long _messages; // guarded by _gate
    private long _bytes; // guarded by _gate; what the topic takes of the budget
    private long _last; // guarded by _gate; the newest stamp
    private long _forgotten; // guarded by _gate; the stamp of the newest event that the ring no longer has, or of the creation
    private volatile bool _deleted; // written under _gate, once

    // The caller has taken the bytes from the budget.
    internal Topic(string name, Origin origin, BrokerLimits limits, Budget budget, long bytes)
    {
        Name = name;
        Epoch = origin.Epoch ?? ""; // no origin was given
        (_budget, _bytes) = (budget, bytes);
        _last = _forgotten = origin.Time;
        _messages = origin.Messages;
        _retained = new Ring<Retained>(limits.MaxMessages);
    }

    /// <summary>The name, as it was created; compared ordinally.</summary>
    public string Name { get; }

    /// <summary>Differs from that of every other topic of this name, before or after (PS-RES-006).</summary>
    public string Epoch { get; }

    /// <summary>
    /// Accepts a message: retains its event and queues it to every current subscriber (PS-PUB-012). A subscriber over its bound is
    /// closed instead. Readers are woken by <paramref name="wakes"/>.
    /// </summary>
    public Publication Publish(Draft message, Wakes wakes)
    {
        lock (_gate)
        {
            AssertInvariants();
            if (_deleted)
            {
                return new(PublishResult.TopicNotFound);
            }

            var growth = _retained.TryPeekForgotten(out var forgotten)
                ? message.Length - forgotten.Length
                : message.Length + Budget.PerEvent;
            if (!_budget.TryTake(growth))
            {
                return new(PublishResult.LimitReached);
            }

            _bytes += growth;
            var retained = Retain(message);
            Deliver(new ReadOnlySpan<Frame>(in retained), wakes);
            return new(PublishResult.Accepted, _last);
        }
    }

    /// <summary>
    /// As <see cref="Publish"/>, for many in one step: their events are neighbours in the topic's order, or there are none (PS-HTTP-003).
    /// A subscriber that has room for the first gets all of them, also if they are more than its bound.
    /// </summary>
    /// <param name="messages">At least one.</param>
    /// <param name="wakes">Wakes the readers.</param>
    /// <param name="stamps">Gets the stamps of the events, as many as there are messages.</param>
    public PublishResult PublishAll(ReadOnlySpan<Draft> messages, Wakes wakes, Span<long> stamps)
    {
        var events = new Frame[messages.Length];
        lock (_gate)
        {
            AssertInvariants();
            if (_deleted)
            {
                return PublishResult.TopicNotFound;
            }

            var growth = Growth(messages);
            if (!_budget.TryTake(growth))
            {
                return PublishResult.LimitReached;
            }

            _bytes += growth;
            for (var i = 0; i < messages.Length; i++)
            {
                events[i] = Retain(messages[i]);
                stamps[i] = _last;
            }

            Deliver(events, wakes);
            return PublishResult.Accepted;
        }
    }

    /// <summary>As <see cref="Publish"/>, waking the readers before it returns.</summary>
    /// <returns>Whether it was accepted.</returns>
    public bool TryPublish(Draft message)
    {
        var wakes = new Wakes();
        var result = Publish(message, wakes).Result;
        wakes.Release();
        return result == PublishResult.Accepted;
    }

    /// <summary>
    /// Subscribes: queues the ack, then the newest <paramref name="lastN"/> retained events, oldest first, then joins. No publish
    /// falls between, so there is neither gap nor duplicate (PS-RPL-002). Without an ack, only the events are queued.
    /// </summary>
    public SubscribeResult Subscribe(Subscriber subscriber, int lastN, Draft? ack, Wakes wakes)
    {
        lock (_gate)
        {
            return Join(subscriber, lastN, ack, wakes);
        }
    }

    /// <summary>
    /// Subscribes as a reader that was here before: queues an ack, then the retained events later than its position, then joins
    /// (PS-RES-003).
    /// </summary>
    /// <param name="subscriber">The reader.</param>
    /// <param name="position">Where it has got to.</param>
    /// <param name="whole">The ack if no event later than the position is missing from what follows (PS-RES-005).</param>
    /// <param name="torn">The ack if one may be.</param>
    /// <param name="wakes">Wakes the reader.</param>
    public SubscribeResult Resume(Subscriber subscriber, Position position, Draft? whole, Draft? torn, Wakes wakes)
    {
        lock (_gate)
        {
            // A subscriber that is here already is replayed nothing (PS-SUB-006), so then anything later is missing.
            var later = CountAfter(position);
            var isWhole = IsWhole(position) && (later == 0 || !_subscribers.Contains(subscriber));
            return Join(subscriber, later, isWhole ? whole : torn, wakes);
        }
    }

    /// <summary>Moves the topic's order on to a stamp that no event has; an earlier one than its newest changes nothing.</summary>
    public void Advance(long stamp)
    {
        lock (_gate)
        {
            AssertInvariants();
            _last = Math.Max(_last, stamp);
        }
    }

    /// <summary>Whether the subscriber is subscribed now.</summary>
    public bool Has(Subscriber subscriber)
    {
        lock (_gate)
        {
            AssertInvariants();
            return _subscribers.Contains(subscriber);
        }
    }

    /// <summary>The position that only the newest <paramref name="lastN"/> retained events are later than.</summary>
    public Position Before(int lastN)
    {
        lock (_gate)
        {
            AssertInvariants();
            return new(lastN < _retained.Count ? _retained.Last(lastN + 1).First().Stamp : _forgotten, Epoch);
        }
    }

    /// <summary>Queues the newest <paramref name="lastN"/> retained events for a reader that does not subscribe (PS-HTTP-008).</summary>
    /// <returns>Whether none that was asked for is missing; null when the topic has been deleted.</returns>
    public bool? Read(Subscriber reader, int lastN, Wakes wakes)
    {
        lock (_gate)
        {
            return Replay(reader, lastN, lastN <= _retained.Count || _messages == _retained.Count, wakes);
        }
    }

    /// <summary>Queues the retained events later than a position for a reader that does not subscribe (PS-HTTP-008).</summary>
    /// <returns>As <see cref="Read(Subscriber, int, Wakes)"/>.</returns>
    public bool? Read(Subscriber reader, Position position, Wakes wakes)
    {
        lock (_gate)
        {
            return Replay(reader, CountAfter(position), IsWhole(position), wakes);
        }
    }

    /// <summary>As <see cref="Subscribe(Subscriber, int, Draft?, Wakes)"/> without an ack, waking the reader before it returns.</summary>
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
    internal bool TryDelete(Frame notice, bool disconnect, Wakes wakes) =>
        TryEnd(notice, disconnect ? CloseReason.TopicDeleted : CloseReason.None, wakes);

    /// <summary>Ends without a notice: closes every subscriber, since what follows will not reach it.</summary>
    /// <returns>False when it had ended before.</returns>
    internal bool TryAbandon(Wakes wakes) => TryEnd(notice: null, CloseReason.MissedEvents, wakes);

    private bool TryEnd(Frame? notice, CloseReason reason, Wakes wakes)
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
                if (reason != CloseReason.None)
                {
                    subscriber.Close(reason, wakes);
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

    private Frame Retain(Draft message)
    {
        if (_retained.TryPeekForgotten(out var forgotten))
        {
            _forgotten = forgotten.Stamp;
        }

        var retained = message.Finish(ref _last);
        _messages++;
        _retained.Add(new(retained, retained.Length, _last));
        return retained;
    }

    private void Deliver(ReadOnlySpan<Frame> events, Wakes wakes)
    {
        foreach (var subscriber in _subscribers)
        {
            if (!subscriber.TryDeliver(events, wakes))
            {
                _subscribers.Remove(subscriber); // a HashSet allows it during enumeration
            }
        }
    }

    private bool? Replay(Subscriber reader, int newest, bool isWhole, Wakes wakes)
    {
        AssertInvariants();
        if (_deleted)
        {
            return null;
        }

        reader.Replay(Newest(newest), wakes);
        return isWhole;
    }

    private SubscribeResult Join(Subscriber subscriber, int lastN, Draft? ack, Wakes wakes)
    {
        AssertInvariants();
        if (_deleted)
        {
            return SubscribeResult.TopicNotFound;
        }

        var outcome = subscriber.Join(this, Newest(lastN), ack?.Finish(ref _last), wakes);
        if (outcome == SubscribeResult.Joined)
        {
            _subscribers.Add(subscriber);
        }

        return outcome;
    }

    private IEnumerable<Frame> Newest(int n) => _retained.Last(n).Select(retained => retained.Frame);

    private int CountAfter(Position position) => _retained.CountNewest(retained => retained.Stamp > position.Since);

    /// <summary>
    /// Whether every event later than the position is retained. It is not if one was forgotten, or if the position is of another life of
    /// the topic: earlier than this one, later than its newest stamp, or of another epoch (PS-RES-005, PS-RES-006).
    /// </summary>
    private bool IsWhole(Position position) =>
        position.Since >= _forgotten && position.Since <= _last && (position.Epoch ?? Epoch) == Epoch;

    /// <summary>What the retained events will take more of the budget when these are added, in bytes; it may be negative.</summary>
    private long Growth(ReadOnlySpan<Draft> messages)
    {
        var growth = 0L;
        foreach (var message in messages[^Math.Min(messages.Length, _retained.Capacity)..])
        {
            growth += message.Length + Budget.PerEvent;
        }

        var forgotten = Math.Clamp(_retained.Count + messages.Length - _retained.Capacity, 0, _retained.Count);
        return growth - _retained.Oldest(forgotten).Sum(retained => retained.Length + (long)Budget.PerEvent);
    }

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        Debug.Assert(_messages >= _retained.Count, "a message is retained only if it was accepted");
        Debug.Assert(_bytes >= Budget.PerTopic + ((long)_retained.Count * Budget.PerEvent), "what is retained is taken of the budget");
        Debug.Assert(!_deleted || _subscribers.Count == 0, "a deleted topic has no subscribers");
        Debug.Assert(_forgotten <= _last, "what is forgotten came before what is retained");
    }

    /// <param name="Frame">The event.</param>
    /// <param name="Length">Its size in bytes; reading it from an old frame would miss the cache.</param>
    /// <param name="Stamp">Its position.</param>
    private readonly record struct Retained(Frame Frame, int Length, long Stamp);
}

/// <summary>What a topic begins with. By default it begins at the first stamp there is, and its epoch is empty.</summary>
/// <param name="Time">The time of its creation, as a stamp.</param>
/// <param name="Epoch">See <see cref="Topic.Epoch"/>.</param>
/// <param name="Messages">Messages that were accepted before the first that it retains, at least 0.</param>
public readonly record struct Origin(long Time, string? Epoch, long Messages = 0);

/// <summary>The outcome of a publish, and the stamp of its event if it was accepted.</summary>
public readonly record struct Publication(PublishResult Result, long Stamp = 0);

/// <summary>The outcome of a publish.</summary>
public enum PublishResult
{
    /// <summary>There is no such topic, or it has been deleted; nothing happened.</summary>
    TopicNotFound,

    /// <summary>It is retained, and queued to every subscriber.</summary>
    Accepted,

    /// <summary>There is no room for it within <see cref="BrokerLimits.MaxRetainedBytes"/>; nothing happened.</summary>
    LimitReached,
}
