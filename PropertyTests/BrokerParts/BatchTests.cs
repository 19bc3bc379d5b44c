using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

/// <summary>Many messages are published in one step, or none of them is (PS-HTTP-003, 004).</summary>
public sealed class BatchTests
{
    private const int Topic = 768 + 2; // with a name of one character
    private const int Event = 80; // beside the frame

    [Test]
    public void The_messages_of_a_batch_are_neighbours_in_its_order_with_the_stamps_that_they_show()
    {
        var (topic, subscriber) = Subscribed();
        var stamps = new long[4];
        topic.Publish(Frames.At(500, "before"), new Wakes());

        var result = topic.PublishAll([.. "abcd".Select(name => Frames.At(400, $"{name}"))], new Wakes(), stamps);
        topic.Publish(Frames.At(500, "after"), new Wakes());

        Assert.That((result, topic.Count().Messages), Is.EqualTo((PublishResult.Accepted, 6)));
        Assert.That(stamps, Is.EqualTo(new[] { 501, 502, 503, 504 }));
        Assert.That(
            subscriber.TakeAll(),
            Is.EqualTo(new[] { ("before", 500), ("a", 501), ("b", 502), ("c", 503), ("d", 504), ("after", 505) }
                .Select(each => $"{each.Item1} {Frames.Time(each.Item2)}")));
    }

