using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

public sealed class SubscriberTests
{
    private static readonly CloseReason[] Polite = [CloseReason.Left, CloseReason.TopicDeleted, CloseReason.Draining];

    [Test]
    public void A_batch_is_as_many_frames_as_fit_and_at_least_one()
    {
        var (topic, subscriber) = Subscribed();
        foreach (var number in Enumerable.Range(1, 6))
        {
            topic.TryPublish(Frames.Of(number, 10));
        }

        var batches = new List<string[]>();
        foreach (var bytes in new[] { 20, 19, 9, 0, 10_000, 10_000 })
        {
            batches.Add(subscriber.Take(bytes).Texts());
            subscriber.Release();
        }

        Assert.That(batches, Is.EqualTo(new string[][] { ["1", "2"], ["3"], ["4"], ["5"], ["6"], [] }));
    }

    [Test]
    public void Live_events_are_outstanding_while_they_are_queued_or_held()
    {
        var (topic, subscriber) = Subscribed();
        Reply(subscriber, Frames.Of("reply"));
        topic.TryPublish(Frames.Of(1, 10));
        topic.TryPublish(Frames.Of(2, 30));
        Assert.That(subscriber.Outstanding(), Is.EqualTo((2, 40)));

        subscriber.Take(int.MaxValue);
        Assert.That(subscriber.Outstanding(), Is.EqualTo((0, 0)));
        subscriber.Hold();
        Assert.That(subscriber.Outstanding(), Is.EqualTo((2, 40)));
        subscriber.Release();
        Assert.That(subscriber.Outstanding(), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Exactly_the_bound_of_live_events_may_be_outstanding()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Publish(topic, 1, 3);
        var atTheBound = subscriber.Closed;

        Publish(topic, 4, 1);

        Assert.That(atTheBound, Is.EqualTo(CloseReason.None));
        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
    }

    [Test]
    public void The_bound_counts_over_all_topics_of_a_subscriber()
    {
        var broker = new Broker(new BrokerLimits(MaxQueueSize: 3));
        var (a, b, subscriber) = (Create(broker, "a"), Create(broker, "b"), broker.Admit());
        a.Subscribe(subscriber);
        b.Subscribe(subscriber);

        Publish(a, 1, 2);
        Publish(b, 3, 1);
        var atTheBound = subscriber.Closed;
        Publish(b, 4, 1);

        Assert.That(atTheBound, Is.EqualTo(CloseReason.None));
        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
    }

    [Test]
    public void Events_that_are_held_count_until_they_are_released()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Publish(topic, 1, 3);
        var taken = subscriber.Take(int.MaxValue);
        subscriber.Hold();

        Publish(topic, 4, 1);

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
        Assert.That(taken.Texts(), Is.EqualTo(Frames.Texts(1, 3)), "what is being sent stays valid until it is released");
    }

    [Test]
    public void A_taken_batch_does_not_change_until_it_is_released()
    {
        var (topic, subscriber) = Subscribed();
        Publish(topic, 1, 3);
        var first = subscriber.Take(int.MaxValue);
        Publish(topic, 4, 2);
        var second = subscriber.Take(int.MaxValue);

        Publish(topic, 6, 4);

        Assert.That((first.Texts(), second.Texts()), Is.EqualTo((Frames.Texts(1, 3), Frames.Texts(4, 2))));
    }

    [Test]
    public void Release_gives_back_the_room_of_the_events_held_and_no_more([Values] bool holds)
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Publish(topic, 1, 3);
        subscriber.Take(2);
        if (holds)
        {
            subscriber.Hold();
        }

        subscriber.Release();

        Publish(topic, 4, 2);
        var filledUp = subscriber.Closed;
        Publish(topic, 6, 1);

