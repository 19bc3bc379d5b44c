using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

public sealed class TopicLaws
{
    [Test]
    public void Every_subscriber_gets_every_message_once_in_the_order_of_publishing()
    {
        var cases =
            from subscribers in Gen.Choose(0, 20)
            from messages in Gen.Choose(0, 60)
            select (subscribers, messages);

        Law.Holds(cases, given =>
        {
            var broker = new Broker(new BrokerLimits());
            var topic = Create(broker, "topic");
            var subscribers = Enumerable.Range(0, given.subscribers).Select(_ => broker.Admit()).ToList();
            subscribers.ForEach(subscriber => topic.Subscribe(subscriber));

            Publish(topic, 0, given.messages);

            return subscribers.TrueForAll(subscriber => subscriber.TakeAll().SequenceEqual(Frames.Texts(0, given.messages)));
        });
    }

    [Test]
    public void A_subscriber_gets_the_ack_then_the_newest_retained_oldest_first_then_what_is_live()
    {
        var cases =
            from capacity in Gen.Choose(1, 12)
            from before in Gen.Choose(0, 30)
            from lastN in Gen.Frequency((9, Gen.Choose(0, 15)), (1, Gen.Constant(int.MaxValue)))
            from after in Gen.Choose(0, 20)
            select (capacity, before, lastN, after);

        Law.Holds(
            cases,
            given =>
            {
                var broker = new Broker(new BrokerLimits(MaxMessages: given.capacity));
                var (topic, subscriber) = (Create(broker, "topic"), broker.Admit());
                Publish(topic, 0, given.before);
                var replayed = Math.Min(given.lastN, Math.Min(given.before, given.capacity));

                var outcome = Subscribe(topic, subscriber, given.lastN, "ack");
                Publish(topic, given.before, given.after);

                var batch = subscriber.Take(int.MaxValue);
                return outcome == SubscribeResult.Joined
                    && batch.Texts().SequenceEqual(["ack", .. Frames.Texts(given.before - replayed, replayed + given.after)])
                    && batch.ToArray().Count(outgoing => outgoing.Live) == given.after;
            },
            times: 500);
    }

    [Test]
    public void Topics_are_listed_in_ordinal_order()
    {
        var characters = Gen.Elements('a', 'B', 'b', 'Z', '_', '1', ' ', 'é', '€', '~', '/');
        var names = Gen.Choose(1, 4).SelectMany(length => characters.ArrayOf(length)).Select(name => new string(name));

        Law.HoldsForRows(names, atMost: 40, row =>
        {
            var broker = new Broker(new BrokerLimits());
            Array.ForEach(row, name => broker.Create(name));

            return broker.List().Select(topic => topic.Name).SequenceEqual(row.Distinct().Order(StringComparer.Ordinal));
        });
    }
}