    [TestCase(0, 5, ExpectedResult = "whole")]
    [TestCase(1, 5, ExpectedResult = "whole")]
    [TestCase(2, 1, ExpectedResult = "cut")]
    [TestCase(2, 5, ExpectedResult = "cut")]
    public string A_subscriber_with_room_for_the_first_gets_all_and_the_next_event_cuts_it(int outstanding, int batch)
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 2));
        Publish(topic, 0, outstanding);

        Batch(topic, [.. Enumerable.Range(outstanding, batch).Select(number => (Draft)Frames.Of(number))]);
        if (subscriber.Closed != CloseReason.None)
        {
            return "cut";
        }

        var some = subscriber.Take(maxBytes: 1).Texts();
        subscriber.Release();
        Publish(topic, 9, 1);

        Assert.That(some, Is.EqualTo(new[] { "0" }));
        Assert.That((subscriber.Closed, subscriber.HasMore()), Is.EqualTo((CloseReason.SlowConsumer, false)));
        return "whole";
    }

    [Test]
    public void A_batch_over_the_bound_reaches_a_reader_in_full_and_then_the_reader_goes_on()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 1, MaxQueueBytes: 1));

        Batch(topic, [.. Enumerable.Range(0, 50).Select(number => (Draft)Frames.Of(number))]);
        var batch = subscriber.TakeAll();
        Publish(topic, 50, 1);

        Assert.That(batch, Is.EqualTo(Frames.Texts(0, 50)));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "50" }));
    }

    [TestCase(60, 40, ExpectedResult = true)]
    [TestCase(61, 40, ExpectedResult = false)]
    [TestCase(60, 41, ExpectedResult = false)]
    public bool The_bound_on_bytes_is_judged_by_the_first(int outstanding, int first)
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueBytes: 100));
        topic.TryPublish(Frames.Of(1, outstanding));

        Batch(topic, Frames.Of(2, first), Frames.Of(3, 1000));

        return subscriber.Closed == CloseReason.None;
    }

    [Test]
    public void A_batch_that_brings_a_subscriber_near_its_bound_makes_the_wakes_due([Values(2, 3)] int messages)
    {
        var (topic, _) = Subscribed(new BrokerLimits(MaxQueueSize: 4));
        var wakes = new Wakes();

        topic.PublishAll([.. Enumerable.Range(0, messages).Select(number => (Draft)Frames.Of(number))], wakes, new long[messages]);

        Assert.That(wakes.AreDue, Is.EqualTo(messages == 3));
    }

    [Test]
    public void A_batch_wakes_a_reader_once_and_cuts_no_neighbour()
    {
        var (topic, slow) = Subscribed(new BrokerLimits(MaxQueueSize: 1));
        var quick = new Broker(new BrokerLimits()).Admit();
        topic.Subscribe(quick);
        Publish(topic, 0, 1);
        quick.TakeAll();
        var waiting = quick.WaitAsync().AsTask();

        Batch(topic, Frames.Of(1), Frames.Of(2));

        Assert.That((slow.Closed, topic.Count().Subscribers), Is.EqualTo((CloseReason.SlowConsumer, 1)));
        Assert.That(waiting.Wait(Threads.Patience) && waiting.Result, Is.True);
        Assert.That(quick.TakeAll(), Is.EqualTo(new[] { "1", "2" }));
    }

    [Test]
    public void A_batch_longer_than_the_ring_leaves_its_newest()
    {
        var broker = new Broker(new BrokerLimits(MaxMessages: 3));
        broker.Create("a", new Origin(100, "one"));
        var (topic, stamps) = (broker.Find("a")!, new long[5]);
        Publish(topic, 0, 2);

        topic.PublishAll([.. Enumerable.Range(2, 5).Select(number => (Draft)Frames.Of(number))], new Wakes(), stamps);
        var readers = new[] { stamps[0], stamps[1], stamps[4] }.Select(stamp =>
        {
            var reader = broker.Admit();
            topic.Resume(reader, new(stamp, "one"), Frames.Of("whole"), Frames.Of("torn"), new Wakes());
            return string.Join(' ', reader.TakeAll());
        });

        Assert.That(readers, Is.EqualTo(new[] { "torn 4 5 6", "whole 4 5 6", "whole" }));
    }

    [Test]
    public void A_refused_batch_changes_nothing()
    {
        var broker = new Broker(new BrokerLimits(MaxRetainedBytes: Topic + 128 + (2 * Event) + 20));
        broker.Create("a", new Origin(100, "one"));
        var (topic, subscriber, stamps) = (broker.Find("a")!, broker.Admit(), new long[3]);
        topic.Subscribe(subscriber);

        var refused = topic.PublishAll([Frames.Of(1, 1), Frames.Of(2, 1), Frames.Of(3, 1)], new Wakes(), stamps);
        var accepted = topic.PublishAll([Frames.Of(1, 10), Frames.Of(2, 10)], new Wakes(), stamps);

        Assert.That((refused, accepted), Is.EqualTo((PublishResult.LimitReached, PublishResult.Accepted)));
        Assert.That((topic.Count().Messages, stamps), Is.EqualTo((2L, new long[] { 101, 102, 0 })));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1", "2" }));
    }

    [Test]
    public void A_batch_to_a_deleted_topic_does_nothing()
    {
        var broker = new Broker(new BrokerLimits());
        var topic = Create(broker, "a");
        broker.TryDelete("a", Frames.Of("notice"), disconnect: false);

        Assert.That(Batch(topic, Frames.Of(1), Frames.Of(2)), Is.EqualTo(PublishResult.TopicNotFound));
        Assert.That(topic.Count().Messages, Is.Zero);
    }

    /// <summary>Refused exactly if what the topic would retain is over the bound; the deletion gives back exactly what was taken.</summary>
    [Test]
    public void A_batch_takes_what_it_adds_to_the_retained_bytes_and_no_more()
    {
        var batch = Gen.Frequency((1, Gen.Constant(1)), (2, Gen.Choose(1, 9)))
            .SelectMany(count => Gen.Choose(1, 60).ArrayOf(count));
        var cases =
            from capacity in Gen.Choose(1, 6)
            from room in Gen.Choose(0, 6 * (Event + 40))
            from batches in Law.RowsOf(batch, 12)
            select (capacity, room, batches);

        Law.Holds(
            cases,
            given =>
            {
                var broker = new Broker(new BrokerLimits(MaxMessages: given.capacity, MaxRetainedBytes: Topic + given.room));
                var (topic, retained, accepted) = (Create(broker, "a"), new List<int>(), 0);
                foreach (var lengths in given.batches)
                {
                    List<int> next = [.. retained.Concat(lengths).TakeLast(given.capacity)];
                    var fits = next.Sum(length => length + Event) <= given.room;
                    Draft[] messages = [.. lengths.Select(length => (Draft)Frames.Of(1, length))];
                    var result = messages.Length == 1 ? topic.Publish(messages[0], new Wakes()).Result : Batch(topic, messages);
                    if (result != (fits ? PublishResult.Accepted : PublishResult.LimitReached))
                    {
                        return false;
                    }

                    (retained, accepted) = fits ? (next, accepted + lengths.Length) : (retained, accepted);
                }

                var counted = topic.Count().Messages;
                broker.TryDelete("a", Frames.Of("notice"), disconnect: false);
                var again = broker.Create(new string('b', 1 + (given.room / 2)));
                return counted == accepted && again == CreateResult.Created;
            },
            times: 1000);
    }

    private static PublishResult Batch(Topic topic, params Draft[] messages)
    {
        var wakes = new Wakes();
        var result = topic.PublishAll(messages, wakes, new long[messages.Length]);
        wakes.Release();
        return result;
    }
}
