namespace PubSub.PropertyTests.Models;

/// <summary>Models that break one law each. The comparison with the model must find the fault of every one of them.</summary>
internal static class WrongModels
{
    public static IReadOnlyDictionary<string, Func<BrokerLimits, bool, Model>> All { get; } =
        new Dictionary<string, Func<BrokerLimits, bool, Model>>(StringComparer.Ordinal)
        {
            ["retains one more"] = (limits, disconnects) => new RetainsMore(limits, disconnects),
            ["retains one less"] = (limits, disconnects) => new RetainsLess(limits, disconnects),
            ["forgets the newest"] = (limits, disconnects) => new ForgetsTheNewest(limits, disconnects),
            ["replays one more"] = (limits, disconnects) => new ReplaysMore(limits, disconnects),
            ["replays the newest first"] = (limits, disconnects) => new ReplaysBackwards(limits, disconnects),
            ["replays the oldest instead"] = (limits, disconnects) => new ReplaysTheOldest(limits, disconnects),
            ["replays to the second subscribe"] = (limits, disconnects) => new ReplaysAgain(limits, disconnects),
            ["replays before the ack"] = (limits, disconnects) => new ReplaysFirst(limits, disconnects),
            ["counts replays against the bound"] = (limits, disconnects) => new CountsReplays(limits, disconnects),
            ["skips the publisher"] = (limits, disconnects) => new SkipsTheLatest(limits, disconnects),
            ["delivers to the newest subscriber alone"] = (limits, disconnects) => new DeliversToOne(limits, disconnects),
            ["delivers twice"] = (limits, disconnects) => new DeliversTwice(limits, disconnects),
            ["delivers ahead of what is queued"] = (limits, disconnects) => new DeliversAhead(limits, disconnects),
            ["retains only what a subscriber gets"] = (limits, disconnects) => new RetainsWhatIsDelivered(limits, disconnects),
            ["takes A for a"] = (limits, disconnects) => new IgnoresCase(limits, disconnects),
            ["leaks into every topic"] = (limits, disconnects) => new Leaks(limits, disconnects),
            ["cuts one too early"] = (limits, disconnects) => new CutsEarly(limits, disconnects),
            ["cuts one too late"] = (limits, disconnects) => new CutsLate(limits, disconnects),
            ["never cuts"] = (limits, disconnects) => new NeverCuts(limits, disconnects),
            ["drops instead of cutting"] = (limits, disconnects) => new Drops(limits, disconnects),
            ["counts no bytes"] = (limits, disconnects) => new CountsNoBytes(limits, disconnects),
            ["refuses a single large event"] = (limits, disconnects) => new RefusesLarge(limits, disconnects),
            ["forgets what is being sent"] = (limits, disconnects) => new ForgetsHeld(limits, disconnects),
            ["sends on to a slow consumer"] = (limits, disconnects) => new SendsOnToTheSlow(limits, disconnects),
            ["leaves a slow consumer subscribed"] =
                (limits, disconnects) => new LeavesGhosts(limits, disconnects, CloseReason.SlowConsumer),
            ["leaves a client that left subscribed"] = (limits, disconnects) => new LeavesGhosts(limits, disconnects, CloseReason.Left),
            ["remembers the last reason"] = (limits, disconnects) => new RemembersTheLastReason(limits, disconnects),
            ["unsubscribes from all"] = (limits, disconnects) => new UnsubscribesFromAll(limits, disconnects),
            ["does not unsubscribe"] = (limits, disconnects) => new DoesNotUnsubscribe(limits, disconnects),
            ["unsubscribes all clients"] = (limits, disconnects) => new UnsubscribesEverybody(limits, disconnects),
            ["keeps the messages of a deleted topic"] = (limits, disconnects) => new ComesBack(limits, disconnects),
            ["answers ahead of the events"] = (limits, disconnects) => new AnswersFirst(limits, disconnects),
            ["never lets requests wait"] = (limits, disconnects) => new NeverWaits(limits, disconnects),
            ["lets requests wait one too early"] = (limits, disconnects) => new WaitsEarly(limits, disconnects),
            ["does not wake the reader for a single frame"] = (limits, disconnects) => new OversleepsTheLast(limits, disconnects),
            ["allows one subscription more"] =
                (limits, disconnects) => new Model(limits with { MaxSubscriptions = limits.MaxSubscriptions + 1 }, disconnects),
            ["allows one topic more"] =
                (limits, disconnects) => new Model(limits with { MaxTopics = limits.MaxTopics + 1 }, disconnects),
            ["follows a clock that is set back"] = (limits, disconnects) => new FollowsTheClock(limits, disconnects),
            ["gives one stamp to two events"] = (limits, disconnects) => new StandsStill(limits, disconnects),
            ["acks a subscribe with the stamp of the last event"] = (limits, disconnects) => new AcksLate(limits, disconnects),
            ["replays the event of the position"] = (limits, disconnects) => new ReplaysThePosition(limits, disconnects),
            ["does not miss a single event"] = (limits, disconnects) => new MissesOne(limits, disconnects),
            ["ignores the epoch"] = (limits, disconnects) => new IgnoresTheEpoch(limits, disconnects),
            ["takes a position of the future"] = (limits, disconnects) => new TakesTheFuture(limits, disconnects),
            ["takes a position of the time before the topic"] = (limits, disconnects) => new TakesThePast(limits, disconnects),
            ["does not tell a reader of the newest what is missing"] = (limits, disconnects) => new ReadsAllAsWhole(limits, disconnects),
            ["judges each event of a batch"] = (limits, disconnects) => new DividesBatches(limits, disconnects),
            ["does the other thing when a topic is deleted"] = (limits, disconnects) => new Model(limits, !disconnects),
        };

