using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers that mix the dialects or have unusual limits and paths, and are right about everything else.</summary>
internal static class Spellings
{
    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger(
            "stranger-classic-with-uptime-seconds",
            "It is classic, without times and with UUIDs and 204, but health has 'uptime_seconds'.")
            .Does(server => server.Variation = Variation.Classic with
            {
                UptimeMember = "uptime_seconds",
                TimeMember = null,
                DeletionStatus = 204,
            })
            .Lacks("PS-REST-012", "a deletion that is answered with 200")
            .Lacks("PS-PUB-006", "message ids that are no UUIDs")
            .Lacks("PS-FAN-006", "timestamps, which its dialect leaves to it"),
        new Stranger("stranger-v1-with-uptime-sec", "It is v1, but health has 'uptime_sec'.")
            .Does(server => server.Variation = server.Variation with { UptimeMember = "uptime_sec" }),
        new Stranger("stranger-small", "It retains 50 messages of a topic and takes messages of at most 4096 bytes.")
            .Does(server => server.Settings = server.Settings with { Ring = 50, MessageBytes = 4096 })
            .Warned("PS-PUB-013", "a request of 64 KiB is accepted")
            .Lacks("PS-REST-022", "messages over 4096 bytes")
            .Lacks("PS-ENV-012", "messages over 4096 bytes")
            .Lacks("PS-FAN-002", "messages over 4096 bytes")
            .Lacks("PS-ROB-002", "messages over 4096 bytes")
            .Lacks("PS-ROB-004", "messages over 4096 bytes")
            .Lacks("PS-ERR-006", "messages over 4096 bytes"),
        new Stranger("stranger-tiny", "It retains 10 messages of a topic and takes messages of at most 512 bytes.")
            .Does(server => server.Settings = server.Settings with { Ring = 10, MessageBytes = 512 })
            .Warned("PS-PUB-013", "a request of 64 KiB is accepted")
            .Lacks("PS-REST-021", "messages over 512 bytes")
            .Lacks("PS-REST-022", "messages over 512 bytes")
            .Lacks("PS-REST-023", "messages over 512 bytes")
            .Lacks("PS-ENV-008", "messages over 512 bytes")
            .Lacks("PS-ENV-009", "messages over 512 bytes")
            .Lacks("PS-ENV-010", "messages over 512 bytes")
            .Lacks("PS-ENV-012", "messages over 512 bytes")
            .Lacks("PS-SUB-010", "messages over 512 bytes")
            .Lacks("PS-SUB-011", "messages over 512 bytes")
            .Lacks("PS-PUB-009", "messages over 512 bytes")
            .Lacks("PS-FAN-002", "messages over 512 bytes")
            .Lacks("PS-PUB-013", "messages over 512 bytes")
            .Lacks("PS-ROB-002", "messages over 512 bytes")
            .Lacks("PS-ROB-004", "messages over 512 bytes")
            .Lacks("PS-PING-004", "messages over 512 bytes")
            .Lacks("PS-ERR-003", "messages over 512 bytes")
            .Lacks("PS-ERR-006", "messages over 512 bytes"),
        new Stranger("stranger-roomy", "It retains 500 messages of a topic and takes messages of 16 MiB.")
            .Does(server => server.Settings = server.Settings with { Ring = 500, MessageBytes = 16 * 1024 * 1024 })
            .Lacks("PS-ROB-004", "a limit of messages")
            .Lacks("PS-REST-017", "a limit of bodies"),
        new Stranger("stranger-below-api", "It sits below /api/v1, with its health and its statistics at the root.")
            .Does(server => server.Variation = server.Variation with { Root = "/api/v1" })
            .Does(server => server.Rest.PathOf.Wrap(next => request => next(request) switch
            {
                "/health" => "/api/v1/health",
                "/stats" => "/api/v1/stats",
                "/api/v1/health" or "/api/v1/stats" => "/nowhere",
                var path => path,
            })),
        new Stranger("stranger-greets", "Each connection begins with a frame of an unknown type, and a creation is answered with 200.")
            .EachSession(session => session.RunAsync.Wrap(next => () =>
            {
                session.Queue.Say.Call(Messages.Text("""{"type":"welcome","message":"hello","timestamp":"2025-08-28T10:00:00Z"}"""));
                return next();
            }))
            .Does(server => server.Rest.Created.Wrap(next => name => next(name) with { Status = 200 }))
            .Violates("PS-REST-001", "is answered with 201"),
        new Stranger(
            "stranger-bare-identity",
            "It sits below /pubsub/v1, a client_id is the identity, ids are UUIDs, errors are strings, a deletion is answered with 204.")
            .Does(server => server.Variation = new()
            {
                Root = "/pubsub/v1", TimeMember = "ts", UptimeMember = "uptime_sec", UuidsOnly = true, DeletionStatus = 204,
            })
            .Does(server => server.Messages.Error.Wrap(_ => (code, message, id) =>
                Messages.Text(
                    $$"""{"type":"error"{{Messages.Id(id)}},"error":{{Messages.Quote($"{code}: {message}")}},"""
                    + "\"ts\":\"2025-08-28T10:00:00Z\"}")))
            .Does(Wanting.Takeover())
            .Does(Wanting.UuidRequestIds())
            .Lacks("PS-PUB-006", "message ids that are no UUIDs")
            .Lacks("PS-REST-012", "a deletion that is answered with 200")
            .Warned("PS-ENV-009", "a request_id that is no UUID is accepted")
            .Violates("PS-ERR-004", "with the strings code and message"),
        new Stranger("stranger-bare-list", "It is classic, and the listing of topics is a bare array.")
            .Does(server => server.Variation = Variation.Classic with { UuidsOnly = false, BareList = true })
            .Violates("PS-REST-004", "The listing is an object with an array topics"),
        new Stranger("stranger-string-errors", "It is classic, and an error is a sentence.")
            .Does(server => server.Variation = Variation.Classic with { UuidsOnly = false })
            .Does(server => server.Messages.Error.Wrap(_ => (_, message, id) =>
                Messages.Text($$"""{"type":"error"{{Messages.Id(id)}},"error":{{Messages.Quote(message)}}}""")))
            .Lacks("PS-ERR-005", "errors with a message")
            .Lacks("PS-ERR-008", "errors with a code")
            .Violates("PS-ERR-004", "with the strings code and message"),
        new Stranger("stranger-implicit-topics", "It is classic, and a subscribe or a publish creates the topic that does not exist.")
            .Does(server => server.Variation = Variation.Classic with { UuidsOnly = false })
            .EachSession(session => session.Answer.Wrap(next => request =>
            {
                if (request.Type is "subscribe" or "publish")
                {
                    session.Server.Topics.TryCreate.Call(request.Topic);
                }

                next(request);
            }))
            .Violates("PS-SUB-002", "a subscribe to a topic that was not created")
            .Violates("PS-PUB-002", "a publish to a topic that was not created")
            .Lacks("PS-SUB-002", "topics that have to be created first")
            .Lacks("PS-PUB-002", "topics that have to be created first")
            .Lacks("PS-DEL-005", "topics that have to be created first"),
    ];
}
