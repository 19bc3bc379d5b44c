using NUnit.Framework;
using static PubSub.PropertyTests.Shorthand;

namespace PubSub.PropertyTests;

/// <summary>The sum of all that a broker keeps has a bound, and what is over it is refused by name; the rest goes on (PS-BPR-013, 014).</summary>
public sealed class TotalsLaws
{
    private const int Topic = 768 + 2; // with a name of one character
    private const int Event = 64; // beside the frame
    private const int Subscription = 128;

    [Test]
    public void A_message_that_does_not_fit_any_more_is_refused_and_nothing_has_happened()
    {
        var broker = Retaining(Topic + 2 * (Event + 100));
        var (topic, subscriber) = (Create(broker, "a"), broker.Admit());

        Assert.That(Results(topic, 100, 100, 100, 1), Is.EqualTo(new[] { "Accepted", "Accepted", "LimitReached", "LimitReached" }));
        Assert.That(topic.Count().Messages, Is.EqualTo(2));
        Assert.That(topic.Subscribe(subscriber, lastN: 5), Is.EqualTo(Subscribing.BudgetReached));
        Assert.That(broker.Create("b"), Is.EqualTo(Creating.BudgetReached));
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
    public void What_a_topic_takes_is_given_back_with_it()
    {
        var broker = Retaining(Topic + Event + 100 + Subscription);
        for (var time = 0; time < 3; time++)
        {
            var topic = Create(broker, "a");
            Assert.That(topic.Subscribe(broker.Admit()), Is.EqualTo(Subscribing.Joined));
            Assert.That(Results(topic, 100, 1), Is.EqualTo(new[] { "Accepted", "LimitReached" }));
            broker.TryDelete("a", Frames.Of("notice"), disconnect: time == 1);
        }
    }

    [TestCase("unsubscribe")]
    [TestCase("close")]
    [TestCase("slow")]
    public void What_a_subscription_takes_is_given_back_with_it(string how)
    {
        var broker = Retaining(Topic + Subscription + 2 * (Event + 100), maxMessages: 2);
        var topic = Create(broker, "a");
        Results(topic, 100, 100);
        for (var time = 0; time < 3; time++)
        {
            var subscriber = broker.Admit();
            Assert.That(topic.Subscribe(subscriber), Is.EqualTo(Subscribing.Joined));
            Assert.That(topic.Subscribe(subscriber), Is.EqualTo(Subscribing.Already));
            Assert.That(topic.Subscribe(broker.Admit()), Is.EqualTo(Subscribing.BudgetReached));
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
    public void The_subscriber_with_the_most_is_cut_and_the_others_lose_nothing()
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
    public void What_is_taken_and_sent_is_not_outstanding_any_more([Values] bool handsOver)
    {
        var broker = Outstanding(160 * 1024);
        var (topic, subscriber) = (Create(broker, "a"), broker.Admit());
        topic.Subscribe(subscriber);

        for (var number = 0; number < 1_000; number++)
        {
            topic.TryPublish(Frames.Of(number, 30_000));
            subscriber.Reply(Frames.Of("reply", 30_000), new Wakes());
            subscriber.Take(int.MaxValue);
            if (handsOver)
            {
                subscriber.HandOver();
                if (number % 2 == 0)
                {
                    subscriber.Hold();
                }
            }

            subscriber.Release();
        }

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public void Replies_count_and_requests_that_are_kept([Values] bool replies)
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
    public void A_subscriber_that_is_gone_counts_no_more()
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
    public void A_subscriber_that_says_goodbye_can_be_cut_as_well()
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
    public void Whoever_is_cut_leaves_an_eighth_free()
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
    public void Nothing_is_counted_twice_or_lost_by_many_threads_at_once()
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
        Assert.That(Results(topic, room + 1, room), Is.EqualTo(new[] { "LimitReached", "Accepted" }), "all has been given back, and no more");
        var (wakes, last) = (new Wakes(), broker.Admit());
        last.Keep(bound, wakes);
        Assert.That(wakes.AreDue, Is.False);
    }

    private static Broker Retaining(long bytes, int maxMessages = 100) => new(new BrokerLimits(MaxMessages: maxMessages, MaxRetainedBytes: bytes));

    private static Broker Outstanding(long bytes) => new(new BrokerLimits(MaxQueueSize: 1_000, MaxOutstandingBytes: bytes));

    private static string[] Results(Topic topic, params int[] lengths) =>
        [.. lengths.Select(length => $"{topic.Publish(Frames.Of(1, length), new Wakes())}")];
}
