using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

/// <summary>A reader goes on from a position, and is told truthfully whether anything is missing (PS-RES-003 to 008).</summary>
public sealed class PositionTests
{
    private const long Creation = 1000;

    // Created at 1000; events of 1010, 1020, … of which three are retained.
    [TestCase(0, 999, ExpectedResult = "torn")]
    [TestCase(0, 1000, ExpectedResult = "whole")]
    [TestCase(0, 1001, ExpectedResult = "torn", Description = "later than anything in the topic")]
    [TestCase(3, 0, ExpectedResult = "torn 1010 1020 1030")]
    [TestCase(3, 999, ExpectedResult = "torn 1010 1020 1030")]
    [TestCase(3, 1000, ExpectedResult = "whole 1010 1020 1030")]
    [TestCase(3, 1009, ExpectedResult = "whole 1010 1020 1030")]
    [TestCase(3, 1010, ExpectedResult = "whole 1020 1030")]
    [TestCase(3, 1030, ExpectedResult = "whole")]
    [TestCase(3, 1031, ExpectedResult = "torn")]
    [TestCase(4, 1000, ExpectedResult = "torn 1020 1030 1040")]
    [TestCase(4, 1009, ExpectedResult = "torn 1020 1030 1040")]
    [TestCase(4, 1010, ExpectedResult = "whole 1020 1030 1040")]
    [TestCase(4, 1011, ExpectedResult = "whole 1020 1030 1040")]
    [TestCase(4, 1020, ExpectedResult = "whole 1030 1040")]
    [TestCase(9, 1059, ExpectedResult = "torn 1070 1080 1090")]
    [TestCase(9, 1060, ExpectedResult = "whole 1070 1080 1090")]
    [TestCase(9, long.MaxValue, ExpectedResult = "torn")]
    public string What_is_later_than_the_position_is_replayed(int events, long since)
    {
        var (broker, topic) = Topic(events);
        var reader = broker.Admit();

        var complete = topic.Read(reader, new Position(since, "one"), new Wakes());
        var result = Resume(topic, broker.Admit(), new(since, "one"));

        Assert.That(Told(complete, reader.TakeAll()), Is.EqualTo(result), "a read gets the same");
        return result;
    }

    [Test]
    public void The_epoch_is_compared_exactly()
    {
        var (broker, topic) = Topic(events: 2);
        string?[] epochs = [null, "one", "ONE", "one ", "", "two"];

        var results = epochs.Select(epoch => Resume(topic, broker.Admit(), new(Creation, epoch)));

        Assert.That(
            results,
            Is.EqualTo(new[]
            {
                "whole 1010 1020", "whole 1010 1020", "torn 1010 1020", "torn 1010 1020", "torn 1010 1020", "torn 1010 1020",
            }));
    }

    [Test]
    public void The_ack_of_a_subscribe_is_a_position()
    {
        var (broker, topic) = Topic(events: 2);
        var (first, wakes) = (broker.Admit(), new Wakes());
        topic.Subscribe(first, lastN: 0, Frames.At(1015, "ack"), wakes);
        var ack = Frames.StampOf(first.TakeAll()[0]);

        var atOnce = Resume(topic, broker.Admit(), new(ack, "one"));
        var next = topic.Publish(Frames.At(1015, "next"), wakes).Stamp;
        var later = Resume(topic, broker.Admit(), new(ack, "one"));

        Assert.That(ack, Is.EqualTo(1021));
        Assert.That((atOnce, later), Is.EqualTo(("whole", $"whole {next}")));
    }

    [Test]
    public void The_acks_of_other_subscribers_are_positions_as_new_as_events()
    {
        var (broker, topic) = Topic(events: 2);
        topic.Subscribe(broker.Admit(), lastN: 0, Frames.At(1500, "ack"), new Wakes());

        var answers = new[] { 1500, 1501, 1502 }.Select(since => Resume(topic, broker.Admit(), new(since, null)));

        Assert.That(answers, Is.EqualTo(new[] { "whole", "whole", "whole" }), "each ack of these is a later stamp");
        Assert.That(Resume(topic, broker.Admit(), new(1504, null)), Is.EqualTo("torn"));
    }

