using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about ping and pong.</summary>
internal static class Ping
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("ping-rate-limited", "The twentieth ping on a connection, and every one that follows, is an error.")
            .EachSession(session =>
            {
                var pings = 0;
                session.Ping.Wrap(next => request =>
                    ++pings < 20 ? next(request) : Refuse(session, request, "there must be no more than 19 pings"));
            })
            .KilledBy("PS-PING-001", "the answer to a ping is a reply and no error")
            .MayBreak("PS-ENV-009"),
        new Mutant("ping-answered-twice", "Every tenth ping on a connection is answered twice.")
            .EachSession(session =>
            {
                var pings = 0;
                session.Ping.Wrap(next => request => (++pings % 10 != 0 || next(request)) && next(request));
            })
            .KilledBy("PS-PING-001", "a ping is answered by exactly one reply")
            .MayBreak("PS-ENV-006", "PS-ENV-007", "PS-ENV-009", "PS-ENV-011"),
        new Mutant("ping-needs-subscription", "A connection that never subscribed to anything may not ping.")
            .EachSession(session => session.Ping.Wrap(next => request =>
                session.Joined.IsEmpty ? Refuse(session, request, "a ping must come behind a subscribe") : next(request)))
            .KilledBy("PS-PING-001", "a ping is answered on a connection that has done nothing else")
            .KilledBy("PS-PING-002", "the reply to a ping is a pong")
            .MayBreak("PS-ENV-009", "PS-ERR-010", "PS-ROB-002", "PS-WS-015"),
        new Mutant("ping-acked", "A ping is answered by an ack.")
            .Does(server => server.Messages.Pong.Wrap(_ => request =>
                Messages.Text($$"""{"type":"ack"{{Messages.Id(request.RawRequestId)}},"status":"ok"{{server.Messages.Time.Call()}}}""")))
            .KilledBy("PS-PING-002", "the reply to a ping is a pong")
            .MayBreak("PS-ERR-002"),
        new Mutant("ping-undated", "A pong has no timestamp.")
            .Does(server => server.Messages.Pong.Wrap(_ => request =>
                Messages.Text($$"""{"type":"pong"{{Messages.Id(request.RawRequestId)}}}""")))
            .KilledBy("PS-PING-002", "a pong has a timestamp")
            .MayBreak("PS-ENV-003"),
        new Mutant("ping-needs-id", "A ping without request_id is refused.")
            .EachSession(session => session.Ping.Wrap(next => request =>
                request.RawRequestId is null ? Refuse(session, request, "request_id is required") : next(request)))
            .KilledBy("PS-PING-003", "a ping without request_id is answered by no error")
            .MayBreak("PS-ERR-001", "PS-ERR-002", "PS-ERR-007", "PS-ENV-005", "PS-ENV-012"),
        new Mutant("ping-id-invented", "A pong has a request_id even where the ping had none.")
            .Does(server => server.Messages.Pong.Wrap(next => request =>
                next(request with { RawRequestId = request.RawRequestId ?? $"\"{Guid.NewGuid()}\"" })))
            .KilledBy("PS-PING-003", "a pong that answers a ping without request_id has none")
            .MayBreak("PS-ENV-005"),
        new Mutant(
            "ping-overtakes",
            "Events are collected for a moment and written together, and a pong goes ahead of everything that waits.")
            .EachSession(session =>
            {
                var queue = session.Queue;
                queue.CollectAsync.Wrap(_ => () => queue.Outstanding.Events > 0 ? Task.Delay(10) : Task.CompletedTask);
                session.Ping.Wrap(_ => request =>
                {
                    queue.ReplyFirst(session.Server.Messages.Pong.Call(request));
                    return true;
                });
            })
            .KilledBy("PS-PING-004", "a pong comes after the events of messages already acked")
            .MayBreak("PS-ENV-011", "PS-WS-016"),
    ];

    private static bool Refuse(Session session, ClientRequest request, string rule)
    {
        session.Queue.Reply.Call(session.Server.Messages.Error.Call("BAD_REQUEST", rule, request.RawRequestId));
        return true;
    }
}
