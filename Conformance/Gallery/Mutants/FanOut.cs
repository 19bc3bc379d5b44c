using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about who receives what, and in which order.</summary>
internal static partial class FanOut
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("fan-fifth-twice", "Every fifth message of a topic is delivered twice.")
        {
            Change = parts => parts with { Topic = seed => new FifthTwice(seed) },
            Kills =
            [
                new("PS-FAN-001", "alice receives each message once"),
                new("PS-FAN-004", "a publisher that is subscribed receives its own events, each once"),
                new("PS-FAN-007", "each message of concurrent publishers reaches every subscriber exactly once"),
                new("PS-FAN-008", "a burst in small pieces is delivered whole and in order"),
            ],
            Also = ["PS-BPR-006", "PS-DEL-002", "PS-DEL-008", "PS-ENV-008", "PS-ERR-009", "PS-FAN-006", "PS-PING-004", "PS-PUB-008", "PS-PUB-013", "PS-ROB-001", "PS-ROB-005", "PS-RPL-002", "PS-RPL-010", "PS-RPL-011", "PS-UNS-003", "PS-WS-005"],
        },
        new("fan-sixteen", "Only the first sixteen subscribers of a topic are delivered to.")
        {
            Change = parts => parts with { Topic = seed => new Sixteen(seed) },
            Kills = [new("PS-FAN-001", "each of twenty subscribers receives each message once")],
            Also = ["PS-RPL-002"],
        },
        new("fan-neighbour-skipped", "When somebody in the middle leaves, whoever comes next in the list misses the next event.")
        {
            Change = parts => parts with { Topic = seed => new NeighbourSkipped(seed) },
            Kills = [new("PS-FAN-001", "who stays receives each message once while others leave")],
        },
        new("fan-again-twice", "Who subscribes again after unsubscribing is delivered everything twice.")
        {
            Change = parts => parts with { Topic = seed => new AgainTwice(seed) },
            Kills = [new("PS-FAN-001", "a subscription that is not the first receives each message once")],
            Also = ["PS-UNS-003"],
        },
        new("fan-overtaken", "Every 43rd event of a topic is overtaken by the next.")
        {
            Change = parts => parts with { Topic = seed => new Overtaken(seed) },
            Kills =
            [
                new("PS-FAN-002", "messages arrive in the order in which they were published"),
                new("PS-FAN-003", "the order of replay is the order in which the events came"),
                new("PS-FAN-008", "a burst in one write is delivered whole and in order"),
            ],
            Also = ["PS-DEL-002", "PS-DEL-008", "PS-FAN-007", "PS-PING-004", "PS-PUB-005", "PS-ROB-005", "PS-SUB-004"],
        },
        new("fan-large-apart", "A large event is overtaken by the small one behind it.")
        {
            Change = parts => parts with { Topic = seed => new LargeApart(seed) },
            Kills = [new("PS-FAN-002", "a small message does not overtake a large one")],
            Also = ["PS-DEL-008"],
        },
        new("fan-two-orders", "While several publish, every second subscriber sees what one of them published last behind what another publishes next.")
        {
            Change = parts => parts with { Topic = seed => new TwoOrders(seed) },
            Kills = [new("PS-FAN-003", "all subscribers receive the events in one and the same order")],
        },
        new("fan-not-to-oneself", "A publisher that is not the only subscriber is not delivered its own events.")
        {
            Change = parts => parts with { Topic = seed => new NotToOneself(seed) },
            Kills = [new("PS-FAN-004", "a publisher that is subscribed receives its own events, each once")],
            Also = ["PS-FAN-008", "PS-REST-023", "PS-ROB-003", "PS-RPL-002", "PS-WS-005"],
        },
        new("fan-bare-uuid", "A UUID in message.id loses its hyphens.")
        {
            Change = parts => parts with { Session = seed => new Rewriting(seed, raw => Uuid().Replace(raw, uuid => uuid.Value.Replace("-", ""))) },
            Kills = [new("PS-FAN-005", "an event has the message's id in message")],
            Also = ["PS-PUB-006"],
        },
        new("fan-number-out-of-text", "A text in the payload that is a decimal number becomes one.")
        {
            Change = parts => parts with { Session = seed => new Rewriting(seed, raw => QuotedNumber().Replace(raw, ":$1")) },
            Kills = [new("PS-FAN-005", "an event has the message's payload in message")],
            Also = ["PS-PUB-004", "PS-PUB-005", "PS-PUB-006"],
        },
        new("fan-time-of-delivery", "An event has the time at which it was handed to each subscriber.")
        {
            Change = parts => parts with { Outbox = server => new Dating(server) },
            Kills = [new("PS-FAN-006", "an event has one timestamp for all subscribers and in replay")],
        },
        new("fan-time-of-replay", "A replayed event has the time of its replay.")
        {
            Change = parts => parts with { Topic = seed => new TimeOfReplay(seed) },
            Kills = [new("PS-FAN-006", "an event has one timestamp for all subscribers and in replay")],
        },
        new("fan-time-of-the-client", "A timestamp in the publish is taken for the event.")
        {
            Change = parts => parts with { Session = seed => new TimeOfTheClient(seed) },
            Kills = [new("PS-FAN-006", "an event's timestamp lies between those of the acks before and after its acceptance")],
        },
        new("fan-fiftieth-of-a-read", "Of what one read brings in, the 50th publish is acked and forgotten.")
        {
            Change = parts => parts with { Session = seed => new FiftiethOfARead(seed) },
            Kills = [new("PS-FAN-008", "a burst in one write is delivered whole and in order")],
            // Whatever publishes fifty without waiting for an ack may lose one: how many of them one read brings in is up to the machine.
            Also = ["PS-BPR-006", "PS-DEL-002", "PS-DEL-008", "PS-OBS-008", "PS-PING-004", "PS-RPL-004", "PS-SUB-004"],
        },
    ];

    /// <summary>The same event at the present time, in ticks.</summary>
    private static byte[] Redated(byte[] @event)
    {
        var now = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
        return Dated(@event, now);
    }

    private static byte[] Dated(byte[] @event, string time) =>
        Encoding.UTF8.GetBytes(Timestamp().Replace(Encoding.UTF8.GetString(@event), $"\"timestamp\":\"{time}\"}}"));

    [GeneratedRegex("\"timestamp\":\"[^\"]*\"}\\z")]
    private static partial Regex Timestamp();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex(":\"([0-9]+\\.[0-9]+)\"")]
    private static partial Regex QuotedNumber();

    private sealed class FifthTwice(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            base.Deliver(@event, publisher);
            if (Accepted % 5 == 0)
            {
                base.Deliver(@event, publisher);
            }
        }
    }

    private sealed class Sixteen(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            foreach (var ended in Subscribers.Take(16).Where(subscriber => !subscriber.TryDeliver(@event)).ToList())
            {
                Subscribers.Remove(ended);
            }
        }
    }

    private sealed class NeighbourSkipped(TopicSeed seed) : Topic(seed)
    {
        private Outbox? _skipped; // guarded by Gate

        protected override void Remove(Outbox subscriber)
        {
            var at = Subscribers.IndexOf(subscriber);
            _skipped = at > 0 && at + 1 < Subscribers.Count ? Subscribers[at + 1] : _skipped;
            base.Remove(subscriber);
        }

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            var skipped = _skipped;
            _skipped = null;
            Subscribers.RemoveAll(subscriber => subscriber != skipped && !subscriber.TryDeliver(@event));
        }
    }

    private sealed class AgainTwice(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<Outbox> _known = []; // guarded by Gate

        public override (int Subscribers, long Messages) Count()
        {
            lock (Gate)
            {
                return (Subscribers.Distinct().Count(), Accepted);
            }
        }

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                var isNew = !Subscribers.Contains(subscriber);
                var done = base.TrySubscribe(subscriber, request, ack);
                if (done && isNew && !_known.Add(subscriber))
                {
                    Subscribers.Add(subscriber);
                }

                return done;
            }
        }

        protected override void Remove(Outbox subscriber) => Subscribers.RemoveAll(other => other == subscriber);
    }

    private sealed class Overtaken(TopicSeed seed) : Topic(seed)
    {
        private (byte[] Event, Outbox Publisher)? _held; // guarded by Gate

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            if (Accepted % 43 == 0)
            {
                _held = (@event, publisher);
                return;
            }

            base.Deliver(@event, publisher);
            if (_held is var (held, by))
            {
                _held = null;
                base.Deliver(held, by);
            }
        }
    }

    private sealed class LargeApart(TopicSeed seed) : Topic(seed)
    {
        private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(100);

        private byte[]? _large; // guarded by Gate

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            if (@event.Length < 16 * 1024)
            {
                base.Deliver(@event, publisher);
                DeliverLarge(publisher);
                return;
            }

            DeliverLarge(publisher);
            _large = @event;
            _ = DeliverLaterAsync(@event, publisher);
        }

        private void DeliverLarge(Outbox publisher)
        {
            if (_large is { } large)
            {
                _large = null;
                base.Deliver(large, publisher);
            }
        }

        private async Task DeliverLaterAsync(byte[] large, Outbox publisher)
        {
            await Task.Delay(Longest);
            lock (Gate)
            {
                if (_large == large)
                {
                    DeliverLarge(publisher);
                }
            }
        }
    }

    private sealed class TwoOrders(TopicSeed seed) : Topic(seed)
    {
        private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(500);
        private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

        private readonly List<byte[]> _held = []; // of the last publisher; guarded by Gate
        private (Outbox Publisher, long At) _last; // guarded by Gate

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            var before = _last;
            _last = (publisher, TimeProvider.System.GetTimestamp());
            Offer(@event, odd: false);
            if (_held.Count == 0)
            {
                if (before.Publisher is null || before.Publisher == publisher || TimeProvider.System.GetElapsedTime(before.At) > Together)
                {
                    Offer(@event, odd: true);
                    return;
                }

                _held.Add(@event);
                _ = LetGoAsync(@event);
            }
            else if (before.Publisher == publisher)
            {
                _held.Add(@event);
            }
            else
            {
                Offer(@event, odd: true);
                LetGo();
            }
        }

        private void Offer(byte[] @event, bool odd)
        {
            foreach (var subscriber in Subscribers.Where((_, place) => place % 2 == (odd ? 1 : 0)).ToList())
            {
                if (!subscriber.TryDeliver(@event))
                {
                    Subscribers.Remove(subscriber);
                }
            }
        }

        private async Task LetGoAsync(byte[] @event)
        {
            await Task.Delay(Moment);
            lock (Gate)
            {
                if (_held.Count > 0 && _held[0] == @event)
                {
                    LetGo();
                }
            }
        }

        private void LetGo()
        {
            _held.ForEach(held => Offer(held, odd: true));
            _held.Clear();
        }
    }

    private sealed class NotToOneself(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher) =>
            Subscribers.RemoveAll(subscriber => (subscriber != publisher || Subscribers.Count == 1) && !subscriber.TryDeliver(@event));
    }

    /// <summary>Publishes something else than it was asked to.</summary>
    private sealed class Rewriting(SessionSeed seed, Func<string, string> rewrite) : Session(seed)
    {
        protected override bool Publish(Topic topic, ClientRequest request) =>
            base.Publish(topic, request with { RawMessage = rewrite(request.RawMessage) });
    }

    private sealed class Dating(SmallServer server) : Outbox(server)
    {
        public override bool TryDeliver(byte[] @event) => base.TryDeliver(Redated(@event));
    }

    private sealed class TimeOfReplay(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN) => base.Replayed(lastN).Select(Redated);
    }

    private sealed class TimeOfTheClient(SessionSeed seed) : Session(seed)
    {
        private string? _time;

        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            _time = JsonSerializer.Deserialize<JsonElement>(text.Span, Deep).TryGetProperty("timestamp", out var time) ? time.ToString() : null;
            return request;
        }

        protected override bool Publish(Topic topic, ClientRequest request)
        {
            var @event = Messages.Event(topic.Name, request.RawMessage);
            return topic.TryPublish(_time is null ? @event : Dated(@event, _time), Outbox, request, Messages.Ack(request));
        }
    }

    private static readonly JsonSerializerOptions Deep = new() { MaxDepth = 128 };

    private sealed class FiftiethOfARead(SessionSeed seed) : Session(seed)
    {
        private (int Read, int Count) _publish;

        protected override bool Publish(Topic topic, ClientRequest request)
        {
            _publish = (Connection.Idles, _publish.Read == Connection.Idles ? _publish.Count + 1 : 1);
            if (_publish.Count != 50)
            {
                return base.Publish(topic, request);
            }

            Outbox.Reply(Messages.Ack(request));
            return true;
        }
    }
}
