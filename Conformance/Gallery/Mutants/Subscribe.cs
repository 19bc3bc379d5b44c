using System.Collections.Concurrent;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about subscribing.</summary>
internal static class Subscribe
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("sub-ack-without-topic", "The ack of a subscribe that asks for a replay does not say of which topic it is.")
            .Does(SharedFaults.AckWithoutTopic(request => request.LastN > 0))
            .KilledBy("PS-SUB-001", "the ack has the topic's name")
            .MayBreak("PS-ENV-012"),
        new Mutant("sub-ack-says-subscribed", "The status of a subscribe's ack is 'subscribed'.")
            .Does(server => server.Messages.Ack.Wrap(next => request =>
                request.Type == "subscribe" ? next(request).WithStatus("subscribed") : next(request)))
            .KilledBy("PS-SUB-001", "the ack has the status ok"),
        new Mutant("sub-escapes-not-resolved", "The topic of a subscribe is taken as it is spelt where letters are escaped.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                var request = next(text);
                using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 128 });
                var spelt = request.Type == "subscribe" ? json.RootElement.GetProperty("topic").GetRawText()[1..^1] : "";
                return spelt.Contains("\\u006", StringComparison.Ordinal) ? request with { Topic = spelt } : request;
            }))
            .KilledBy("PS-SUB-001", "a topic spelt with escapes is the same topic"),
        new Mutant("sub-creates-topic", "A subscribe creates the topic that does not exist.")
            .EachSession(session => session.CreateNamedTopics("subscribe", isLate: false))
            .KilledBy("PS-SUB-002", "a subscribe to a topic that does not exist is answered with TOPIC_NOT_FOUND")
            .MayBreak("PS-ISO-004", "PS-DEL-005"),
        new Mutant("sub-creates-despite-error", "A subscribe to an unknown topic is refused, and creates it all the same.")
            .EachSession(session => session.CreateNamedTopics("subscribe", isLate: true))
            .KilledBy("PS-SUB-002", "a refused subscribe creates no topic"),
        new Mutant("sub-waits-for-topic", "A refused subscribe takes effect as soon as the topic is created.")
            .Does(server =>
            {
                var waiting = new ConcurrentQueue<(string Topic, SendQueue Subscriber)>();
                server.EachSession(session => session.NotFound.Wrap(next => request =>
                {
                    next(request);
                    if (request.Type == "subscribe")
                    {
                        waiting.Enqueue((request.Topic, session.Queue));
                    }
                }));
                server.EachTopic(topic => topic.Subscribers.AddRange(waiting
                    .Where(entry => entry.Topic == topic.Name)
                    .Select(entry => entry.Subscriber)
                    .Where(subscriber => !subscriber.Ended.IsCompleted)
                    .Distinct()));
            })
            .KilledBy("PS-SUB-002", "a refused subscribe makes no subscription"),
        new Mutant("sub-takes-patterns", "An asterisk at the end of a topic's name stands for anything.")
            .EachSession(session => session.Answer.Wrap(next => request =>
            {
                var topics = session.Server.Topics;
                var isPattern = request.Type == "subscribe" && request.Topic.EndsWith('*') && topics.Find.Call(request.Topic) is null;
                var meant = isPattern
                    ? topics.All.Call().FirstOrDefault(topic => topic.Name.StartsWith(request.Topic[..^1], StringComparison.Ordinal))
                    : null;
                next(meant is null ? request : request with { Topic = meant.Name });
            }))
            .KilledBy("PS-SUB-002", "a pattern names no topic until one is created by that name")
            .MayBreak("PS-ISO-004"),
        new Mutant("sub-client-id-a-number", "A client_id that is a number is taken for a string.")
            .EachSession(session => session.Mend("subscribe", "client_id must be a string", request =>
            {
                if (request["client_id"]?.GetValueKind() == JsonValueKind.Number)
                {
                    request["client_id"] = request["client_id"]!.ToJsonString();
                }
            }))
            .KilledBy("PS-SUB-003", "client_id is a number"),
        new Mutant("sub-topic-null-is-empty", "A topic that is null is answered as one that does not exist.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                try
                {
                    return next(text);
                }
                catch (BadRequest bad) when (bad.Message == "topic must be a string")
                {
                    using var json = JsonDocument.Parse(text);
                    var isMeant = json.RootElement.GetProperty("topic").ValueKind == JsonValueKind.Null
                        && json.RootElement.GetProperty("type").ValueEquals("subscribe");
                    if (!isMeant)
                    {
                        throw;
                    }

                    return new ClientRequest("subscribe", bad.RawRequestId, "", "", "", 0);
                }
            }))
            .KilledBy("PS-SUB-003", "topic is null"),
        new Mutant("sub-begins-late", "On a busy topic a subscription without replay begins a little later than it is acked.")
            .EachTopic(topic =>
            {
                var late = new Dictionary<SendQueue, long>();
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        if (topic.Accepted >= 20 && request.LastN == 0 && !topic.Subscribers.Contains(subscriber))
                        {
                            late[subscriber] = TimeProvider.System.GetTimestamp();
                        }

                        return next(subscriber, request, ack);
                    }
                });
                topic.Deliver.Wrap(_ => (@event, _) =>
                    topic.Subscribers.RemoveAll(subscriber => HasBegun(subscriber) && !subscriber.TryDeliver.Call(@event)));

                bool HasBegun(SendQueue subscriber) => !late.TryGetValue(subscriber, out var since)
                    || TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromMilliseconds(20);
            })
            .KilledBy("PS-SUB-004", "a message published right after the ack is delivered")
            .MayBreak("PS-FAN-001", "PS-UNS-008"),
        new Mutant("sub-doubled-by-client-id", "A connection is subscribed once for each client_id that it names.")
            .EachTopic(topic =>
            {
                var known = new HashSet<(SendQueue Subscriber, string ClientId)>();
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        var isKnown = topic.Subscribers.Contains(subscriber);
                        var done = next(subscriber, request, ack);
                        if (known.Add((subscriber, request.ClientId)) && isKnown && done)
                        {
                            topic.Subscribers.Add(subscriber);
                        }

                        return done;
                    }
                });
                topic.Remove.Wrap(_ => subscriber =>
                {
                    topic.Subscribers.RemoveAll(other => other == subscriber);
                    known.RemoveWhere(entry => entry.Subscriber == subscriber);
                });
            })
            .KilledBy("PS-SUB-013", "a second client_id of a connection never doubles an event"),
        new Mutant("sub-doubled", "Every subscribe of a connection adds a delivery of each event.")
            .EachTopic(topic =>
            {
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        var isAgain = topic.Subscribers.Contains(subscriber);
                        var done = next(subscriber, request, ack);
                        if (isAgain && done)
                        {
                            topic.Subscribers.Add(subscriber);
                        }

                        return done;
                    }
                });
                topic.Remove.Wrap(_ => subscriber => topic.Subscribers.RemoveAll(other => other == subscriber));
            })
            .KilledBy("PS-SUB-005", "ten subscribes make one subscription")
            .KilledBy("PS-SUB-005", "a second subscribe with last_n never doubles what comes after it")
            .KilledBy("PS-SUB-006", "one connection is one subscriber of a topic")
            .KilledBy("PS-SUB-013", "a second client_id of a connection never doubles an event")
            .MayBreak("PS-REST-005", "PS-ENV-008", "PS-ENV-012"),
        new Mutant("sub-replays-again", "A second subscribe replays what the first could have replayed.")
            .EachTopic(topic => topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
            {
                lock (topic.Gate)
                {
                    var again = topic.Subscribers.Contains(subscriber) ? topic.Replayed.Call(request.LastN) : [];
                    var done = next(subscriber, request, ack);
                    foreach (var @event in again)
                    {
                        subscriber.Say.Call(@event);
                    }

                    return done;
                }
            }))
            .KilledBy("PS-SUB-006", "a second subscribe with last_n never delivers an event again")
            .KilledBy("PS-SUB-006", "a second subscribe replays nothing"),
        new Mutant("sub-second-refused", "A second subscribe to a topic is a bad request.")
            .EachTopic(topic => topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
            {
                lock (topic.Gate)
                {
                    var error = topic.Server.Messages.Error;
                    return next(subscriber, request, topic.Subscribers.Contains(subscriber)
                        ? error.Call("BAD_REQUEST", "topic is subscribed to already", request.RawRequestId)
                        : ack);
                }
            }))
            .KilledBy("PS-SUB-006", "a second subscribe with last_n absent is acked")
            .KilledBy("PS-SUB-013", "a subscribe with a second client_id is acked")
            .MayBreak("PS-ENV-008"),
        new Mutant("sub-counted-twice", "Every subscribe counts, the second of a connection as well.")
            .EachTopic(topic =>
            {
                var counted = new List<SendQueue>();
                topic.Count.Wrap(_ => () =>
                {
                    lock (topic.Gate)
                    {
                        return (counted.Count(topic.Subscribers.Contains), topic.Accepted);
                    }
                });
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        counted.Add(subscriber);
                        return next(subscriber, request, ack);
                    }
                });
                topic.Remove.Wrap(next => subscriber =>
                {
                    counted.RemoveAll(other => other == subscriber);
                    next(subscriber);
                });
            })
            .KilledBy("PS-SUB-006", "one connection is one subscriber of a topic")
            .KilledBy("PS-REST-005", "A connection that subscribed twice holds one subscription"),
        new Mutant("sub-sixteen-topics", "A connection holds sixteen subscriptions; a further one silently ends the oldest.")
            .EachSession(session =>
            {
                var held = new Queue<Topic>();
                session.Subscribe.Wrap(next => (topic, request) =>
                {
                    if (!held.Contains(topic))
                    {
                        held.Enqueue(topic);
                    }

                    if (held.Count > 16)
                    {
                        held.Dequeue().Leave.Call(session.Queue);
                    }

                    return next(topic, request);
                });
            })
            .KilledBy("PS-SUB-007", "each of many subscriptions has its events")
            .MayBreak("PS-ISO-002"),
        new Mutant("sub-replaces-topic", "A connection has one subscription at a time.")
            .EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
            {
                foreach (var other in session.Joined.Keys.Where(other => other != topic))
                {
                    other.Leave.Call(session.Queue);
                }

                return next(topic, request);
            }))
            .KilledBy("PS-SUB-007", "a second subscription leaves the first in place")
            .MayBreak("PS-REST-005", "PS-ISO-002", "PS-RPL-001", "PS-RPL-010", "PS-BPR-006", "PS-ERR-002", "PS-OBS-005"),
        new Mutant("sub-splits-by-client-id", "Connections with one client_id take turns with the events.")
            .EachTopic(topic =>
            {
                var clientIds = topic.ClientIds();
                topic.Deliver.Wrap(_ => (@event, _) =>
                {
                    foreach (var client in topic.Subscribers.GroupBy(subscriber => clientIds[subscriber]).ToList())
                    {
                        var chosen = client.ElementAt((int)(topic.Accepted % client.Count()));
                        if (!chosen.TryDeliver.Call(@event))
                        {
                            topic.Remove.Call(chosen);
                        }
                    }
                });
            })
            .KilledBy("PS-SUB-008", "two connections with one client_id do not share the events out between them")
            .KilledBy("PS-SUB-009", "the first of two with one client_id receives every event")
            .MayBreak("PS-SUB-004"),
        new Mutant("sub-takeover", "A connection takes the subscription of another with the same client_id over.")
            .EachTopic(topic =>
            {
                var byClientId = topic.ByClientId();
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        foreach (var other in byClientId(request.ClientId).Where(other => other != subscriber))
                        {
                            topic.Remove.Call(other);
                        }

                        return next(subscriber, request, ack);
                    }
                });
            })
            .KilledBy("PS-SUB-009", "the event sentinel-"),
        new Mutant("sub-leave-together", "A connection that ends takes the subscriptions of all with the same client_id along.")
            .EachTopic(topic =>
            {
                var clientIds = topic.ClientIds();
                topic.Leave.Wrap(_ => subscriber =>
                {
                    lock (topic.Gate)
                    {
                        if (clientIds.TryGetValue(subscriber, out var clientId))
                        {
                            topic.Subscribers.Where(other => clientIds[other] == clientId).ToList().ForEach(topic.Remove.Call);
                        }
                    }
                });
            })
            .KilledBy("PS-SUB-004", "a subscriber receives on when an older connection with the same client_id leaves (closes)")
            .KilledBy("PS-SUB-009", "the event sentinel-"),
        new Mutant("sub-prototype-names", "Topics are kept in an object that has the names of its prototype from birth.")
            .Does(server =>
            {
                string[] names = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];
                var phantoms = names.ToDictionary(name => name, name => new Topic(name, server), StringComparer.Ordinal);
                server.Topics.Find.Wrap(next => name => next(name) ?? phantoms.GetValueOrDefault(name));
                server.Topics.TryDelete.Wrap(next => name => next(name) || phantoms.ContainsKey(name));
            })
            .KilledBy("PS-SUB-002", "a subscribe to a name that nothing created is answered with TOPIC_NOT_FOUND (constructor)")
            .KilledBy("PS-PUB-002", "a publish to a name that nothing created is answered with TOPIC_NOT_FOUND (constructor)")
            .KilledBy("PS-REST-007", "a DELETE of a name that nothing created is answered with 404 (constructor)")
            .KilledBy("PS-REST-015", "a GET of a name that nothing created is answered with 404 (constructor)")
            .MayBreak("PS-REST-021", "PS-REST-023"),
        new Mutant("sub-client-id-empty", "An empty client_id is accepted.")
            .EachSession(session => session.Mend("subscribe", "client_id must have 1 to 255 characters", request =>
            {
                if ((string?)request["client_id"] == "")
                {
                    request["client_id"] = "anonymous";
                }
            }))
            .KilledBy("PS-SUB-010", "client_id is empty"),
        new Mutant("sub-client-id-in-code-units", "The length of a client_id is counted in UTF-16 code units.")
            .EachSession(session => session.RefuseIf(
                request => request.Type == "subscribe" && request.ClientId.Length > 255, "client_id must have 1 to 255 characters"))
            .KilledBy("PS-SUB-010", "client_id has 255 characters outside the basic plane"),
        new Mutant("sub-c1-not-found", "A topic with a C1 control character is looked for like any other.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                try
                {
                    return next(text);
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
            }))
            .KilledBy("PS-SUB-011", "a C1 control character"),
    ];
}
