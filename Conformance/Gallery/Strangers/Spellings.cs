using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers that mix the spellings of the dialects, have limits and places of their own, and are right about everything else.</summary>
internal static class Spellings
{
    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger("stranger-classic-with-uptime-seconds", "It is classic, without times and with UUIDs and 204, but health has 'uptime_seconds'.")
            .Does(server => server.Variation = Variation.Classic with { UptimeMember = "uptime_seconds", TimeMember = null, DeletionStatus = 204 })
            .Lacks("PS-PUB-006", "message ids that are no UUIDs")
            .Lacks("PS-FAN-006", "timestamps, which its dialect leaves to it"),
        new Stranger("stranger-v1-with-uptime-sec", "It is v1, but health has 'uptime_sec'.")
            .Does(server => server.Variation = server.Variation with { UptimeMember = "uptime_sec" }),
        new Stranger("stranger-small", "It retains 50 messages of a topic and takes messages of at most 4096 bytes.")
            .Does(server => server.Settings = server.Settings with { Ring = 50, MessageBytes = 4096 })
            .Warned("PS-PUB-013", "a request of 64 KiB is accepted"),
        new Stranger("stranger-tiny", "It retains 10 messages of a topic and takes messages of at most 512 bytes.")
            .Does(server => server.Settings = server.Settings with { Ring = 10, MessageBytes = 512 })
            .Warned("PS-PUB-013", "a request of 64 KiB is accepted"),
        new Stranger("stranger-roomy", "It retains 500 messages of a topic and takes messages of 16 MiB.")
            .Does(server => server.Settings = server.Settings with { Ring = 500, MessageBytes = 16 * 1024 * 1024 })
            .Lacks("PS-ROB-004", "a message limit that was found")
            .Lacks("PS-REST-017", "a message limit that was found"),
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
    ];
}