        Assert.That(filledUp, Is.EqualTo(CloseReason.None));
        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
    }

    [Test]
    public void Releasing_twice_gives_back_nothing_more()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Publish(topic, 1, 3);
        subscriber.Take(1);
        subscriber.Hold();
        subscriber.Release();
        subscriber.Release();

        Publish(topic, 4, 2);

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
    }

    [Test]
    public void Taken_events_are_outstanding_only_while_they_are_held()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Publish(topic, 1, 3);
        subscriber.Take(2); // bytes, of one each
        Publish(topic, 4, 2);
        subscriber.Hold();
        subscriber.Release();
        subscriber.Take(2);
        subscriber.Release();
        subscriber.Release();

        Publish(topic, 6, 1);
        var filledUp = subscriber.Closed;
        Publish(topic, 7, 1);

        Assert.That((filledUp, subscriber.Closed), Is.EqualTo((CloseReason.None, CloseReason.SlowConsumer)));
    }

    [Test]
    public void Events_that_are_held_count_beside_those_queued_meanwhile_and_the_next_event_closes_the_subscriber()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Publish(topic, 1, 3);
        subscriber.Take(3);
        Publish(topic, 4, 3);

        subscriber.Hold();
        var held = subscriber.Closed;
        Publish(topic, 7, 1);

        Assert.That((held, subscriber.Closed), Is.EqualTo((CloseReason.None, CloseReason.SlowConsumer)));
    }

    [Test]
    public void Replies_that_are_taken_are_unread_until_they_are_released()
    {
        var subscriber = new Broker(new BrokerLimits(MaxReplies: 1)).Admit();
        Reply(subscriber, Frames.Of("one"));
        var room = subscriber.WaitForRoomAsync();

        subscriber.Take(1);
        var taken = room.IsCompleted;
        subscriber.Release();

        Assert.That((taken, room.IsCompletedSuccessfully), Is.EqualTo((false, true)));
    }

    [TestCase(50, 50, 0, ExpectedResult = CloseReason.None)]
    [TestCase(50, 50, 1, ExpectedResult = CloseReason.SlowConsumer)]
    [TestCase(101, 0, 0, ExpectedResult = CloseReason.None)]
    [TestCase(5000, 0, 0, ExpectedResult = CloseReason.None)]
    [TestCase(101, 1, 0, ExpectedResult = CloseReason.SlowConsumer)]
    [TestCase(1, 101, 0, ExpectedResult = CloseReason.SlowConsumer)]
    public CloseReason Outstanding_bytes_are_bounded_but_a_larger_event_reaches_an_idle_subscriber(int first, int second, int third)
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueBytes: 100));

        foreach (var length in new[] { first, second, third }.Where(length => length > 0))
        {
            topic.TryPublish(Frames.Of(1, length));
        }

        return subscriber.Closed;
    }

    [Test]
    public void Release_gives_back_bytes()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueBytes: 100));

        foreach (var number in Enumerable.Range(1, 20))
        {
            topic.TryPublish(Frames.Of(number, number % 2 == 0 ? 100 : 5000));
            Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { Frames.Text(number) }));
        }

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public void Replies_never_count_and_never_close()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3, MaxQueueBytes: 100, MaxReplies: 2));
        foreach (var number in Enumerable.Range(1, 50))
        {
            Reply(subscriber, Frames.Of(number, 99));
        }

        Publish(topic, 51, 3);

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.None));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(Frames.Texts(1, 53)));
    }

    [Test]
    public void Replayed_events_never_count_and_never_close()
    {
        var broker = new Broker(new BrokerLimits(MaxQueueSize: 3, MaxMessages: 50, MaxQueueBytes: 100, MaxReplies: 2));
        var (topic, subscriber) = (Create(broker, "topic"), broker.Admit());
        Publish(topic, 1, 50);

        topic.Subscribe(subscriber, lastN: 50);
        Publish(topic, 51, 3);

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.None));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(Frames.Texts(1, 53)));
    }

    [Test]
    public void Requests_wait_while_the_bound_of_replies_is_unread_and_go_on_when_one_is_released()
    {
        var subscriber = new Broker(new BrokerLimits(MaxReplies: 2)).Admit();
        Reply(subscriber, Frames.Of("one"));
        var belowTheBound = subscriber.WaitForRoomAsync().IsCompleted;
        Reply(subscriber, Frames.Of("two"));
        var room = subscriber.WaitForRoomAsync();
        var atTheBound = room.IsCompleted;

        subscriber.Take(1);
        var taken = room.IsCompleted;
        subscriber.Release();

        Assert.That((belowTheBound, atTheBound, taken, room.IsCompletedSuccessfully), Is.EqualTo((true, false, false, true)));
    }

    [Test]
    public void Requests_wait_while_more_is_replayed_than_may_be_unread()
    {
        var broker = new Broker(new BrokerLimits(MaxReplies: 2));
        var (topic, subscriber) = (Create(broker, "topic"), broker.Admit());
        Publish(topic, 1, 4);
        topic.Subscribe(subscriber, lastN: 4);
        var room = subscriber.WaitForRoomAsync();

        var completed = new List<bool>();
        foreach (var _ in Enumerable.Range(1, 4))
        {
            subscriber.Take(1);
            subscriber.Release();
            completed.Add(room.IsCompleted);
        }

        Assert.That(completed, Is.EqualTo(new[] { false, false, true, true }));
    }

    [Test]
    public void Live_events_never_make_requests_wait()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 50, MaxReplies: 2));

        Publish(topic, 1, 50);

        Assert.That(subscriber.WaitForRoomAsync().IsCompleted, Is.True);
    }

    [TestCaseSource(nameof(Polite))]
    public void A_close_ends_the_wait_of_a_requester(CloseReason reason)
    {
        var subscriber = new Broker(new BrokerLimits(MaxReplies: 1)).Admit();
        Reply(subscriber, Frames.Of("reply"));
        var room = subscriber.WaitForRoomAsync();
        var before = room.IsCompleted;

        subscriber.Close(reason);

        Assert.That((before, room.IsCompleted), Is.EqualTo((false, true)));
        Assert.That(subscriber.WaitForRoomAsync().IsCompleted, Is.True);
    }

    [Test]
    public void A_cut_ends_the_wait_of_a_requester()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 1, MaxReplies: 1));
        Reply(subscriber, Frames.Of("reply"));
        var room = subscriber.WaitForRoomAsync();

        Publish(topic, 1, 2);

        Assert.That(room.IsCompleted, Is.True);
    }

    [TestCaseSource(nameof(Polite))]
    public void After_a_polite_close_the_reader_gets_the_queued_frames(CloseReason reason)
    {
        var (topic, subscriber) = Subscribed();
        Publish(topic, 1, 3);
        subscriber.Take(1);

        subscriber.Close(reason);
        subscriber.Release();
        var more = subscriber.HasMore();
        var second = subscriber.Take(1).Texts();
        subscriber.Release();
        var stillMore = subscriber.HasMore();
        var third = subscriber.TakeAll();

        Assert.That((more, stillMore, subscriber.HasMore()), Is.EqualTo((true, true, false)));
        Assert.That((second, third), Is.EqualTo((new[] { "2" }, new[] { "3" })));
        Assert.That(subscriber.Closed, Is.EqualTo(reason));
    }

    [Test]
    public void A_slow_consumer_loses_what_was_queued()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Reply(subscriber, Frames.Of("reply"));
        Publish(topic, 1, 4);

        var more = subscriber.HasMore();
        var taken = subscriber.Take(int.MaxValue).Texts();
        subscriber.Release();

        Assert.That(more, Is.False);
        Assert.That(taken, Is.Empty);
    }

    [Test]
    public void A_slow_consumer_gets_no_more_frames_not_even_of_a_batch_it_has_begun()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 3));
        Publish(topic, 1, 3);
        subscriber.Take(1);
        Publish(topic, 4, 2);

        subscriber.Release();

        Assert.That(subscriber.HasMore(), Is.False);
    }

    [Test]
    public void The_first_reason_of_a_close_stands()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 1));

        subscriber.Close(CloseReason.Draining);
        subscriber.Close(CloseReason.Left);
        Publish(topic, 1, 3);

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.Draining));
    }

    [Test]
    public void A_slow_consumer_stays_closed_as_one()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 1));

        Publish(topic, 1, 2);
        subscriber.Close(CloseReason.Left);

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.SlowConsumer));
        Assert.That(subscriber.HasMore(), Is.False);
    }

    [TestCaseSource(nameof(Polite))]
    public void Nothing_is_queued_after_a_close(CloseReason reason)
    {
        var broker = new Broker(new BrokerLimits());
        var (topic, other, subscriber) = (Create(broker, "topic"), Create(broker, "other"), broker.Admit());
        topic.Subscribe(subscriber);
        Publish(other, 1, 3);
        var wakes = new Wakes();
        subscriber.Close(reason);

        Reply(subscriber, Frames.Of("reply"));
        Publish(topic, 4, 1);
        var outcome = other.Subscribe(subscriber, lastN: 3, Frames.Of("ack"), wakes);
        other.TryUnsubscribe(subscriber, Frames.Of("unsubscribed"), wakes);
        broker.TryDelete("topic", Frames.Of("notice"), disconnect: true);
        wakes.Release();

        Assert.That(outcome, Is.EqualTo(SubscribeResult.Closed));
        Assert.That(other.Count().Subscribers, Is.Zero);
        Assert.That(subscriber.TakeAll(), Is.Empty);
        Assert.That(subscriber.HasMore(), Is.False);
    }

    [Test]
    public void A_close_ends_every_subscription()
    {
        var broker = new Broker(new BrokerLimits());
        var (a, b, subscriber, other) = (Create(broker, "a"), Create(broker, "b"), broker.Admit(), broker.Admit());
        a.Subscribe(subscriber);
        b.Subscribe(subscriber);
        b.Subscribe(other);

        subscriber.Close(CloseReason.Left);

        Assert.That((a.Count().Subscribers, b.Count().Subscribers), Is.EqualTo((0, 1)));
    }

    [Test]
    public void A_reader_is_woken_by_the_release_of_the_wakes_and_by_nothing_before()
    {
        var (topic, subscriber) = Subscribed();
        var wakes = new Wakes();
        var waiting = subscriber.WaitAsync().AsTask();

        topic.Publish(Frames.Of("event"), wakes);
        subscriber.Reply(Frames.Of("reply"), wakes);
        Threads.SettlePool();
        var before = waiting.IsCompleted;
        wakes.Release();

        Assert.That(before, Is.False);
        Assert.That(waiting.Wait(Threads.Patience), Is.True);
        Assert.That(waiting.Result, Is.True);
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "event", "reply" }));
    }

    [Test]
    public void A_reader_is_woken_by_a_subscribe_an_unsubscribe_and_a_reply(
        [Values("subscribe", "replay", "unsubscribe", "reply")] string by)
    {
        var broker = new Broker(new BrokerLimits());
        var (topic, subscriber) = (Create(broker, "topic"), broker.Admit());
        var wakes = new Wakes();
        topic.TryPublish(Frames.Of("replay"));
        var waiting = subscriber.WaitAsync().AsTask();

        switch (by)
        {
            case "subscribe":
                topic.Subscribe(subscriber, lastN: 0, Frames.Of(by), wakes);
                break;
            case "replay":
                topic.Subscribe(subscriber, lastN: 1);
                break;
            case "unsubscribe":
                topic.TryUnsubscribe(subscriber, Frames.Of(by), wakes);
                break;
            default:
                subscriber.Reply(Frames.Of(by), wakes);
                break;
        }

        wakes.Release();

        Assert.That(waiting.Wait(Threads.Patience), Is.True);
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { by }));
    }

    [Test]
    public void A_reader_is_woken_by_the_first_of_its_publishers_to_release_its_wakes()
    {
        var (topic, subscriber) = Subscribed();
        var (first, second) = (new Wakes(), new Wakes());
        var waiting = subscriber.WaitAsync().AsTask();

        topic.Publish(Frames.Of("first"), first);
        topic.Publish(Frames.Of("second"), second);
        second.Release();
        first.Release(); // the reader is awake already, and may not have taken the frames yet

        Assert.That(waiting.Wait(Threads.Patience), Is.True);
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "first", "second" }));
    }

    [Test]
    public void A_late_wake_does_not_end_the_next_wait()
    {
        var (topic, subscriber) = Subscribed();
        var (first, second) = (new Wakes(), new Wakes());
        var early = subscriber.WaitAsync().AsTask();
        topic.Publish(Frames.Of("first"), first);
        topic.Publish(Frames.Of("second"), second);
        second.Release();
        early.Wait(Threads.Patience);
        subscriber.TakeAll();
        var waiting = subscriber.WaitAsync().AsTask();

        first.Release();
        Threads.SettlePool();
        var before = waiting.IsCompleted;
        topic.Publish(Frames.Of("third"), first);
        first.Release();

        Assert.That(before, Is.False);
        Assert.That(waiting.Wait(Threads.Patience) && waiting.Result, Is.True);
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "third" }));
    }

    [Test]
    public void Release_returns_whether_it_woke_a_reader()
    {
        var (topic, subscriber) = Subscribed();
        var wakes = new Wakes();

        topic.Publish(Frames.Of("to a reader that is awake"), wakes);
        var awake = wakes.Release();
        subscriber.TakeAll();
        _ = subscriber.WaitAsync().AsTask();
        topic.Publish(Frames.Of("to a reader that sleeps"), wakes);
        var asleep = wakes.Release();

        Assert.That((awake, asleep, wakes.Release()), Is.EqualTo((false, true, false)));
    }

    [Test]
    public void Release_returns_whether_a_subscriber_was_closed()
    {
        var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 1));
        var wakes = new Wakes();
        topic.Publish(Frames.Of("event"), wakes);

        topic.Publish(Frames.Of("one too many"), wakes);
        var cut = wakes.Release();

        Assert.That((subscriber.Closed, cut, wakes.Release()), Is.EqualTo((CloseReason.SlowConsumer, true, false)));
    }

    [TestCase(2, 10, false)]
    [TestCase(3, 10, true)]
    [TestCase(1, 74, false)]
    [TestCase(1, 75, true)]
    public void Wakes_are_due_when_a_subscriber_is_within_a_quarter_of_its_bound(int events, int length, bool due)
    {
        var (topic, _) = Subscribed(new BrokerLimits(MaxQueueSize: 4, MaxQueueBytes: 100));
        var wakes = new Wakes();

        foreach (var number in Enumerable.Range(1, events))
        {
            topic.Publish(Frames.Of(number, length), wakes);
        }

        var before = wakes.AreDue;
        wakes.Release();

        Assert.That((before, wakes.AreDue), Is.EqualTo((due, false)));
    }

    [Test]
    public void An_eager_reader_has_its_turn_before_the_release_returns()
    {
        var broker = new Broker(new BrokerLimits());
        var (topic, subscriber) = (Create(broker, "topic"), broker.Admit(eager: true));
        topic.Subscribe(subscriber);
        var waiting = subscriber.WaitAsync();

        topic.TryPublish(Frames.Of("event"));

        Assert.That(waiting is { IsCompletedSuccessfully: true, Result: true }, Is.True);
    }

    [Test]
    public void Wakes_can_be_released_again_and_again()
    {
        var (topic, subscriber) = Subscribed();
        var wakes = new Wakes();

        foreach (var number in Enumerable.Range(1, 1000))
        {
            var waiting = subscriber.WaitAsync().AsTask();
            topic.Publish(Frames.Of(number), wakes);
            wakes.Release();
            wakes.Release();

            Assert.That(waiting.Wait(Threads.Patience) && waiting.Result, Is.True);
            Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { Frames.Text(number) }));
        }
    }

    [TestCase(CloseReason.Left)]
    [TestCase(CloseReason.TopicDeleted)]
    [TestCase(CloseReason.Draining)]
    [TestCase(CloseReason.SlowConsumer)]
    public void A_close_wakes_a_reader_of_an_empty_queue(CloseReason reason)
    {
        var subscriber = new Broker(new BrokerLimits()).Admit();
        var waiting = subscriber.WaitAsync().AsTask();

        subscriber.Close(reason);

        Assert.That(waiting.Wait(Threads.Patience), Is.True);
        Assert.That(waiting.Result, Is.False);
    }

    [Test]
    public void A_publisher_never_runs_what_a_reader_does_next()
    {
        var (topic, subscriber) = Subscribed();
        var finish = new TaskCompletionSource();
        var reading = new TaskCompletionSource();
        var reader = subscriber.WaitAsync().ConfigureAwait(false).GetAwaiter();
        reader.UnsafeOnCompleted(() =>
        {
            reading.SetResult();
            finish.Task.Wait(Threads.Patience);
        });

        var publishing = Task.Factory.StartNew(
            () => topic.TryPublish(Frames.Of("event")), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var begun = reading.Task.Wait(Threads.Patience);
        var returned = publishing.Wait(TimeSpan.FromSeconds(5));
        finish.SetResult();

        Assert.That((begun, returned), Is.EqualTo((true, true)));
    }

    [Test]
    public void A_reader_never_runs_what_a_requester_does_next()
    {
        var subscriber = new Broker(new BrokerLimits(MaxReplies: 1)).Admit();
        var finish = new TaskCompletionSource();
        var requesting = new TaskCompletionSource();
        Reply(subscriber, Frames.Of("reply"));
        subscriber.WaitForRoomAsync().ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() =>
        {
            requesting.SetResult();
            finish.Task.Wait(Threads.Patience);
        });

        var reader = Task.Factory.StartNew(
            () => subscriber.TakeAll(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var begun = requesting.Task.Wait(Threads.Patience);
        var returned = reader.Wait(TimeSpan.FromSeconds(5));
        finish.SetResult();

        Assert.That((begun, returned), Is.EqualTo((true, true)));
    }
}
