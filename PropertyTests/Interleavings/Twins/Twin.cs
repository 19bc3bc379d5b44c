using System.Collections.Concurrent;

namespace PubSub.Interleavings.Twins;

/// <summary>
/// The broker once more, as small as it can be, made of parts: a wrong twin is this with one part exchanged. Unexchanged it breaks no law,
/// so what a wrong twin breaks is its part's doing.
/// </summary>
internal class Twin(BrokerLimits limits) : IBroker
{
    protected BrokerLimits Limits => limits;

    protected ConcurrentDictionary<string, TwinTopic> Topics { get; } = new(StringComparer.Ordinal);

    protected Lock Creation { get; } = new("Broker");

    /// <summary>Guarded by creation.</summary>
    protected int Entries { get; set; }

    public ISubscriber Admit(bool eager) => new TwinSubscriber(this, eager);

    public IWakes NewWakes() => new TwinWakes(this);

    public virtual CreateResult Create(string topic)
    {
        lock (Creation)
        {
            if (Topics.TryGetValue(topic, out var namesake))
            {
                if (!namesake.Deleted)
                {
                    return CreateResult.Exists;
                }

                Forget(namesake);
            }

            return Add(topic);
        }
    }

    public bool TryDelete(string topic, Frame notice, bool disconnect)
    {
        if (!Topics.TryGetValue(topic, out var found))
        {
            return false;
        }

        var wakes = new TwinWakes(this);
        if (!End(found, notice, disconnect, wakes))
        {
            return false;
        }

        Forget(found);
        wakes.Release();
        return true;
    }

    public bool TryPublish(string topic, Frame message, IWakes wakes) =>
        Find(topic) is { } found && Publish(found, message, (TwinWakes)wakes);

    public SubscribeResult Subscribe(string topic, ISubscriber subscriber, int lastN, Frame? ack, IWakes wakes) =>
        Find(topic) is { } found
            ? Subscribe(found, (TwinSubscriber)subscriber, lastN, ack!.Value, (TwinWakes)wakes)
            : SubscribeResult.TopicNotFound;

    public bool TryUnsubscribe(string topic, ISubscriber subscriber, Frame? ack, IWakes wakes) =>
        Find(topic) is { } found && Unsubscribe(found, (TwinSubscriber)subscriber, ack!.Value, (TwinWakes)wakes);

    public (int Topics, int Subscriptions) Count()
    {
        TwinTopic[] standing = [.. Topics.Values.Where(topic => !topic.Deleted)];
        return (standing.Length, standing.Sum(topic => topic.Subscribers.Count));
    }

    public (int Subscribers, long Messages)? Count(string topic) =>
        Find(topic) is { } found ? (found.Subscribers.Count, found.Messages) : null;

    public virtual void Reply(TwinSubscriber subscriber, Frame reply, TwinWakes wakes)
    {
        lock (subscriber.Latch)
        {
            Put(subscriber, reply, live: false, wakes);
        }
    }

    public virtual ValueTask WaitForRoomAsync(TwinSubscriber subscriber)
    {
        lock (subscriber.Latch)
        {
            return HasRoom(subscriber) ? ValueTask.CompletedTask : subscriber.Room.Arm();
        }
    }

    public virtual async ValueTask<bool> WaitAsync(TwinSubscriber subscriber)
    {
        while (true)
        {
            ValueTask more;
            lock (subscriber.Latch)
            {
                if (subscriber.Queue.Count > 0 || subscriber.Closed != CloseReason.None)
                {
                    return subscriber.Queue.Count > 0;
                }

                more = subscriber.Frames.Arm();
            }

            await more.ConfigureAwait(false);
        }
    }

    /// <summary>All that is queued; nobody asks a twin for less.</summary>
    public static ReadOnlyMemory<Outgoing> Take(TwinSubscriber subscriber)
    {
        lock (subscriber.Latch)
        {
            subscriber.Taken = [.. subscriber.Queue];
            subscriber.Queue.Clear();
            return subscriber.Taken;
        }
    }

