namespace PubSub.Conformance.Gallery.Servers;

/// <summary>A named stream. Everything that happens to it happens under its one lock, which never waits.</summary>
internal sealed class Topic(string name, SmallServer server)
{
    public SmallServer Server => server;
    public string Name => name;

    /// <summary>Every step below enters it; a wrap that keeps state of its own enters it first.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Whether it has been deleted.</summary>
    public bool IsDeleted { get; private set; } // guarded by Gate

    /// <summary>Messages accepted ever.</summary>
    public long Accepted { get; set; } // guarded by Gate

    /// <summary>In the order of their subscribing.</summary>
    public List<SendQueue> Subscribers { get; } = []; // guarded by Gate

    /// <summary>The oldest first.</summary>
    public List<byte[]> Retained { get; } = []; // guarded by Gate

    /// <summary>Subscriptions now, and messages accepted ever.</summary>
    public Seam<Func<(int Subscribers, long Messages)>> Count => field ??= new(() =>
    {
        lock (Gate)
        {
            return (Subscribers.Count, Accepted);
        }
    });

    /// <summary>
    /// Subscriber, request, ack. The ack, then the replayed events, then live events. False when the topic is gone, as for the next two.
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

    /// <summary>Subscriber, request, ack. Nothing of the topic comes behind the ack.</summary>
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

    /// <summary>Bytes of what it retains.</summary>
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

    /// <summary>Whether it is subscribed.</summary>
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

    /// <summary>The notice. Ends every subscription and, unless settings keep it, every subscriber's connection behind its queue.</summary>
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

    /// <summary>Number wanted to retained events, oldest first; inside the gate, as all that follows.</summary>
    public Seam<Func<int, IEnumerable<byte[]>>> Replayed => field ??= new(lastN => Retained.TakeLast(lastN));

    public Seam<Action<byte[]>> Retain => field ??= new(@event =>
    {
        Retained.Add(@event);
        if (Retained.Count > server.Settings.Ring)
        {
            Retained.RemoveAt(0);
        }
    });

    /// <summary>Event, publisher. Offers the event to every subscriber; one that cannot take it has ended.</summary>
    public Seam<Action<byte[], SendQueue>> Deliver =>
        field ??= new((@event, _) => Subscribers.RemoveAll(subscriber => !subscriber.TryDeliver.Call(@event)));

    public Seam<Action<SendQueue>> Remove => field ??= new(subscriber => Subscribers.Remove(subscriber));

    /// <summary>Subscriber, notice. What the deletion of the topic means for one of its subscribers.</summary>
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
