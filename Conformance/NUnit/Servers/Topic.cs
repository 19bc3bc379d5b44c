namespace PubSub.Conformance.Tests.Servers;

/// <summary>A named stream. Everything that happens to it happens under its one lock, which never waits.</summary>
internal sealed class Topic(string name)
{
    private const int Retained = 100;

    private readonly Lock _gate = new();
    private readonly HashSet<Outbox> _subscribers = []; // guarded by _gate
    private readonly Queue<byte[]> _retained = []; // guarded by _gate
    private long _messages; // guarded by _gate
    private bool _deleted; // guarded by _gate

    public string Name => name;

    /// <summary>Subscriptions now, and messages accepted ever.</summary>
    public (int Subscribers, long Messages) Count()
    {
        lock (_gate)
        {
            return (_subscribers.Count, _messages);
        }
    }

    /// <summary>The ack, then the replayed events, then what is live. False when the topic is gone, as everywhere here.</summary>
    public bool TrySubscribe(Outbox subscriber, int lastN, byte[] ack)
    {
        lock (_gate)
        {
            if (_deleted)
            {
                return false;
            }

            subscriber.Reply(ack);
            if (_subscribers.Add(subscriber))
            {
                foreach (var @event in _retained.TakeLast(lastN))
                {
                    subscriber.Say(@event);
                }
            }

            return true;
        }
    }

    /// <summary>Nothing of the topic comes behind the ack.</summary>
    public bool TryUnsubscribe(Outbox subscriber, byte[] ack)
    {
        lock (_gate)
        {
            if (_deleted)
            {
                return false;
            }

            _subscribers.Remove(subscriber);
            subscriber.Reply(ack);
            return true;
        }
    }

    /// <summary>The ack goes out behind the event, which everyone subscribed has been offered by then.</summary>
    public bool TryPublish(byte[] @event, Outbox publisher, byte[] ack)
    {
        lock (_gate)
        {
            if (_deleted)
            {
                return false;
            }

            _messages++;
            _retained.Enqueue(@event);
            if (_retained.Count > Retained)
            {
                _retained.Dequeue();
            }

            _subscribers.RemoveWhere(subscriber => !subscriber.TryDeliver(@event));
            publisher.Reply(ack);
            return true;
        }
    }

    public void Leave(Outbox subscriber)
    {
        lock (_gate)
        {
            _subscribers.Remove(subscriber);
        }
    }

    /// <summary>Ends every subscription, and every subscriber's connection behind what is queued and the notice.</summary>
    public void Delete(byte[] notice)
    {
        lock (_gate)
        {
            _deleted = true;
            foreach (var subscriber in _subscribers)
            {
                subscriber.Finish(notice, 1000, "topic deleted");
            }

            _subscribers.Clear();
        }
    }
}
