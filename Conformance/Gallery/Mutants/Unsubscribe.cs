using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about unsubscribing.</summary>
internal static class Unsubscribe
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("uns-answered-by-info", "An unsubscribe is answered by a message of the type 'unsubscribed'.")
        {
            Change = parts => parts with { Messages = server => new AnsweredOtherwise(server) },
            Kills = [new("PS-UNS-001", "an unsubscribe from a subscribed topic is acked")],
            Also = ["PS-ENV-004", "PS-ENV-007", "PS-ENV-008", "PS-ENV-011", "PS-ENV-012", "PS-UNS-005"],
        },
        new("uns-one-more", "One more event of the topic is delivered after the ack of an unsubscribe.")
        {
            Change = parts => parts with { Topic = seed => new OneMore(seed) },
            Kills = [new("PS-UNS-002", "nothing of the topic is delivered after the ack of an unsubscribe")],
            Also = ["PS-DEL-007", "PS-RPL-012", "PS-UNS-009"],
        },
        new("uns-counts-subscribes", "Who subscribed twice has to unsubscribe twice.")
        {
            Change = parts => parts with { Topic = seed => new CountsSubscribes(seed) },
            Kills = [new("PS-UNS-002", "one unsubscribe ends the subscription, however often it was asked for")],
            Also = ["PS-OBS-009"],
        },
        new("uns-ends-all", "An unsubscribe ends every subscription of the connection.")
        {
            Change = parts => parts with { Session = seed => new EndsAll(seed) },
            Kills = [new("PS-UNS-003", "the event sentinel-")],
            Also = ["PS-ISO-002", "PS-DEL-007"],
        },
        new("uns-ends-by-client-id", "An unsubscribe ends the subscriptions of whoever has that client_id.")
        {
            Change = parts => parts with { Topic = seed => new EndsByClientId(seed) },
            Kills = [new("PS-UNS-004", "the event sentinel-")],
        },
        new("uns-refused-when-not-subscribed", "An unsubscribe without a subscription is a bad request.")
        {
            Change = parts => parts with { Topic = seed => new RefusedWhenNotSubscribed(seed) },
            Kills = [new("PS-UNS-005", "an unsubscribe without a subscription is acked")],
            Also = ["PS-ENV-008", "PS-ENV-012"],
        },
        new("uns-second-refused", "A second unsubscribe is a bad request.")
        {
            Change = parts => parts with { Topic = seed => new SecondRefused(seed) },
            Kills = [new("PS-UNS-005", "a second unsubscribe is acked")],
            Also = ["PS-ENV-008", "PS-ENV-012"],
        },
        new("uns-unknown-acked", "An unsubscribe from a topic that does not exist is acked.")
        {
            Change = parts => parts with { Session = seed => new UnknownAcked(seed) },
            Kills = [new("PS-UNS-006", "an unsubscribe from a topic that does not exist is answered with TOPIC_NOT_FOUND")],
            Also = ["PS-DEL-005"],
        },
        new("uns-client-id-null", "A client_id of null is as good as any.")
        {
            Change = parts => parts with
            {
                Session = seed => new MendingSession(seed, "unsubscribe", "client_id must be a string", request =>
                {
                    if (request["client_id"] is null)
                    {
                        request["client_id"] = "null";
                    }
                }),
            },
            Kills = [new("PS-UNS-007", "client_id is null")],
        },
        new("uns-keeps-its-place", "The place of a subscription that has ended is not given back: the seventeenth subscribe is refused.")
        {
            Change = parts => parts with { Session = seed => new KeepsItsPlace(seed) },
            Kills = [new("PS-UNS-008", "a connection can subscribe again after it has unsubscribed")],
        },
        new("uns-demands-client-id", "An unsubscribe under another client_id than that of the subscribe is refused.")
        {
            Change = parts => parts with { Topic = seed => new UnderItsOwnClientId(
                seed, (messages, request) => messages.Error("BAD_REQUEST", "client_id must be that of the subscribe", request.RawRequestId)) },
            Kills = [new("PS-UNS-009", "an unsubscribe ends the subscription whatever client_id it names")],
        },
        new("uns-ignored-under-another-client-id", "An unsubscribe under another client_id is acked and does nothing.")
        {
            Change = parts => parts with { Topic = seed => new UnderItsOwnClientId(seed, (messages, request) => messages.Ack(request)) },
            Kills = [new("PS-UNS-009", "an unsubscribe ends the subscription whatever client_id it names")],
        },
    ];

    private sealed class AnsweredOtherwise(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Ack(ClientRequest request) => request.Type == "unsubscribe"
            ? Text($$"""{"type":"unsubscribed"{{Id(request.RawRequestId)}},"topic":{{Quote(request.Topic)}}{{Time}}}""")
            : base.Ack(request);
    }

    private sealed class OneMore(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<Outbox> _leaving = []; // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _leaving.Remove(subscriber);
                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (Subscribers.Contains(subscriber))
                {
                    _leaving.Add(subscriber);
                }

                return base.TryUnsubscribe(subscriber, request, ack);
            }
        }

        protected override void Deliver(byte[] @event, Outbox publisher)
        {
            base.Deliver(@event, publisher);
            foreach (var subscriber in _leaving)
            {
                subscriber.TryDeliver(@event);
            }

            _leaving.Clear();
        }
    }

    private sealed class CountsSubscribes(TopicSeed seed) : Topic(seed)
    {
        private readonly Dictionary<Outbox, int> _times = []; // guarded by Gate

        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _times[subscriber] = _times.GetValueOrDefault(subscriber) + 1;
                return base.TrySubscribe(subscriber, request, ack);
            }
        }

        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                _times[subscriber] = _times.GetValueOrDefault(subscriber) - 1;
                if (_times[subscriber] > 0)
                {
                    subscriber.Reply(ack);
                    return true;
                }

                return base.TryUnsubscribe(subscriber, request, ack);
            }
        }

        protected override void Remove(Outbox subscriber)
        {
            _times.Remove(subscriber);
            base.Remove(subscriber);
        }
    }

    private sealed class EndsAll(SessionSeed seed) : Session(seed)
    {
        protected override bool Unsubscribe(Topic topic, ClientRequest request)
        {
            LeaveAll();
            return base.Unsubscribe(topic, request);
        }
    }

    private sealed class EndsByClientId(TopicSeed seed) : LabelledTopic(seed)
    {
        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                Labelled(request.ClientId).ForEach(Remove);
                return base.TryUnsubscribe(subscriber, request, ack);
            }
        }
    }

    private sealed class RefusedWhenNotSubscribed(TopicSeed seed) : Topic(seed)
    {
        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                return base.TryUnsubscribe(
                    subscriber, request,
                    Subscribers.Contains(subscriber) ? ack : Messages.Error("BAD_REQUEST", "topic is not subscribed to", request.RawRequestId));
            }
        }
    }

    private sealed class SecondRefused(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<Outbox> _left = []; // guarded by Gate

        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                var isFirst = Subscribers.Contains(subscriber) || _left.Add(subscriber);
                return base.TryUnsubscribe(
                    subscriber, request, isFirst ? ack : Messages.Error("BAD_REQUEST", "topic was left before", request.RawRequestId));
            }
        }

        protected override void Remove(Outbox subscriber)
        {
            if (Subscribers.Remove(subscriber))
            {
                _left.Add(subscriber);
            }
        }
    }

    private sealed class UnknownAcked(SessionSeed seed) : Session(seed)
    {
        protected override void NotFound(ClientRequest request)
        {
            if (request.Type == "unsubscribe")
            {
                Outbox.Reply(Messages.Ack(request));
            }
            else
            {
                base.NotFound(request);
            }
        }
    }

    private sealed class KeepsItsPlace(SessionSeed seed) : Session(seed)
    {
        private readonly List<Topic> _places = [];

        protected override bool Subscribe(Topic topic, ClientRequest request)
        {
            _places.Add(topic);
            if (_places.Count(place => place == topic) <= 16)
            {
                return base.Subscribe(topic, request);
            }

            Outbox.Reply(Messages.Error("BAD_REQUEST", "there must be no more subscriptions than there are places", request.RawRequestId));
            return true;
        }
    }

    /// <param name="answer">To who names another client_id than at the subscribe, and stays subscribed; the ack, or something else.</param>
    private sealed class UnderItsOwnClientId(TopicSeed seed, Func<Messages, ClientRequest, byte[]> answer) : LabelledTopic(seed)
    {
        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (IsDeleted || !Subscribers.Contains(subscriber) || Labels[subscriber] == request.ClientId)
                {
                    return base.TryUnsubscribe(subscriber, request, ack);
                }

                subscriber.Reply(answer(Messages, request));
                return true;
            }
        }
    }
}
