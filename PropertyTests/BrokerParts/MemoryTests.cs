using System.Runtime.CompilerServices;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

/// <summary>The broker drops what it no longer needs, and reuses the memory of its queues.</summary>
public sealed class MemoryTests
{
    /// <summary>Frames of the longest queue whose memory is kept when it is empty.</summary>
    private const int KeptLength = 256;

    [TestCase(1)]
    [TestCase(15)]
    [TestCase(KeptLength)]
    public void A_queue_that_fills_and_empties_allocates_no_memory(int burst)
    {
        const int rounds = 200;
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxMessages: 1, MaxQueueSize: burst));
        var (frame, wakes) = (Frames.Of("event"), new Wakes());

        void Round()
        {
            for (var number = 0; number < burst; number++)
            {
                topic.Publish(frame, wakes);
            }

            wakes.Release();
            subscriber.Take(int.MaxValue);
            subscriber.Release();
        }

        Round();
        Round(); // there are two arrays, which change places
        var allocated = AllocatedBy(rounds, Round);

        Assert.That(allocated / rounds, Is.LessThan(16));
    }

    [Test]
    public void The_memory_of_a_long_queue_is_given_back()
    {
        const int rounds = 20, burst = KeptLength + 1;
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxMessages: 1, MaxQueueSize: burst));
        var (frame, wakes) = (Frames.Of("event"), new Wakes());

        var allocated = AllocatedBy(rounds, () =>
        {
            for (var number = 0; number < burst; number++)
            {
                topic.Publish(frame, wakes);
            }

            wakes.Release();
            subscriber.Take(int.MaxValue);
            subscriber.Release();
        });

        Assert.That(allocated / rounds, Is.GreaterThan(burst * 16), "it is made anew each time, and so was let go");
    }

    [TestCase(1, 1)]
    [TestCase(10, 3)]
    [TestCase(40, 40)]
    public void A_frame_that_was_sent_is_not_referenced(int published, int atOnce)
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxMessages: 1));
        var sent = PublishedTo(topic, published);
        topic.TryPublish(Frames.Of("what the topic retains instead"));

        var taken = 0;
        while (taken < published && Taken(subscriber, atOnce) is var batch and > 0)
        {
            taken += batch;
        }

        Assert.That(taken, Is.GreaterThanOrEqualTo(published));
        Assert.That(Held(sent), Is.Zero);
        GC.KeepAlive(subscriber);
    }

    [Test]
    public void A_frame_that_a_slow_consumer_will_not_get_is_not_referenced()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxMessages: 1, MaxQueueSize: 40));
        var lost = PublishedTo(topic, 40);

        topic.TryPublish(Frames.Of("the one too many"));

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
        Assert.That(Held(lost), Is.Zero);
        GC.KeepAlive(subscriber);
    }

    [Test]
    public void A_closed_subscriber_holds_no_topic()
    {
        var broker = new Broker(new BrokerLimits());
        var subscriber = broker.Admit();
        var topic = Joined(broker, subscriber);

        subscriber.Close(CloseReason.Left);
        broker.TryDelete("topic", Frames.Of("notice"), disconnect: false);

        Assert.That(Held([topic]), Is.Zero);
        GC.KeepAlive(subscriber);
    }

    [Test]
    public void Released_wakes_reference_no_subscriber()
    {
        var (broker, wakes) = (new Broker(new BrokerLimits(MaxQueueSize: 1)), new Wakes());
        var slow = Cut(broker, wakes);

        wakes.Release();

        Assert.That(Held([slow]), Is.Zero);
        GC.KeepAlive(wakes);
    }

    private static long AllocatedBy(int rounds, Action round)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var done = 0; done < rounds; done++)
        {
            round();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    // These are not inlined, so that no variable of a test keeps alive the object whose collection it expects.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<WeakReference> PublishedTo(Topic topic, int count)
    {
        var published = new List<WeakReference>();
        for (var number = 0; number < count; number++)
        {
            var bytes = new byte[10];
            published.Add(new WeakReference(bytes));
            topic.TryPublish(new Frame(bytes));
        }

        return published;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Taken(Subscriber subscriber, int frames)
    {
        var taken = subscriber.Take(frames * 10).Length;
        subscriber.Release();
        return taken;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Joined(Broker broker, Subscriber subscriber)
    {
        var topic = Create(broker, "topic");
        topic.Subscribe(subscriber);
        return new WeakReference(topic);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Cut(Broker broker, Wakes wakes)
    {
        var (topic, subscriber) = (Create(broker, "topic"), broker.Admit());
        topic.Subscribe(subscriber);
        topic.Publish(Frames.Of(1), wakes);
        topic.Publish(Frames.Of(2), wakes);
        return new WeakReference(subscriber);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Held(List<WeakReference> objects)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return objects.Count(one => one.IsAlive);
    }
}
