using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

/// <summary>All that a broker keeps has one bound. What does not fit is refused by name, and the rest goes on (PS-BPR-013, 014).</summary>
public sealed class BudgetTests
{
    private const int Topic = 768 + 2; // with a name of one character
    private const int Event = 80; // beside the frame
    private const int Subscription = 128;
    private const int Bound = 800_000; // bytes outstanding

    [Test]
    public void A_message_over_the_bound_is_refused_and_changes_nothing()
    {
        var broker = Retaining(Topic + 2 * (Event + 100));
        var (topic, subscriber) = (Create(broker, "a"), broker.Admit());

        Assert.That(Results(topic, 100, 100, 100, 1), Is.EqualTo(new[] { "Accepted", "Accepted", "LimitReached", "LimitReached" }));
        Assert.That(topic.Count().Messages, Is.EqualTo(2));
        Assert.That(topic.Subscribe(subscriber, lastN: 5), Is.EqualTo(SubscribeResult.BudgetReached));
        Assert.That(broker.Create("b"), Is.EqualTo(CreateResult.BudgetReached));
        Assert.That(broker.Find("b"), Is.Null);
    }

    [Test]
    public void A_message_that_takes_the_place_of_one_as_large_always_fits()
    {
        var broker = Retaining(Topic + 2 * (Event + 100), maxMessages: 2);
        var topic = Create(broker, "a");
        Results(topic, 100, 100);

        Assert.That(Results(topic, 100, 90, 111, 110), Is.EqualTo(new[] { "Accepted", "Accepted", "LimitReached", "Accepted" }));
    }

    [Test]
    public void The_deletion_of_a_topic_gives_its_bytes_back()
    {
        var broker = Retaining(Topic + Event + 100 + Subscription);
        for (var time = 0; time < 3; time++)
        {
            var topic = Create(broker, "a");
            Assert.That(topic.Subscribe(broker.Admit()), Is.EqualTo(SubscribeResult.Joined));
            Assert.That(Results(topic, 100, 1), Is.EqualTo(new[] { "Accepted", "LimitReached" }));
            broker.TryDelete("a", Frames.Of("notice"), disconnect: time == 1);
        }
    }

    [TestCase("unsubscribe")]
    [TestCase("close")]
    [TestCase("slow")]
    public void The_end_of_a_subscription_gives_its_bytes_back(string how)
    {
        var broker = Retaining(Topic + Subscription + 2 * (Event + 100), maxMessages: 2);
        var topic = Create(broker, "a");
        Results(topic, 100, 100);
        for (var time = 0; time < 3; time++)
        {
            var subscriber = broker.Admit();
            Assert.That(topic.Subscribe(subscriber), Is.EqualTo(SubscribeResult.Joined));
            Assert.That(topic.Subscribe(subscriber), Is.EqualTo(SubscribeResult.Already));
            Assert.That(topic.Subscribe(broker.Admit()), Is.EqualTo(SubscribeResult.BudgetReached));
            switch (how)
            {
                case "unsubscribe":
                    topic.TryUnsubscribe(subscriber, ack: null, new Wakes());
                    topic.TryUnsubscribe(subscriber, ack: null, new Wakes());
                    break;
                case "close":
                    subscriber.Close(CloseReason.Left);
                    break;
                default:
                    for (var number = 0; number <= 100; number++)
                    {
                        topic.TryPublish(Frames.Of(number, 100));
                    }

                    Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
                    break;
            }
        }
    }

    [Test]
    public void The_subscriber_with_the_most_bytes_is_cut_and_the_others_lose_nothing()
    {
        var broker = Outstanding(640 * 1024);
        var (heavy, light) = (broker.Admit(), broker.Admit());
        var (to, both) = (Create(broker, "heavy"), Create(broker, "both"));
        to.Subscribe(heavy);
        both.Subscribe(heavy);
        both.Subscribe(light);
        for (var number = 0; number < 20; number++)
        {
            both.TryPublish(Frames.Of(number, 10_000));
        }

        for (var number = 0; number < 50 && heavy.Closed == CloseReason.None; number++)
        {
            to.TryPublish(Frames.Of(number, 10_000));
        }

        Assert.That((heavy.Closed, light.Closed), Is.EqualTo((CloseReason.SlowConsumer, CloseReason.None)));
        Assert.That(light.TakeAll(), Is.EqualTo(Frames.Texts(0, 20)));
        Assert.That(both.Count().Subscribers, Is.EqualTo(1));
    }

