using System.Collections.Concurrent;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about the deletion of topics.</summary>
internal static class Deletion
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("del-subscriptions-by-name", "Subscriptions are kept by the name of the topic, beyond its deletion.")
            .Does(server =>
            {
                var subscribers = new ConcurrentDictionary<string, List<SendQueue>>();
                server.EachTopic(topic =>
                {
                    topic.Subscribers.AddRange(subscribers.GetValueOrDefault(topic.Name, []));
                    topic.Delete.Wrap(next => notice =>
                    {
                        lock (topic.Gate)
                        {
                            subscribers[topic.Name] = [.. topic.Subscribers];
                            next(notice);
                        }
                    });
                    topic.Dismiss.Wrap(_ => (subscriber, notice) => subscriber.Say.Call(notice));
                });
            })
            .KilledBy("PS-DEL-001", "A subscription ends with its topic")
            .KilledBy("PS-DEL-004", "A topic created again has no subscribers")
            .MayBreak("PS-DEL-003"),
        new Mutant("del-number-by-name", "The number of subscribers is kept by the name of the topic, beyond its deletion.")
            .Does(server =>
            {
                var numbers = new ConcurrentDictionary<string, int>();
                server.EachTopic(topic =>
                {
                    var before = numbers.GetValueOrDefault(topic.Name);
                    topic.Count.Wrap(next => () => next() with { Subscribers = next().Subscribers + before });
                    topic.Delete.Wrap(next => notice =>
                    {
                        numbers[topic.Name] = topic.Count.Call().Subscribers;
                        next(notice);
                    });
                });
            })
            .KilledBy("PS-DEL-004", "A topic created again has no subscribers"),
        new Mutant("del-ring-by-name", "What is retained is kept by the name of the topic, beyond its deletion.")
            .Does(server =>
            {
                var rings = new ConcurrentDictionary<string, List<byte[]>>();
                server.EachTopic(topic =>
                {
                    topic.Retained.AddRange(rings.GetValueOrDefault(topic.Name, []));
                    topic.Delete.Wrap(next => notice =>
                    {
                        lock (topic.Gate)
                        {
                            rings[topic.Name] = [.. topic.Retained];
                            next(notice);
                        }
                    });
                });
            })
            .KilledBy("PS-DEL-004", "A topic created again retains nothing of its namesake"),
        new Mutant("del-no-notice", "Subscribers of a deleted topic are closed without a notice.")
            .EachTopic(topic => topic.Dismiss.Wrap(_ => (subscriber, _) => subscriber.Finish.Call(null, 1000, "topic deleted")))
            .KilledBy("PS-DEL-002", "the notice"),
        new Mutant("del-undated-notice", "The notice has no timestamp.")
            .Does(server => RewordNotice(server, "timestamp", _ => null))
            .KilledBy("PS-DEL-002", "The notice has a timestamp")
            .KilledBy("PS-ENV-003", "every server message has a timestamp in UTC"),
        new Mutant("del-notice-name-encoded", "The notice spells the name of the topic as a path does.")
            .Does(server => RewordNotice(server, "topic", topic => Messages.Quote(TopicName.Encode(topic.Text!))))
            .KilledBy("PS-DEL-002", "The notice names the topic that was deleted"),
        new Mutant("del-untyped-notice", "The notice has no type.")
            .Does(server => RewordNotice(server, "type", _ => null))
            .KilledBy("PS-ENV-001", "every server message has a string member type")
            .KilledBy("PS-DEL-002", "the notice"),
        new Mutant("del-notice-first", "The notice goes out before the events that are queued.")
            .Does(ShortenSocketBuffer)
            .EachSession(session => session.Queue.Finish.Wrap(next => (last, code, reason) =>
            {
                if (code == 1000 && last is not null)
                {
                    session.Queue.SayFirst(last);
                }

                next(code == 1000 ? null : last, code, reason);
            }))
            .KilledBy("PS-DEL-002", "The notice comes after the events already queued"),
        new Mutant("del-going-away", "Subscribers of a deleted topic are closed with 1001.")
            .EachTopic(topic => topic.Dismiss.Wrap(_ => (subscriber, notice) => subscriber.Finish.Call(notice, 1001, "topic deleted")))
            .KilledBy("PS-DEL-003", "closed with 1000"),
        new Mutant("del-not-closed", "Subscribers of a deleted topic are told so and not closed.")
            .EachTopic(topic => topic.Dismiss.Wrap(_ => (subscriber, notice) => subscriber.Say.Call(notice)))
            .KilledBy("PS-DEL-003", "the end of the connection"),
        new Mutant("del-spares-others", "A subscriber of a deleted topic that has other subscriptions is not closed.")
            .Does(server => server.EachTopic(topic => topic.Dismiss.Wrap(next => (subscriber, notice) =>
            {
                var joined = server.Sessions.Keys.First(session => session.Queue == subscriber).Joined.Keys;
                if (joined.Any(other => other != topic && server.Topics.Find.Call(other.Name) == other))
                {
                    subscriber.Say.Call(notice);
                    return;
                }

                next(subscriber, notice);
            })))
            .KilledBy("PS-DEL-003", "the end of the connection"),
        new Mutant("del-stale-handles", "A connection that has used a topic is acked as if the topic still were.")
            .EachSession(session =>
            {
                var used = new HashSet<string>();
                session.Answer.Wrap(next => request =>
                {
                    if (session.Server.Topics.Find.Call(request.Topic) is not null)
                    {
                        used.Add(request.Topic);
                    }

                    next(request);
                });
                session.NotFound.Wrap(next => request =>
                {
                    if (used.Contains(request.Topic))
                    {
                        session.Queue.Reply.Call(session.Ack.Call(request));
                        return;
                    }

                    next(request);
                });
            })
            .KilledBy("PS-DEL-005", "that names a deleted topic is answered with TOPIC_NOT_FOUND"),
        new Mutant("del-by-prefix", "Subscribers of topics whose names begin with that of the deleted one are dismissed too.")
            .Does(server => server.Topics.TryDelete.Wrap(next => name =>
            {
                var near = server.Topics.All.Call()
                    .Where(topic => topic.Name != name && topic.Name.StartsWith(name, StringComparison.Ordinal))
                    .ToHashSet();
                foreach (var session in server.Sessions.Keys.Where(session => session.Joined.Keys.Any(near.Contains)))
                {
                    session.Queue.Finish.Call(server.Messages.Deleted.Call(name), 1000, "topic deleted");
                }

                return next(name);
            }))
            .KilledBy("PS-DEL-007", "A subscriber of another topic goes on receiving")
            .MayBreak("PS-REST-023"),
        new Mutant("del-former-too", "Connections that have unsubscribed from a deleted topic are closed too.")
            .Does(server => server.EachTopic(topic => topic.Delete.Wrap(next => notice =>
            {
                next(notice);
                foreach (var former in server.Sessions.Keys.Where(session => session.Joined.ContainsKey(topic)))
                {
                    topic.Dismiss.Call(former.Queue, notice);
                }
            })))
            .KilledBy("PS-DEL-007", "A connection that has unsubscribed keeps its other subscription"),
        new Mutant("del-tells-everybody", "The deletion of a topic is told to every connection.")
            .EachTopic(topic => topic.Delete.Wrap(next => notice =>
            {
                foreach (var session in topic.Server.Sessions.Keys.Where(session => !topic.Has(session.Queue)))
                {
                    session.Queue.Say.Call(notice);
                }

                next(notice);
            }))
            .KilledBy("PS-DEL-010", "is told nothing"),
        new Mutant("del-queue-dropped", "What is queued for a subscriber of a deleted topic is dropped.")
            .Does(ShortenSocketBuffer)
            .EachTopic(topic => topic.Dismiss.Wrap(_ => (subscriber, notice) => subscriber.Abandon.Call(notice, 1000, "topic deleted")))
            .KilledBy("PS-DEL-008", "receives 30 events")
            .MayBreak("PS-DEL-002"),
        new Mutant(
            "del-event-in-hand-lost",
            "Of a busy connection the last event waits a moment for company, and is lost when the topic is deleted meanwhile.")
            .EachSession(HoldLatestEvent)
            .KilledBy("PS-DEL-008", "receives 50 events")
            .MayBreak("PS-DEL-002"),
        new Mutant("del-twice", "Of several who delete a topic at once, all who find it succeed.")
            .Does(server =>
            {
                var deleting = 0;
                server.Topics.TryDelete.Wrap(_ => name =>
                {
                    if (server.Topics.Find.Call(name) is not { } topic)
                    {
                        return false;
                    }

                    // Wait up to 2 ms for another deletion that finds the topic too.
                    Interlocked.Increment(ref deleting);
                    SpinWait.SpinUntil(() => Volatile.Read(ref deleting) > 1, TimeSpan.FromMilliseconds(2));
                    server.Topics.ByName.TryRemove(name, out var _);
                    topic.Delete.Call(server.Messages.Deleted.Call(name));
                    Interlocked.Decrement(ref deleting);
                    return true;
                });
            })
            .KilledBy("PS-DEL-009", "concurrent deletions one is answered with 200"),
    ];

    /// <summary>Changes one member of the notice, or leaves it out if the new text is null.</summary>
    private static void RewordNotice(SmallServer server, string name, Func<Member, string?> reword) =>
        server.Messages.Deleted.Wrap(next => topic => Messages.Text(Member.Spell(
            Member.Of(Encoding.UTF8.GetString(next(topic)))
                .Select(member => member.Name == name ? member with { Json = reword(member)! } : member)
                .Where(member => member.Json is not null))));

    /// <summary>Keeps unread events in the server's queue instead of the socket buffer; this violates nothing.</summary>
    private static void ShortenSocketBuffer(SmallServer server) => server.NewConnection.Wrap(next => socket =>
    {
        socket.SendBufferSize = 16 * 1024;
        return next(socket);
    });

    /// <summary>From the 45th event of a connection on, holds each event until the next message or for 20 ms, whichever is first.</summary>
    private static void HoldLatestEvent(Session session)
    {
        const int busy = 45;
        var queue = session.Queue;
        var deliver = queue.TryDeliver.Call;
        var gate = new Lock();
        byte[]? inHand = null; // guarded by gate
        var delivered = 0; // guarded by gate
        queue.Reply.Wrap(next => text =>
        {
            lock (gate)
            {
                Pass();
                next(text);
            }
        });
        queue.Say.Wrap(next => text =>
        {
            lock (gate)
            {
                Pass();
                next(text);
            }
        });
        queue.TryDeliver.Wrap(next => @event =>
        {
            lock (gate)
            {
                Pass();
                if (++delivered < busy)
                {
                    return next(@event);
                }

                inHand = @event;
                _ = PassLaterAsync(@event);
                return queue.Closing is null;
            }
        });

        void Pass()
        {
            if (inHand is { } passed)
            {
                inHand = null;
                deliver(passed);
            }
        }

        async Task PassLaterAsync(byte[] @event)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            lock (gate)
            {
                if (inHand == @event)
                {
                    Pass();
                }
            }
        }
    }
}
