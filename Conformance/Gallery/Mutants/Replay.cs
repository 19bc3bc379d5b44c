using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about what they retain and how they replay it.</summary>
internal static class Replay
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("rpl-newest-first", "A replay begins with the newest message.")
        {
            Change = parts => parts with { Topic = seed => new NewestFirst(seed) },
            Kills = [new("PS-RPL-001", "a last_n of 2 replays the newest 2"), new("PS-FAN-003", "the order of replay is the order in which the events came")],
            Also = ["PS-REST-002", "PS-PUB-005", "PS-PING-004"],
        },
        new("rpl-oldest", "A replay holds the oldest messages instead of the newest.")
        {
            Change = parts => parts with { Topic = seed => new Oldest(seed) },
            Kills = [new("PS-RPL-001", "a last_n of 1 replays the newest 1 of 10")],
            Also = ["PS-PUB-012"],
        },
        new("rpl-one-slot-further", "A last_n one above what is retained reads one slot too far, which holds the oldest again.")
        {
            Change = parts => parts with { Topic = seed => new OneSlotFurther(seed) },
            Kills = [new("PS-RPL-001", "a last_n of 11 replays the newest 10 of 10"), new("PS-RPL-004", "a last_n of 101 replays the newest 100 of 100")],
        },
        new("rpl-from-slot-zero", "Once the ring has gone round, a replay reads it from its first slot instead of from its oldest.")
        {
            Change = parts => parts with { Topic = seed => new FromSlotZero(seed) },
            Kills = [new("PS-RPL-001", "a last_n of 1 replays the newest 1 of 100")],
            Also = ["PS-FAN-003", "PS-PUB-012"],
        },
        new("rpl-first-last-n", "The first last_n of a connection holds for all its later subscriptions.")
        {
            Change = parts => parts with { Session = seed => new FirstLastN(seed) },
            Kills = [new("PS-RPL-001", "all of the second topic is replayed"), new("PS-RPL-012", "a new subscription replays what was seen and what was missed")],
        },
        new("rpl-null-of-nothing", "The replay of a topic without messages is one event with a message of null.")
        {
            Change = parts => parts with { Topic = seed => new NullOfNothing(seed) },
            Kills = [new("PS-RPL-001", "a last_n of 1 replays the newest 0 of 0"), new("PS-ISO-003", "a topic without messages replays nothing of another")],
            Also = ["PS-PUB-002", "PS-DEL-004"],
        },
        new("rpl-gap", "While several publish, the newest message is neither in the replay nor among what follows it.")
        {
            Change = parts => parts with { Topic = seed => new Seam(seed, newest => []) },
            Kills = [new("PS-RPL-002", "every message of a publisher once, from its first one on")],
            Also = ["PS-RPL-008", "PS-RPL-010"],
        },
        new("rpl-overlap", "While several publish, the newest message is in the replay and follows it as well.")
        {
            Change = parts => parts with { Topic = seed => new Seam(seed, newest => [newest, newest]) },
            Kills = [new("PS-RPL-002", "every message of a publisher once, from its first one on")],
            Also = ["PS-RPL-010"],
        },
        new("rpl-not-one-s-own", "What a connection published itself is not replayed to it.")
        {
            Change = parts => parts with { Topic = seed => new NotOnesOwn(seed) },
            Kills = [new("PS-RPL-002", "what was published before is replayed")],
        },
        new("rpl-newest-unasked", "A new subscriber is sent the newest message whether it asked for one or not.")
        {
            Change = parts => parts with { Topic = seed => new NewestUnasked(seed) },
            Kills = [new("PS-RPL-003", "nothing is replayed without last_n")],
            Also = ["PS-RPL-006", "PS-SUB-006", "PS-UNS-002", "PS-UNS-003", "PS-UNS-009"],
        },
        new("rpl-neighbours-too", "A replay goes to those as well who are subscribed and asked for none.")
        {
            Change = parts => parts with { Topic = seed => new NeighboursToo(seed) },
            Kills = [new("PS-RPL-003", "another connection's replay does not reach a subscriber who asked for none")],
            Also = ["PS-RPL-002"],
        },
        new("rpl-ring-of-99", "Of the ring's slots one is always empty.")
        {
            Change = parts => parts with { Topic = seed => new Ring(seed, -1) },
            Kills = [new("PS-RPL-004", "a last_n of 100 replays the newest 100 of 100")],
            Also = ["PS-RPL-001", "PS-RPL-010", "PS-PING-004"],
        },
        new("rpl-ring-of-101", "One message more is retained than should be.")
        {
            Change = parts => parts with { Topic = seed => new Ring(seed, 1) },
            Kills = [new("PS-RPL-004", "a last_n of 101 replays the newest 100 of 100")],
        },
        new("rpl-sixteen-bits", "Of last_n only the lower 16 bits are looked at.")
        {
            Change = parts => parts with { Session = seed => new SixteenBits(seed) },
            Kills = [new("PS-RPL-004", "a last_n of 2147483647 replays the newest 100 of 100")],
        },
        new("rpl-at-most-1000", "A last_n over 1000 is refused.")
        {
            Change = parts => parts with { Session = seed => new AtMost1000(seed) },
            Kills = [new("PS-RPL-005", "a last_n of 65536 is accepted")],
        },
        Lenient("rpl-minus-is-all", "A negative last_n asks for everything.", "a last_n of -1 is refused",
            lastN => lastN.ValueKind == JsonValueKind.Number && lastN.TryGetInt64(out var count) && count < 0 ? int.MaxValue : null),
        Lenient("rpl-fraction-cut-off", "A fractional last_n is rounded down.", "a last_n of 1.5 is refused",
            lastN => lastN.ValueKind == JsonValueKind.Number && lastN.GetDouble() is > 0 and < int.MaxValue and var count ? (int)count : null),
        Lenient("rpl-huge-is-all", "A last_n that is too large asks for as much as can be asked for.", "a last_n of 2147483648 is refused",
            lastN => lastN.ValueKind == JsonValueKind.Number && lastN.TryGetInt64(out var count) && count > int.MaxValue ? int.MaxValue : null),
        Lenient("rpl-null-is-none", "A last_n of null is none.", "a last_n of null is refused",
            lastN => lastN.ValueKind == JsonValueKind.Null ? 0 : null),
        new("rpl-huge-hangs-up", "A last_n that overflows ends the connection.")
        {
            Change = parts => parts with { Session = seed => new Overflowing(seed, (session, _) => session.Outbox.Abandon(null, 1011, "internal error")) },
            Kills = [new("PS-RPL-006", "a last_n of 2147483648 is refused")],
        },
        new("rpl-refused-but-subscribed", "A last_n that overflows is refused when the subscription has already been made.")
        {
            Change = parts => parts with { Topic = seed => new Joinable(seed), Session = seed => new Overflowing(seed, (session, request) => session.Join(request)) },
            Kills = [new("PS-RPL-006", "a last_n of 2147483648 makes no subscription and replays nothing")],
        },
        new("rpl-ack-behind", "A subscribe is acked when the replay has been sent.")
        {
            Change = parts => parts with { Topic = seed => new AckBehind(seed) },
            Kills = [new("PS-RPL-007", "the ack comes before the 1 replayed")],
            Also = ["PS-PUB-012"],
        },
        new("rpl-live-first", "Live events come while the ack and the replay are still being prepared.")
        {
            Change = parts => parts with { Topic = seed => new LiveFirst(seed) },
            Kills = [new("PS-RPL-008", "all of the replay comes before the first live event")],
            Also = ["PS-FAN-003"],

            // It holds up a thread, and the one that it waits for needs another.
            Alone = true,
        },
        new("rpl-takes", "Who asks for more than there is, is handed the list itself, and a new one is begun.")
        {
            Change = parts => parts with { Topic = seed => new Taking(seed) },
            Kills = [new("PS-RPL-009", "subscriber 2 is replayed what the ones before it were")],
            Also = ["PS-RPL-001", "PS-RPL-002", "PS-RPL-004"],
        },
        new("rpl-cursor", "A client_id is replayed only what it has not been replayed before.")
        {
            Change = parts => parts with { Topic = seed => new Cursor(seed) },
            Kills =
            [
                new("PS-RPL-009", "the second connection of one client_id is replayed everything"),
                new("PS-RPL-012", "a new subscription replays what was seen and what was missed"),
            ],
        },
        new("rpl-bounded", "What is replayed counts against the bound of the queue.")
        {
            Change = parts => parts with { Topic = seed => new Bounded(seed) },
            Kills = [new("PS-RPL-010", "a subscriber is not cut because of what it asked to have replayed")],
            Also = ["PS-RPL-004"],
        },
        new("rpl-ascii", "What is retained is kept in ASCII.")
        {
            Change = parts => parts with { Topic = seed => new Rewriting(seed, text => Encoding.UTF8.GetString(Encoding.ASCII.GetBytes(text))) },
            Kills = [new("PS-RPL-011", "a replayed event has the id of the live one"), new("PS-PUB-005", "a payload is replayed byte for byte")],
        },
        new("rpl-false-is-empty", "A payload of null or false is replayed as an empty object.")
        {
            Change = parts => parts with
            {
                Topic = seed => new Rewriting(seed, text => text.Replace("\"payload\":null", "\"payload\":{}").Replace("\"payload\":false", "\"payload\":{}")),
            },
            Kills = [new("PS-RPL-011", "a replayed event has the payload of the live one"), new("PS-PUB-005", "a payload is replayed byte for byte")],
        },
        new("rpl-first-time-only", "A connection that was subscribed before is replayed nothing.")
        {
            Change = parts => parts with { Topic = seed => new FirstTimeOnly(seed) },
            Kills = [new("PS-RPL-012", "a new subscription replays what was seen and what was missed")],
            Also = ["PS-PUB-012"],
        },
    ];

    /// <param name="meant">What is made of an illegal last_n, or null where it is refused.</param>
    private static Mutant Lenient(string id, string fault, string because, Func<JsonElement, int?> meant) => new(id, fault)
    {
        Change = parts => parts with { Session = seed => new LenientSession(seed, meant) },
        Kills = [new("PS-RPL-006", because)],
    };

    private sealed class NewestFirst(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN) => base.Replayed(lastN).Reverse();
    }

    private sealed class Oldest(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN) => Retained.Take(lastN);
    }

    private sealed class OneSlotFurther(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN) =>
            Retained.Count > 0 && lastN == Retained.Count + 1 ? Retained.Append(Retained[0]) : base.Replayed(lastN);
    }

    private sealed class FromSlotZero(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            // The slot behind the newest message is that of the oldest, when all are taken.
            var behind = Retained.Count == Settings.Ring ? (int)(Accepted % Settings.Ring) : Retained.Count;
            return Retained.TakeLast(behind).Concat(Retained.SkipLast(behind)).TakeLast(lastN);
        }
    }

    private sealed class FirstLastN(SessionSeed seed) : Session(seed)
    {
        private int _first;

        protected override bool Subscribe(Topic topic, ClientRequest request)
        {
            _first = _first == 0 ? request.LastN : _first;
            return base.Subscribe(topic, request with { LastN = Math.Min(request.LastN, _first) });
        }
    }

    private sealed class NullOfNothing(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN) =>
            lastN > 0 && Retained.Count == 0 ? [Messages.Event(Name, "null")] : base.Replayed(lastN);
    }

    /// <param name="seam">What is sent in the place of the newest message, when others are at work.</param>
    private sealed class Seam(TopicSeed seed, Func<byte[], byte[][]> seam) : Topic(seed)
    {
        private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);

        private (Outbox Publisher, long At) _last; // guarded by Gate
        private (Outbox Publisher, long At) _other; // the last of another than that; guarded by Gate

        private bool IsCrowded => _other.Publisher is not null && TimeProvider.System.GetElapsedTime(_other.At) < Moment;

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            _other = _last.Publisher is not null && _last.Publisher != publisher ? _last : _other;
            _last = (publisher, TimeProvider.System.GetTimestamp());
            base.Deliver(@event, publisher);
        }

        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            byte[][] replayed = [.. base.Replayed(lastN)];
            return IsCrowded && replayed.Length > 0 ? [.. replayed[..^1], .. seam(replayed[^1])] : replayed;
        }
    }

    private sealed class LiveFirst(TopicSeed seed) : Topic(seed)
    {
        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            byte[][] snapshot;
            lock (Gate)
            {
                if (IsDeleted || request.LastN == 0 || Subscribers.Contains(subscriber))
                {
                    return base.TrySubscribe(subscriber, request, ack);
                }

                snapshot = [.. Replayed(request.LastN)];
                Subscribers.Add(subscriber);
            }

            // Long enough for whoever is publishing to publish something more, on a machine that is busy elsewhere too.
            var then = Accepted;
            for (var wait = 0; wait < 20 && !SpinWait.SpinUntil(() => Accepted != then, TimeSpan.FromMilliseconds(1)); wait++)
            {
                // A machine that stood still for twenty milliseconds has let nobody publish.
            }

            subscriber.Reply(ack);
            Array.ForEach(snapshot, subscriber.Say);
            return true;
        }
    }

    private sealed class NotOnesOwn(TopicSeed seed) : Topic(seed)
    {
        private readonly Dictionary<byte[], Outbox> _publishers = []; // guarded by Gate
        private Outbox? _asking; // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _asking = subscriber;
                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            _publishers[@event] = publisher;
            base.Deliver(@event, publisher);
        }

        protected override IEnumerable<byte[]> Replayed(int lastN) => base.Replayed(lastN).Where(@event => _publishers[@event] != _asking);
    }

    private sealed class NewestUnasked(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN) => base.Replayed(Math.Max(1, lastN));
    }

    private sealed class NeighboursToo(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<Outbox> _asked = []; // guarded by Gate

        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            byte[][] events = [.. base.Replayed(lastN)];
            if (lastN > 0)
            {
                _asked.Add(Subscribers[^1]);
            }

            foreach (var neighbour in Subscribers.Except(_asked))
            {
                Array.ForEach(events, neighbour.Say);
            }

            return events;
        }
    }

    private sealed class Ring(TopicSeed seed, int more) : Topic(seed)
    {
        protected override void Retain(byte[] @event)
        {
            Retained.Add(@event);
            if (Retained.Count > Settings.Ring + more)
            {
                Retained.RemoveAt(0);
            }
        }
    }

    private sealed class SixteenBits(SessionSeed seed) : Session(seed)
    {
        protected override bool Subscribe(Topic topic, ClientRequest request) =>
            base.Subscribe(topic, request with { LastN = unchecked((short)request.LastN) });
    }

    private sealed class AtMost1000(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text) =>
            base.Read(text) is var request && request.LastN <= 1000 ? request : throw new BadRequest("last_n must be at most 1000", request.RawRequestId);
    }

    /// <summary>Understands some of what is no legal last_n.</summary>
    private sealed class LenientSession(SessionSeed seed, Func<JsonElement, int?> meant) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad) when (IsOfLastN(bad) && meant(JsonSerializer.Deserialize<JsonElement>(text.Span).GetProperty("last_n")) is { } count)
            {
                return base.Read(WithoutLastN(text)) with { LastN = count };
            }
        }
    }

    /// <summary>Finds out too late that an integer overflows.</summary>
    private sealed class Overflowing(SessionSeed seed, Action<Overflowing, ClientRequest> overflow) : Session(seed)
    {
        public void Join(ClientRequest request)
        {
            if (Topics.Find(request.Topic) is Joinable topic)
            {
                Joined[topic] = 0;
                topic.Join(Outbox);
            }
        }

        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad) when (IsOfLastN(bad) && IsTooLarge(JsonSerializer.Deserialize<JsonElement>(text.Span).GetProperty("last_n")))
            {
                overflow(this, base.Read(WithoutLastN(text)));
                throw;
            }
        }

        private static bool IsTooLarge(JsonElement lastN) => lastN.ValueKind == JsonValueKind.Number && lastN.GetDouble() > int.MaxValue;
    }

    private sealed class Joinable(TopicSeed seed) : Topic(seed)
    {
        public void Join(Outbox subscriber)
        {
            lock (Gate)
            {
                Subscribers.Add(subscriber);
            }
        }
    }

    private sealed class AckBehind(TopicSeed seed) : Topic(seed)
    {
        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (IsDeleted || Subscribers.Contains(subscriber))
                {
                    return base.TrySubscribe(subscriber, request, ack);
                }

                Subscribers.Add(subscriber);
                foreach (var @event in Replayed(request.LastN))
                {
                    subscriber.Say(@event);
                }

                subscriber.Reply(ack);
                return true;
            }
        }
    }

    private sealed class Taking(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            byte[][] events = [.. base.Replayed(lastN)];
            if (lastN > Retained.Count)
            {
                Retained.Clear();
            }

            return events;
        }
    }

    private sealed class Cursor(TopicSeed seed) : Topic(seed)
    {
        private readonly Dictionary<string, long> _read = []; // by client_id; guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                var unread = Accepted - _read.GetValueOrDefault(request.ClientId);
                if (request.LastN > 0)
                {
                    _read[request.ClientId] = Accepted;
                }

                return base.TrySubscribe(subscriber, request with { LastN = (int)Math.Min(request.LastN, unread) }, ack);
            }
        }
    }

    private sealed class Bounded(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            foreach (var @event in base.Replayed(lastN))
            {
                Subscribers[^1].TryDeliver(@event);
            }

            return [];
        }
    }

    /// <summary>Retains something else than it delivers.</summary>
    private sealed class Rewriting(TopicSeed seed, Func<string, string> rewrite) : Topic(seed)
    {
        protected override void Retain(byte[] @event) => base.Retain(Encoding.UTF8.GetBytes(rewrite(Encoding.UTF8.GetString(@event))));
    }

    private sealed class FirstTimeOnly(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<Outbox> _known = []; // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                return base.TrySubscribe(subscriber, _known.Add(subscriber) ? request : request with { LastN = 0 }, ack);
            }
        }
    }

    private static bool IsOfLastN(BadRequest bad) => bad.Message.StartsWith("last_n must be an integer", StringComparison.Ordinal);

    private static byte[] WithoutLastN(ReadOnlyMemory<byte> text)
    {
        var request = JsonNode.Parse(text.Span)!.AsObject();
        request.Remove("last_n");
        return JsonSerializer.SerializeToUtf8Bytes(request);
    }
}