    [Test]
    public void A_subscriber_that_is_here_already_is_replayed_nothing_and_told_so()
    {
        var (broker, topic) = Topic(events: 3);
        var subscriber = broker.Admit();
        topic.Subscribe(subscriber);

        var answers = new[] { 1000, 1020, 1030 }.Select(since => Resume(topic, subscriber, new(since, "one"))).ToList();
        Publish(topic, 1, 1);

        Assert.That(answers, Is.EqualTo(new[] { "torn", "torn", "whole" }));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1" }));
        Assert.That(topic.Count().Subscribers, Is.EqualTo(1));
    }

    [Test]
    public void A_replay_goes_over_into_what_is_live_and_counts_against_no_bound()
    {
        var broker = new Broker(new BrokerLimits(MaxQueueSize: 1, MaxQueueBytes: 1));
        broker.Create("topic", new Origin(Creation, "one"));
        var (topic, subscriber) = (broker.Find("topic")!, broker.Admit());
        Publish(topic, 1, 50);

        var result = topic.Resume(subscriber, new(Creation + 10, "one"), Frames.Of("whole"), Frames.Of("torn"), new Wakes());
        Publish(topic, 51, 1);

        Assert.That(result, Is.EqualTo(SubscribeResult.Joined));
        Assert.That(subscriber.TakeAll(), Is.EqualTo((string[])["whole", .. Frames.Texts(11, 41)]));
    }

    [Test]
    public void A_topic_created_again_is_another_also_if_the_clock_was_set_back()
    {
        var (broker, first) = Topic(events: 2);
        var position = new Position(1020, "one");
        broker.TryDelete("topic", Frames.Of("notice"), disconnect: false);
        var (gone, late) = (broker.Admit(), broker.Admit());

        var result = first.Resume(gone, position, Frames.Of("whole"), Frames.Of("torn"), new Wakes());
        broker.Create("topic", new Origin(Creation - 500, "two"));
        var again = broker.Find("topic")!;
        again.Publish(Frames.At(1015, "before"), new Wakes());
        again.Publish(Frames.At(1025, "after"), new Wakes());

        Assert.That((result, gone.TakeAll().Length), Is.EqualTo((SubscribeResult.TopicNotFound, 0)));
        Assert.That(Resume(again, late, position), Is.EqualTo("torn 1025"));
        Assert.That(Resume(again, broker.Admit(), position with { Epoch = null }), Is.EqualTo("whole 1025"), "only the epoch tells");
    }

    [Test]
    public void A_refused_resume_queues_nothing()
    {
        var broker = new Broker(new BrokerLimits(MaxSubscriptions: 1));
        var (a, b, subscriber) = (Create(broker, "a"), Create(broker, "b"), broker.Admit());
        a.Subscribe(subscriber);
        Publish(b, 1, 2);

        var result = b.Resume(subscriber, new(0, null), Frames.Of("whole"), Frames.Of("torn"), new Wakes());

        Assert.That((result, subscriber.TakeAll().Length), Is.EqualTo((SubscribeResult.LimitReached, 0)));
    }

    [Test]
    public void Only_the_newest_are_later_than_the_position_before_them()
    {
        var cases =
            from capacity in Gen.Choose(1, 8)
            from before in Gen.Choose(0, 20)
            from lastN in Gen.Frequency((9, Gen.Choose(0, 12)), (1, Gen.Constant(int.MaxValue)))
            from after in Gen.Choose(0, 3)
            select (capacity, before, lastN, after);

        Law.Holds(
            cases,
            given =>
            {
                var (broker, topic) = Topic(given.before, given.capacity);
                var asked = Math.Min(given.lastN, Math.Min(given.before, given.capacity));

                var position = topic.Before(given.lastN);
                for (var number = 1; number <= given.after; number++)
                {
                    topic.Publish(Event(given.before + number), new Wakes());
                }

                var retained = Math.Min(asked + given.after, given.capacity);
                var oldest = given.before + given.after - retained + 1;
                var expected = Enumerable.Range(oldest, retained).Select(number => $" {StampAt(number)}");
                var answer = retained < asked + given.after ? "torn" : "whole";
                return position.Epoch == "one"
                    && Resume(topic, broker.Admit(), position) == answer + string.Concat(expected);
            },
            times: 500);
    }

