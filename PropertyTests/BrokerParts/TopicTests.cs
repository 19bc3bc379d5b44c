using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

public sealed class TopicTests
{
    [Test]
    public void Replay_leaves_the_retained_messages_to_the_next_subscriber()
    {
        var (broker, topic) = Topic(new BrokerLimits(MaxMessages: 3));
        Publish(topic, 1, 5);

        var replays = Enumerable.Range(0, 3).Select(_ => broker.Admit()).Select(subscriber =>
        {
            topic.Subscribe(subscriber, lastN: 10);
            return subscriber.TakeAll();
        });

        Assert.That(replays, Is.All.EqualTo(Frames.Texts(3, 3)));
    }

    [Test]
    public void A_subscribe_without_ack_or_last_n_queues_nothing()
    {
        var (broker, topic) = Topic();
        var subscriber = broker.Admit();
        Publish(topic, 1, 5);

        var outcome = topic.Subscribe(subscriber);

        Assert.That(outcome, Is.EqualTo(SubscribeResult.Joined));
        Assert.That(subscriber.TakeAll(), Is.Empty);
    }

    [Test]
    public void A_second_subscribe_is_acked_and_changes_nothing()
    {
        var (broker, topic) = Topic();
        var subscriber = broker.Admit();
        Publish(topic, 1, 2);
        Subscribe(topic, subscriber, 1, "ack");
        Publish(topic, 3, 1);

        var outcome = Subscribe(topic, subscriber, 100, "again");
        Publish(topic, 4, 1);

        Assert.That(outcome, Is.EqualTo(SubscribeResult.Already));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "ack", "2", "3", "again", "4" }));
        Assert.That(topic.Count().Subscribers, Is.EqualTo(1));
    }

    [Test]
    public void Nothing_of_a_topic_follows_the_ack_of_its_unsubscribe()
    {
        var (broker, topic) = Topic();
        var subscriber = broker.Admit();
        topic.Subscribe(subscriber);
        Publish(topic, 1, 2);

        var found = Unsubscribe(topic, subscriber, "ack");
        Publish(topic, 3, 2);

        Assert.That(found, Is.True);
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1", "2", "ack" }));
        Assert.That(topic.Count().Subscribers, Is.Zero);
    }

    [Test]
    public void An_unsubscribe_ends_one_subscription_of_one_subscriber()
    {
        var (broker, topic) = Topic();
        var (other, subscriber, neighbour) = (Create(broker, "other"), broker.Admit(), broker.Admit());
        topic.Subscribe(subscriber);
        topic.Subscribe(neighbour);
        other.Subscribe(subscriber);

        Unsubscribe(topic, subscriber, "ack");
        Publish(topic, 1, 1);
        Publish(other, 2, 1);

        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "ack", "2" }));
        Assert.That(neighbour.TakeAll(), Is.EqualTo(new[] { "1" }));
    }

    [Test]
    public void An_unsubscribe_without_a_subscription_is_acked()
    {
        var (broker, topic) = Topic();
        var subscriber = broker.Admit();

        var found = Unsubscribe(topic, subscriber, "ack");

        Assert.That(found, Is.True);
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "ack" }));
        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public void A_subscribe_after_an_unsubscribe_replays_as_a_first_one()
    {
        var (broker, topic) = Topic();
        var subscriber = broker.Admit();
        topic.Subscribe(subscriber);
        Publish(topic, 1, 2);
        Unsubscribe(topic, subscriber, "left");
        Publish(topic, 3, 1);

        var outcome = Subscribe(topic, subscriber, 2, "ack");

        Assert.That(outcome, Is.EqualTo(SubscribeResult.Joined));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1", "2", "left", "ack", "2", "3" }));
    }

    [Test]
    public void A_topic_receives_nothing_of_another()
    {
        var (broker, topic) = Topic();
        var (subscriber, other) = (broker.Admit(), Create(broker, "TOPIC"));
        topic.Subscribe(subscriber);

        Publish(other, 1, 3);

        Assert.That(subscriber.TakeAll(), Is.Empty);
        Assert.That((topic.Count().Messages, other.Count().Messages), Is.EqualTo((0, 3)));
    }

    [Test]
    public void The_notice_of_a_deletion_follows_the_events_queued_and_then_the_subscriber_is_closed()
    {
        var (broker, topic) = Topic();
        var (other, subscriber, bystander) = (Create(broker, "other"), broker.Admit(), broker.Admit());
        topic.Subscribe(subscriber);
        other.Subscribe(subscriber);
        other.Subscribe(bystander);
        Publish(topic, 1, 2);

        var deleted = broker.TryDelete("topic", Frames.Of("notice"), disconnect: true);
        Publish(other, 3, 1);

        Assert.That(deleted, Is.True);
        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.TopicDeleted));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1", "2", "notice" }));
        Assert.That(subscriber.HasMore(), Is.False);
        Assert.That((bystander.Closed, other.Count().Subscribers), Is.EqualTo((CloseReason.None, 1)));
    }

    [Test]
    public void A_deletion_may_keep_the_connection_with_its_other_subscriptions()
    {
        var (broker, topic) = Topic();
        var (other, subscriber) = (Create(broker, "other"), broker.Admit());
        topic.Subscribe(subscriber);
        other.Subscribe(subscriber);
        Publish(topic, 1, 2);

        broker.TryDelete("topic", Frames.Of("notice"), disconnect: false);
        Publish(other, 3, 1);

        Assert.That(subscriber.Closed, Is.EqualTo(CloseReason.None));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1", "2", "notice", "3" }));
    }

    [Test]
    public void A_deletion_wakes_the_readers_before_it_returns([Values] bool disconnect)
    {
        var (broker, topic) = Topic();
        var subscriber = broker.Admit();
        topic.Subscribe(subscriber);
        var waiting = subscriber.WaitAsync().AsTask();

        broker.TryDelete("topic", Frames.Of("notice"), disconnect);

        Assert.That(waiting.Wait(Threads.Patience), Is.True);
        Assert.That(waiting.Result, Is.True);
    }

    [Test]
    public void After_its_deletion_a_topic_is_not_found_by_any_verb([Values] bool disconnect)
    {
        var (broker, topic) = Topic();
        var (subscriber, newcomer) = (broker.Admit(), broker.Admit());
        topic.Subscribe(subscriber);
        Publish(topic, 1, 2);
        broker.TryDelete("topic", Frames.Of("notice"), disconnect);

        var published = topic.TryPublish(Frames.Of("late"));
        var subscribed = Subscribe(topic, newcomer, 10, "ack");
        var unsubscribed = Unsubscribe(topic, newcomer, "ack");
        var deleted = broker.TryDelete("topic", Frames.Of("again"), disconnect);

        Assert.That((published, subscribed, unsubscribed, deleted), Is.EqualTo((false, SubscribeResult.TopicNotFound, false, false)));
        Assert.That((broker.Find("topic"), broker.List().Count), Is.EqualTo(((Topic?)null, 0)));
        Assert.That(topic.Count(), Is.EqualTo((0, 2L)));
        Assert.That(newcomer.TakeAll(), Is.Empty);
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1", "2", "notice" }));
    }

    [Test]
    public void A_topic_that_never_was_cannot_be_deleted_or_found()
    {
        var (broker, _) = Topic();

        var deleted = broker.TryDelete("TOPIC", Frames.Of("notice"), disconnect: true);

        Assert.That((deleted, broker.Find("TOPIC"), broker.Find("")), Is.EqualTo((false, (Topic?)null, (Topic?)null)));
        Assert.That(broker.Find("topic"), Is.Not.Null);
    }

    [Test]
    public void A_topic_created_again_is_empty()
    {
        var (broker, topic) = Topic();
        var (subscriber, newcomer) = (broker.Admit(), broker.Admit());
        topic.Subscribe(subscriber);
        Publish(topic, 1, 2);
        broker.TryDelete("topic", Frames.Of("notice"), disconnect: false);

        var again = Create(broker, "topic");
        again.Subscribe(newcomer, lastN: 10);
        var atFirst = again.Count();
        Publish(again, 3, 1);

        Assert.That(atFirst, Is.EqualTo((1, 0L)));
        Assert.That(newcomer.TakeAll(), Is.EqualTo(new[] { "3" }));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "1", "2", "notice" }));
        Assert.That(topic.TryPublish(Frames.Of("late")), Is.False);
    }

    [Test]
    public void Counts_are_messages_since_creation_and_subscribers_now()
    {
        var (broker, topic) = Topic(new BrokerLimits(MaxMessages: 3));
        var subscribers = Enumerable.Range(0, 4).Select(_ => broker.Admit()).ToList();
        Publish(topic, 1, 7);
        subscribers.ForEach(subscriber => topic.Subscribe(subscriber, lastN: 3));
        subscribers.ForEach(subscriber => topic.Subscribe(subscriber, lastN: 3));

        var full = topic.Count();
        Unsubscribe(topic, subscribers[0], "ack");
        subscribers[1].Close(CloseReason.Left);

        Assert.That(full, Is.EqualTo((4, 7L)));
        Assert.That(topic.Count(), Is.EqualTo((2, 7L)));
    }

    [Test]
    public void A_cut_subscriber_is_in_no_topic_once_the_wakes_of_the_publish_are_released()
    {
        var (broker, topic) = Topic(new BrokerLimits(MaxQueueSize: 2));
        var (quiet, slow, wakes) = (Create(broker, "quiet"), broker.Admit(), new Wakes());
        topic.Subscribe(slow);
        quiet.Subscribe(slow);
        Publish(topic, 1, 2);

        var accepted = topic.Publish(Frames.Of(3), wakes);
        wakes.Release();

        Assert.That((accepted.Result, slow.Closed), Is.EqualTo((PublishResult.Accepted, CloseReason.SlowConsumer)));
        Assert.That((topic.Count(), quiet.Count()), Is.EqualTo(((0, 3L), (0, 0L))));
    }

    [Test]
    public void A_cut_leaves_every_other_topic_at_its_next_publish_at_the_latest()
    {
        var (broker, topic) = Topic(new BrokerLimits(MaxQueueSize: 1));
        var (other, slow, wakes) = (Create(broker, "other"), broker.Admit(), new Wakes());
        topic.Subscribe(slow);
        other.Subscribe(slow);
        Publish(topic, 1, 1);
        topic.Publish(Frames.Of(2), wakes);
        var before = other.Count().Subscribers;

        other.Publish(Frames.Of(3), wakes);

        Assert.That((before, other.Count().Subscribers), Is.EqualTo((1, 0)));
        Assert.That(slow.TakeAll(), Is.Empty);
    }

    [Test]
    public void A_cut_leaves_the_topic_of_the_publish_at_once_and_costs_its_neighbours_nothing()
    {
        var (broker, topic) = Topic(new BrokerLimits(MaxQueueSize: 2));
        var subscribers = Enumerable.Range(0, 10).Select(_ => broker.Admit()).ToList();
        subscribers.ForEach(subscriber => topic.Subscribe(subscriber));
        Publish(topic, 1, 2);
        var quick = subscribers.Where((_, place) => place % 2 == 0).ToList();
        var read = quick.ConvertAll(subscriber => subscriber.TakeAll());

        topic.Publish(Frames.Of(3), new Wakes());
        var count = topic.Count().Subscribers;

        Assert.That(count, Is.EqualTo(5));
        Assert.That(read, Is.All.EqualTo(Frames.Texts(1, 2)));
        Assert.That(quick.ConvertAll(subscriber => subscriber.TakeAll()), Is.All.EqualTo(Frames.Texts(3, 1)));
    }

    [Test]
    public void The_subscriptions_of_a_subscriber_are_bounded()
    {
        var broker = new Broker(new BrokerLimits(MaxSubscriptions: 2));
        var (a, b, c, subscriber) = (Create(broker, "a"), Create(broker, "b"), Create(broker, "c"), broker.Admit());
        Publish(c, 1, 2);
        a.Subscribe(subscriber);
        b.Subscribe(subscriber);

        var oneMore = Subscribe(c, subscriber, 10, "refused");
        var again = Subscribe(b, subscriber, 0, "again");
        Publish(c, 3, 1);
        Unsubscribe(a, subscriber, "left");
        var withRoom = Subscribe(c, subscriber, 1, "ack");

        Assert.That(
            (oneMore, again, withRoom),
            Is.EqualTo((SubscribeResult.LimitReached, SubscribeResult.Already, SubscribeResult.Joined)));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(new[] { "again", "left", "ack", "3" }));
        Assert.That(c.Count().Subscribers, Is.EqualTo(1));
    }

    [Test]
    public void The_deletion_of_a_topic_frees_a_subscription()
    {
        var broker = new Broker(new BrokerLimits(MaxSubscriptions: 1));
        var (a, b, subscriber) = (Create(broker, "a"), Create(broker, "b"), broker.Admit());
        a.Subscribe(subscriber);

        broker.TryDelete("a", Frames.Of("notice"), disconnect: false);

        Assert.That(b.Subscribe(subscriber), Is.EqualTo(SubscribeResult.Joined));
    }

    [Test]
    public void The_number_of_topics_is_bounded()
    {
        var broker = new Broker(new BrokerLimits(MaxTopics: 2));

        var creating = new List<CreateResult> { broker.Create("a"), broker.Create("b"), broker.Create("c"), broker.Create("a") };
        broker.TryDelete("b", Frames.Of("notice"), disconnect: true);
        broker.TryDelete("b", Frames.Of("notice"), disconnect: true);
        creating.AddRange([broker.Create("c"), broker.Create("d")]);

        Assert.That(
            creating,
            Is.EqualTo(new[]
            {
                CreateResult.Created,
                CreateResult.Created,
                CreateResult.LimitReached,
                CreateResult.Exists,
                CreateResult.Created,
                CreateResult.LimitReached,
            }));
        Assert.That(broker.List().Select(topic => topic.Name), Is.EqualTo(new[] { "a", "c" }));
    }

    [Test]
    public void Creating_a_topic_that_exists_changes_nothing()
    {
        var (broker, topic) = Topic();
        Publish(topic, 1, 1);

        var creating = broker.Create("topic");

        Assert.That(creating, Is.EqualTo(CreateResult.Exists));
        Assert.That(broker.Find("topic"), Is.SameAs(topic));
    }

    [Test]
    public void Names_are_compared_ordinally()
    {
        var broker = new Broker(new BrokerLimits());
        string[] names = ["a", "A", "a ", "é", "e\u0301", "a/b", "a%2Fb", ".", "\u00df", "ss", "*"];

        var creating = names.Select(name => broker.Create(name)).ToList();

        Assert.That(creating, Is.All.EqualTo(CreateResult.Created));
        Assert.That(names.Select(name => broker.Find(name)?.Name), Is.EqualTo(names));
    }

    [Test]
    public void The_broker_counts_the_topics_that_exist_and_the_subscriptions_to_all_of_them()
    {
        var broker = new Broker(new BrokerLimits());
        var topics = Frames.Texts(0, 3).Select(name => Create(broker, name)).ToList();
        var (first, second) = (broker.Admit(), broker.Admit());
        topics.ForEach(topic => topic.Subscribe(first));
        topics[0].Subscribe(second);

        var before = broker.Count();
        broker.TryDelete(topics[0].Name, Frames.Of("notice"), disconnect: false);

        Assert.That((before, broker.Count()), Is.EqualTo(((3, 4), (2, 2))));
    }

    private static (Broker Broker, Topic Topic) Topic(BrokerLimits? limits = null)
    {
        var broker = new Broker(limits ?? new BrokerLimits());
        return (broker, Create(broker, "topic"));
    }

    private static bool Unsubscribe(Topic topic, Subscriber subscriber, string ack)
    {
        var wakes = new Wakes();
        var found = topic.TryUnsubscribe(subscriber, Frames.Of(ack), wakes);
        wakes.Release();
        return found;
    }

    [Test]
    public void An_abandoned_topic_is_gone_and_its_subscribers_still_get_what_was_queued()
    {
        var broker = new Broker(new BrokerLimits());
        var (topic, subscriber) = (Shorthand.Create(broker, "topic"), broker.Admit());
        topic.Subscribe(subscriber);
        Shorthand.Publish(topic, first: 0, count: 2);

        broker.Abandon(topic);
        broker.Abandon(topic);

        Assert.That((broker.Find("topic"), subscriber.Closed), Is.EqualTo(((Topic?)null, CloseReason.MissedEvents)));
        Assert.That(subscriber.TakeAll(), Is.EqualTo(Frames.Texts(0, 2)));
        Assert.That((topic.TryPublish(Frames.Of(2)), broker.Create("topic")), Is.EqualTo((false, CreateResult.Created)));
    }

    [TestCase(50, ExpectedResult = 101)]
    [TestCase(100, ExpectedResult = 101)]
    [TestCase(200, ExpectedResult = 201)]
    public long A_topic_advances_to_a_later_stamp_only(long stamp)
    {
        var broker = new Broker(new BrokerLimits());
        broker.Create("topic", new Origin(100, "one"));

        broker.Find("topic")!.Advance(stamp);

        return broker.Find("topic")!.Publish(Frames.Of(0), new Wakes()).Stamp;
    }

    [Test]
    public void A_topic_knows_its_subscribers_and_a_subscriber_its_topics()
    {
        var (topic, subscriber) = Shorthand.Subscribed();

        Assert.That((topic.Has(subscriber), subscriber.Topics()), Is.EqualTo((true, new[] { topic })));
        topic.TryUnsubscribe(subscriber, ack: null, new Wakes());

        Assert.That((topic.Has(subscriber), subscriber.Topics()), Is.EqualTo((false, Array.Empty<Topic>())));
    }

    [Test]
    public void Messages_before_the_first_that_is_retained_are_counted()
    {
        var broker = new Broker(new BrokerLimits());
        broker.Create("topic", new Origin(100, "one", Messages: 5));
        var topic = broker.Find("topic")!;

        topic.TryPublish(Frames.Of(0));

        Assert.That(topic.Count().Messages, Is.EqualTo(6));
        Assert.That(topic.Read(broker.Admit(), lastN: 2, new Wakes()), Is.False, "five of them are not retained");
    }
}
