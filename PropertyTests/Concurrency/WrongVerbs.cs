using System.Collections.Concurrent;
using PubSub.Conformance.Histories;

namespace PubSub.PropertyTests.Concurrency;

/// <summary>Faulty uses of a broker that are right on one thread. The history checker must find each of them on many threads.</summary>
internal static class WrongVerbs
{
    public static IReadOnlyDictionary<string, (Func<BrokerLimits, Verbs> Make, AnomalyKind[] Shows)> All { get; } =
        new Dictionary<string, (Func<BrokerLimits, Verbs> Make, AnomalyKind[] Shows)>(StringComparer.Ordinal)
        {
            ["spreads a topic's subscribers over two gates"] = (limits => new TwoGates(limits), [AnomalyKind.TwoOrders]),
            ["acks a publish and publishes on another thread"] =
                (limits => new Postpones(limits), [AnomalyKind.Lost, AnomalyKind.Leaked, AnomalyKind.Overtaken]),
            ["acks an unsubscribe and then ends the subscription"] = (limits => new AcksThenLeaves(limits), [AnomalyKind.Leaked]),
            ["retains messages outside of the gate"] =
                (limits => new KeepsBeside(limits), [AnomalyKind.Duplicated, AnomalyKind.Gap, AnomalyKind.TwoOrders]),
            ["sends the notice of a deletion and then deletes"] = (limits => new TellsThenDeletes(limits), [AnomalyKind.Leaked]),
        };

    /// <summary>Two topics share the subscribers of one, and a message is published to one and then to the other.</summary>
    private sealed class TwoGates(BrokerLimits limits) : Verbs(limits)
    {
        private readonly ConcurrentDictionary<Subscriber, bool> _there = new();
        private int _subscribers;

        public override bool TryCreate(string topic) => base.TryCreate(There(topic)) && base.TryCreate(topic);

        public override bool TryDelete(string topic, Frame notice, bool disconnect) =>
            base.TryDelete(There(topic), notice, disconnect) & base.TryDelete(topic, notice, disconnect);

        public override bool TryPublish(string topic, Frame message, Wakes wakes)
        {
            var here = base.TryPublish(topic, message, wakes);
            Thread.Yield();
            return here & base.TryPublish(There(topic), message, wakes);
        }

        public override bool TrySubscribe(string topic, Subscriber subscriber, int lastN, Frame ack, Wakes wakes) =>
            base.TrySubscribe(Of(topic, subscriber), subscriber, lastN, ack, wakes);

        public override bool TryUnsubscribe(string topic, Subscriber subscriber, Frame ack, Wakes wakes) =>
            base.TryUnsubscribe(Of(topic, subscriber), subscriber, ack, wakes);

        private static string There(string topic) => $"{topic} there";

        private string Of(string topic, Subscriber subscriber) =>
            _there.GetOrAdd(subscriber, _ => Interlocked.Increment(ref _subscribers) % 2 == 0) ? There(topic) : topic;
    }

    private sealed class Postpones(BrokerLimits limits) : Verbs(limits)
    {
        public override bool TryPublish(string topic, Frame message, Wakes wakes)
        {
            if (Broker.Find(topic) is not { } found)
            {
                return false;
            }

            ThreadPool.UnsafeQueueUserWorkItem(late => late.TryPublish(message), found, preferLocal: false);
            return true;
        }
    }

    private sealed class AcksThenLeaves(BrokerLimits limits) : Verbs(limits)
    {
        public override bool TryUnsubscribe(string topic, Subscriber subscriber, Frame ack, Wakes wakes)
        {
            if (Broker.Find(topic) is not { } found)
            {
                return false;
            }

            subscriber.Reply(ack, wakes);
            wakes.Release();
            Thread.Yield();
            found.TryUnsubscribe(subscriber, ack: null, wakes);
            return true;
        }
    }

    /// <summary>Keeps its own list of retained messages, which it uses outside of the gate.</summary>
    private sealed class KeepsBeside(BrokerLimits limits) : Verbs(limits)
    {
        private readonly ConcurrentDictionary<Topic, ConcurrentQueue<Frame>> _retained = new();

        public override bool TryPublish(string topic, Frame message, Wakes wakes)
        {
            if (Broker.Find(topic) is not { } found)
            {
                return false;
            }

            var retained = Of(found);
            retained.Enqueue(message);
            if (retained.Count > Limits.MaxMessages)
            {
                retained.TryDequeue(out _);
            }

            return found.Publish(message, wakes).Result == PublishResult.Accepted;
        }

        public override bool TrySubscribe(string topic, Subscriber subscriber, int lastN, Frame ack, Wakes wakes)
        {
            if (Broker.Find(topic) is not { } found)
            {
                return false;
            }

            var outcome = found.Subscribe(subscriber, lastN: 0, ack, wakes);
            Thread.Yield();
            if (outcome == SubscribeResult.Joined)
            {
                foreach (var frame in Of(found).TakeLast(lastN))
                {
                    subscriber.Reply(frame, wakes);
                }
            }

            return outcome != SubscribeResult.TopicNotFound;
        }

        private ConcurrentQueue<Frame> Of(Topic topic) => _retained.GetOrAdd(topic, _ => new());
    }

    /// <summary>Keeps its own list of subscribers, and sends them the notice outside of the gate.</summary>
    private sealed class TellsThenDeletes(BrokerLimits limits) : Verbs(limits)
    {
        private readonly ConcurrentDictionary<(string Topic, Subscriber Subscriber), bool> _subscribers = new();

        public override bool TrySubscribe(string topic, Subscriber subscriber, int lastN, Frame ack, Wakes wakes)
        {
            var subscribed = base.TrySubscribe(topic, subscriber, lastN, ack, wakes);
            _subscribers[(topic, subscriber)] = true;
            return subscribed;
        }

        public override bool TryUnsubscribe(string topic, Subscriber subscriber, Frame ack, Wakes wakes)
        {
            _subscribers.TryRemove((topic, subscriber), out _);
            return base.TryUnsubscribe(topic, subscriber, ack, wakes);
        }

        public override bool TryDelete(string topic, Frame notice, bool disconnect)
        {
            var wakes = new Wakes();
            foreach (var (key, _) in _subscribers.Where(entry => entry.Key.Topic == topic))
            {
                _subscribers.TryRemove(key, out _);
                key.Subscriber.Reply(notice, wakes);
            }

            wakes.Release();
            Thread.Yield();
            return base.TryDelete(topic, notice, disconnect);
        }
    }
}