    [TestCase(0, 0, ExpectedResult = "whole")]
    [TestCase(0, 9, ExpectedResult = "whole")]
    [TestCase(2, 0, ExpectedResult = "whole")]
    [TestCase(2, 1, ExpectedResult = "whole 1020")]
    [TestCase(2, int.MaxValue, ExpectedResult = "whole 1010 1020")]
    [TestCase(3, 9, ExpectedResult = "whole 1010 1020 1030")]
    [TestCase(4, 3, ExpectedResult = "whole 1020 1030 1040")]
    [TestCase(4, 4, ExpectedResult = "torn 1020 1030 1040")]
    [TestCase(4, int.MaxValue, ExpectedResult = "torn 1020 1030 1040")]
    public string A_read_gets_the_newest_and_whether_older_ones_are_missing(int events, int lastN)
    {
        var (broker, topic) = Topic(events);
        var reader = broker.Admit();
        var complete = topic.Read(reader, lastN, new Wakes());

        return Told(complete, reader.TakeAll());
    }

    [Test]
    public void A_read_subscribes_to_nothing_and_what_it_gets_is_not_live()
    {
        var (broker, topic) = Topic(events: 3);
        var reader = broker.Admit();

        topic.Read(reader, lastN: 2, new Wakes());
        topic.Read(reader, new Position(Creation, null), new Wakes());
        Publish(topic, 1, 1);
        var frames = reader.Take(int.MaxValue).ToArray();

        Assert.That(frames.Select(outgoing => outgoing.Live), Is.EqualTo(new bool[5]));
        Assert.That(topic.Count(), Is.EqualTo((0, 4L)));
    }

    [Test]
    public void A_read_wakes_its_reader()
    {
        var (broker, topic) = Topic(events: 3);
        var (reader, wakes) = (broker.Admit(), new Wakes());
        var waiting = reader.WaitAsync().AsTask();

        topic.Read(reader, lastN: 2, wakes);
        wakes.Release();

        Assert.That(waiting.Wait(Threads.Patience) && waiting.Result, Is.True);
    }

    [Test]
    public void A_deleted_topic_cannot_be_read_and_a_closed_reader_gets_nothing()
    {
        var (broker, topic) = Topic(events: 3);
        var (reader, closed) = (broker.Admit(), broker.Admit());
        closed.Close(CloseReason.Left);

        topic.Read(closed, lastN: 2, new Wakes());
        topic.Read(closed, new Position(Creation, null), new Wakes());
        broker.TryDelete("topic", Frames.Of("notice"), disconnect: true);
        bool?[] read = [topic.Read(reader, lastN: 2, new Wakes()), topic.Read(reader, new Position(Creation, null), new Wakes())];

        Assert.That(read, Is.EqualTo(new bool?[] { null, null }));
        Assert.That((closed.TakeAll(), reader.TakeAll()), Is.EqualTo((Array.Empty<string>(), Array.Empty<string>())));
    }

    [Test]
    public void What_is_read_counts_as_outstanding_until_it_is_released()
    {
        var broker = new Broker(new BrokerLimits(MaxOutstandingBytes: 100_000));
        var (topic, wakes) = (Create(broker, "topic"), new Wakes());
        topic.TryPublish(Frames.Of(1, 60_000));
        var (first, second) = (broker.Admit(), broker.Admit());

        topic.Read(first, lastN: 1, wakes);
        first.TakeAll();
        topic.Read(second, lastN: 1, wakes);
        var fits = !wakes.AreDue;
        topic.Read(first, new Position(0, null), wakes);
        var isOver = wakes.AreDue;
        wakes.Release();

        Assert.That((fits, isOver), Is.EqualTo((true, true)));
        Assert.That(
            new[] { first, second }.Count(reader => reader.Closed == CloseReason.SlowConsumer),
            Is.EqualTo(1),
            "the one with the most");
    }

    private static (Broker Broker, Topic Topic) Topic(int events, int capacity = 3)
    {
        var broker = new Broker(new BrokerLimits(MaxMessages: capacity));
        broker.Create("topic", new Origin(Creation, "one"));
        var topic = broker.Find("topic")!;
        for (var number = 1; number <= events; number++)
        {
            topic.Publish(Event(number), new Wakes());
        }

        return (broker, topic);
    }

    private static long StampAt(int number) => Creation + (10 * number);

    private static Draft Event(int number) => Frames.At(StampAt(number), "event");

    private static string Resume(Topic topic, Subscriber subscriber, Position position)
    {
        topic.Resume(subscriber, position, Frames.Of("whole"), Frames.Of("torn"), new Wakes());
        var texts = subscriber.TakeAll();
        return Told(texts[0] == "whole", texts[1..]);
    }

    private static string Told(bool? complete, string[] events) =>
        (complete == true ? "whole" : "torn") + string.Concat(events.Select(text => $" {Frames.StampOf(text)}"));
}
