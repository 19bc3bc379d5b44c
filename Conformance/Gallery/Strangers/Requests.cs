using System.Text.Json;
using PubSub.Conformance.Gallery.Mutants;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers that read requests in ways of their own.</summary>
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
                body.EnumerateObject().Any(member => member.Name != "name") ? throw RestDoor.Bad("the body must have no member but name") : next(body))),

        new Stranger(
            "stranger-truthy",
            "Where a value is asked for, null, false, 0, empty text, an empty array and an empty object count as none.")
            .EachSession(session => session.RefuseIf(
                request => request.Type == "publish" && IsEmpty(PayloadOf(request)), "message.payload is required"))
            .EachSession(session => session.RespellMembers(members =>
                members.Where(member => member is not { Name: "request_id", Json: "\"\"" }))),

        new Stranger(
            "stranger-wants-qos",
            "A publish without a member qos, which no specification knows, is refused.")
        {
            Options = OwnAreas,
        }
            .EachSession(session => session.Respell(text => Member.Of(text) is var members
                && members.Any(member => member is { Name: "type", Text: "publish" }) && members.All(member => member.Name != "qos")
                    ? Member.Spell(members.Where(member => member.Name != "topic"))
                    : text)),

        new Stranger(
            "stranger-hangs-up",
            "After every BAD_REQUEST it closes the connection with 1008; an unsubscribe from what is not subscribed is one.")
            .EachSession(session => session.Unsubscribe.Wrap(next => (topic, request) => topic.Has(session.Queue)
                ? next(topic, request)
                : throw new BadRequest("topic is not subscribed to", request.RawRequestId)))
            .EachSession(session => session.Refuse.Wrap(_ => bad => session.Queue.Finish.Call(
                session.Server.Messages.Error.Call("BAD_REQUEST", bad.Message, bad.RawRequestId), 1008, "bad request"))),
    ];

    private static RunOptions OwnAreas(RunOptions options) => options.Selection.Include.Count > 0
        ? options
        : options with { Selection = options.Selection with { Include = Selection.Parse(["REST", "WS", "ENV", "PUB", "PING", "ERR", "ROB"]) } };

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
