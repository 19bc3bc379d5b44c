using System.Text.Json;
using PubSub.Conformance.Gallery.Mutants;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Running;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers that differ in how they read requests.</summary>
internal static class Requests
{
    private static readonly string[] Known = ["type", "topic", "client_id", "last_n", "message", "request_id"];

    public static IReadOnlyList<Stranger> All { get; } =
    [
        new Stranger(
            "stranger-terse-acks",
            "Its acks name no topic, an unsubscribe from what is not subscribed is refused, and so is every unknown member.")
            .Does(SharedFaults.AckWithoutTopic(_ => true))
            .EachSession(session => session.Unsubscribe.Wrap(next => (topic, request) =>
                topic.Has(session.Queue) ? next(topic, request) : Refused(session, request, "client is not subscribed to the topic")))
            .EachSession(session => session.RespellMembers(members => members.All(member => Known.Contains(member.Name)) ? members : []))
            .Does(server => server.Rest.Find.Wrap(next => body =>
                body.EnumerateObject().Any(member => member.Name != "name")
                    ? throw RestDoor.Bad("the body must have no member but name")
                    : next(body)))
            .Violates("PS-PUB-001", "the ack has the topic's name")
            .Violates("PS-SUB-001", "the ack has the topic's name")
            .Warned("PS-UNS-005", "an unsubscribe without a subscription is acked")
            .Warned("PS-ENV-008", "a request with an unknown member is handled as if it were not there")
            .Warned("PS-REST-024", "Unknown members of a creation are ignored")
            .Undecided("PS-FAN-006", "type is required"),

        new Stranger(
            "stranger-truthy",
            "Where a value is asked for, null, false, 0, empty text, an empty array and an empty object count as none.")
            .EachSession(session => session.RefuseIf(
                request => request.Type == "publish" && IsEmpty(PayloadOf(request)), "message.payload is required"))
            .EachSession(session => session.RespellMembers(members =>
                members.Where(member => member is not { Name: "request_id", Json: "\"\"" })))
            .Violates("PS-PUB-004", "A payload is delivered although many a language takes it for nothing")
            .Warned("PS-ENV-009", "a request_id that is the empty string is accepted"),

        new Stranger(
            "stranger-wants-qos",
            "A publish without a member qos, which no specification knows, is refused.")
        {
            Options = OwnAreas,
        }
            .EachSession(session => session.Respell(text => Member.Of(text) is var members
                && members.Any(member => member is { Name: "type", Text: "publish" }) && members.All(member => member.Name != "qos")
                    ? Member.Spell(members.Where(member => member.Name != "topic"))
                    : text))
            .Violates("PS-PUB-001", "a publish to a topic with a subscriber is acked")
            .Leaves(
                "(PS-PUB-001)",
                "PS-REST-002", "PS-REST-003", "PS-REST-014", "PS-REST-023", "PS-WS-004", "PS-WS-005", "PS-WS-008",
                "PS-ENV-001", "PS-ENV-002", "PS-ENV-003", "PS-ENV-004", "PS-ENV-005", "PS-ENV-006", "PS-ENV-007",
                "PS-ENV-008", "PS-ENV-009", "PS-ENV-010", "PS-ENV-011", "PS-ENV-012", "PS-ENV-013",
                "PS-PUB-002", "PS-PUB-003", "PS-PUB-004", "PS-PUB-005", "PS-PUB-006", "PS-PUB-007", "PS-PUB-008",
                "PS-PUB-009", "PS-PUB-010", "PS-PUB-011", "PS-PUB-012", "PS-PUB-013",
                "PS-PING-001", "PS-PING-002", "PS-PING-003", "PS-PING-004",
                "PS-ERR-001", "PS-ERR-002", "PS-ERR-003", "PS-ERR-004", "PS-ERR-005", "PS-ERR-006", "PS-ERR-008",
                "PS-ERR-009", "PS-ERR-010",
                "PS-ROB-001", "PS-ROB-002", "PS-ROB-003", "PS-ROB-004", "PS-ROB-005", "PS-ROB-006"),

        new Stranger(
            "stranger-hangs-up",
            "After every BAD_REQUEST it closes the connection with 1008; an unsubscribe from what is not subscribed is one.")
            .EachSession(session => session.Unsubscribe.Wrap(next => (topic, request) => topic.Has(session.Queue)
                ? next(topic, request)
                : throw new BadRequest("topic is not subscribed to", request.RawRequestId)))
            .EachSession(session => session.Refuse.Wrap(_ => bad => session.Queue.Finish.Call(
                session.Server.Messages.Error.Call("BAD_REQUEST", bad.Message, bad.RawRequestId), 1008, "bad request")))
            .Warned("PS-ERR-002", "after a BAD_REQUEST the connection stays open")
            .Lacks("PS-ERR-002", "a connection that survives one BAD_REQUEST")
            .Warned("PS-UNS-005", "an unsubscribe without a subscription is acked")
            .Undecided("PS-ENV-007", "(PS-ERR-002)")
            .Undecided("PS-ENV-011", "every request is answered")
            .Undecided("PS-OBS-007", "the bad publish is answered")
            .Undecided("PS-RPL-006", "the request is answered"),
    ];

    private static Stranger Leaves(this Stranger server, string because, params string[] requirements) =>
        requirements.Aggregate(server, (declared, requirement) => declared.Undecided(requirement, because));

    private static RunOptions OwnAreas(RunOptions options) => options.Selection.Include.Count > 0
        ? options
        : options with
        {
            Selection = options.Selection with { Include = Selection.Parse(["REST", "WS", "ENV", "PUB", "PING", "ERR", "ROB"]) },
        };

    private static bool Refused(Session session, ClientRequest request, string rule)
    {
        session.Queue.Reply.Call(session.Server.Messages.Error.Call("BAD_REQUEST", rule, request.RawRequestId));
        return true;
    }

    private static string PayloadOf(ClientRequest request)
    {
        using var json = JsonDocument.Parse(request.RawMessage, new JsonDocumentOptions { MaxDepth = 128 });
        return json.RootElement.GetProperty("payload").GetRawText();
    }

    private static bool IsEmpty(string json) => json is "null" or "false" or "0" or "\"\"" or "[]" or "{}";
}
