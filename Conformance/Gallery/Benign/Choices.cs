using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers that choose otherwise where SPEC.md, or the dialect that their owner names, leaves the choice.</summary>
internal static class Choices
{
    private const string Key = "the-key-of-the-house";
    private const string NoBody = "a deletion that is answered with 204 has no body";

    private static readonly Dictionary<string, string> Uuids = new()
    {
        ["PS-PUB-006/ids-of-any-characters"] = "message ids are UUIDs",
    };

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Sized("benign-small-ring", "It retains 10 messages of each topic, and says so (PS-RPL-013).", new Settings { Ring = 10 }, new Limits(Ring: 10)) with
        {
            UnderLoad = true,
        },
        Sized(
            "benign-long-queue",
            "A subscriber may be 1000 events behind, and 4 MiB, and it says so (PS-BPR-012).",
            new Settings { QueueSize = 1000, QueueBytes = 4 * 1024 * 1024 },
            new Limits(QueueSize: 1000, QueueBytes: 4 * 1024 * 1024)) with
        {
            UnderLoad = true,
        },
        Sized(
            "benign-large-requests",
            "A request may have 256 KiB, and it says so (PS-ROB-012).",
            new Settings { MessageBytes = 256 * 1024 },
            new Limits(MessageBytes: 256 * 1024)),
        BenignServer.Of(
            "benign-notices",
            "An info message comes at any time: first of all, every 20 ms, before every reply and behind every event; SPEC.md says nothing of when one may come.",
            parts => parts with { Variation = new Variation { Heartbeat = TimeSpan.FromMilliseconds(20) }, Outbox = server => new Talkative(server) }) with
        {
            UnderLoad = true,
        },
        BenignServer.Of(
            "benign-pensive",
            "A ping is answered 30 ms late, behind the events of that time, and so is every request behind it (PS-PING-004, PS-ENV-011).",
            parts => parts with { Session = seed => new Pensive(seed) }),
        BenignServer.Of(
            "benign-ack-before-own-event",
            "A publisher that is subscribed gets its ack ahead of its event, with both queued at one moment (PS-PUB-012 asks for no order between them).",
            parts => parts with { Topic = seed => new AckFirst(seed) }),
        new("benign-api-key", "Every door asks for an API key; its owner tells the key (RFC 9110, section 11).")
        {
            Open = () => new SmallServer(new Variation { ApiKey = Key }),
            Probing = door => new ProbeOptions { Url = door.Origin, Headers = new Dictionary<string, string> { ["X-API-Key"] = Key } },
        },
        new("benign-classic", "It speaks the classic dialect: no version in the paths, ts, uptime_sec, a heartbeat first of all and UUIDs as message ids.")
        {
            Open = () => new ClassicServer(),
            Unsupported = Uuids,
            Observed = ["PS-PUB-007"],
        },
        new("benign-classic-untimed", "It speaks the classic dialect with what that leaves open: no times, a key, 204 without a body, and it drops the oldest event.")
        {
            Open = () => new ClassicServer(new ClassicOptions { SaysTime = false, ApiKey = Key, DropsOldest = true, DeletionStatus = 204 }),
            Probing = door => new ProbeOptions { Url = door.Origin, Headers = new Dictionary<string, string> { ["X-API-Key"] = Key } },
            Unsupported = new Dictionary<string, string>(Uuids)
            {
                ["PS-BPR-002/slow-consumer-is-the-last-message"] = "nobody is cut",
                ["PS-BPR-003/closed-with-1008"] = "nobody is cut",
                ["PS-BPR-007/gone-from-every-topic"] = "nobody is cut",
                ["PS-BPR-008/everything-up-to-the-cut"] = "nobody is cut",
                ["PS-FAN-006/one-time-for-all-and-for-replay"] = "messages have no time",
                ["PS-FAN-006/the-time-of-acceptance"] = "messages have no time",
                ["PS-REST-012/body-of-a-deletion"] = NoBody,
            },
            Observed = ["PS-PUB-007", "PS-BPR-001"],
        },
        Spoken(
            "benign-bare",
            "The listing is a bare array and a deletion is answered with 204, as its dialect file says.",
            Dialect.V1 with { Name = "bare", List = [ListShape.Bare], Deleted = [204] },
            parts => parts with { Variation = new Variation { BareList = true, DeletionStatus = 204 } }) with
        {
            Unsupported = new Dictionary<string, string> { ["PS-REST-012/body-of-a-deletion"] = NoBody },
        },
        Spoken(
            "benign-uuids",
            "Message ids are UUIDs, as its dialect file says.",
            Open("PS-PUB-007", "A message.id has to be a UUID."),
            parts => parts with { Variation = new Variation { UuidsOnly = true } }) with
        {
            Unsupported = Uuids,
            Observed = ["PS-PUB-007"],
        },
        Spoken(
            "benign-takeover",
            "Who subscribes with the client_id of another takes over from it (PS-SUB-009 calls that a legal alternative), as its dialect file says.",
            Open("PS-SUB-009", "The newer connection takes over."),
            parts => parts with { Topic = seed => new TakenOver(seed) }) with
        {
            Observed = ["PS-SUB-009"],
        },
        Spoken(
            "benign-notice-of-deletion",
            "The deletion of a topic ends subscriptions and no connection (PS-DEL-003 calls that a legal alternative), as its dialect file says.",
            Open("PS-DEL-003", "The notice alone is sent."),
            parts => parts with { Topic = seed => new Noticed(seed) }) with
        {
            Observed = ["PS-DEL-003"],
        },
        Spoken(
            "benign-try-again-later",
            "A slow consumer is cut with 1013 (PS-BPR-003 calls that legal), as its dialect file says.",
            Open("PS-BPR-003", "It may try again later."),
            parts => parts with { Outbox = server => new Later(server) }) with
        {
            Observed = ["PS-BPR-003"],
            UnderLoad = true,
        },
    ];

    private static BenignServer Sized(string id, string oddity, Settings settings, Limits declared) => new(id, oddity)
    {
        Open = () => new SmallServer(new Parts { Settings = settings }),
        Probing = door => new ProbeOptions { Url = door.Origin, Limits = declared },
    };

    private static Dialect Open(string requirement, string reason) =>
        Dialect.V1 with { Name = "own", LeavesOpen = new Dictionary<string, string> { [requirement] = reason } };

    /// <summary>The dialect takes the way through the file that its owner would write.</summary>
    private static BenignServer Spoken(string id, string oddity, Dialect dialect, Func<Parts, Parts> change) => BenignServer.Of(id, oddity, change) with
    {
        Probing = door => new ProbeOptions { Url = door.Origin, Dialect = Dialect.Parse(dialect.ToJson()) },
    };

    private sealed class Talkative(SmallServer server) : Outbox(server)
    {
        public override void Reply(byte[] text)
        {
            Say(Server.Messages.Heartbeat());
            base.Reply(text);
        }

        public override bool TryDeliver(byte[] @event)
        {
            var delivered = base.TryDeliver(@event);
            Say(Encoding.UTF8.GetBytes("""{"type":"info","topic":"weather","msg":"sunny","timestamp":"2025-08-28T10:00:00Z"}"""));
            return delivered;
        }
    }

    private sealed class Pensive(SessionSeed seed) : Session(seed)
    {
        private static readonly TimeSpan Thought = TimeSpan.FromMilliseconds(30);

        protected override Task ThinkAsync(ReadOnlyMemory<byte> text) =>
            text.Span.IndexOf("\"ping\""u8) >= 0 ? Task.Delay(Thought) : Task.CompletedTask;
    }

    private sealed class AckFirst(TopicSeed seed) : Topic(seed)
    {
        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (IsDeleted)
                {
                    return false;
                }

                Accepted++;
                Retain(@event);
                var own = Subscribers.Remove(publisher);
                Deliver(@event, publisher);
                publisher.Reply(ack);
                if (own && publisher.TryDeliver(@event))
                {
                    Subscribers.Add(publisher);
                }

                return true;
            }
        }
    }

    private sealed class TakenOver(TopicSeed seed) : Topic(seed)
    {
        private const int Private = 4000;

        private readonly Dictionary<string, Outbox> _holders = new(StringComparer.Ordinal); // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (!IsDeleted && _holders.TryGetValue(request.ClientId, out var holder) && holder != subscriber && Subscribers.Contains(holder))
                {
                    holder.Finish(Messages.Heartbeat(), Private, "taken over");
                    Remove(holder);
                }

                _holders[request.ClientId] = subscriber;
                return base.TrySubscribe(subscriber, request, ack);
            }
        }
    }

    private sealed class Noticed(TopicSeed seed) : Topic(seed)
    {
        protected override void Dismiss(Outbox subscriber, byte[] notice) => subscriber.Say(notice);
    }

    private sealed class Later(SmallServer server) : Outbox(server)
    {
        public override void Abandon(byte[]? last, int code, string reason) => base.Abandon(last, code == 1008 ? 1013 : code, reason);
    }
}
