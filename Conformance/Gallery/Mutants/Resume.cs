using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about positions and what follows them.</summary>
internal static class Resume
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        Resuming("res-milliseconds", "Stamps are times in milliseconds, so that two events of one millisecond share one.")
            .EachTopic(topic => topic.NextStamp.Wrap(_ => () => topic.Newest = Milliseconds(topic.Server.Messages.Clock.Call())))
            .KilledBy("PS-RES-001", "timestamps strictly increase")
            .MayBreak("PS-RES-002", "PS-RES-003", "PS-RES-005"),
        Resuming("res-clock-set-back", "The clock is set back by a minute at every tenth stamp of a topic, and the stamps with it.")
            .EachTopic(topic =>
            {
                var (stamps, back) = (0, 0L);
                topic.NextStamp.Wrap(_ => () =>
                {
                    back += ++stamps % 10 == 0 ? TimeSpan.TicksPerMinute : 0;
                    return topic.Newest = topic.Server.Messages.Clock.Call() - back;
                });
            })
            .KilledBy("PS-RES-001", "timestamps strictly increase")
            .MayBreak("PS-FAN-006", "PS-RES-002", "PS-RES-003", "PS-RES-005"),
        Resuming("res-fifth-shares", "Every fifth event of a topic has the stamp of the one before.")
            .EachTopic(topic =>
            {
                var events = 0;
                topic.Encode.Wrap(next => message =>
                    ++events % 5 == 0 && topic.StampOf(topic.Retained[^1]) is { } before ? At(topic, before, message) : next(message));
            })
            .KilledBy("PS-RES-001", "timestamps strictly increase")
            .MayBreak("PS-RES-002", "PS-RES-003", "PS-RES-005", "PS-FAN-006"),
        Resuming("res-ack-of-its-own", "The ack of a publish has the time at which it was written, not that of its event.")
            .EachSession(session => session.AckAt.Wrap(_ => (stamp, request) => Messages.At(stamp + 1, () => session.Ack.Call(request))))
            .KilledBy("PS-RES-002", "the ack of a publish has the timestamp of its event"),
        Resuming("res-welcome-of-the-last", "The ack of a subscribe has the time of the topic's newest event.")
            .EachTopic(topic => topic.AckStamp.Wrap(next => () => topic.Retained is [.., var last] ? topic.StampOf(last)!.Value : next()))
            .KilledBy("PS-RES-002", "the ack of a subscribe is later than every event before it"),
        Resuming("res-welcome-late", "The ack of a subscribe has a time that live events may still be earlier than.")
            .EachTopic(topic => topic.AckStamp.Wrap(next => () => next() + TimeSpan.TicksPerSecond))
            .MayBreak("PS-RES-003", "PS-RES-005")
            .KilledBy("PS-RES-002", "the ack of a subscribe is earlier than every live event after it")
            .MayBreak("PS-FAN-006"),
        Resuming("res-inclusive", "What follows a position begins with the event at it.")
            .EachTopic(topic => topic.Later.Wrap(next => stamp => next(stamp - 1)))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-005"),
        Resuming("res-newest-first", "The events behind a position begin with the newest.")
            .EachTopic(topic => topic.Later.Wrap(next => stamp => next(stamp).Reverse()))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-001", "PS-RES-002"),
        Resuming("res-ten-at-most", "At most the ten newest events are replayed for a position, and said to be all.")
            .EachTopic(topic => topic.Later.Wrap(next => stamp => next(stamp).TakeLast(10)))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-005", "PS-RES-008"),
        Resuming("res-gap", "The newest event is neither replayed for a position nor delivered if it came within the last 500 ms.")
            .EachTopic(topic => topic.Later.Wrap(next => stamp => IsRecent(topic) ? next(stamp).Except([topic.Retained[^1]]) : next(stamp)))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-005", "PS-RES-008"),
        Resuming("res-overlap", "The newest event is replayed twice for a position if it came within the last 500 ms.")
            .EachTopic(topic => topic.Later.Wrap(next => stamp =>
                IsRecent(topic) ? next(stamp).Concat(next(stamp).TakeLast(1)) : next(stamp)))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-001", "PS-RES-005", "PS-RES-008"),
        Resuming("res-since-in-milliseconds", "Of since only the milliseconds are read.")
            .EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
                next(topic, request with { Since = request.Since is { } since ? since with { Stamp = Milliseconds(since.Stamp) } : null })))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-005"),
        Resuming("res-since-rounded-up", "A since within a second stands for its end.")
            .EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
            {
                const long second = TimeSpan.TicksPerSecond;
                return next(topic, request with
                {
                    Since = request.Since is { } since ? since with { Stamp = (since.Stamp + second - 1) / second * second } : null,
                });
            }))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-005", "PS-RES-008"),
        Resuming("res-since-and-no-epoch", "A since without an epoch is ignored.")
            .EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
                next(topic, request.Since is { Epoch: null } ? request with { Since = null } : request)))
            .KilledBy("PS-RES-003", "exactly the later messages are replayed")
            .MayBreak("PS-RES-005", "PS-RES-008"),
        Resuming("res-any-since", "A since that is no time is ignored.")
            .EachSession(session => Forgive(session, "since must be", (request, _) => request))
            .KilledBy("PS-RES-004", "is refused"),
        Resuming("res-since-wins", "Of since and last_n the first wins.")
            .EachSession(session => Forgive(session, "since and last_n", (request, json) => request with
            {
                LastN = 0,
                Since = new(Position.StampOf(json.GetProperty("since").GetString()!)!.Value, null),
            }))
            .KilledBy("PS-RES-004", "since and last_n together are refused"),
        Resuming("res-fault-without-name", "The error about a since that is no time does not say what it is about.")
            .EachSession(session => session.Refuse.Wrap(next => bad => next(bad.Message.StartsWith("since must", StringComparison.Ordinal)
                ? new BadRequest("the request is not valid", bad.RawRequestId)
                : bad)))
            .KilledBy("PS-RES-004", "the error names since"),
        Knowing("res-off-by-one", "complete is still true when one event behind the position was dropped.", topic =>
        {
            var (border, beforeIt) = (topic.Forgotten, topic.Forgotten);
            topic.Retain.Wrap(next => @event =>
            {
                next(@event);
                (border, beforeIt) = topic.Forgotten == border ? (border, beforeIt) : (topic.Forgotten, border);
            });
            return isWhole => position =>
                isWhole(position.Stamp >= beforeIt && position.Stamp < border ? position with { Stamp = border } : position);
        })
            .KilledBy("PS-RES-005", "later events 100 are replayed"),
        Knowing("res-unsure-at-the-border", "complete is false when the position is that of the newest event that was dropped.", topic =>
            isWhole => position => isWhole(position) && (position.Stamp > topic.Forgotten || topic.Accepted == topic.Retained.Count))
            .KilledBy("PS-RES-005", "later events 100 are replayed"),
        Knowing("res-full-is-lost", "complete is false as soon as all of the ring is replayed.", topic =>
            isWhole => position => isWhole(position) && topic.Later.Call(position.Stamp).Count() < topic.Server.Settings.Ring)
            .KilledBy("PS-RES-005", "later events 100 are replayed")
            .MayBreak("PS-RES-008"),
        Knowing("res-always-complete", "complete is always true.", _ => _ => _ => true)
            .KilledBy("PS-RES-005", "later events 100 are replayed")
            .KilledBy("PS-RES-007", "complete is false with another epoch"),
        Knowing("res-never-complete", "complete is always false.", _ => _ => _ => false)
            .KilledBy("PS-RES-005", "nothing is missing since")
            .MayBreak("PS-RES-007", "PS-RES-008"),
        Knowing("res-before-the-creation", "complete is true for a position before the topic's creation, if nothing was dropped.", topic =>
            isWhole => position => isWhole(topic.Accepted == topic.Retained.Count && position.Stamp < topic.Forgotten
                ? position with { Stamp = topic.Forgotten }
                : position))
            .KilledBy("PS-RES-005", "the topic was created after"),
        Knowing("res-of-the-future", "complete is true for a position that the topic has not reached.", topic =>
            isWhole => position => isWhole(position.Stamp > topic.Newest ? position with { Stamp = topic.Newest } : position))
            .KilledBy("PS-RES-005", "is later than the newest event"),
        Resuming("res-complete-as-text", "complete is a string.")
            .EachTopic(topic => topic.InAck.Wrap(next => (subscriber, request) => next(subscriber, request)
                .Replace("\"complete\":true", "\"complete\":\"true\"", StringComparison.Ordinal)
                .Replace("\"complete\":false", "\"complete\":\"false\"", StringComparison.Ordinal)))
            .KilledBy("PS-RES-005", "complete is true exactly if")
            .MayBreak("PS-RES-007"),
        Resuming("res-silent-if-torn", "complete is left out instead of false.")
            .EachTopic(topic => topic.InAck.Wrap(next => (subscriber, request) =>
                next(subscriber, request).Replace(",\"complete\":false", "", StringComparison.Ordinal)))
            .KilledBy("PS-RES-005", "later events 100 are replayed")
            .MayBreak("PS-RES-007"),
        Resuming("res-no-epoch", "The ack of a subscribe with last_n has no epoch.")
            .EachTopic(topic => topic.InAck.Wrap(next => (subscriber, request) => request.LastN > 0 ? "" : next(subscriber, request)))
            .KilledBy("PS-RES-006", "a topic has one epoch"),
        Resuming("res-silent-epoch", "The ack of a subscribe without a position has no epoch.")
            .EachTopic(topic => topic.InAck.Wrap(next => (subscriber, request) => request.Since is null ? "" : next(subscriber, request)))
            .KilledBy("PS-RES-006", "has an epoch, a string")
            .MayBreak("PS-RES-003", "PS-RES-005", "PS-RES-007"),
        Resuming("res-epoch-as-number", "The epoch is a number.")
            .EachTopic(topic =>
            {
                var epoch = topic.Newest;
                topic.Epoch.Wrap(_ => () => $"{epoch}");
                topic.InAck.Wrap(next => (subscriber, request) =>
                    next(subscriber, request).Replace($"\"{epoch}\"", $"{epoch}", StringComparison.Ordinal));
            })
            .KilledBy("PS-RES-006", "has an epoch, a string")
            .MayBreak("PS-RES-003", "PS-RES-005", "PS-RES-007", "PS-RES-008"),
        Resuming("res-epoch-of-the-name", "The epoch is made of the topic's name.")
            .EachTopic(topic => topic.Epoch.Wrap(_ => () => $"of {topic.Name}"))
            .KilledBy("PS-RES-006", "differ in their epoch")
            .MayBreak("PS-RES-005", "PS-RES-007"),
        Resuming("res-epoch-of-the-server", "The epoch is that of the server's start.")
            .Does(server =>
            {
                var epoch = $"{Guid.NewGuid()}";
                server.EachTopic(topic => topic.Epoch.Wrap(_ => () => epoch));
            })
            .KilledBy("PS-RES-006", "differ in their epoch")
            .MayBreak("PS-RES-005", "PS-RES-007"),
        Resuming("res-epoch-of-the-ack", "Every ack has an epoch of its own, so that no position can be trusted.")
            .EachTopic(topic => topic.Epoch.Wrap(_ => () => $"{Guid.NewGuid()}"))
            .KilledBy("PS-RES-005", "nothing is missing since")
            .MayBreak("PS-RES-006", "PS-RES-007"),
        Knowing("res-any-epoch", "The epoch of a position is ignored.", _ =>
            isWhole => position => isWhole(position with { Epoch = null }))
            .KilledBy("PS-RES-007", "complete is false with another epoch"),
        (Resuming("res-bounded-replay", "Events that are replayed for a position count as live ones.") with { Launched = true })
            .EachTopic(BoundReplay)
            .KilledBy("PS-RES-008", "a subscriber is not cut because of what it asked to have replayed")
            .MayBreak("PS-RES-003", "PS-RES-005"),
    ];

    private static Mutant Resuming(string id, string fault) => new(id, fault) { Offers = [Capability.Resume] };

    /// <summary>A server that is wrong about whether an event is missing behind a position.</summary>
    private static Mutant Knowing(string id, string fault, Func<Topic, Func<Func<Position, bool>, Func<Position, bool>>> isWhole) =>
        Resuming(id, fault).EachTopic(topic => topic.IsWhole.Wrap(isWhole(topic)));

    private static long Milliseconds(long ticks) => ticks - (ticks % TimeSpan.TicksPerMillisecond);

    private static bool IsRecent(Topic topic) => topic.Retained is [.., var newest]
        && topic.StampOf(newest) > topic.Server.Messages.Clock.Call() - (500 * TimeSpan.TicksPerMillisecond);

    private static byte[] At(Topic topic, long stamp, string message) =>
        topic.Stamped(Messages.At(stamp, () => topic.Server.Messages.Event.Call(topic.Name, message)), stamp);

    /// <summary>Accepts a subscribe whose fault begins so.</summary>
    private static void Forgive(Session session, string fault, Func<ClientRequest, JsonElement, ClientRequest> read) =>
        session.Parse.Wrap(next => text =>
        {
            try
            {
                return next(text);
            }
            catch (BadRequest bad) when (bad.Message.StartsWith(fault, StringComparison.Ordinal))
            {
                using var json = JsonDocument.Parse(text);
                return read(ClientRequest.Read(text, session.Server.Variation, resumes: false), json.RootElement);
            }
        });

    private static void BoundReplay(Topic topic) => topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
    {
        lock (topic.Gate)
        {
            if (request.Since is not { } since || topic.Subscribers.Contains(subscriber))
            {
                return next(subscriber, request, ack);
            }

            var isDone = next(subscriber, request with { Since = since with { Stamp = long.MaxValue } }, ack);
            if (isDone && !topic.Later.Call(since.Stamp).All(subscriber.TryDeliver.Call))
            {
                topic.Subscribers.Remove(subscriber);
            }

            return isDone;
        }
    });
}