    [Test]
    public void A_sent_frame_is_no_longer_outstanding([Values] bool holds)
    {
        var broker = Outstanding(160 * 1024);
        var (topic, subscriber) = (Create(broker, "a"), broker.Admit());
        topic.Subscribe(subscriber);

        for (var number = 0; number < 1_000; number++)
        {
            topic.TryPublish(Frames.Of(number, 30_000));
            subscriber.Reply(Frames.Of("reply", 30_000), new Wakes());
            subscriber.Take(int.MaxValue);
            if (holds)
            {
                subscriber.Hold();
            }

            subscriber.Release();
        }

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public void Replies_and_unfinished_requests_are_counted([Values] bool replies)
    {
        var broker = Outstanding(640 * 1024);
        var (wakes, subscriber, other) = (new Wakes(), broker.Admit(), broker.Admit());
        other.Keep(200_000, wakes);
        for (var number = 1; number <= 70; number++)
        {
            if (replies)
            {
                subscriber.Reply(Frames.Of(number, 10_000), wakes);
            }
            else
            {
                subscriber.Keep(number * 10_000, wakes);
            }

            if (wakes.AreDue)
            {
                break;
            }
        }

        Assert.That(wakes.AreDue, Is.True);
        wakes.Release();

        Assert.That((subscriber.Closed, other.Closed), Is.EqualTo((CloseReason.SlowConsumer, CloseReason.None)));
    }

    [Test]
    public void The_bytes_of_a_subscriber_are_counted_to_within_the_slack()
    {
        const int slack = 16 * 1024;
        var broker = Outstanding(Bound);
        var subscriber = broker.Admit();
        (int Kept, long Counted)[] steps =
        [
            (slack, 0),
            (slack + 1, slack + 1),
            (20_000, slack + 1),
            (100, 0),
            (36_384, 36_384),
            (36_384 + slack, 36_384),
            (36_385 + slack, 36_385 + slack),
            (40_000, 36_385 + slack),
            (36_000, 36_000),
            (20_000, 36_000),
            (slack, 0),
            (0, 0),
        ];

        var counted = steps.Select(step =>
        {
            subscriber.Keep(step.Kept, new Wakes());
            return Counted(broker);
        });

        Assert.That(counted, Is.EqualTo(steps.Select(step => step.Counted)));
    }

    [Test]
    public void A_taken_event_is_counted_only_while_it_is_held_and_a_reply_until_it_is_released()
    {
        var broker = Outstanding(Bound);
        var (topic, subscriber) = (Create(broker, "a"), broker.Admit());
        topic.Subscribe(subscriber);
        var counted = new List<long>();
        Step(() => topic.TryPublish(Frames.Of(1, 50_000)));
        Step(() => subscriber.Take(1));
        Step(subscriber.Hold);
        Step(subscriber.Release);
        Step(() => subscriber.Reply(Frames.Of(2, 60_000), new Wakes()));
        Step(() => subscriber.Take(1));
        Step(subscriber.Release);

        Assert.That(counted, Is.EqualTo(new[] { 50_000, 0, 50_000, 0, 60_000, 60_000, 0 }));

        void Step(Action act)
        {
            act();
            counted.Add(Counted(broker));
        }
    }

    [Test]
    public void A_slow_consumer_is_not_counted_even_before_its_reader_has_ended()
    {
        var broker = new Broker(new BrokerLimits(MaxQueueSize: 2, MaxOutstandingBytes: Bound));
        var (topic, subscriber) = (Create(broker, "a"), broker.Admit());
        topic.Subscribe(subscriber);
        topic.TryPublish(Frames.Of(1, 50_000));
        topic.TryPublish(Frames.Of(2, 50_000));
        var before = Counted(broker);

        topic.TryPublish(Frames.Of(3, 50_000));

        Assert.That((before, Counted(broker), subscriber.Closed), Is.EqualTo((100_000, 0, CloseReason.SlowConsumer)));
    }

    [Test]
    public void Subscribers_without_bytes_do_not_hide_larger_ones([Range(0, 3)] int gone)
    {
        var broker = Outstanding(Bound);
        Subscriber[] subscribers = [.. Enumerable.Range(0, 4).Select(_ => broker.Admit())];
        var largest = subscribers[(gone + 1) % 4];
        foreach (var subscriber in subscribers)
        {
            subscriber.Keep(subscriber == largest ? 90_000 : 30_000, new Wakes());
        }

        subscribers[gone].Keep(0, new Wakes());
        subscribers[gone].Keep(30_000, new Wakes());
        subscribers[gone].Keep(0, new Wakes());
        var wakes = new Wakes();
        broker.Admit().Keep(Bound - 100_000, wakes);
        wakes.Release();

        Assert.That(subscribers.Select(subscriber => subscriber.Closed), Has.All.EqualTo(CloseReason.None), "the last one had the most");
        Assert.That(Counted(broker), Is.EqualTo(150_000));
        wakes = new Wakes();
        Subscriber[] more = [.. Enumerable.Range(0, 10).Select(_ => broker.Admit())];
        Array.ForEach(more, subscriber => subscriber.Keep(80_000, wakes));
        wakes.Release();
        Assert.That(largest.Closed, Is.EqualTo(CloseReason.SlowConsumer));
    }

    [Test]
    public void Subscribers_are_closed_until_an_eighth_is_free_and_no_further()
    {
        var broker = Outstanding(800_000);
        Subscriber[] subscribers = [.. Enumerable.Range(0, 8).Select(_ => broker.Admit())];
        var wakes = new Wakes();
        Array.ForEach(subscribers[..7], subscriber => subscriber.Keep(100_000, wakes));
        subscribers[7].Keep(100_001, wakes);

        wakes.Release();

        var closed = subscribers.Count(subscriber => subscriber.Closed == CloseReason.SlowConsumer);
        Assert.That(closed, Is.EqualTo(1), "700,000 bytes are seven eighths");
        Assert.That(Counted(broker), Is.EqualTo(700_000));
    }

    [Test]
    public void The_name_of_a_topic_counts_two_bytes_a_character()
    {
        var name = new string('n', 10);
        var exactly = Retaining(Topic - 2 + 20);
        var less = Retaining(Topic - 2 + 19);

        Assert.That((exactly.Create(name), less.Create(name)), Is.EqualTo((CreateResult.Created, CreateResult.BudgetReached)));
    }

    [Test]
    public void A_subscriber_that_left_is_not_counted()
    {
        var broker = Outstanding(640 * 1024);
        var stays = broker.Admit();
        stays.Keep(300_000, new Wakes());
        for (var time = 0; time < 10; time++)
        {
            var (wakes, goes) = (new Wakes(), broker.Admit());
            goes.Keep(250_000, wakes);
            Assert.That(wakes.AreDue, Is.False);
            goes.Close(CloseReason.Left);
            goes.Forget();
            goes.Keep(600_000, wakes);
            Assert.That(wakes.AreDue, Is.False);
        }

        Assert.That(stays.Closed, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public void A_draining_subscriber_can_be_cut_too()
    {
        var broker = Outstanding(640 * 1024);
        var (topic, leaving, wakes) = (Create(broker, "a"), broker.Admit(), new Wakes());
        topic.Subscribe(leaving);
        for (var number = 0; number < 40; number++)
        {
            topic.TryPublish(Frames.Of(number, 10_000));
        }

        leaving.Close(CloseReason.Draining);
        broker.Admit().Keep(300_000, wakes);
        wakes.Release();

        Assert.That((leaving.Closed, leaving.HasMore()), Is.EqualTo((CloseReason.Draining, false)));
    }

    [Test]
    public void The_largest_subscribers_are_closed_first()
    {
        var broker = Outstanding(800_000);
        Subscriber[] subscribers = [.. Enumerable.Range(0, 9).Select(_ => broker.Admit())];
        var wakes = new Wakes();
        for (var number = 0; number < 9; number++)
        {
            subscribers[number].Keep(90_000 + number, wakes);
        }

        wakes.Release();

        Assert.That(
            subscribers.Select(subscriber => subscriber.Closed == CloseReason.None),
            Is.EqualTo(new[] { true, true, true, true, true, true, true, false, false }));
    }

    [Test]
    public void Concurrent_changes_are_each_counted_once()
    {
        const int bound = 1024 * 1024;
        var broker = new Broker(new BrokerLimits(MaxMessages: 5, MaxRetainedBytes: bound, MaxOutstandingBytes: bound));
        Parallel.For(0, 8, thread =>
        {
            for (var time = 0; time < 200; time++)
            {
                var (name, subscriber) = ($"{thread % 4}", broker.Admit());
                broker.Create(name);
                broker.Find(name)?.Subscribe(subscriber, lastN: 5);
                for (var number = 0; number < 20; number++)
                {
                    broker.Find(name)?.TryPublish(Frames.Of(number, 100 * (number + thread)));
                }

                if (time % 3 == 0)
                {
                    broker.TryDelete(name, Frames.Of("notice"), disconnect: time % 2 == 0);
                }

                subscriber.Close(CloseReason.Left);
                subscriber.Forget();
            }
        });

        Array.ForEach(["0", "1", "2", "3"], name => broker.TryDelete(name, Frames.Of("notice"), disconnect: true));

        var topic = Create(broker, "a");
        var room = bound - Topic - Event;
        var results = Results(topic, room + 1, room);
        Assert.That(results, Is.EqualTo(new[] { "LimitReached", "Accepted" }), "all has been given back, and no more");
        var (wakes, last) = (new Wakes(), broker.Admit());
        last.Keep(bound, wakes);
        Assert.That(wakes.AreDue, Is.False);
    }

    // The most that another subscriber may hold without an overflow says how much is counted.
    private static long Counted(Broker broker)
    {
        var (fits, over) = (0, Bound + 1);
        while (over - fits > 1)
        {
            var (wakes, other, bytes) = (new Wakes(), broker.Admit(), fits + ((over - fits) / 2));
            other.Keep(bytes, wakes);
            (fits, over) = wakes.AreDue ? (fits, bytes) : (bytes, over);
            other.Close(CloseReason.Left);
            other.Forget();
        }

        return Bound - fits;
    }

    private static Broker Retaining(long bytes, int maxMessages = 100) =>
        new(new BrokerLimits(MaxMessages: maxMessages, MaxRetainedBytes: bytes));

    private static Broker Outstanding(long bytes) => new(new BrokerLimits(MaxQueueSize: 1_000, MaxOutstandingBytes: bytes));

    private static string[] Results(Topic topic, params int[] lengths) =>
        [.. lengths.Select(length => $"{topic.Publish(Frames.Of(1, length), new Wakes()).Result}")];
}
