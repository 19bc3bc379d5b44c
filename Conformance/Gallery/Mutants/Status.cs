using System.Collections.Concurrent;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about their health and their statistics.</summary>
internal static class Status
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("obs-topics-as-text", "Health writes the number of topics as a string.")
        {
            Change = parts => parts with { Rest = server => new OtherHealth(server, (name, json) => name == "topics" ? $"\"{json}\"" : json) },
            Kills = [new("PS-OBS-001", "Health has the number topics")],
            Also = ["PS-OBS-004"],
        },
        new("obs-no-subscribers", "Health leaves the subscribers out.")
        {
            Change = parts => parts with { Rest = server => new OtherHealth(server, (name, json) => name == "subscribers" ? null : json) },
            Kills = [new("PS-OBS-001", "Health has the number subscribers"), new("PS-OBS-005", "Three subscriptions of two connections are counted as three")],
        },
        new("obs-snapshot", "Health says for ever what was so when the server started.")
        {
            Change = parts => parts with { Rest = server => new Snapshot(server) },
            Kills =
            [
                new("PS-OBS-002", "uptime_seconds grows with time"), new("PS-OBS-004", "The five topics that exist are counted"),
                new("PS-OBS-005", "Three subscriptions of two connections are counted as three"),
            ],
        },
        new("obs-uptime-negative", "Uptime is the difference of a local time and one in UTC.")
        {
            Change = parts => parts with
            {
                Rest = server => new OtherHealth(server, (name, json) => name == "uptime_seconds" ? $"-{7200 - int.Parse(json, System.Globalization.CultureInfo.InvariantCulture)}" : json),
            },
            Kills = [new("PS-OBS-002", "uptime_seconds is a non-negative number")],
        },
        new("obs-uptime-fractional", "Uptime is a fraction of seconds.")
        {
            Change = parts => parts with { Rest = server => new OtherHealth(server, (name, json) => name == "uptime_seconds" ? $"{json}.25" : json) },
            Kills = [new("PS-OBS-003", "uptime_seconds is an integer")],
        },
        new("obs-names-encoded", "Statistics spell the names of topics as a path does.")
        {
            Change = parts => parts with { Rest = server => new NamesEncoded(server) },
            Kills = [new("PS-OBS-006", "Every topic has a member of its name with two integers")],
        },
        new("obs-deliveries", "Deliveries are counted instead of messages.")
        {
            Change = parts => parts with { Topic = seed => new Deliveries(seed) },
            Kills = [new("PS-OBS-007", "Each accepted message counts as one, however many receive it")],
            Also = ["PS-OBS-008", "PS-PUB-012", "PS-REST-014"],
        },
        new("obs-distinct-ids", "A message whose id was there before is not counted.")
        {
            Change = parts => parts with { Topic = seed => new DistinctIds(seed) },
            Kills = [new("PS-OBS-007", "Messages are counted, not ids")],
        },
        new("obs-replays", "Replayed events are counted as messages.")
        {
            Change = parts => parts with { Topic = seed => new Replays(seed) },
            Kills = [new("PS-OBS-007", "Replayed events are not counted")],
        },
        new("obs-refused", "A publish that is refused for its message is counted.")
        {
            Change = parts => parts with { Topic = seed => new Tallied(seed), Session = seed => new TalliesRefused(seed) },
            Kills = [new("PS-OBS-007", "Of refused and accepted publishes the accepted one is counted")],
        },
        new("obs-by-publisher", "The messages of a topic are counted by its last publisher, over all topics.")
        {
            Change = parts =>
            {
                var sent = new ConcurrentDictionary<Outbox, long>();
                return parts with { Topic = seed => new ByPublisher(seed, sent) };
            },
            Kills = [new("PS-OBS-007", "The messages of payments are counted there")],
            Also = ["PS-OBS-008"],
        },
        new("obs-lost-increments", "Of two messages that are counted at once, one may be lost.")
        {
            Change = parts => parts with { Topic = seed => new LostIncrements(seed) },
            Kills = [new("PS-OBS-007", "Each message of concurrent publishers is counted")],
        },
        new("obs-retained-only", "What is counted is the messages that are retained.")
        {
            Change = parts => parts with { Topic = seed => new RetainedOnly(seed) },
            Kills = [new("PS-OBS-008", "Messages are counted beyond what is retained")],
        },
        new("obs-count-survives", "A topic that is created again goes on counting where its namesake ended.")
        {
            Change = parts =>
            {
                var counts = new ConcurrentDictionary<string, long>();
                return parts with { Topic = seed => new CountSurvives(seed, counts) };
            },
            Kills = [new("PS-OBS-008", "A topic created again counts from its own creation")],
        },
        new("obs-never-shrinks", "An unsubscribe is not counted.")
        {
            Change = parts => parts with { Topic = seed => new Miscounted(seed) { Unsubscribe = was => was ? 1 : 0 } },
            Kills = [new("PS-OBS-009", "An unsubscribe takes one away")],
            Also = ["PS-REST-005"],
        },
        new("obs-counts-again", "A second subscribe is counted again.")
        {
            Change = parts => parts with { Topic = seed => new Miscounted(seed) { Subscribe = was => was ? 1 : 0 } },
            Kills = [new("PS-OBS-009", "A connection that subscribed twice is counted once")],
            Also = ["PS-REST-005", "PS-SUB-006"],
        },
        new("obs-shrinks-for-strangers", "An unsubscribe that ends nothing is counted.")
        {
            Change = parts => parts with { Topic = seed => new Miscounted(seed) { Unsubscribe = was => was ? 0 : -1 } },
            Kills = [new("PS-OBS-009", "An unsubscribe that ends nothing takes nothing away")],
        },
        new("obs-closed-stays", "A connection that closes cleanly is counted until there is something to send to it.")
        {
            Change = parts => parts with { Session = seed => new Lingering(seed, (code, isLost) => code == 1000 && !isLost) },
            Kills = [new("PS-OBS-010", "Of the leaver and the stayer, the stayer is counted")],
            Also = ["PS-REST-005", "PS-SUB-009"],
        },
        new("obs-reset-stays", "A connection that is reset is counted until there is something to send to it.")
        {
            Change = parts => parts with { Session = seed => new Lingering(seed, (_, isLost) => isLost) },
            Kills = [new("PS-OBS-011", "one is counted")],
            Also = ["PS-ROB-007"],
        },
        new("obs-one-topic-left", "A connection that ends leaves the topic that it subscribed to last.")
        {
            Change = parts => parts with { Session = seed => new LeavesOne(seed) },
            Kills = [new("PS-OBS-010", "the stayer is counted"), new("PS-OBS-011", "the stayer is counted")],
        },
        new("obs-not-live", "There is nothing at /livez.")
        {
            Change = parts => parts with { Rest = server => new OtherProbe(server, "/livez", 404) },
            Kills = [new("PS-OBS-012", "GET /livez is answered with 200")],
        },
        new("obs-ready-without-content", "GET /readyz is answered with 204.")
        {
            Change = parts => parts with { Rest = server => new OtherProbe(server, "/readyz", 204) },
            Kills = [new("PS-OBS-012", "GET /readyz is answered with 200")],
        },
    ];

    /// <summary>Writes the members of health otherwise, or not at all.</summary>
    private sealed class OtherHealth(SmallServer server, Func<string, string, string?> write) : RestDoor(server)
    {
        protected override string Health() => Member.Spell(
            Member.Of(base.Health()).Select(member => member with { Json = write(member.Name, member.Json)! }).Where(member => member.Json is not null));
    }

    private sealed class Snapshot : RestDoor
    {
        private readonly string _first;

        public Snapshot(SmallServer server)
            : base(server) => _first = base.Health();

        protected override string Health() => _first;
    }

    private sealed class NamesEncoded(SmallServer server) : RestDoor(server)
    {
        protected override string Statistics()
        {
            var topics = Member.Of(Member.Of(base.Statistics()).Single().Json);
            return Member.Spell([new Member("topics", Member.Spell(topics.Select(topic => topic with { Name = TopicName.Encode(topic.Name) })))]);
        }
    }

    private sealed class Deliveries(TopicSeed seed) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            Accepted += Subscribers.Count - 1;
            base.Deliver(@event, publisher);
        }
    }

    private sealed class DistinctIds(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<string> _ids = [];

        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                Accepted -= _ids.Add(Member.Of(request.RawMessage).First(member => member.Name == "id").Json) ? 0 : 1;
                return base.TryPublish(@event, publisher, request, ack);
            }
        }
    }

    private sealed class Replays(TopicSeed seed) : Topic(seed)
    {
        protected override IEnumerable<byte[]> Replayed(int lastN)
        {
            var replayed = base.Replayed(lastN).ToList();
            Accepted += replayed.Count;
            return replayed;
        }
    }

    private sealed class Tallied(TopicSeed seed) : Topic(seed)
    {
        public void Tally()
        {
            lock (Gate)
            {
                Accepted++;
            }
        }
    }

    private sealed class TalliesRefused(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad) when (bad.Message.StartsWith("message", StringComparison.Ordinal))
            {
                var topic = Member.Of(Encoding.UTF8.GetString(text.Span)).First(member => member.Name == "topic").Text!;
                (Topics.Find(topic) as Tallied)?.Tally();
                throw;
            }
        }
    }

    private sealed class ByPublisher(TopicSeed seed, ConcurrentDictionary<Outbox, long> sent) : Topic(seed)
    {
        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            Accepted = sent.AddOrUpdate(publisher, 1, (_, count) => count + 1);
            base.Deliver(@event, publisher);
        }
    }

    private sealed class LostIncrements(TopicSeed seed) : Topic(seed)
    {
        private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(3);

        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
        {
            var read = Count().Messages;
            if (read % 8 == 4)
            {
                SpinWait.SpinUntil(() => Count().Messages != read, Window);
            }

            lock (Gate)
            {
                Accepted = read;
                return base.TryPublish(@event, publisher, request, ack);
            }
        }
    }

    private sealed class RetainedOnly(TopicSeed seed) : Topic(seed)
    {
        public override (int Subscribers, long Messages) Count()
        {
            lock (Gate)
            {
                return (Subscribers.Count, Retained.Count);
            }
        }
    }

    private sealed class CountSurvives : Topic
    {
        private readonly ConcurrentDictionary<string, long> _counts;

        public CountSurvives(TopicSeed seed, ConcurrentDictionary<string, long> counts)
            : base(seed)
        {
            _counts = counts;
            Accepted = counts.GetValueOrDefault(seed.Name);
        }

        public override void Delete(byte[] notice)
        {
            _counts[Name] = Count().Messages;
            base.Delete(notice);
        }
    }

    /// <summary>Adds to the number of subscriptions for what ends or begins none; each is told whether the asker was subscribed.</summary>
    private sealed class Miscounted(TopicSeed seed) : Topic(seed)
    {
        private int _off; // guarded by Gate

        public Func<bool, int> Subscribe { get; init; } = _ => 0;
        public Func<bool, int> Unsubscribe { get; init; } = _ => 0;

        public override (int Subscribers, long Messages) Count()
        {
            lock (Gate)
            {
                return (Subscribers.Count + _off, Accepted);
            }
        }

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _off += Subscribe(Subscribers.Contains(subscriber));
                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _off += Unsubscribe(Subscribers.Contains(subscriber));
                return base.TryUnsubscribe(subscriber, request, ack);
            }
        }
    }

    /// <summary>Does not leave its topics after some ends: with this code, or without a word.</summary>
    private sealed class Lingering(SessionSeed seed, Func<int, bool, bool> stays) : Session(seed)
    {
        protected override void LeaveAll()
        {
            if (!stays(Outbox.Closing?.Code ?? 0, IsLost))
            {
                base.LeaveAll();
            }
        }
    }

    private sealed class LeavesOne(SessionSeed seed) : Session(seed)
    {
        private Topic? _last;

        protected override bool Subscribe(Topic topic, ClientRequest request)
        {
            _last = topic;
            return base.Subscribe(topic, request);
        }

        protected override void LeaveAll() => _last?.Leave(Outbox);
    }

    private sealed class OtherProbe(SmallServer server, string path, int status) : RestDoor(server)
    {
        public override async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping)
        {
            var answer = await base.AnswerAsync(request, stopping);
            return request.Path == path ? answer with { Status = status } : answer;
        }
    }
}
