namespace PubSub.PropertyTests.Tools;

/// <summary>Steps that many tests of topics and subscribers take.</summary>
internal static class Shorthand
{
    public static Topic Create(Broker broker, string name)
    {
        broker.Create(name);
        return broker.Find(name)!;
    }

    /// <summary>Publishes <paramref name="count"/> numbered frames from <paramref name="first"/> on; each one wakes the readers.</summary>
    public static void Publish(Topic topic, int first, int count)
    {
        foreach (var number in Enumerable.Range(first, count))
        {
            topic.TryPublish(Frames.Of(number));
        }
    }

    /// <summary>A topic of a new broker, and a subscriber of it.</summary>
    public static (Topic Topic, Subscriber Subscriber) Subscribed(BrokerLimits? limits = null)
    {
        var broker = new Broker(limits ?? new BrokerLimits());
        var (topic, subscriber) = (Create(broker, "topic"), broker.Admit());
        topic.Subscribe(subscriber);
        return (topic, subscriber);
    }

    /// <summary>Subscribes, queues an ack, and wakes the reader.</summary>
    public static SubscribeResult Subscribe(Topic topic, Subscriber subscriber, int lastN, string ack)
    {
        var wakes = new Wakes();
        var result = topic.Subscribe(subscriber, lastN, Frames.Of(ack), wakes);
        wakes.Release();
        return result;
    }

    /// <summary>Queues a reply, and wakes the reader.</summary>
    public static void Reply(Subscriber subscriber, Frame reply)
    {
        var wakes = new Wakes();
        subscriber.Reply(reply, wakes);
        wakes.Release();
    }
}
