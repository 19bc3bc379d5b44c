namespace PubSub.Conformance.Gallery.Servers;

/// <summary>A named stream of messages. One lock guards all its state; nothing waits while it holds the lock.</summary>
internal sealed class Topic(string name, SmallServer server)
{
    public SmallServer Server => server;
    public string Name => name;

    /// <summary>Every step below enters this lock; a wrap that has its own state enters it first.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Whether it has been deleted.</summary>
    public bool IsDeleted { get; private set; } // guarded by Gate

    /// <summary>The number of messages accepted so far.</summary>
    public long Accepted { get; set; } // guarded by Gate

    /// <summary>The subscribers, the oldest first.</summary>
    public List<SendQueue> Subscribers { get; } = []; // guarded by Gate

    /// <summary>The retained events, the oldest first.</summary>
    public List<byte[]> Retained { get; } = []; // guarded by Gate

    /// <summary>The present number of subscriptions, and the number of messages accepted so far.</summary>
    public Seam<Func<(int Subscribers, long Messages)>> Count => field ??= new(() =>
    {
        lock (Gate)
        {
            return (Subscribers.Count, Accepted);
        }
    });

    /// <summary>
    /// Subscriber, request, ack. Sends the ack, then the replayed events, then live events. False when the topic is deleted, as for
    /// <see cref="TryUnsubscribe"/> and <see cref="TryPublish"/>.
    /// </summary>
    public Seam<Func<SendQueue, ClientRequest, byte[], bool>> TrySubscribe => field ??= new((subscriber, request, ack) =>
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            subscriber.Reply.Call(ack);
            if (!Subscribers.Contains(subscriber))
            {
                Subscribers.Add(subscriber);
                foreach (var @event in Replayed.Call(request.LastN))
                {
                    subscriber.Say.Call(@event);
                }
            }

            return true;
        }
    });

    /// <summary>Subscriber, request, ack. No event of the topic follows the ack.</summary>
    public Seam<Func<SendQueue, ClientRequest, byte[], bool>> TryUnsubscribe => field ??= new((subscriber, _, ack) =>
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            Remove.Call(subscriber);
            subscriber.Reply.Call(ack);
            return true;
        }
    });

    /// <summary>The size of the retained events in bytes.</summary>
    public long RetainedBytes
    {
        get
        {
            lock (Gate)
            {
                return Retained.Sum(@event => (long)@event.Length);
            }
        }
    }

    /// <summary>Event, publisher, request, ack. The ack goes out when every subscriber has been offered the event.</summary>
    public Seam<Func<byte[], SendQueue, ClientRequest, byte[], bool>> TryPublish => field ??= new((@event, publisher, _, ack) =>
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            Accepted++;
            Retain.Call(@event);
            Deliver.Call(@event, publisher);
            publisher.Reply.Call(ack);
            return true;
        }
    });

    /// <summary>Whether the subscriber is subscribed.</summary>
    public bool Has(SendQueue subscriber)
    {
        lock (Gate)
        {
            return Subscribers.Contains(subscriber);
        }
    }

    /// <summary>The subscriber's connection has ended.</summary>
    public Seam<Action<SendQueue>> Leave => field ??= new(subscriber =>
    {
        lock (Gate)
        {
            Remove.Call(subscriber);
        }
    });

    /// <summary>
    /// Notice. Ends every subscription, and closes every subscriber's connection after its queue unless the settings say otherwise.
    /// </summary>
    public Seam<Action<byte[]>> Delete => field ??= new(notice =>
    {
        lock (Gate)
        {
            IsDeleted = true;
            foreach (var subscriber in Subscribers)
            {
                Dismiss.Call(subscriber, notice);
            }

            Subscribers.Clear();
        }
    });

    /// <summary>Number requested: the retained events to replay, oldest first. Called inside the gate, as all steps below.</summary>
    public Seam<Func<int, IEnumerable<byte[]>>> Replayed => field ??= new(lastN => Retained.TakeLast(lastN));

    public Seam<Action<byte[]>> Retain => field ??= new(@event =>
    {
        Retained.Add(@event);
        if (Retained.Count > server.Settings.Ring)
        {
            Retained.RemoveAt(0);
        }
    });

    /// <summary>Event, publisher. Offers the event to every subscriber, and removes those that have ended.</summary>
    public Seam<Action<byte[], SendQueue>> Deliver =>
        field ??= new((@event, _) => Subscribers.RemoveAll(subscriber => !subscriber.TryDeliver.Call(@event)));

    public Seam<Action<SendQueue>> Remove => field ??= new(subscriber => Subscribers.Remove(subscriber));

    /// <summary>Subscriber, notice. Tells one subscriber that the topic is deleted.</summary>
    public Seam<Action<SendQueue, byte[]>> Dismiss => field ??= new((subscriber, notice) =>
    {
        if (server.Settings.TopicDeletion == TopicDeletion.Unsubscribe)
        {
            subscriber.Say.Call(notice);
        }
        else
        {
            subscriber.Finish.Call(notice, 1000, "topic deleted");
        }
    });
}