    public virtual void Release(TwinSubscriber subscriber)
    {
        bool owed;
        lock (subscriber.Latch)
        {
            subscriber.Outstanding -= subscriber.Taken.Count(outgoing => outgoing.Live);
            subscriber.Unread -= subscriber.Taken.Count(outgoing => !outgoing.Live);
            subscriber.Taken = [];
            owed = HasRoom(subscriber) && subscriber.Room.Disarm();
        }

        if (owed)
        {
            subscriber.Room.Set();
        }
    }

    public void Close(TwinSubscriber subscriber, CloseReason reason)
    {
        var wakes = new TwinWakes(this);
        Close(subscriber, reason, wakes);
        wakes.Release();
    }

    /// <summary>Leaves all topics and lets a requester go.</summary>
    public virtual void Depart(TwinSubscriber subscriber)
    {
        TwinTopic[] topics;
        bool owed;
        lock (subscriber.Latch)
        {
            topics = [.. subscriber.Topics];
            subscriber.Topics.Clear();
            owed = subscriber.Room.Disarm();
        }

        foreach (var topic in topics)
        {
            lock (topic.Gate)
            {
                topic.Subscribers.Remove(subscriber);
            }
        }

        if (owed)
        {
            subscriber.Room.Set();
        }
    }

    public virtual void Wake(TwinSubscriber subscriber)
    {
        bool owed;
        lock (subscriber.Latch)
        {
            owed = subscriber.Frames.Disarm();
        }

        if (owed)
        {
            subscriber.Frames.Set();
        }
    }

    protected TwinTopic? Find(string topic) => Topics.TryGetValue(topic, out var found) && !found.Deleted ? found : null;

    protected CreateResult Add(string topic)
    {
        if (Entries == Limits.MaxTopics)
        {
            return CreateResult.LimitReached;
        }

        Topics[topic] = new TwinTopic(topic, Limits);
        Entries++;
        return CreateResult.Created;
    }

    protected virtual void Forget(TwinTopic deleted)
    {
        lock (Creation)
        {
            Entries -= Topics.TryRemove(KeyValuePair.Create(deleted.Name, deleted)) ? 1 : 0;
        }
    }

