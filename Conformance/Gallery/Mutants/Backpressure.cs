using System.Collections.Concurrent;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about subscribers that do not keep up.</summary>
internal static class Backpressure
{
    private const string SlowConsumer = "slow consumer";
    private const int ManyReplies = 2_000;

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("bpr-never-cut", "The queue of a subscriber has no bound.") { UnderLoad = true }
            .Does(BePatient)
            .EachSession(session => session.Queue.IsFull.Wrap(_ => (_, _) => false))
            .KilledBy("PS-BPR-001", "a subscriber whose queue overflows is disconnected"),
        new Mutant("bpr-drops-oldest", "A full queue silently loses its oldest event, and no subscriber is cut.") { UnderLoad = true }
            .Does(BePatient)
            .Does(server => server.Variation = server.Variation with { DropsOldest = true })
            .KilledBy("PS-BPR-001", "a subscriber whose queue overflows is disconnected")
            .KilledBy("PS-BPR-008", "what a slow consumer receives has no gap"),
        new Mutant(
            "bpr-drops-newest",
            "An event that finds the queue full is silently lost, and no subscriber is cut.") { UnderLoad = true }
            .Does(BePatient)
            .EachSession(session => session.Queue.TryDeliver.Wrap(next => @event =>
                !session.Queue.HasRoom(@event.Length) || next(@event)))
            .KilledBy("PS-BPR-001", "a subscriber whose queue overflows is disconnected")
            .KilledBy("PS-BPR-008", "what a slow consumer receives has no gap"),
        new Mutant("bpr-another-code", "A slow consumer is told RATE_LIMITED.") { UnderLoad = true }
            .EachSession(session => CutWith(session, "RATE_LIMITED", 1008))
            .KilledBy("PS-BPR-002", "the last message to a slow consumer says so: expected an error SLOW_CONSUMER"),
        new Mutant("bpr-cut-without-a-word", "A slow consumer is closed with 1008 and told nothing.") { UnderLoad = true }
            .EachSession(session => CutWith(session, null, 1008))
            .KilledBy("PS-BPR-002", "the last message to a slow consumer says so"),
        new Mutant("bpr-the-word-is-not-the-last", "The event that was too many follows SLOW_CONSUMER.") { UnderLoad = true }
            .EachSession(session =>
            {
                byte[] latest = [];
                session.Queue.TryDeliver.Wrap(next => @event =>
                {
                    latest = @event;
                    return next(@event);
                });
                session.Queue.Overflow.Wrap(_ => () =>
                {
                    session.Queue.Say.Call(TooSlow(session.Server));
                    session.Queue.Finish.Call(latest, 1008, SlowConsumer);
                });
            })
            .KilledBy("PS-BPR-002", "the last message to a slow consumer says so"),
        new Mutant(
            "bpr-said-twice",
            "SLOW_CONSUMER is sent when the queue overflows and again when the connection closes.") { UnderLoad = true }
            .EachSession(session => session.Queue.Overflow.Wrap(_ => () =>
            {
                session.Queue.Say.Call(TooSlow(session.Server));
                session.Queue.Finish.Call(TooSlow(session.Server), 1008, SlowConsumer);
            }))
            .KilledBy("PS-BPR-002", "it is said once"),
        new Mutant("bpr-closes-1000", "A slow consumer is closed as if all were well.") { UnderLoad = true }
            .EachSession(session => CutWith(session, "SLOW_CONSUMER", 1000))
            .KilledBy("PS-BPR-003", "a slow consumer is closed with 1008: expected 1008; observed 1000"),
        new Mutant("bpr-closes-1011", "A slow consumer is closed as if the server had failed.") { UnderLoad = true }
            .EachSession(session => CutWith(session, "SLOW_CONSUMER", 1011))
            .KilledBy("PS-BPR-003", "a slow consumer is closed with 1008: expected 1008; observed 1011"),
        new Mutant("bpr-hangs-up", "A slow consumer's TCP connection is reset, without a message or a close frame.") { UnderLoad = true }
            .EachSession(session => session.LeaveAll.Wrap(next => () =>
            {
                next();
                if (IsCut(session.Queue))
                {
                    session.Connection.Reset();
                }
            }))
            .KilledBy("PS-BPR-002", "the last message to a slow consumer says so")
            .KilledBy("PS-BPR-003", "a slow consumer is closed with 1008: expected 1008; observed nothing"),
        new Mutant(
            "bpr-all-wait-for-the-slowest",
            "While the queue of one subscriber is full, an event is delivered to no subscriber.") { UnderLoad = true }
            .Does(BePatient)
            .EachTopic(topic =>
            {
                var due = new Queue<byte[]>(); // guarded by Gate
                topic.Deliver.Wrap(next => (@event, publisher) =>
                {
                    due.Enqueue(@event);
                    while (due.TryPeek(out var first) && topic.Subscribers.All(subscriber => subscriber.HasRoom(first.Length)))
                    {
                        next(due.Dequeue(), publisher);
                    }
                });
            })
            .KilledBy("PS-BPR-001", "a subscriber whose queue overflows is disconnected")
            .KilledBy("PS-BPR-004", "every other subscriber receives every message while one does not read"),
        new Mutant("bpr-the-next-misses-one", "When a subscriber is cut, the one behind it is not offered the event.") { UnderLoad = true }
            .EachTopic(topic => topic.Deliver.Wrap(_ => (@event, _) =>
            {
                for (var i = 0; i < topic.Subscribers.Count; i++)
                {
                    var subscriber = topic.Subscribers[i];
                    if (!subscriber.TryDeliver.Call(@event))
                    {
                        topic.Subscribers.RemoveAt(i);
                        i -= IsCut(subscriber) ? 0 : 1;
                    }
                }
            }))
            .KilledBy("PS-BPR-004", "receives every message in order, before and after the cut"),
        new Mutant(
            "bpr-forgets-the-innocent",
            "When a subscriber is cut, the newest subscriber is taken off the list.") { UnderLoad = true }
            .EachTopic(topic => topic.Deliver.Wrap(_ => (@event, _) =>
            {
                var subscribers = topic.Subscribers;
                foreach (var ended in subscribers.Where(subscriber => !subscriber.TryDeliver.Call(@event)).ToList())
                {
                    subscribers.Remove(ended);
                    if (IsCut(ended) && subscribers.Count > 0)
                    {
                        subscribers.RemoveAt(subscribers.Count - 1);
                    }
                }
            }))
            .KilledBy("PS-BPR-004", "every other subscriber receives every message while one does not read"),
        new Mutant(
            "bpr-the-ack-waits",
            "A publish is acked when every subscriber has less than a quarter of a queue unread.") { UnderLoad = true }
            .EachTopic(topic =>
            {
                var held = new Queue<(SendQueue Publisher, byte[] Ack)>(); // guarded by Gate
                topic.TryPublish.Wrap(next => (@event, publisher, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        var bytes = topic.Server.Settings.QueueBytes;
                        if (topic.Subscribers.Any(subscriber => subscriber.Outstanding.Bytes > bytes / 4))
                        {
                            using var unsent = new SendQueue(topic.Server);
                            held.Enqueue((publisher, ack));
                            return next(@event, unsent, request, ack);
                        }

                        while (held.TryDequeue(out var first))
                        {
                            first.Publisher.Reply.Call(first.Ack);
                        }

                        return next(@event, publisher, request, ack);
                    }
                });
            })
            .KilledBy("PS-BPR-005", "a publish is acked although a subscriber does not read"),
        new Mutant("bpr-one-too-few", "A subscriber is cut by the event that makes its queue exactly full.")
            .EachSession(GatherBursts)
            .EachSession(session => session.Queue.IsFull.Wrap(next => (live, bytes) => next(live + 1, bytes)))
            .KilledBy("PS-BPR-006", "a reader who is never more than 100 events behind receives them all")
            .MayBreak("PS-RPL-010"),
        new Mutant("bpr-two-bytes-each", "The bytes outstanding are counted as UTF-16.") { UnderLoad = true }
            .EachSession(GatherBursts)
            .EachSession(session => session.Queue.IsFull.Wrap(next => (live, bytes) => next(live, 2 * bytes)))
            .KilledBy("PS-BPR-006", "a reader who is 100 large events behind receives them all")
            .MayBreak("PS-DEL-008"),
        new Mutant("bpr-divides-the-bound", "The bound of a subscriber is shared out among its topics, in equal parts.")
            .EachSession(GatherBursts)
            .Does(server =>
            {
                var topics = new ConcurrentDictionary<SendQueue, int>(); // the number of topics of each subscriber
                server.EachSession(session => session.Queue.IsFull.Wrap(next => (live, bytes) =>
                    next(live * Math.Max(1, topics.GetValueOrDefault(session.Queue)), bytes)));
                server.EachTopic(topic =>
                {
                    topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                    {
                        lock (topic.Gate)
                        {
                            var more = topic.Subscribers.Contains(subscriber) ? 0 : 1;
                            topics.AddOrUpdate(subscriber, more, (_, count) => count + more);
                            return next(subscriber, request, ack);
                        }
                    });
                    topic.Remove.Wrap(next => subscriber =>
                    {
                        var fewer = topic.Subscribers.Contains(subscriber) ? 1 : 0;
                        topics.AddOrUpdate(subscriber, 0, (_, count) => count - fewer);
                        next(subscriber);
                    });
                });
            })
            .KilledBy("PS-BPR-006", "a reader of two topics receives all 100 events"),
        new Mutant("bpr-pools-the-bound", "The bound of one subscriber holds for the first two of a topic together.")
            .EachSession(GatherBursts)
            .EachTopic(topic => topic.Deliver.Wrap(next => (@event, publisher) =>
            {
                var unread = topic.Subscribers.Take(2).Sum(subscriber => subscriber.Outstanding.Events);
                var slow = unread >= topic.Server.Settings.QueueSize ? topic.Subscribers[0] : null;
                slow?.Abandon.Call(TooSlow(topic.Server), 1008, SlowConsumer);
                next(@event, publisher);
            }))
            .KilledBy("PS-BPR-006", "a reader who is never more than 100 events behind receives them all")
            .MayBreak("PS-FAN-002", "PS-FAN-007"),
        new Mutant("bpr-a-ghost-in-the-others", "A subscriber that is cut leaves only the topic that was too much.") { UnderLoad = true }
            .EachSession(session => session.LeaveAll.Wrap(next => () =>
            {
                if (!IsCut(session.Queue))
                {
                    next();
                }
            }))
            .KilledBy("PS-BPR-007", "a subscriber that is cut leaves its other topic as well"),
        new Mutant(
            "bpr-a-gap-before-the-cut",
            "A slow consumer loses the oldest ten of its queue, is sent the rest, and is cut.") { UnderLoad = true }
            .EachSession(session => session.Queue.Overflow.Wrap(_ => () =>
            {
                for (var i = 0; i < 10; i++)
                {
                    session.Queue.DropOldest();
                }

                session.Queue.Finish.Call(TooSlow(session.Server), 1008, SlowConsumer);
            }))
            .KilledBy("PS-BPR-008", "what a slow consumer receives has no gap"),
        new Mutant("bpr-replies-count", "A client that leaves thousands of replies unread is cut as a slow consumer.") { UnderLoad = true }
            .EachSession(ReadWhileRepliesWait)
            .EachSession(session => session.Queue.Reply.Wrap(next => text =>
            {
                if (session.Queue.Waiting >= ManyReplies)
                {
                    session.Queue.Overflow.Call();
                }

                next(text);
            }))
            .KilledBy("PS-BPR-010", "the reply to the last of 20000 requests"),
        new Mutant("bpr-retains-without-end", "Each topic has its bound, and all together have none.") { Launched = true }
            .Does(server => server.Topics.RetainedBytes.Wrap(_ => () => 0))
            .KilledBy("PS-BPR-013", "a publish beyond MAX_RETAINED_BYTES is refused"),
        new Mutant("bpr-counts-what-is-gone", "What a deleted topic retained counts for ever.") { Launched = true }
            .Does(server =>
            {
                var most = 0L;
                server.Topics.RetainedBytes.Wrap(next => () => most = Math.Max(most, next()));
            })
            .KilledBy("PS-BPR-013", "after a deletion there is room again"),
        new Mutant("bpr-no-total", "Each subscriber has its bound, and all together have none.") { Launched = true }
            .Does(server => server.Read.Wrap(next => variables => next(variables) with { OutstandingBytes = long.MaxValue }))
            .KilledBy("PS-BPR-014", "is cut when all together hold too much"),
        new Mutant("bpr-loses-replies", "Of replies that are left unread a hundred are lost.") { UnderLoad = true }
            .EachSession(ReadWhileRepliesWait)
            .EachSession(session =>
            {
                var lost = 0;
                session.Queue.Reply.Wrap(next => text =>
                {
                    if (session.Queue.Waiting < ManyReplies || ++lost > 100)
                    {
                        next(text);
                    }
                });
            })
            .KilledBy("PS-BPR-010", "every request is answered, in order"),
        new Mutant("bpr-tired-of-pings", "The ten thousandth Pong ends the connection.") { UnderLoad = true }
            .Does(server => server.EachConnection(connection =>
            {
                const byte pong = 0x8A;
                var pongs = 0;
                connection.Send.Wrap(next => (bytes, cancellation) =>
                {
                    pongs += bytes.Span[0] == pong ? 1 : 0;
                    return pongs < 10_000 ? next(bytes, cancellation) : throw new IOException("Enough.");
                });
            }))
            .KilledBy("PS-BPR-010", "Pings that were sent without reading the Pongs end in nothing but the replies"),
    ];

    /// <summary>Raises the write timeout, so that it does not end a subscriber that the mutant must never cut.</summary>
    private static void BePatient(SmallServer server) =>
        server.Settings = server.Settings with { WriteTimeout = TimeSpan.FromMinutes(5) };

    /// <param name="session">The subscriber.</param>
    /// <param name="error">The code in the last message; null for no message.</param>
    /// <param name="code">The close code.</param>
    private static void CutWith(Session session, string? error, int code) => session.Queue.Overflow.Wrap(_ => () =>
    {
        var last = error is null ? null : session.Server.Messages.Error.Call(error, "too many events are unread", null);
        session.Queue.Abandon.Call(last, code, SlowConsumer);
    });

    private static byte[] TooSlow(SmallServer server) =>
        server.Messages.Error.Call("SLOW_CONSUMER", "too many events are unread", null);

    /// <summary>Whether an overflow ended the subscriber.</summary>
    private static bool IsCut(SendQueue subscriber) => subscriber.Closing is (1008, _);

    /// <summary>Writes nothing until a burst has ended, so that the number of outstanding events does not depend on chance.</summary>
    /// <remarks>This alone violates nothing.</remarks>
    private static void GatherBursts(Session session) => session.Queue.CollectAsync.Wrap(_ => async () =>
    {
        var before = session.Queue.Outstanding;
        while (before.Events > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20));
            before = session.Queue.Outstanding == before ? (0, 0) : session.Queue.Outstanding;
        }
    });

    /// <summary>Reads further requests although the client does not read its replies.</summary>
    private static void ReadWhileRepliesWait(Session session) => session.Queue.RoomAsync.Wrap(_ => _ => Task.CompletedTask);
}
