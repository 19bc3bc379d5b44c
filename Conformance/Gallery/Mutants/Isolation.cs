using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers whose topics know something of each other.</summary>
internal static class Isolation
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("iso-last-message-again", "A connection that goes on to publish to another topic delivers its last message there as well.")
        {
            Change = parts => parts with { Topic = seed => new Open(seed), Session = seed => new LastMessageAgain(seed) },
            Kills =
            [
                new("PS-ISO-001", "a subscriber of payments receives no event of orders"),
                new("PS-ISO-002", "shares no events with a name that looks like it"),
            ],
            Also = ["PS-BPR-006", "PS-DEL-004", "PS-DEL-007", "PS-DEL-008", "PS-ISO-003", "PS-ISO-004", "PS-RPL-001", "PS-SUB-002", "PS-SUB-007", "PS-UNS-002", "PS-UNS-003"],
        },
        new("iso-crossed-burst", "Every 150th message of a connection that serves eight topics or more is delivered at the one before as well.")
        {
            Change = parts => parts with { Topic = seed => new Open(seed), Session = seed => new CrossedBurst(seed) },
            Kills = [new("PS-ISO-001", "amid bursts a subscriber receives its own topic's events and no other")],
        },
        new("iso-publisher-listens", "A connection receives what it publishes, subscribed or not.")
        {
            Change = parts => parts with { Topic = seed => new PublisherListens(seed) },
            Kills = [new("PS-ISO-001", "a publisher receives no event of a topic that it only publishes to")],
            Also = ["PS-RPL-002"],
        },
        new("iso-by-client-id", "Whoever shares a client_id with a subscriber of one topic, receives its events on another.")
        {
            Change = parts =>
            {
                var members = new ConcurrentDictionary<(Topic Topic, Outbox Outbox), string>();
                return parts with { Session = seed => new ByClientId(seed, members) };
            },
            Kills = [new("PS-ISO-001", "a client_id in common does not mix two connections' topics")],
        },
        Leaky("iso-below", "A subscriber receives the events of all topics whose names begin with that of its own, if that has three characters.",
            (name, own) => own.Length > 2 && name.StartsWith(own, StringComparison.Ordinal)),
        Leaky("iso-wildcard", "A name that ends in an asterisk is subscribed to as a pattern.",
            (name, own) => own.EndsWith('*') && name.StartsWith(own[..^1], StringComparison.Ordinal)),
        new("iso-unsubscribe-below", "To unsubscribe from a topic ends the subscriptions to all whose names it begins with.")
        {
            Change = parts => parts with { Session = seed => new UnsubscribeBelow(seed) },
            Kills = [new("PS-ISO-002", "a subscription does not end with that to a name that looks like it")],
        },
        new("iso-one-file", "Messages are retained in files, in whose names all but letters and digits is an underscore.")
        {
            Change = parts =>
            {
                var files = new ConcurrentDictionary<string, List<byte[]>>(StringComparer.Ordinal);
                return parts with { Topic = seed => new OneFile(seed, files) };
            },
            Kills = [new("PS-ISO-003", "has no event of another topic")],
        },
        new("iso-used-buffer", "The replay of a topic without messages is what the one before left in the buffer.")
        {
            Change = parts =>
            {
                var buffer = new StrongBox<byte[][]>([]);
                return parts with { Topic = seed => new UsedBuffer(seed, buffer) };
            },
            Kills = [new("PS-ISO-003", "a topic without messages replays nothing of another")],
            Also = ["PS-DEL-004", "PS-PUB-002", "PS-RPL-001"],
        },
        new("iso-piled-up", "A connection's second replay begins with its first, under the name of the second topic.")
        {
            Change = parts =>
            {
                var buffers = new ConditionalWeakTable<Outbox, List<(Topic, byte[])>>();
                return parts with { Topic = seed => new PiledUp(seed, buffers) };
            },
            Kills = [new("PS-ISO-003", "the replay of payments has no event of orders")],
            Also = ["PS-RPL-001", "PS-RPL-010"],
        },
        Confused("iso-one-case", "Topics whose names differ in case are one.", name => name.ToUpperInvariant(), "Orders is created beside orders"),
        Confused("iso-one-decoded", "Topics whose names are the same when percent-decoded are one.", Uri.UnescapeDataString, "is not taken for"),
        new("iso-slash-found", "A topic is found by its name with a slash at the end as well.")
        {
            Change = parts => parts with { Topics = server => new SlashFound(server) },
            Kills = [new("PS-ISO-004", "is not taken for")],
        },
    ];

    /// <param name="reaches">Whether the events of the first name reach the subscribers of the second.</param>
    private static Mutant Leaky(string id, string fault, Func<string, string, bool> reaches) => new(id, fault)
    {
        Change = parts => parts with { Topic = seed => new LeakyTopic(seed, reaches) },
        Kills = [new("PS-ISO-002", "shares no events with a name that looks like it")],
    };

    /// <param name="key">What is compared of a name.</param>
    private static Mutant Confused(string id, string fault, Func<string, string> key, string because) => new(id, fault)
    {
        Change = parts => parts with { Topics = server => new Keyed(server, key) },
        Kills = [new("PS-ISO-004", because)],
    };

    /// <summary>Takes in what is not its own.</summary>
    private class Open(TopicSeed seed) : Topic(seed)
    {
        public void Overhear(byte[] @event, Outbox publisher)
        {
            lock (Gate)
            {
                Deliver(@event, publisher);
            }
        }
    }

    private sealed class LeakyTopic(TopicSeed seed, Func<string, string, bool> reaches) : Open(seed)
    {
        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
        {
            foreach (var other in Server.Topics.All.OfType<LeakyTopic>().Where(other => other != this && reaches(Name, other.Name)))
            {
                other.Overhear(@event, publisher);
            }

            return base.TryPublish(@event, publisher, request, ack);
        }
    }

    private sealed class LastMessageAgain(SessionSeed seed) : Session(seed)
    {
        private (Topic Topic, byte[] Event)? _last;

        protected override bool Publish(Topic topic, ClientRequest request)
        {
            if (_last is var (before, @event) && before != topic)
            {
                ((Open)topic).Overhear(@event, Outbox);
            }

            _last = (topic, Messages.Event(topic.Name, request.RawMessage));
            return topic.TryPublish(_last.Value.Event, Outbox, request, Messages.Ack(request));
        }
    }

    private sealed class CrossedBurst(SessionSeed seed) : Session(seed)
    {
        private readonly HashSet<Topic> _served = [];
        private Topic? _before;
        private int _messages;

        protected override bool Publish(Topic topic, ClientRequest request)
        {
            _served.Add(topic);
            if (++_messages % 150 == 0 && _served.Count >= 8 && _before is Open before && before != topic)
            {
                before.Overhear(Messages.Event(topic.Name, request.RawMessage), Outbox);
            }

            _before = topic;
            return base.Publish(topic, request);
        }
    }

    private sealed class PublisherListens(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            base.Deliver(@event, publisher);
            if (!Subscribers.Contains(publisher))
            {
                publisher.Say(@event);
            }
        }
    }

    private sealed class ByClientId(SessionSeed seed, ConcurrentDictionary<(Topic Topic, Outbox Outbox), string> members) : Session(seed)
    {
        protected override bool Subscribe(Topic topic, ClientRequest request)
        {
            members[(topic, Outbox)] = request.ClientId;
            return base.Subscribe(topic, request);
        }

        protected override bool Unsubscribe(Topic topic, ClientRequest request)
        {
            members.TryRemove((topic, Outbox), out _);
            return base.Unsubscribe(topic, request);
        }

        protected override bool Publish(Topic topic, ClientRequest request)
        {
            // Too many scenarios call their client c.
            var ids = members.Where(member => member.Key.Topic == topic && member.Value.Length > 1).Select(member => member.Value).ToHashSet();
            var here = members.Keys.Where(member => member.Topic == topic).Select(member => member.Outbox).ToHashSet();
            foreach (var other in members.Where(member => ids.Contains(member.Value)).Select(member => member.Key.Outbox).Where(outbox => here.Add(outbox)))
            {
                other.Say(Messages.Event(topic.Name, request.RawMessage));
            }

            return base.Publish(topic, request);
        }

        protected override void LeaveAll()
        {
            foreach (var topic in Joined.Keys)
            {
                members.TryRemove((topic, Outbox), out _);
            }

            base.LeaveAll();
        }
    }

    private sealed class UnsubscribeBelow(SessionSeed seed) : Session(seed)
    {
        protected override bool Unsubscribe(Topic topic, ClientRequest request)
        {
            foreach (var other in Joined.Keys.Where(other => other != topic && other.Name.StartsWith(topic.Name, StringComparison.Ordinal)))
            {
                other.Leave(Outbox);
            }

            return base.Unsubscribe(topic, request);
        }
    }

    private sealed class OneFile(TopicSeed seed, ConcurrentDictionary<string, List<byte[]>> files) : Topic(seed)
    {
        private string FileName => string.Concat(Name.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '_'));

        public override void Delete(byte[] notice)
        {
            files.TryRemove(FileName, out _);
            base.Delete(notice);
        }

        protected override void Retain(byte[] @event)
        {
            var file = files.GetOrAdd(FileName, _ => []);
            lock (file)
            {
                file.Add(@event);
                file.RemoveRange(0, Math.Max(0, file.Count - Settings.Ring));
            }
        }

        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            var file = files.GetOrAdd(FileName, _ => []);
            lock (file)
            {
                return [.. file.TakeLast(lastN)];
            }
        }
    }

    private sealed class UsedBuffer(TopicSeed seed, StrongBox<byte[][]> buffer) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            if (lastN > 0 && Retained.Count > 0)
            {
                buffer.Value = [.. base.Replayed(lastN)];
            }

            return lastN > 0 ? buffer.Value! : [];
        }
    }

    private sealed class PiledUp(TopicSeed seed, ConditionalWeakTable<Outbox, List<(Topic Topic, byte[] Event)>> buffers) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            var buffer = buffers.GetOrCreateValue(Subscribers[^1]);
            byte[][] before = [.. buffer.Where(of => of.Topic != this).Select(of => Renamed(of.Event, of.Topic.Name))];
            byte[][] own = [.. base.Replayed(lastN)];
            buffer.AddRange(own.Select(@event => ((Topic)this, @event)));
            return lastN > 0 ? before.Concat(own) : [];
        }

        private byte[] Renamed(byte[] @event, string from) =>
            Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(@event).Replace($"\"topic\":{Servers.Messages.Quote(from)}", $"\"topic\":{Servers.Messages.Quote(Name)}"));
    }

    private sealed class Keyed(SmallServer server, Func<string, string> key) : Servers.Topics(server)
    {
        protected override string Key(string name) => key(name);
    }

    private sealed class SlashFound(SmallServer server) : Servers.Topics(server)
    {
        public override Topic? Find(string name) => base.Find(name) ?? base.Find(name.TrimEnd('/'));
    }
}
