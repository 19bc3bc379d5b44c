using System.Collections.Concurrent;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers for which a <c>client_id</c> is the identity of a subscriber.</summary>
internal static class Identity
{
    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger(
            "stranger-known-by-client-id",
            "A subscriber of a topic is a client_id: two ids of one connection get two copies, the newer connection of an id takes over "
                + "and the older is closed with 4000, and an unsubscribe under another id ends nothing. Every subscribe replays, "
                + "ahead of its ack.")
            .EachTopic(KnowByClientId)
            .Warned("PS-SUB-006", "a second subscribe replays nothing")
            .Warned("PS-SUB-009", "the first of two with one client_id receives every event")
            .Warned("PS-SUB-013", "a second client_id of a connection never doubles an event")
            .Warned("PS-UNS-009", "an unsubscribe ends the subscription whatever client_id it names")
            .Warned("PS-RPL-007", "the ack comes before the 1 replayed"),
        new Stranger(
            "stranger-newest-connection-wins",
            "One client_id is one connection: the older is closed with 1008, whatever it subscribed to. Names are compared without "
                + "regard to case, a message whose id the topic has seen is acked and dropped, and only what is retained is counted.")
            .Does(CloseTheOlder)
            .Does(server => server.Topics.Key.Wrap(next => name => next(name.ToLowerInvariant())))
            .EachTopic(DropKnownIds)
            .EachTopic(topic => topic.Count.Wrap(next => () =>
            {
                lock (topic.Gate)
                {
                    return (next().Subscribers, topic.Retained.Count);
                }
            }))
            .Warned("PS-SUB-009", "with one client_id receives every event")
            .Warned("PS-ISO-004", "Orders is created beside orders")
            .Warned("PS-PUB-008", "messages with one message.id")
            .Warned("PS-OBS-008", "Messages are counted beyond what is retained"),
        new Stranger(
            "stranger-deaf-twin",
            "The newer of two connections with one client_id silently takes the place of the older, and loses it when the older leaves or "
                + "unsubscribes. A second subscribe is refused.")
            .EachTopic(topic =>
            {
                var places = new Dictionary<string, SendQueue>(StringComparer.Ordinal); // by client_id; guarded by Gate
                var names = new Dictionary<SendQueue, string>(); // guarded by Gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        if (!topic.IsDeleted && topic.Subscribers.Contains(subscriber))
                        {
                            var messages = topic.Server.Messages;
                            subscriber.Reply.Call(messages.Error.Call("BAD_REQUEST", "topic is subscribed to", request.RawRequestId));
                            return true;
                        }

                        if (places.TryGetValue(request.ClientId, out var older))
                        {
                            topic.Subscribers.Remove(older);
                        }

                        places[request.ClientId] = subscriber;
                        names[subscriber] = request.ClientId;
                        return next(subscriber, request, ack);
                    }
                });
                topic.Remove.Wrap(next => subscriber => next(names.TryGetValue(subscriber, out var id) ? places[id] : subscriber));
            })
            .Warned("PS-SUB-006", "a second subscribe")
            .Warned("PS-SUB-009", "with one client_id receives every event")
            .Warned("PS-SUB-013", "a subscribe with a second client_id is acked")
            .Violates("PS-SUB-004", "an older connection with the same client_id leaves")
            .Violates("PS-UNS-004", "an older connection with the same client_id unsubscribes"),
    ];

    private static void KnowByClientId(Topic topic)
    {
        var holders = new Dictionary<string, SendQueue>(StringComparer.Ordinal); // by client_id; guarded by Gate
        topic.TrySubscribe.Wrap(_ => (subscriber, request, ack) =>
        {
            lock (topic.Gate)
            {
                if (topic.IsDeleted)
                {
                    return false;
                }

                var holder = holders.GetValueOrDefault(request.ClientId);
                if (holder is not null && holder != subscriber)
                {
                    topic.Remove.Call(holder);
                    holder.Finish.Call(null, 4000, "taken over");
                }

                if (holder != subscriber)
                {
                    holders[request.ClientId] = subscriber;
                    topic.Subscribers.Add(subscriber);
                }

                foreach (var @event in topic.Replayed.Call(request.LastN))
                {
                    subscriber.Say.Call(@event);
                }

                subscriber.Reply.Call(ack);
                return true;
            }
        });
        topic.TryUnsubscribe.Wrap(_ => (subscriber, request, ack) =>
        {
            lock (topic.Gate)
            {
                if (topic.IsDeleted)
                {
                    return false;
                }

                if (holders.GetValueOrDefault(request.ClientId) == subscriber)
                {
                    holders.Remove(request.ClientId);
                    topic.Subscribers.Remove(subscriber);
                }

                subscriber.Reply.Call(ack);
                return true;
            }
        });
        topic.Remove.Wrap(_ => subscriber =>
        {
            topic.Subscribers.RemoveAll(other => other == subscriber);
            foreach (var (id, _) in holders.Where(entry => entry.Value == subscriber).ToList())
            {
                holders.Remove(id);
            }
        });
    }

    private static void CloseTheOlder(SmallServer server)
    {
        var holders = new ConcurrentDictionary<string, SendQueue>(StringComparer.Ordinal); // by client_id
        server.EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
        {
            SendQueue? older = null;
            holders.AddOrUpdate(request.ClientId, session.Queue, (_, held) =>
            {
                older = held;
                return session.Queue;
            });
            if (older is not null && older != session.Queue)
            {
                older.Finish.Call(null, 1008, "replaced");
            }

            return next(topic, request);
        }));
    }

    private static void DropKnownIds(Topic topic)
    {
        var known = new HashSet<string>(StringComparer.Ordinal); // guarded by Gate
        topic.TryPublish.Wrap(next => (@event, publisher, request, ack) =>
        {
            lock (topic.Gate)
            {
                using var message = JsonDocument.Parse(request.RawMessage, new() { MaxDepth = 128 });
                if (topic.IsDeleted || known.Add(message.RootElement.GetProperty("id").GetString()!))
                {
                    return next(@event, publisher, request, ack);
                }

                publisher.Reply.Call(ack);
                return true;
            }
        });
    }
}
