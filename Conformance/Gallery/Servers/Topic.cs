namespace PubSub.Conformance.Gallery.Servers;

/// <summary>A named stream. Everything that happens to it happens under its one lock, which never waits.</summary>
internal class Topic(TopicSeed seed)
{
    public string Name => seed.Name;

    /// <summary>Whether it has been deleted.</summary>
    protected bool IsDeleted { get; set; } // guarded by Gate

    /// <summary>Messages accepted ever.</summary>
    protected long Accepted { get; set; } // guarded by Gate

    protected Lock Gate { get; } = new();

    /// <summary>In the order of their subscribing.</summary>
    protected List<Outbox> Subscribers { get; } = []; // guarded by Gate

    /// <summary>The oldest first.</summary>
    protected List<byte[]> Retained { get; } = []; // guarded by Gate

    protected SmallServer Server => seed.Server;
    protected Settings Settings => seed.Server.Settings;
    protected Messages Messages => seed.Server.Messages;

    /// <summary>Subscriptions now, and messages accepted ever.</summary>
    public virtual (int Subscribers, long Messages) Count()
    {
        lock (Gate)
        {
            return (Subscribers.Count, Accepted);
        }
    }

    /// <summary>The ack, then the replayed events, then what is live. False when the topic is gone, as everywhere here.</summary>
    public virtual bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            subscriber.Reply(ack);
            if (!Subscribers.Contains(subscriber))
            {
                Subscribers.Add(subscriber);
                foreach (var @event in Replayed(request.LastN))
                {
                    subscriber.Say(@event);
                }
            }

            return true;
        }
    }

    /// <summary>Nothing of the topic comes behind the ack.</summary>
    public virtual bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            Remove(subscriber);
            subscriber.Reply(ack);
            return true;
        }
    }

    /// <summary>The ack goes out behind the event, which everyone subscribed has been offered by then.</summary>
    public virtual bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            Accepted++;
            Retain(@event);
            Deliver(@event, publisher);
            publisher.Reply(ack);
            return true;
        }
    }

    public virtual bool Has(Outbox subscriber)
    {
        lock (Gate)
        {
            return Subscribers.Contains(subscriber);
        }
    }

    public virtual void Leave(Outbox subscriber)
    {
        lock (Gate)
        {
            Remove(subscriber);
        }
    }

    /// <summary>Ends every subscription, and unless settings keep it, every subscriber's connection behind what is queued and the notice.</summary>
    public virtual void Delete(byte[] notice)
    {
        lock (Gate)
        {
            IsDeleted = true;
            foreach (var subscriber in Subscribers)
            {
                Dismiss(subscriber, notice);
            }

            Subscribers.Clear();
        }
    }

    /// <summary>What a new subscriber is to be sent of what was before, inside the gate as all that follows.</summary>
    protected virtual IEnumerable<byte[]> Replayed(int lastN) => Retained.TakeLast(lastN);

    protected virtual void Retain(byte[] @event)
    {
        Retained.Add(@event);
        if (Retained.Count > Settings.Ring)
        {
            Retained.RemoveAt(0);
        }
    }

    /// <summary>Offers the event to everyone subscribed; who cannot take it has ended.</summary>
    protected virtual void Deliver(byte[] @event, Outbox publisher) => Subscribers.RemoveAll(subscriber => !subscriber.TryDeliver(@event));

    protected virtual void Remove(Outbox subscriber) => Subscribers.Remove(subscriber);

    /// <summary>What the deletion of the topic means for one of its subscribers.</summary>
    protected virtual void Dismiss(Outbox subscriber, byte[] notice)
    {
        if (Settings.TopicDeletion == TopicDeletion.Unsubscribe)
        {
            subscriber.Say(notice);
        }
        else
        {
            subscriber.Finish(notice, 1000, "topic deleted");
        }
    }
}
