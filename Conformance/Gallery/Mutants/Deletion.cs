using System.Collections.Concurrent;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about the deletion of topics.</summary>
internal static class Deletion
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("del-subscriptions-by-name", "Subscriptions are kept by the name of the topic, beyond its deletion.")
        {
            Change = parts =>
            {
                var subscribers = new ConcurrentDictionary<string, List<Outbox>>();
                return parts with { Topic = seed => new SubscriptionsByName(seed, subscribers) };
            },
            Kills = [new("PS-DEL-001", "A subscription ends with its topic"), new("PS-DEL-004", "A topic created again has no subscribers")],
            Also = ["PS-DEL-003"],
        },
        new("del-number-by-name", "The number of subscribers is kept by the name of the topic, beyond its deletion.")
        {
            Change = parts =>
            {
                var numbers = new ConcurrentDictionary<string, int>();
                return parts with { Topic = seed => new NumberByName(seed, numbers) };
            },
            Kills = [new("PS-DEL-004", "A topic created again has no subscribers")],
        },
        new("del-ring-by-name", "What is retained is kept by the name of the topic, beyond its deletion.")
        {
            Change = parts =>
            {
                var rings = new ConcurrentDictionary<string, List<byte[]>>();
                return parts with { Topic = seed => new RingByName(seed, rings) };
            },
            Kills = [new("PS-DEL-004", "A topic created again retains nothing of its namesake")],
        },
        new("del-no-notice", "Subscribers of a deleted topic are closed without a notice.")
        {
            Change = parts => parts with { Topic = seed => new Dismissing(seed, (subscriber, _) => subscriber.Finish(null, 1000, "topic deleted")) },
            Kills = [new("PS-DEL-002", "the notice")],
        },
        new("del-undated-notice", "The notice has no timestamp.")
        {
            Change = parts => parts with { Messages = server => new OtherNotice(server, "timestamp", _ => null) },
            Kills = [new("PS-DEL-002", "The notice has a timestamp"), new("PS-ENV-003", "every server message has a timestamp in UTC")],
        },
        new("del-notice-name-encoded", "The notice spells the name of the topic as a path does.")
        {
            Change = parts => parts with
            {
                Messages = server => new OtherNotice(server, "topic", topic => Messages.Quote(TopicName.Encode(topic.Text!))),
            },
            Kills = [new("PS-DEL-002", "The notice names the topic that was deleted")],
        },
        new("del-untyped-notice", "The notice has no type.")
        {
            Change = parts => parts with { Messages = server => new OtherNotice(server, "type", _ => null) },
            Kills = [new("PS-ENV-001", "every server message has a string member type"), new("PS-DEL-002", "the notice")],
        },
        new("del-notice-first", "The notice goes out before the events that are queued.")
        {
            Change = parts => ShortOfBuffer(parts) with { Outbox = server => new NoticeFirst(server) },
            Kills = [new("PS-DEL-002", "The notice comes after the events already queued")],
        },
        new("del-going-away", "Subscribers of a deleted topic are closed with 1001.")
        {
            Change = parts => parts with { Topic = seed => new Dismissing(seed, (subscriber, notice) => subscriber.Finish(notice, 1001, "topic deleted")) },
            Kills = [new("PS-DEL-003", "closed with 1000")],
        },
        new("del-not-closed", "Subscribers of a deleted topic are told so and not closed.")
        {
            Change = parts => parts with { Topic = seed => new Dismissing(seed, (subscriber, notice) => subscriber.Say(notice)) },
            Kills = [new("PS-DEL-003", "the end of the connection")],
        },
        new("del-spares-others", "A subscriber of a deleted topic that has other subscriptions is not closed.")
        {
            Change = parts => parts with { Topic = seed => new SparesOthers(seed) },
            Kills = [new("PS-DEL-003", "the end of the connection")],
        },
        new("del-stale-handles", "A connection that has used a topic is acked as if the topic still were.")
        {
            Change = parts => parts with { Session = seed => new StaleHandles(seed) },
            Kills = [new("PS-DEL-005", "that names a deleted topic is answered with TOPIC_NOT_FOUND")],
        },
        new("del-by-prefix", "Subscribers of topics whose names begin with that of the deleted one are dismissed too.")
        {
            Change = parts => parts with { Topics = server => new ByPrefix(server) },
            Kills = [new("PS-DEL-007", "A subscriber of another topic goes on receiving")],
            Also = ["PS-REST-023"],
        },
        new("del-former-too", "Connections that have unsubscribed from a deleted topic are closed too.")
        {
            Change = parts => parts with { Topic = seed => new FormerToo(seed) },
            Kills = [new("PS-DEL-007", "A connection that has unsubscribed keeps its other subscription")],
        },
        new("del-queue-dropped", "What is queued for a subscriber of a deleted topic is dropped.")
        {
            Change = parts => ShortOfBuffer(parts) with { Topic = seed => new Dismissing(seed, (subscriber, notice) => subscriber.Abandon(notice, 1000, "topic deleted")) },
            Kills = [new("PS-DEL-008", "expected 30 events")],
            Also = ["PS-DEL-002"],
        },
        new("del-event-in-hand-lost", "Of a busy connection the last event waits a moment for company, and is lost when the topic is deleted meanwhile.")
        {
            Change = parts => parts with { Outbox = server => new EventInHand(server) },
            Kills = [new("PS-DEL-008", "expected 50 events")],
            Also = ["PS-DEL-002"],
        },
        new("del-twice", "Of several who delete a topic at once, all who find it succeed.")
        {
            Change = parts => parts with { Topics = server => new DeletesTwice(server) },
            Kills = [new("PS-DEL-009", "concurrent deletions one is answered with 200")],
        },
    ];

    /// <summary>What is unread is queued by the server itself, which is nobody's fault, and not by the network.</summary>
    private static Parts ShortOfBuffer(Parts parts) => parts with
    {
        Connection = socket =>
        {
            socket.SendBufferSize = 16 * 1024;
            return new Connection(socket);
        },
    };

    /// <summary>Parts from each subscriber in a way of its own.</summary>
    private sealed class Dismissing(TopicSeed seed, Action<Outbox, byte[]> dismiss) : Topic(seed)
    {
        protected override void Dismiss(Outbox subscriber, byte[] notice) => dismiss(subscriber, notice);
    }

    private sealed class SubscriptionsByName : Topic
    {
        private readonly ConcurrentDictionary<string, List<Outbox>> _byName;

        public SubscriptionsByName(TopicSeed seed, ConcurrentDictionary<string, List<Outbox>> byName)
            : base(seed)
        {
            _byName = byName;
            Subscribers.AddRange(byName.GetValueOrDefault(seed.Name, []));
        }

        public override void Delete(byte[] notice)
        {
            lock (Gate)
            {
                _byName[Name] = [.. Subscribers];
                base.Delete(notice);
            }
        }

        protected override void Dismiss(Outbox subscriber, byte[] notice) => subscriber.Say(notice);
    }

    private sealed class NumberByName(TopicSeed seed, ConcurrentDictionary<string, int> numbers) : Topic(seed)
    {
        private readonly int _before = numbers.GetValueOrDefault(seed.Name);

        public override (int Subscribers, long Messages) Count() => base.Count() with { Subscribers = base.Count().Subscribers + _before };

        public override void Delete(byte[] notice)
        {
            numbers[Name] = Count().Subscribers;
            base.Delete(notice);
        }
    }

    private sealed class RingByName : Topic
    {
        private readonly ConcurrentDictionary<string, List<byte[]>> _byName;

        public RingByName(TopicSeed seed, ConcurrentDictionary<string, List<byte[]>> byName)
            : base(seed)
        {
            _byName = byName;
            Retained.AddRange(byName.GetValueOrDefault(seed.Name, []));
        }

        public override void Delete(byte[] notice)
        {
            lock (Gate)
            {
                _byName[Name] = [.. Retained];
                base.Delete(notice);
            }
        }
    }

    /// <summary>Writes one member of the notice otherwise, or not at all.</summary>
    private sealed class OtherNotice(SmallServer server, string name, Func<Member, string?> write) : Messages(server.Parts.Variation)
    {
        public override byte[] Deleted(string topic) => Text(Member.Spell(
            Member.Of(Encoding.UTF8.GetString(base.Deleted(topic)))
                .Select(member => member.Name == name ? member with { Json = write(member)! } : member).Where(member => member.Json is not null)));
    }

    private sealed class NoticeFirst(SmallServer server) : Outbox(server)
    {
        public override void Finish(byte[]? last, int code, string reason)
        {
            if (code == 1000 && last is not null)
            {
                SayFirst(last);
            }

            base.Finish(code == 1000 ? null : last, code, reason);
        }
    }

    private sealed class SparesOthers(TopicSeed seed) : Topic(seed)
    {
        protected override void Dismiss(Outbox subscriber, byte[] notice)
        {
            var joined = Server.Sessions.Keys.First(session => session.Outbox == subscriber).Joined.Keys;
            if (joined.Any(topic => topic != this && Server.Topics.Find(topic.Name) == topic))
            {
                subscriber.Say(notice);
                return;
            }

            base.Dismiss(subscriber, notice);
        }
    }

    private sealed class StaleHandles(SessionSeed seed) : Session(seed)
    {
        private readonly HashSet<string> _used = [];

        protected override void Answer(ClientRequest request)
        {
            if (Topics.Find(request.Topic) is not null)
            {
                _used.Add(request.Topic);
            }

            base.Answer(request);
        }

        protected override void NotFound(ClientRequest request)
        {
            if (_used.Contains(request.Topic))
            {
                Outbox.Reply(Ack(request));
                return;
            }

            base.NotFound(request);
        }
    }

    private sealed class ByPrefix(SmallServer server) : Servers.Topics(server)
    {
        public override bool TryDelete(string name)
        {
            var near = All.Where(topic => topic.Name != name && topic.Name.StartsWith(name, StringComparison.Ordinal)).ToHashSet();
            foreach (var session in Server.Sessions.Keys.Where(session => session.Joined.Keys.Any(near.Contains)))
            {
                session.Outbox.Finish(Server.Messages.Deleted(name), 1000, "topic deleted");
            }

            return base.TryDelete(name);
        }
    }

    private sealed class FormerToo(TopicSeed seed) : Topic(seed)
    {
        public override void Delete(byte[] notice)
        {
            base.Delete(notice);
            foreach (var former in Server.Sessions.Keys.Where(session => session.Joined.ContainsKey(this)))
            {
                Dismiss(former.Outbox, notice);
            }
        }
    }

    private sealed class EventInHand(SmallServer server) : Outbox(server)
    {
        private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20);
        private const int Busy = 45;

        private readonly Lock _gate = new();
        private byte[]? _inHand; // guarded by _gate
        private int _delivered; // guarded by _gate

        public override void Reply(byte[] text)
        {
            lock (_gate)
            {
                Pass();
                base.Reply(text);
            }
        }

        public override void Say(byte[] text)
        {
            lock (_gate)
            {
                Pass();
                base.Say(text);
            }
        }

        public override bool TryDeliver(byte[] @event)
        {
            lock (_gate)
            {
                Pass();
                if (++_delivered < Busy)
                {
                    return base.TryDeliver(@event);
                }

                _inHand = @event;
                _ = PassLaterAsync(@event);
                return Closing is null;
            }
        }

        private void Pass()
        {
            if (_inHand is { } passed)
            {
                _inHand = null;
                base.TryDeliver(passed);
            }
        }

        private async Task PassLaterAsync(byte[] @event)
        {
            await Task.Delay(Moment, TimeProvider.System);
            lock (_gate)
            {
                if (_inHand == @event)
                {
                    Pass();
                }
            }
        }
    }

    private sealed class DeletesTwice(SmallServer server) : Servers.Topics(server)
    {
        private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(2);
        private int _deleting;

        public override bool TryDelete(string name)
        {
            if (Find(name) is not { } topic)
            {
                return false;
            }

            Interlocked.Increment(ref _deleting);
            SpinWait.SpinUntil(() => Volatile.Read(ref _deleting) > 1, Window);
            ByName.TryRemove(name, out _);
            topic.Delete(Server.Messages.Deleted(name));
            Interlocked.Decrement(ref _deleting);
            return true;
        }
    }
}