    private sealed class RetainsMore(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Retain(Stream topic, Entry live)
        {
            topic.Retained.Add(live);
            topic.Retained.RemoveRange(0, Math.Max(0, topic.Retained.Count - Limits.MaxMessages - 1));
        }
    }

    private sealed class RetainsLess(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Retain(Stream topic, Entry live)
        {
            topic.Retained.Add(live);
            topic.Retained.RemoveRange(0, Math.Max(0, topic.Retained.Count - Limits.MaxMessages + 1));
        }
    }

    private sealed class ForgetsTheNewest(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Retain(Stream topic, Entry live)
        {
            if (topic.Retained.Count < Limits.MaxMessages)
            {
                topic.Retained.Add(live);
            }
        }
    }

    private sealed class ReplaysMore(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override IEnumerable<Entry> Replay(Stream topic, int lastN) =>
            base.Replay(topic, lastN is 0 or int.MaxValue ? lastN : lastN + 1);
    }

    private sealed class ReplaysBackwards(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override IEnumerable<Entry> Replay(Stream topic, int lastN) => base.Replay(topic, lastN).Reverse();
    }

    private sealed class ReplaysTheOldest(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override IEnumerable<Entry> Replay(Stream topic, int lastN) => base.Replay(topic, int.MaxValue).Take(lastN);
    }

    private sealed class ReplaysAgain(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Subscribe(Stream topic, Client client, List<Entry> replay, string ack, string refusal)
        {
            topic.Subscribers.Remove(client);
            base.Subscribe(topic, client, replay, ack, refusal);
        }
    }

    private sealed class ReplaysFirst(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Subscribe(Stream topic, Client client, List<Entry> replay, string ack, string refusal)
        {
            var queued = client.Queue.Count;
            base.Subscribe(topic, client, replay, ack, refusal);
            if (client.Queue.Count > queued)
            {
                client.Queue.Add(client.Queue[queued]);
                client.Queue.RemoveAt(queued);
            }
        }
    }

