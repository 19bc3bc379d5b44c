using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers that use a choice that SPEC.md, or the dialect that their owner names, leaves open.</summary>
internal static class Choices
{
    private const string Key = "the-key-of-the-house";
    private const string NoBody = "a deletion that is answered with 204 has no body";

    private static readonly Dictionary<string, string> Uuids = new()
    {
        ["PS-PUB-006/ids-of-any-characters"] = "message ids are UUIDs",
        ["PS-HTTP-002/ids"] = "message ids are UUIDs",
    };

    private static readonly Change AsksForKey = server => server.Variation = server.Variation with { ApiKey = Key };

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Sized(
            "benign-small-ring",
            "It retains 10 messages of each topic, and says so (PS-RPL-013).",
            new Settings { Ring = 10 },
            new Limits(Ring: 10)) with
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
        new BenignServer(
            "benign-notices",
            "An info message comes at any time: first of all, every 20 ms, before every reply and behind every event; SPEC.md says "
                + "nothing of when one may come.")
        {
            UnderLoad = true,
        }
            .Does(server => server.Variation = new Variation { Heartbeat = TimeSpan.FromMilliseconds(20) })
            .EachSession(session =>
            {
                var queue = session.Queue;
                queue.Reply.Wrap(next => text =>
                {
                    queue.Say.Call(session.Server.Messages.Heartbeat.Call());
                    next(text);
                });
                queue.TryDeliver.Wrap(next => @event =>
                {
                    var delivered = next(@event);
                    queue.Say.Call([.. """{"type":"info","topic":"weather","msg":"sunny","timestamp":"2025-08-28T10:00:00Z"}"""u8]);
                    return delivered;
                });
            }),
        new BenignServer(
            "benign-pensive",
            "A ping is answered 30 ms late, behind the events of that time, and so is every request behind it (PS-PING-004, PS-ENV-011).")
            .EachSession(session => session.ThinkAsync.Wrap(_ => text =>
                text.Span.IndexOf("\"ping\""u8) >= 0 ? Task.Delay(TimeSpan.FromMilliseconds(30)) : Task.CompletedTask)),
        new BenignServer(
            "benign-ack-before-own-event",
            "A publisher that is subscribed gets its ack ahead of its event, with both queued at one moment (PS-PUB-012 asks for no "
                + "order between them).")
            .EachTopic(topic =>
            {
                var isOwn = false;
                topic.Deliver.Wrap(next => (@event, publisher) =>
                {
                    isOwn = topic.Subscribers.Remove(publisher);
                    next(@event, publisher);
                });
                topic.TryPublish.Wrap(next => (@event, publisher, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        isOwn = false;
                        var isAccepted = next(@event, publisher, request, ack);
                        if (isOwn && publisher.TryDeliver.Call(@event))
                        {
                            topic.Subscribers.Add(publisher);
                        }

                        return isAccepted;
                    }
                });
            }),
        new BenignServer(
            "benign-api-key",
            "Every door asks for an API key; its owner tells the key (RFC 9110, section 11).") { Probing = WithKey }
            .Does(AsksForKey),
        new BenignServer(
            "benign-classic",
            "It speaks the classic dialect: no version in the paths, ts, uptime_sec, a heartbeat first of all and UUIDs as message ids.")
        {
            Unsupported = Uuids,
            Observed = ["PS-PUB-007"],
        }
            .Does(server => server.Variation = Variation.Classic),
        new BenignServer(
            "benign-classic-untimed",
            "It speaks the classic dialect with what that leaves open: no times, a key, 204 without a body, and it drops the oldest event.")
        {
            Probing = WithKey,
            Offers = [],
            Unsupported = new Dictionary<string, string>(Uuids)
            {
                ["PS-BPR-002/slow-consumer-is-the-last-message"] = "no subscriber is cut",
                ["PS-BPR-003/closed-with-1008"] = "no subscriber is cut",
                ["PS-BPR-007/gone-from-every-topic"] = "no subscriber is cut",
                ["PS-BPR-008/everything-up-to-the-cut"] = "no subscriber is cut",
                ["PS-OBS-005/a-cut-consumer-is-not-counted"] = "no subscriber is cut",
                ["PS-FAN-006/one-time-for-all-and-for-replay"] = "messages have no time",
                ["PS-FAN-006/the-time-of-acceptance"] = "messages have no time",
                ["PS-REST-012/body-of-a-deletion"] = NoBody,
            },
            Observed = ["PS-PUB-007", "PS-BPR-001"],
        }
            .Does(server => server.Variation = Variation.Classic with { TimeMember = null, DropsOldest = true, DeletionStatus = 204 })
            .Does(AsksForKey),
        Spoken(
            "benign-bare",
            "The listing is a bare array and a deletion is answered with 204, as its dialect file says.",
            Dialect.V1 with { Name = "bare", List = [ListShape.Bare], Deleted = [204] })
            .Does(server => server.Variation = Variation.Bare) with
        {
            Unsupported = new Dictionary<string, string> { ["PS-REST-012/body-of-a-deletion"] = NoBody },
        },
        Leaving("PS-PUB-007", "A message.id has to be a UUID.", "benign-uuids", "Message ids are UUIDs, as its dialect file says.")
            .Does(server => server.Variation = new Variation { UuidsOnly = true }) with
        {
            Unsupported = Uuids,
        },
        Leaving(
            "PS-SUB-009",
            "The newer connection takes over.",
            "benign-takeover",
            "A client that subscribes with the client_id of another takes over from it (PS-SUB-009 calls that a legal alternative), as its "
                + "dialect file says.")
            .EachTopic(topic =>
            {
                var holders = new Dictionary<string, SendQueue>(StringComparer.Ordinal);
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        if (!topic.IsDeleted && holders.TryGetValue(request.ClientId, out var holder)
                            && holder != subscriber && topic.Subscribers.Contains(holder))
                        {
                            holder.Finish.Call(topic.Server.Messages.Heartbeat.Call(), 4000, "taken over");
                            topic.Remove.Call(holder);
                        }

                        holders[request.ClientId] = subscriber;
                        return next(subscriber, request, ack);
                    }
                });
            }),
        Leaving(
            "PS-DEL-003",
            "The notice alone is sent.",
            "benign-notice-of-deletion",
            "The deletion of a topic ends subscriptions and no connection (PS-DEL-003 calls that a legal alternative), as its "
                + "dialect file says.")
            .EachTopic(topic => topic.Dismiss.Wrap(_ => (subscriber, notice) => subscriber.Say.Call(notice))),
        Leaving(
            "PS-BPR-003",
            "It may try again later.",
            "benign-try-again-later",
            "A slow consumer is cut with 1013 (PS-BPR-003 calls that legal), as its dialect file says.")
            .EachSession(session => session.Queue.Abandon.Wrap(next => (last, code, reason) =>
                next(last, code == 1008 ? 1013 : code, reason))) with
        {
            UnderLoad = true,
        },
    ];

    private static BenignServer Sized(string id, string oddity, Settings settings, Limits declared) =>
        new BenignServer(id, oddity) { Probing = door => new ProbeOptions { Url = door.Origin, Limits = declared } }
            .Does(server => server.Settings = settings);

    /// <summary>A server whose owner declares the dialect in a file: the dialect is written as JSON and parsed again.</summary>
    private static BenignServer Spoken(string id, string oddity, Dialect dialect) => new(id, oddity)
    {
        Probing = door => new ProbeOptions { Url = door.Origin, Dialect = Dialect.Parse(dialect.ToJson()) },
    };

    /// <summary>A server whose dialect leaves one requirement open.</summary>
    private static BenignServer Leaving(string requirement, string reason, string id, string oddity) =>
        Spoken(id, oddity, Dialect.V1 with { Name = "own", LeavesOpen = new Dictionary<string, string> { [requirement] = reason } }) with
        {
            Observed = [requirement],
        };

    private static ProbeOptions WithKey(TcpServer door) =>
        new() { Url = door.Origin, Headers = new Dictionary<string, string> { ["X-API-Key"] = Key } };
}
