using PubSub.Conformance.Gallery.Mutants;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Running;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers that differ in delivery, replay and counting.</summary>
internal static class Delivery
{
    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger(
            "stranger-leaky-stream",
            "Of a long stream a subscriber loses some. Replayed events come ahead of the ack, and the deletion of a topic is told to every "
                + "connection.")
            .EachTopic(topic =>
            {
                var seen = new Dictionary<SendQueue, int>(); // guarded by Gate
                topic.Deliver.Wrap(_ => (@event, _) => topic.Subscribers.RemoveAll(subscriber =>
                {
                    var count = seen[subscriber] = seen.GetValueOrDefault(subscriber) + 1;
                    return (count < 650 || count % 50 > 0) && !subscriber.TryDeliver.Call(@event);
                }));
            })
            .EachTopic(SharedFaults.AckBehindTheReplay)
            .EachTopic(topic => topic.Delete.Wrap(next => notice =>
            {
                next(notice);
                foreach (var session in topic.Server.Sessions.Keys.Where(session => !topic.Has(session.Queue)))
                {
                    session.Queue.Say.Call(notice);
                }
            }))
            .Violates("PS-FAN-001", "a long stream")
            .Undecided("PS-BPR-006", "PS-FAN-001")
            .Warned("PS-DEL-010", "is told nothing")
            .Warned("PS-RPL-007", "the ack comes before the 1 replayed"),
        new Stranger(
            "stranger-strict-subscriptions",
            "A last_n over 100 is refused, an unsubscribe without a subscription too, and a subscribe after an unsubscribe "
                + "replays nothing.")
            .EachSession(session => session.RefuseIf(request => request.LastN > 100, "last_n must be at most 100"))
            .EachTopic(topic =>
            {
                var known = new HashSet<SendQueue>(); // guarded by Gate
                topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        return next(subscriber, known.Add(subscriber) ? request : request with { LastN = 0 }, ack);
                    }
                });
                topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        return next(subscriber, request, topic.Subscribers.Contains(subscriber)
                            ? ack
                            : topic.Server.Messages.Error.Call("BAD_REQUEST", "topic is not subscribed to", request.RawRequestId));
                    }
                });
            })
            .Warned("PS-RPL-005", "is accepted")
            .Warned("PS-RPL-012", "a new subscription replays")
            .Warned("PS-UNS-005", "an unsubscribe without a subscription is acked"),
        new Stranger(
            "stranger-publish-fails",
            "Every publish is answered with an internal error, whatever it holds.")
        {
            Options = options => options with
            {
                Selection = new Selection
                {
                    Include = Selection.Parse(["PS-PUB-001", "PS-FAN-001", "PS-SUB-004", "PS-UNS-002", "PS-DEL-007"]),
                },
            },
        }
            .EachSession(session => session.Publish.Wrap(_ => (_, request) =>
            {
                session.Queue.Reply.Call(session.Server.Messages.Error.Call("INTERNAL", "something went wrong", request.RawRequestId));
                return true;
            }))
            .Violates("PS-PUB-001", "\"code\":\"INTERNAL\"")
            .Undecided("PS-FAN-001", "PS-PUB-001")
            .Undecided("PS-SUB-004", "PS-PUB-001")
            .Undecided("PS-UNS-002", "PS-PUB-001")
            .Undecided("PS-DEL-007", "PS-PUB-001"),
    ];
}