    private sealed class CountsReplays(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override IEnumerable<Entry> Replay(Stream topic, int lastN) =>
            base.Replay(topic, lastN).Select(entry => entry with { Live = true });
    }

    /// <summary>The client that connected last gets no events.</summary>
    private sealed class SkipsTheLatest(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Deliver(Client subscriber, Entry live)
        {
            if (subscriber != Clients.Values.Last())
            {
                base.Deliver(subscriber, live);
            }
        }
    }

    private sealed class DeliversToOne(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Publish(Stream topic, Entry live)
        {
            var all = topic.Subscribers.ToList();
            topic.Subscribers.RemoveRange(0, Math.Max(0, all.Count - 1));
            base.Publish(topic, live);
            topic.Subscribers.InsertRange(0, all.SkipLast(1));
        }
    }

    private sealed class DeliversTwice(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Deliver(Client subscriber, Entry live)
        {
            base.Deliver(subscriber, live);
            base.Deliver(subscriber, live);
        }
    }

    private sealed class DeliversAhead(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Deliver(Client subscriber, Entry live)
        {
            base.Deliver(subscriber, live);
            if (subscriber.Queue.Remove(live))
            {
                subscriber.Queue.Insert(0, live);
            }
        }
    }

    private sealed class RetainsWhatIsDelivered(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Retain(Stream topic, Entry live)
        {
            if (topic.Subscribers.Count > 0)
            {
                base.Retain(topic, live);
            }
        }
    }

    private sealed class IgnoresCase(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override Stream? Find(string name) =>
            base.Find(name)
            ?? Topics.Values.FirstOrDefault(topic => string.Equals(topic.Name, name, StringComparison.OrdinalIgnoreCase));
    }

    private sealed class Leaks(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Publish(Stream topic, Entry live)
        {
            base.Publish(topic, live);
            foreach (var stranger in Topics.Values.SelectMany(other => other.Subscribers).Distinct().Except(topic.Subscribers).ToList())
            {
                Deliver(stranger, live);
            }
        }
    }

    private sealed class CutsEarly(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsFull(Client subscriber, Entry live) =>
            base.IsFull(subscriber, live) || subscriber.Unsent.Count(entry => entry.Live) >= Limits.MaxQueueSize - 1;
    }

    private sealed class CutsLate(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsFull(Client subscriber, Entry live) =>
            base.IsFull(subscriber, live) && subscriber.Unsent.Count(entry => entry.Live) > Limits.MaxQueueSize;
    }

    private sealed class NeverCuts(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsFull(Client subscriber, Entry live) => false;
    }

    private sealed class Drops(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Deliver(Client subscriber, Entry live)
        {
            if (!IsFull(subscriber, live))
            {
                subscriber.Queue.Add(live);
            }
        }
    }

    private sealed class CountsNoBytes(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsFull(Client subscriber, Entry live) =>
            subscriber.Unsent.Count(entry => entry.Live) >= Limits.MaxQueueSize;
    }

    private sealed class RefusesLarge(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsFull(Client subscriber, Entry live) =>
            live.Size > Limits.MaxQueueBytes || base.IsFull(subscriber, live);
    }

    private sealed class ForgetsHeld(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsFull(Client subscriber, Entry live)
        {
            var held = subscriber.Held;
            subscriber.Held = null;
            var full = base.IsFull(subscriber, live);
            subscriber.Held = held;
            return full;
        }
    }

    private sealed class SendsOnToTheSlow(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Close(Client client, CloseReason reason)
        {
            var queued = client.Queue.ToList();
            base.Close(client, reason);
            client.Queue.Clear();
            client.Queue.AddRange(queued);
        }
    }

    private sealed class LeavesGhosts(BrokerLimits limits, bool disconnects, CloseReason of) : Model(limits, disconnects)
    {
        protected override void Close(Client client, CloseReason reason)
        {
            var topics = Topics.Values.Where(topic => topic.Subscribers.Contains(client)).ToList();
            base.Close(client, reason);
            if (reason == of)
            {
                topics.ForEach(topic => topic.Subscribers.Add(client));
            }
        }