    protected virtual bool End(TwinTopic topic, Frame notice, bool disconnect, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            if (topic.Deleted)
            {
                return false;
            }

            Dismiss(topic, notice, disconnect, wakes);
            topic.Deleted = true; // last, since it is read outside the gate too
            return true;
        }
    }

    /// <summary>Inside the gate: the notice to every subscriber.</summary>
    protected static void Dismiss(TwinTopic topic, Frame notice, bool disconnect, TwinWakes wakes)
    {
        foreach (var subscriber in topic.Subscribers)
        {
            Leave(topic, subscriber, notice, wakes);
            if (disconnect)
            {
                Close(subscriber, CloseReason.TopicDeleted, wakes);
            }
        }

        topic.Subscribers.Clear();
    }

    protected virtual bool Publish(TwinTopic topic, Frame message, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            if (topic.Deleted)
            {
                return false;
            }

            topic.Messages++;
            topic.Retained.Add(message);
            topic.Subscribers.RemoveAll(subscriber => !TryDeliver(subscriber, message, wakes));
            return true;
        }
    }

    protected virtual SubscribeResult Subscribe(TwinTopic topic, TwinSubscriber subscriber, int lastN, Frame ack, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            if (topic.Deleted)
            {
                return SubscribeResult.TopicNotFound;
            }

            var outcome = Join(topic, subscriber, topic.Retained.Last(lastN), ack, wakes);
            if (outcome == SubscribeResult.Joined)
            {
                topic.Subscribers.Add(subscriber);
            }

            return outcome;
        }
    }

    protected virtual bool Unsubscribe(TwinTopic topic, TwinSubscriber subscriber, Frame ack, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            if (topic.Deleted)
            {
                return false;
            }

            topic.Subscribers.Remove(subscriber);
            Leave(topic, subscriber, ack, wakes);
            return true;
        }
    }

    protected virtual SubscribeResult Join(
        TwinTopic topic, TwinSubscriber subscriber, IEnumerable<Frame> replay, Frame ack, TwinWakes wakes)
    {
        lock (subscriber.Latch)
        {
            if (subscriber.Closed != CloseReason.None)
            {
                return SubscribeResult.Closed;
            }

            var joins = subscriber.Topics.Add(topic);
            Put(subscriber, ack, live: false, wakes);
            foreach (var retained in joins ? replay : [])
            {
                Put(subscriber, retained, live: false, wakes);
            }

            return joins ? SubscribeResult.Joined : SubscribeResult.Already;
        }
    }

    protected static void Leave(TwinTopic topic, TwinSubscriber subscriber, Frame lastWord, TwinWakes wakes)
    {
        lock (subscriber.Latch)
        {
            subscriber.Topics.Remove(topic);
            Put(subscriber, lastWord, live: false, wakes);
        }
    }

    protected virtual bool TryDeliver(TwinSubscriber subscriber, Frame live, TwinWakes wakes)
    {
        lock (subscriber.Latch)
        {
            if (subscriber.Closed == CloseReason.None && subscriber.Outstanding >= Limits.MaxQueueSize)
            {
                subscriber.Queue.Clear();
                Close(subscriber, CloseReason.SlowConsumer, wakes);
            }

            if (subscriber.Closed != CloseReason.None)
            {
                return false;
            }

            subscriber.Outstanding++;
            Put(subscriber, live, live: true, wakes);
            return true;
        }
    }

    protected static void Close(TwinSubscriber subscriber, CloseReason reason, TwinWakes wakes)
    {
        lock (subscriber.Latch)
        {
            if (subscriber.Closed == CloseReason.None)
            {
                subscriber.Closed = reason;
                wakes.Sleeping.Add(subscriber);
                wakes.Closed.Add(subscriber);
            }
        }
    }

    /// <summary>Inside the latch.</summary>
    protected static void Put(TwinSubscriber subscriber, Frame frame, bool live, TwinWakes wakes)
    {
        if (subscriber.Closed == CloseReason.None)
        {
            subscriber.Queue.Add(new Outgoing(frame, live));
            subscriber.Unread += live ? 0 : 1;
            wakes.Sleeping.Add(subscriber);
        }
    }

    /// <summary>Inside the latch.</summary>
    protected bool HasRoom(TwinSubscriber subscriber) => subscriber.Unread < Limits.MaxReplies || subscriber.Closed != CloseReason.None;
}

internal sealed class TwinTopic(string name, BrokerLimits limits)
{
    public string Name => name;

    public Lock Gate { get; } = new("Topic");

    public List<TwinSubscriber> Subscribers { get; } = [];

    public Ring<Frame> Retained { get; } = new(limits.MaxMessages);

    public long Messages { get; set; }

    public bool Deleted { get; set; }
}

internal sealed class TwinSubscriber(Twin broker, bool eager) : ISubscriber
{
    public Lock Latch { get; } = new("Subscriber");

    public HashSet<TwinTopic> Topics { get; } = [];

    public List<Outgoing> Queue { get; } = [];

    public Outgoing[] Taken { get; set; } = [];

    public Signal Frames { get; } = new(eager);

    public Signal Room { get; } = new();

    public int Outstanding { get; set; }

    public int Unread { get; set; }

    public CloseReason Closed { get; set; }

    void ISubscriber.Reply(Frame reply, IWakes wakes) => broker.Reply(this, reply, (TwinWakes)wakes);

    ValueTask ISubscriber.WaitForRoomAsync() => broker.WaitForRoomAsync(this);

    ValueTask<bool> ISubscriber.WaitAsync() => broker.WaitAsync(this);

    ReadOnlyMemory<Outgoing> ISubscriber.Take(int maxBytes) => Twin.Take(this);

    void ISubscriber.Release() => broker.Release(this);

    void ISubscriber.Close(CloseReason reason) => broker.Close(this, reason);
}

internal sealed class TwinWakes(Twin broker) : IWakes
{
    public List<TwinSubscriber> Sleeping { get; } = [];

    public List<TwinSubscriber> Closed { get; } = [];

    public void Release()
    {
        Sleeping.ForEach(broker.Wake);
        Sleeping.Clear();
        Closed.ForEach(broker.Depart);
        Closed.Clear();
    }
}
