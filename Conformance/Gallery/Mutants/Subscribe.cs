using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about subscribing.</summary>
internal static class Subscribe
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("sub-ack-without-topic", "The ack of a subscribe that asks for a replay does not say of which topic it is.")
        {
            Change = parts => parts with { Messages = server => new AckWithoutTopic(server, request => request.LastN > 0) },
            Kills = [new("PS-SUB-001", "the ack has the topic's name")],
            Also = ["PS-ENV-012"],
        },
        new("sub-ack-says-subscribed", "The status of a subscribe's ack is 'subscribed'.")
        {
            Change = parts => parts with { Messages = server => new SaysSubscribed(server) },
            Kills = [new("PS-SUB-001", "the ack has the status ok")],
        },
        new("sub-escapes-not-resolved", "The topic of a subscribe is taken as it is spelt where letters are escaped.")
        {
            Change = parts => parts with { Session = seed => new EscapesNotResolved(seed) },
            Kills = [new("PS-SUB-001", "a topic spelt with escapes is the same topic")],
        },
        new("sub-creates-topic", "A subscribe creates the topic that does not exist.")
        {
            Change = parts => parts with { Session = seed => new TopicFinder(seed, "subscribe", isLate: false) },
            Kills = [new("PS-SUB-002", "a subscribe to a topic that does not exist is answered with TOPIC_NOT_FOUND")],
            Also = ["PS-ISO-004", "PS-DEL-005"],
        },
        new("sub-creates-despite-error", "A subscribe to an unknown topic is refused, and creates it all the same.")
        {
            Change = parts => parts with { Session = seed => new TopicFinder(seed, "subscribe", isLate: true) },
            Kills = [new("PS-SUB-002", "a refused subscribe creates no topic")],
        },
        new("sub-waits-for-topic", "A refused subscribe takes effect as soon as the topic is created.")
        {
            Change = parts => parts with { Topics = server => new Patient(server), Topic = seed => new Awaited(seed), Session = seed => new Waits(seed) },
            Kills = [new("PS-SUB-002", "a refused subscribe makes no subscription")],
        },
        new("sub-takes-patterns", "An asterisk at the end of a topic's name stands for anything.")
        {
            Change = parts => parts with { Session = seed => new TakesPatterns(seed) },
            Kills = [new("PS-SUB-002", "a pattern names no topic until one is created by that name")],
            Also = ["PS-ISO-004"],
        },
        new("sub-client-id-a-number", "A client_id that is a number is taken for a string.")
        {
            Change = parts => parts with
            {
                Session = seed => new MendingSession(seed, "subscribe", "client_id must be a string", request =>
                {
                    if (request["client_id"]?.GetValueKind() == JsonValueKind.Number)
                    {
                        request["client_id"] = request["client_id"]!.ToJsonString();
                    }
                }),
            },
            Kills = [new("PS-SUB-003", "client_id is a number")],
        },
        new("sub-topic-null-is-empty", "A topic that is null is one that nobody has created.")
        {
            Change = parts => parts with { Session = seed => new NullIsUnknown(seed) },
            Kills = [new("PS-SUB-003", "topic is null")],
        },
        new("sub-begins-late", "On a busy topic a subscription without replay begins a little later than it is acked.")
        {
            Change = parts => parts with { Topic = seed => new BeginsLate(seed) },
            Kills = [new("PS-SUB-004", "a message published right after the ack is delivered")],
            Also = ["PS-FAN-001", "PS-UNS-008"],
        },
        new("sub-doubled-by-client-id", "A connection is subscribed once for each client_id that it names.")
        {
            Change = parts => parts with { Topic = seed => new DoubledByClientId(seed) },
            Kills =
            [
                new("PS-SUB-005", "ten subscribes make one subscription"),
                new("PS-SUB-006", "one connection is one subscriber of a topic"),
            ],
        },
        new("sub-replays-again", "A second subscribe replays what the first could have replayed.")
        {
            Change = parts => parts with { Topic = seed => new ReplaysAgain(seed) },
            Kills =
            [
                new("PS-SUB-005", "a second subscribe with last_n never delivers an event again"),
                new("PS-SUB-006", "a second subscribe replays nothing"),
            ],
        },
        new("sub-second-refused", "A second subscribe to a topic is a bad request.")
        {
            Change = parts => parts with { Topic = seed => new SecondRefused(seed) },
            Kills = [new("PS-SUB-006", "a second subscribe with last_n absent is acked")],
            Also = ["PS-ENV-008", "PS-ENV-012"],
        },
        new("sub-counted-twice", "Every subscribe counts, the second of a connection as well.")
        {
            Change = parts => parts with { Topic = seed => new CountedTwice(seed) },
            Kills = [new("PS-SUB-006", "one connection is one subscriber of a topic")],
            Also = ["PS-REST-005", "PS-OBS-009"],
        },
        new("sub-sixteen-topics", "A connection holds sixteen subscriptions; a further one silently ends the oldest.")
        {
            Change = parts => parts with { Session = seed => new SixteenTopics(seed) },
            Kills = [new("PS-SUB-007", "each of many subscriptions has its events")],
            Also = ["PS-ISO-002"],
        },
        new("sub-replaces-topic", "A connection has one subscription at a time.")
        {
            Change = parts => parts with { Session = seed => new ReplacesTopic(seed) },
            Kills = [new("PS-SUB-007", "a second subscription leaves the first in place")],
            Also = ["PS-REST-005", "PS-ISO-002", "PS-RPL-001", "PS-RPL-010", "PS-BPR-006", "PS-ERR-002"],
        },
        new("sub-splits-by-client-id", "Connections with one client_id take turns with the events.")
        {
            Change = parts => parts with { Topic = seed => new SplitsByClientId(seed) },
            Kills =
            [
                new("PS-SUB-008", "two connections with one client_id do not share the events out between them"),
                new("PS-SUB-009", "the first of two with one client_id receives every event"),
            ],
        },
        new("sub-takeover", "A connection takes the subscription of another with the same client_id over.")
        {
            Change = parts => parts with { Topic = seed => new Takeover(seed) },
            Kills = [new("PS-SUB-009", "the event sentinel-")],
        },
        new("sub-leave-together", "A connection that ends takes the subscriptions of all with the same client_id along.")
        {
            Change = parts => parts with { Topic = seed => new LeaveTogether(seed) },
            Kills = [new("PS-SUB-009", "the event sentinel-")],
        },
        new("sub-client-id-empty", "An empty client_id is accepted.")
        {
            Change = parts => parts with
            {
                Session = seed => new MendingSession(
                    seed, "subscribe", "client_id must have 1 to 255 characters",
                    request => request["client_id"] = (string)request["client_id"]! == "" ? "anonymous" : request["client_id"]!.DeepClone()),
            },
            Kills = [new("PS-SUB-010", "client_id is empty")],
        },
        new("sub-client-id-in-code-units", "The length of a client_id is counted in UTF-16 code units.")
        {
            Change = parts => parts with { Session = seed => new ClientIdInCodeUnits(seed) },
            Kills = [new("PS-SUB-010", "client_id has 255 characters outside the basic plane")],
        },
        new("sub-c1-not-found", "A topic with a C1 control character is looked for like any other.")
        {
            Change = parts => parts with { Session = seed => new C1NotFound(seed) },
            Kills = [new("PS-SUB-011", "a C1 control character")],
        },
    ];

    private sealed class SaysSubscribed(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Ack(ClientRequest request) => request.Type == "subscribe"
            ? Text($$"""{"type":"ack"{{Id(request.RawRequestId)}},"topic":{{Quote(request.Topic)}},"status":"subscribed"{{Time}}}""")
            : base.Ack(request);
    }

    private sealed class EscapesNotResolved(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 128 });
            var spelt = request.Type == "subscribe" ? json.RootElement.GetProperty("topic").GetRawText()[1..^1] : "";
            return spelt.Contains("\\u006", StringComparison.Ordinal) ? request with { Topic = spelt } : request;
        }
    }

    private sealed class Patient(SmallServer server) : Servers.Topics(server)
    {
        public System.Collections.Concurrent.ConcurrentQueue<(string Topic, Outbox Subscriber)> Waiting { get; } = [];
    }

    private sealed class Waits(SessionSeed seed) : Session(seed)
    {
        protected override void NotFound(ClientRequest request)
        {
            base.NotFound(request);
            if (request.Type == "subscribe")
            {
                ((Patient)Topics).Waiting.Enqueue((request.Topic, Outbox));
            }
        }
    }

    private sealed class Awaited : Topic
    {
        public Awaited(TopicSeed seed)
            : base(seed)
        {
            var waiting = ((Patient)Server.Topics).Waiting.Where(entry => entry.Topic == Name);
            Subscribers.AddRange(waiting.Select(entry => entry.Subscriber).Where(subscriber => !subscriber.Ended.IsCompleted).Distinct());
        }
    }

    private sealed class TakesPatterns(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(ClientRequest request)
        {
            var isPattern = request.Type == "subscribe" && request.Topic.EndsWith('*') && Topics.Find(request.Topic) is null;
            var meant = isPattern ? Topics.All.FirstOrDefault(topic => topic.Name.StartsWith(request.Topic[..^1], StringComparison.Ordinal)) : null;
            base.Answer(meant is null ? request : request with { Topic = meant.Name });
        }
    }

    private sealed class NullIsUnknown(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad) when (bad.Message == "topic must be a string")
            {
                using var json = JsonDocument.Parse(text);
                if (json.RootElement.GetProperty("topic").ValueKind == JsonValueKind.Null && json.RootElement.GetProperty("type").ValueEquals("subscribe"))
                {
                    return new ClientRequest("subscribe", bad.RawRequestId, "", "", "", 0);
                }

                throw;
            }
        }
    }

    private sealed class BeginsLate(TopicSeed seed) : Topic(seed)
    {
        private readonly Dictionary<Outbox, long> _late = []; // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (Accepted >= 20 && request.LastN == 0 && !Subscribers.Contains(subscriber))
                {
                    _late[subscriber] = TimeProvider.System.GetTimestamp();
                }

                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        protected override void Deliver(byte[] @event, Outbox publisher) =>
            Subscribers.RemoveAll(subscriber => HasBegun(subscriber) && !subscriber.TryDeliver(@event));

        private bool HasBegun(Outbox subscriber) =>
            !_late.TryGetValue(subscriber, out var since) || TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromMilliseconds(20);
    }

    private sealed class DoubledByClientId(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<(Outbox, string)> _known = []; // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                var isKnown = Subscribers.Contains(subscriber);
                var done = base.TrySubscribe(subscriber, request, ack);
                if (_known.Add((subscriber, request.ClientId)) && isKnown && done)
                {
                    Subscribers.Add(subscriber);
                }

                return done;
            }
        }

        protected override void Remove(Outbox subscriber)
        {
            Subscribers.RemoveAll(other => other == subscriber);
            _known.RemoveWhere(entry => entry.Item1 == subscriber);
        }
    }

    private sealed class ReplaysAgain(TopicSeed seed) : Topic(seed)
    {
        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                var again = Subscribers.Contains(subscriber) ? Replayed(request.LastN) : [];
                var done = base.TrySubscribe(subscriber, request, ack);
                foreach (var @event in again)
                {
                    subscriber.Say(@event);
                }

                return done;
            }
        }
    }

    private sealed class SecondRefused(TopicSeed seed) : Topic(seed)
    {
        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                return base.TrySubscribe(
                    subscriber, request,
                    Subscribers.Contains(subscriber) ? Messages.Error("BAD_REQUEST", "topic is subscribed to already", request.RawRequestId) : ack);
            }
        }
    }

    private sealed class CountedTwice(TopicSeed seed) : Topic(seed)
    {
        private readonly List<Outbox> _counted = []; // guarded by Gate

        public override (int Subscribers, long Messages) Count()
        {
            lock (Gate)
            {
                return (_counted.Count(Subscribers.Contains), Accepted);
            }
        }

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _counted.Add(subscriber);
                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        protected override void Remove(Outbox subscriber)
        {
            _counted.RemoveAll(other => other == subscriber);
            base.Remove(subscriber);
        }
    }

    private sealed class SixteenTopics(SessionSeed seed) : Session(seed)
    {
        private readonly Queue<Topic> _held = [];

        protected override bool Subscribe(Topic topic, ClientRequest request)
        {
            if (!_held.Contains(topic))
            {
                _held.Enqueue(topic);
            }

            if (_held.Count > 16)
            {
                _held.Dequeue().Leave(Outbox);
            }

            return base.Subscribe(topic, request);
        }
    }

    private sealed class ReplacesTopic(SessionSeed seed) : Session(seed)
    {
        protected override bool Subscribe(Topic topic, ClientRequest request)
        {
            foreach (var other in Joined.Keys.Where(other => other != topic))
            {
                other.Leave(Outbox);
            }

            return base.Subscribe(topic, request);
        }
    }

    private sealed class SplitsByClientId(TopicSeed seed) : LabelledTopic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            foreach (var label in Subscribers.Select(subscriber => Labels[subscriber]).Distinct().ToList())
            {
                var fellows = Labelled(label);
                var chosen = fellows[(int)(Accepted % fellows.Count)];
                if (!chosen.TryDeliver(@event))
                {
                    Remove(chosen);
                }
            }
        }
    }

    private sealed class Takeover(TopicSeed seed) : LabelledTopic(seed)
    {
        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                foreach (var other in Labelled(request.ClientId).Where(other => other != subscriber))
                {
                    Remove(other);
                }

                return base.TrySubscribe(subscriber, request, ack);
            }
        }
    }

    private sealed class LeaveTogether(TopicSeed seed) : LabelledTopic(seed)
    {
        public override void Leave(Outbox subscriber)
        {
            lock (Gate)
            {
                if (Labels.TryGetValue(subscriber, out var label))
                {
                    Labelled(label).ForEach(Remove);
                }
            }
        }
    }

    private sealed class ClientIdInCodeUnits(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            return request.Type == "subscribe" && request.ClientId.Length > 255
                ? throw new BadRequest("client_id must have 1 to 255 characters", request.RawRequestId)
                : request;
        }
    }

    private sealed class C1NotFound(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad) when (bad.Message == "topic must have no control characters")
            {
                using var json = JsonDocument.Parse(text);
                if (json.RootElement.GetProperty("topic").GetString()!.Any(letter => char.IsControl(letter) && letter < '\u0080'))
                {
                    throw;
                }

                return new ClientRequest(json.RootElement.GetProperty("type").GetString()!, bad.RawRequestId, "\u0080", "", "", 0);
            }
        }
    }
}