        protected override void Deliver(Client subscriber, Entry live)
        {
            if (subscriber.Closed == CloseReason.None)
            {
                base.Deliver(subscriber, live);
            }
        }
    }

    private sealed class RemembersTheLastReason(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Close(Client client, CloseReason reason)
        {
            base.Close(client, reason);
            client.Closed = reason;
        }
    }

    private sealed class UnsubscribesFromAll(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Unsubscribe(Stream topic, Client client)
        {
            foreach (var each in Topics.Values)
            {
                base.Unsubscribe(each, client);
            }
        }
    }

    private sealed class DoesNotUnsubscribe(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Unsubscribe(Stream topic, Client client)
        {
            // The ack is sent all the same.
        }
    }

    private sealed class UnsubscribesEverybody(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Unsubscribe(Stream topic, Client client) => topic.Subscribers.Clear();
    }

    private sealed class ComesBack(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        private readonly Dictionary<string, Stream> _once = new(StringComparer.Ordinal);

        protected override Stream New(string name)
        {
            var topic = base.New(name);
            topic.Retained.AddRange(_once.TryGetValue(name, out var before) ? before.Retained : []);
            return _once[name] = topic;
        }
    }

    private sealed class AnswersFirst(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void Reply(Client client, string text)
        {
            var queued = client.Queue.Count;
            base.Reply(client, text);
            if (client.Queue.Count > queued)
            {
                client.Queue.Insert(0, client.Queue[queued]);
                client.Queue.RemoveAt(queued + 1);
            }
        }
    }

    private sealed class NeverWaits(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool HasRoom(Client client) => true;
    }

    private sealed class WaitsEarly(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool HasRoom(Client client) =>
            base.HasRoom(client)
            && (client.Closed != CloseReason.None || client.Unsent.Count(entry => !entry.Live) < Limits.MaxReplies - 1);
    }

    private sealed class FollowsTheClock(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override long Stamp(Stream topic) => topic.Last = topic.Last == Now ? Now + 1 : Now;
    }

    private sealed class StandsStill(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override long Stamp(Stream topic) => topic.Last = Math.Max(Now, topic.Last);
    }

    private sealed class AcksLate(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override long StampOfAck(Stream topic) => topic.Last;
    }

    private sealed class ReplaysThePosition(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override IEnumerable<Entry> Replay(Stream topic, Position position) =>
            base.Replay(topic, position with { Since = position.Since - 1 });
    }

    private sealed class MissesOne(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsWhole(Stream topic, Position position, int missing) =>
            base.IsWhole(topic, position, missing == 1 ? 0 : missing);
    }

    private sealed class IgnoresTheEpoch(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsWhole(Stream topic, Position position, int missing) =>
            base.IsWhole(topic, position with { Epoch = null }, missing);
    }

    private sealed class TakesTheFuture(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsWhole(Stream topic, Position position, int missing) =>
            base.IsWhole(topic, position with { Since = Math.Min(position.Since, topic.Last) }, missing);
    }

    private sealed class TakesThePast(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsWhole(Stream topic, Position position, int missing) =>
            base.IsWhole(topic, position with { Since = Math.Max(position.Since, topic.Created) }, missing);
    }

    private sealed class ReadsAllAsWhole(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override bool IsWhole(Stream topic, int lastN) => true;
    }

    private sealed class DividesBatches(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override void PublishAll(Stream topic, IReadOnlyList<Entry> batch)
        {
            foreach (var live in batch)
            {
                Publish(topic, live);
            }
        }
    }

    private sealed class OversleepsTheLast(BrokerLimits limits, bool disconnects) : Model(limits, disconnects)
    {
        protected override string Reader(Client client) =>
            client is { Closed: CloseReason.None, Held: null, Queue: [var last] } && last.Live ? "asleep" : base.Reader(client);
    }
}
