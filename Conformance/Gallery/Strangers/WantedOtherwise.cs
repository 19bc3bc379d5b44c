using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers that require one thing in another form and are right about everything else.</summary>
internal static class WantedOtherwise
{
    private const string Token = "a-token-of-the-house";

    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger("stranger-client-id-in-publish", "A publish without client_id is refused.")
            .Does(Wanting.InRequest("publish", "client_id"))
            .Violates("PS-PUB-001", "a publish of type, topic, message with id and payload, and request_id is acked"),
        new Stranger("stranger-client-id-in-ping", "A ping without client_id is refused.")
            .Does(Wanting.InRequest("ping", "client_id"))
            .Violates("PS-PING-001", "a ping of type and request_id alone is answered by no error"),
        new Stranger("stranger-data-for-message", "A publish holds its message in 'data'.")
            .Does(Wanting.MessageIn("data", "payload"))
            .Violates("PS-PUB-001", "a publish of type, topic, message with id and payload, and request_id is acked"),
        new Stranger("stranger-data-for-payload", "A publish holds its payload in 'message.data'.")
            .Does(Wanting.MessageIn("message", "data"))
            .Violates("PS-PUB-001", "a publish of type, topic, message with id and payload, and request_id is acked"),
        new Stranger("stranger-flat-publish", "A publish holds id and payload beside its topic.")
            .Does(Wanting.Flat("payload"))
            .Violates("PS-PUB-001", "a publish of type, topic, message with id and payload, and request_id is acked"),
        new Stranger("stranger-uuid-request-ids", "A request_id that is no UUID is refused, and not echoed.")
            .Does(Wanting.UuidRequestIds())
            .Warned("PS-ENV-009", "a request_id that is no UUID is accepted"),
        new Stranger("stranger-request-id-required", "A request without request_id is refused.")
            .Does(Wanting.RequestIds())
            .Warned("PS-PING-003", "a ping without request_id is answered by no error"),
        new Stranger("stranger-slashes", "Paths of topics end with a slash, and others are redirected there with 301.")
            .Does(Wanting.Slashes(301))
            .Violates("PS-REST-001", "with no slash at its end, is answered with 201")
            .Violates("PS-REST-006", "with no slash at its end, is answered with 200"),
        new Stranger("stranger-topic-for-name", "A creation names the topic in 'topic'.")
            .Does(Wanting.TopicIn("topic"))
            .Violates("PS-REST-001", "is answered with 201"),
        new Stranger("stranger-first-message", "The first message of a connection has to be a token, which is answered.")
        {
            Probing = door => new ProbeOptions
            {
                Url = door.Origin,
                Accommodations = Accommodations.None with
                {
                    First = JsonDocument.Parse($$"""{"type":"auth","token":"{{Token}}"}""").RootElement,
                    FirstIsAnswered = true,
                },
            },
        }
            .Does(Wanting.FirstMessage(Token))
            .Violates("PS-PING-001", "when it is the first message of a connection"),
        new Stranger("stranger-wants-everything", "A publish has client_id and 'data', request ids are UUIDs, and so are message ids.")
            .Does(server => server.Variation = server.Variation with { UuidsOnly = true })
            .Does(Wanting.MessageIn("data", "payload"))
            .Does(Wanting.InRequest("publish", "client_id"))
            .Does(Wanting.UuidRequestIds())
            .Violates("PS-PUB-001", "a publish of type, topic, message with id and payload, and request_id is acked")
            .Violates("PS-PUB-007", "which is no UUID, is accepted")
            .Lacks("PS-PUB-006", "message ids that are no UUIDs")
            .Warned("PS-ENV-009", "a request_id that is no UUID is accepted"),
    ];
}
