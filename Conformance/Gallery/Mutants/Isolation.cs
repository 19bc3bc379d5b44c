using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers whose topics are not independent of each other.</summary>
internal static class Isolation
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant(
            "iso-last-message-again",
            "A connection that goes on to publish to another topic delivers its last message there as well.")
            .EachSession(session =>
            {
                (Topic Topic, byte[] Event)? last = null;
                session.Publish.Wrap(_ => (topic, request) =>
                {
                    if (last is var (before, lastEvent) && before != topic)
                    {
                        Deliver(topic, lastEvent, session.Queue);
                    }

                    var @event = session.Server.Messages.Event.Call(topic.Name, request.RawMessage);
                    last = (topic, @event);
                    return topic.TryPublish.Call(@event, session.Queue, request, session.Ack.Call(request));
                });
            })
            .KilledBy("PS-ISO-001", "a subscriber of payments receives no event of orders")
            .KilledBy("PS-ISO-002", "shares no events with a name that looks like it")
            .MayBreak("PS-BPR-006", "PS-DEL-004", "PS-DEL-007", "PS-DEL-008", "PS-ISO-003", "PS-ISO-004")
            .MayBreak("PS-RPL-001", "PS-SUB-002", "PS-SUB-007", "PS-UNS-002", "PS-UNS-003"),
        new Mutant(
            "iso-crossed-burst",
            "Every 150th message of a connection that serves eight topics or more is delivered at the one before as well.")
            .EachSession(session =>
            {
                var served = new HashSet<Topic>();
                Topic? before = null;
                var messages = 0;
                session.Publish.Wrap(next => (topic, request) =>
                {
                    served.Add(topic);
                    if (++messages % 150 == 0 && served.Count >= 8 && before is not null && before != topic)
                    {
                        Deliver(before, session.Server.Messages.Event.Call(topic.Name, request.RawMessage), session.Queue);
                    }

                    before = topic;
                    return next(topic, request);
                });
            })
            .KilledBy("PS-ISO-001", "amid bursts a subscriber receives its own topic's events and no other"),
        new Mutant("iso-publisher-listens", "A connection receives what it publishes, subscribed or not.")
            .EachTopic(topic => topic.Deliver.Wrap(next => (@event, publisher) =>
            {
                next(@event, publisher);
                if (!topic.Subscribers.Contains(publisher))
                {
                    publisher.Say.Call(@event);
                }
            }))
            .KilledBy("PS-ISO-001", "a publisher receives no event of a topic that it only publishes to")
            .MayBreak("PS-RPL-002"),
        new Mutant(
            "iso-by-client-id",
            "A subscriber that shares its client_id with a subscriber of another topic receives the events of both.")
            .Does(ReachByClientId)
            .KilledBy("PS-ISO-001", "a client_id in common does not mix two connections' topics"),
        Leaky(
            "iso-below",
            "A subscriber receives the events of all topics whose names begin with that of its own, if that has three characters.",
            (name, own) => own.Length > 2 && name.StartsWith(own, StringComparison.Ordinal)),
        Leaky(
            "iso-wildcard",
            "A name that ends in an asterisk is subscribed to as a pattern.",
            (name, own) => own.EndsWith('*') && name.StartsWith(own[..^1], StringComparison.Ordinal)),
        new Mutant("iso-unsubscribe-below", "To unsubscribe from a topic ends the subscriptions to all whose names it begins with.")
            .EachSession(session => session.Unsubscribe.Wrap(next => (topic, request) =>
            {
                foreach (var other in session.Joined.Keys)
                {
                    if (other != topic && other.Name.StartsWith(topic.Name, StringComparison.Ordinal))
                    {
                        other.Leave.Call(session.Queue);
                    }
                }

                return next(topic, request);
            }))
            .KilledBy("PS-ISO-002", "a subscription does not end with that to a name that looks like it"),
        new Mutant("iso-one-file", "Messages are retained in files, in whose names all but letters and digits is an underscore.")
            .Does(server =>
            {
                var files = new ConcurrentDictionary<string, List<byte[]>>(StringComparer.Ordinal);
                server.EachTopic(topic =>
                {
                    var fileName = string.Concat(topic.Name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));
                    topic.Delete.Wrap(next => notice =>
                    {
                        files.TryRemove(fileName, out _);
                        next(notice);
                    });
                    topic.Retain.Wrap(_ => @event =>
                    {
                        var file = files.GetOrAdd(fileName, _ => []);
                        lock (file)
                        {
                            file.Add(@event);
                            file.RemoveRange(0, Math.Max(0, file.Count - server.Settings.Ring));
                        }
                    });
                    topic.Replayed.Wrap(_ => lastN =>
                    {
                        var file = files.GetOrAdd(fileName, _ => []);
                        lock (file)
                        {
                            return [.. file.TakeLast(lastN)];
                        }
                    });
                });
            })
            .KilledBy("PS-ISO-003", "has no event of another topic"),
        new Mutant("iso-used-buffer", "The replay of a topic without messages is what the one before left in the buffer.")
            .Does(server =>
            {
                byte[][] buffer = [];
                server.EachTopic(topic => topic.Replayed.Wrap(next => lastN =>
                {
                    if (lastN > 0 && topic.Retained.Count > 0)
                    {
                        buffer = [.. next(lastN)];
                    }

                    return lastN > 0 ? buffer : [];
                }));
            })
            .KilledBy("PS-ISO-003", "a topic without messages replays nothing of another")
            .MayBreak("PS-DEL-004", "PS-PUB-002", "PS-RPL-001"),
        new Mutant("iso-piled-up", "A connection's second replay begins with its first, under the name of the second topic.")
            .Does(server =>
            {
                var buffers = new ConditionalWeakTable<SendQueue, List<(Topic Topic, byte[] Event)>>();
                server.EachTopic(topic => topic.Replayed.Wrap(next => lastN =>
                {
                    var buffer = buffers.GetOrCreateValue(topic.Subscribers[^1]);
                    byte[][] before = [.. buffer.Where(of => of.Topic != topic).Select(of => Renamed(of.Event, of.Topic.Name, topic.Name))];
                    byte[][] own = [.. next(lastN)];
                    buffer.AddRange(own.Select(@event => (topic, @event)));
                    return lastN > 0 ? before.Concat(own) : [];
                }));

                static byte[] Renamed(byte[] @event, string from, string to) => Messages.Text(Encoding.UTF8.GetString(@event)
                    .Replace($"\"topic\":{Messages.Quote(from)}", $"\"topic\":{Messages.Quote(to)}"));
            })
            .KilledBy("PS-ISO-003", "the replay of payments has no event of orders")
            .MayBreak("PS-RPL-001", "PS-RPL-010"),
        Confused(
            "iso-one-case",
            "Topics whose names differ in case are one.",
            name => name.ToUpperInvariant(), "Orders is created beside orders"),
        Confused(
            "iso-one-decoded",
            "Topics whose names are the same when percent-decoded are one.",
            Uri.UnescapeDataString, "is not taken for"),
        new Mutant("iso-slash-found", "A topic is found by its name with a slash at the end as well.")
            .Does(server => server.Topics.Find.Wrap(next => name => next(name) ?? next(name.TrimEnd('/'))))
            .KilledBy("PS-ISO-004", "is not taken for"),
    ];

    private static void ReachByClientId(SmallServer server)
    {
        var clientIds = new ConcurrentDictionary<(Topic Topic, SendQueue Subscriber), string>();
        server.EachSession(session =>
        {
            session.Subscribe.Wrap(next => (topic, request) =>
            {
                clientIds[(topic, session.Queue)] = request.ClientId;
                return next(topic, request);
            });
            session.Unsubscribe.Wrap(next => (topic, request) =>
            {
                clientIds.TryRemove((topic, session.Queue), out _);
                return next(topic, request);
            });
            session.Publish.Wrap(next => (topic, request) =>
            {
                // Ids of one character are ignored, because too many scenarios use the client_id c.
                var here = clientIds.Where(entry => entry.Key.Topic == topic).ToList();
                var ids = here.Select(entry => entry.Value).Where(id => id.Length > 1).ToHashSet();
                var reached = here.Select(entry => entry.Key.Subscriber).ToHashSet();
                foreach (var ((_, other), id) in clientIds)
                {
                    if (ids.Contains(id) && reached.Add(other))
                    {
                        other.Say.Call(server.Messages.Event.Call(topic.Name, request.RawMessage));
                    }
                }

                return next(topic, request);
            });
            session.LeaveAll.Wrap(next => () =>
            {
                foreach (var topic in session.Joined.Keys)
                {
                    clientIds.TryRemove((topic, session.Queue), out _);
                }

                next();
            });
        });
    }

    /// <param name="reaches">Whether the events of the first name reach the subscribers of the second.</param>
    private static Mutant Leaky(string id, string fault, Func<string, string, bool> reaches) => new Mutant(id, fault)
        .EachSession(session => session.Publish.Wrap(next => (topic, request) =>
        {
            var @event = topic.Server.Messages.Event.Call(topic.Name, request.RawMessage);
            foreach (var other in topic.Server.Topics.All.Call().Where(other => other != topic && reaches(topic.Name, other.Name)))
            {
                Deliver(other, @event, session.Queue);
            }

            return next(topic, request);
        }))
        .KilledBy("PS-ISO-002", "shares no events with a name that looks like it");

    /// <param name="key">The part of a name that is compared.</param>
    private static Mutant Confused(string id, string fault, Func<string, string> key, string because) => new Mutant(id, fault)
        .Does(server => server.Topics.Key.Wrap(_ => key))
        .KilledBy("PS-ISO-004", because);

    /// <summary>Delivers an event of another topic to the subscribers of this topic.</summary>
    private static void Deliver(Topic topic, byte[] @event, SendQueue publisher)
    {
        lock (topic.Gate)
        {
            topic.Deliver.Call(@event, publisher);
        }
    }
}
