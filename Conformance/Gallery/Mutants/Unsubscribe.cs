using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about unsubscribing.</summary>
internal static class Unsubscribe
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("uns-answered-by-info", "An unsubscribe is answered by a message of the type 'unsubscribed'.")
            .Does(server => server.Messages.Ack.Wrap(next => request =>
            {
                var (id, topic, time) = (Messages.Id(request.RawRequestId), Messages.Quote(request.Topic), server.Messages.Time.Call());
                return request.Type == "unsubscribe"
                    ? Messages.Text($$"""{"type":"unsubscribed"{{id}},"topic":{{topic}}{{time}}}""")
                    : next(request);
            }))
            .KilledBy("PS-UNS-001", "an unsubscribe from a subscribed topic is acked")
            .MayBreak("PS-ENV-004", "PS-ENV-007", "PS-ENV-008", "PS-ENV-011", "PS-ENV-012", "PS-UNS-005"),
        new Mutant("uns-one-more", "One more event of the topic is delivered after the ack of an unsubscribe.")
            .EachTopic(topic =>
            {
                var leaving = new HashSet<SendQueue>(); // guarded by Gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        leaving.Remove(subscriber);
                        return next(subscriber, request, ack);
                    }
                });
                topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        if (topic.Subscribers.Contains(subscriber))
                        {
                            leaving.Add(subscriber);
                        }

                        return next(subscriber, request, ack);
                    }
                });
                topic.Deliver.Wrap(next => (@event, publisher) =>
                {
                    next(@event, publisher);
                    foreach (var subscriber in leaving)
                    {
                        subscriber.TryDeliver.Call(@event);
                    }

                    leaving.Clear();
                });
            })
            .KilledBy("PS-UNS-002", "nothing of the topic is delivered after the ack of an unsubscribe")
            .MayBreak("PS-DEL-007", "PS-RPL-012", "PS-UNS-009"),
        new Mutant("uns-counts-subscribes", "A client that subscribed twice has to unsubscribe twice.")
            .EachTopic(topic =>
            {
                var times = new Dictionary<SendQueue, int>(); // guarded by Gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        times[subscriber] = times.GetValueOrDefault(subscriber) + 1;
                        return next(subscriber, request, ack);
                    }
                });
                topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        times[subscriber] = times.GetValueOrDefault(subscriber) - 1;
                        if (times[subscriber] > 0)
                        {
                            subscriber.Reply.Call(ack);
                            return true;
                        }

                        return next(subscriber, request, ack);
                    }
                });
                topic.Remove.Wrap(next => subscriber =>
                {
                    times.Remove(subscriber);
                    next(subscriber);
                });
            })
            .KilledBy("PS-UNS-002", "one unsubscribe ends the subscription, however often it was asked for")
            .MayBreak("PS-OBS-009"),
        new Mutant("uns-ends-all", "An unsubscribe ends every subscription of the connection.")
            .EachSession(session => session.Unsubscribe.Wrap(next => (topic, request) =>
            {
                session.LeaveAll.Call();
                return next(topic, request);
            }))
            .KilledBy("PS-UNS-003", "the event sentinel-")
            .MayBreak("PS-ISO-002", "PS-DEL-007")
            .MayBreak("PS-OBS-005"),
        new Mutant("uns-ends-by-client-id", "An unsubscribe ends the subscriptions of every connection with that client_id.")
            .EachTopic(topic =>
            {
                var byClientId = topic.ByClientId();
                topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        byClientId(request.ClientId).ForEach(topic.Remove.Call);
                        return next(subscriber, request, ack);
                    }
                });
            })
            .KilledBy("PS-UNS-004", "the event sentinel-"),
        new Mutant("uns-refused-when-not-subscribed", "An unsubscribe without a subscription is a bad request.")
            .EachTopic(topic => topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
            {
                lock (topic.Gate)
                {
                    return next(subscriber, request, topic.Subscribers.Contains(subscriber)
                        ? ack
                        : topic.Server.Messages.Error.Call("BAD_REQUEST", "topic is not subscribed to", request.RawRequestId));
                }
            }))
            .KilledBy("PS-UNS-005", "an unsubscribe without a subscription is acked")
            .MayBreak("PS-ENV-008"),
        new Mutant("uns-second-refused", "A second unsubscribe is a bad request.")
            .EachTopic(topic =>
            {
                var left = new HashSet<SendQueue>(); // guarded by Gate
                topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        var isFirst = topic.Subscribers.Contains(subscriber) || left.Add(subscriber);
                        return next(subscriber, request, isFirst
                            ? ack
                            : topic.Server.Messages.Error.Call("BAD_REQUEST", "topic was left before", request.RawRequestId));
                    }
                });
                topic.Remove.Wrap(_ => subscriber =>
                {
                    if (topic.Subscribers.Remove(subscriber))
                    {
                        left.Add(subscriber);
                    }
                });
            })
            .KilledBy("PS-UNS-005", "a second unsubscribe is acked")
            .MayBreak("PS-ENV-008"),
        new Mutant("uns-unknown-acked", "An unsubscribe from a topic that does not exist is acked.")
            .EachSession(session => session.NotFound.Wrap(next => request =>
            {
                if (request.Type == "unsubscribe")
                {
                    session.Queue.Reply.Call(session.Server.Messages.Ack.Call(request));
                }
                else
                {
                    next(request);
                }
            }))
            .KilledBy("PS-UNS-006", "an unsubscribe from a topic that does not exist is answered with TOPIC_NOT_FOUND")
            .MayBreak("PS-DEL-005"),
        new Mutant("uns-client-id-null", "A client_id of null is as good as any.")
            .EachSession(session =>
                session.Mend("unsubscribe", "client_id must be a string", request => request["client_id"] ??= "null"))
            .KilledBy("PS-UNS-007", "client_id is null"),
        new Mutant(
            "uns-keeps-its-place",
            "The place of a subscription that has ended is not given back: the seventeenth subscribe is refused.")
            .EachSession(session =>
            {
                const string rule = "there must be no more subscriptions than there are places";
                var places = new List<Topic>();
                session.Subscribe.Wrap(next => (topic, request) =>
                {
                    places.Add(topic);
                    if (places.Count(place => place == topic) <= 16)
                    {
                        return next(topic, request);
                    }

                    session.Queue.Reply.Call(session.Server.Messages.Error.Call("BAD_REQUEST", rule, request.RawRequestId));
                    return true;
                });
            })
            .KilledBy("PS-UNS-008", "a connection can subscribe again after it has unsubscribed"),
        DemandsClientId("uns-demands-client-id", "An unsubscribe under another client_id than that of the subscribe is refused.",
            (messages, request) => messages.Error.Call("BAD_REQUEST", "client_id must be that of the subscribe", request.RawRequestId)),
        DemandsClientId("uns-ignored-under-another-client-id", "An unsubscribe under another client_id is acked and does nothing.",
            (messages, request) => messages.Ack.Call(request)),
    ];

    /// <param name="answer">
    /// The answer to a subscriber that names another client_id than in its subscribe; it stays subscribed.
    /// </param>
    private static Mutant DemandsClientId(string id, string fault, Func<Messages, ClientRequest, byte[]> answer) => new Mutant(id, fault)
        .EachTopic(topic =>
        {
            var byClientId = topic.ByClientId();
            topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
            {
                lock (topic.Gate)
                {
                    if (topic.IsDeleted || !topic.Subscribers.Contains(subscriber) || byClientId(request.ClientId).Contains(subscriber))
                    {
                        return next(subscriber, request, ack);
                    }

                    subscriber.Reply.Call(answer(topic.Server.Messages, request));
                    return true;
                }
            });
        })
        .KilledBy("PS-UNS-009", "an unsubscribe ends the subscription whatever client_id it names");
}
