using System.Net.WebSockets;
using System.Text;
using PubSub.Conformance.Gallery.Mutants;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Foreign;

/// <summary>Servers whose REST interface behaves as a common framework makes it.</summary>
internal static class Rest
{
    public static IReadOnlyList<Stranger> All { get; } =
    [
        WithoutExtras(new Stranger(
            "stranger-plain",
            "It offers what it has to: no GET of one topic, no HEAD, no probes, no Location, errors in JSON of its own that do not "
                + "name the field."))
            .Does(NoHead)
            .Does(ErrorsAs((_, _, detail) => $$"""{"error":{{Messages.Quote(detail)}}}"""))
            .Does(server => server.Messages.Error.Wrap(next => (code, message, id) =>
                next(code, code == "BAD_REQUEST" ? "invalid request" : message, id)))
            .Warned("PS-REST-029", "is answered as GET is")
            .Warned("PS-ERR-005", "The message of a BAD_REQUEST names the field and the rule"),

        WithoutExtras(new Stranger(
            "stranger-express",
            "As a server of Express: 404 with a page for what has no route, wrong methods too; other content types leave the body empty; "
                + "errors are {\"error\":\"...\"}; the last of two members counts; any origin is welcome; it has no limit of names."))
            .Does(ErrorsAs((_, _, detail) => $$"""{"error":{{Messages.Quote(detail)}}}"""))
            .Does(server =>
            {
                HttpResponse Page(int status, string text) => new(
                    status,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>Error</title>\n</head>\n"
                        + $"<body>\n<pre>{text}</pre>\n</body>\n</html>\n",
                    "text/html; charset=utf-8");
                server.Rest.NothingThere.Wrap(_ => () => Page(404, "Cannot GET /"));
                server.Rest.NotAllowed.Wrap(_ => _ => Page(404, "Cannot PUT /"));
                server.Rest.Refuse.Wrap(next => fault =>
                    fault.Status == 413 ? Page(413, "PayloadTooLargeError: request entity too large") : next(fault));
                server.Rest.CreateAsync.Wrap(next => async (request, stopping) =>
                {
                    try
                    {
                        return server.Rest.IsJson.Call(request["Content-Type"])
                            ? await next(request, stopping)
                            : server.Messages.Problem.Call(400, "BAD_REQUEST", "name is required");
                    }
                    catch (HttpFault fault) when (fault.Message.StartsWith("the body must be valid JSON", StringComparison.Ordinal))
                    {
                        return Page(400, "SyntaxError: Unexpected token");
                    }
                });
                server.Rest.Parse.Wrap(_ => body => System.Text.Json.JsonDocument.Parse(body));
                server.Rest.Created.Wrap(next => name => next(name) with { Body = $$"""{"name":{{Messages.Quote(name)}}}""" });
                server.Rest.Fault.Wrap(_ => name => name.Length == 0 ? "is required" : null);
                server.Rest.Decode.Wrap(next => segment => next(segment) ?? throw RestDoor.Bad("Failed to decode param"));
                server.Upgrade.IsAllowed.Wrap(_ => _ => true);
                server.Upgrade.Refuse.Wrap(_ => _ => new(400, "Bad Request", "text/html"));
            })
            .EachSession(session => session.RespellMembers(members =>
                members.GroupBy(member => member.Name).Select(group => group.Last())))
            .Warned("PS-REST-010", "The answer to a creation has the status created")
            .Warned("PS-REST-016", "is answered with 415")
            .Warned("PS-REST-020", "is answered with 405 where it is not supported")
            .Warned("PS-REST-022", "is refused with 400")
            .Warned("PS-REST-027", "is answered with 400")
            .Warned("PS-REST-032", "is refused with 400")
            .Warned("PS-WS-003", "is answered with Upgrade Required")
            .Lacks("PS-WS-003", "426 for a request that is no handshake")
            .Warned("PS-WS-014", "is refused")
            .Warned("PS-ENV-013", "a member is given twice"),

        WithoutExtras(new Stranger(
            "stranger-go",
            "As a server of net/http: errors in plain text, paths decoded before they are taken apart, member names in any case, "
                + "the last of two members counts, what is no text is replaced, a payload loses its white space."))
            .Does(server =>
            {
                server.Messages.Problem.Wrap(_ => (status, _, detail) => new(status, $"{detail}\n", "text/plain; charset=utf-8"));
                server.Rest.PathOf.Wrap(next => request => TopicName.Decode(next(request)) is { } path
                    ? path
                    : throw RestDoor.Bad("invalid URL escape"));
                server.Rest.Decode.Wrap(_ => segment => segment);
                server.Rest.NameOf.Wrap(_ => segment => segment);
                server.Rest.Parse.Wrap(_ => body => System.Text.Json.JsonDocument.Parse(Repaired(Encoding.UTF8.GetString(body))));
                server.Rest.IsJson.Wrap(_ => _ => true);
                server.Upgrade.Refuse.Wrap(_ => _ => new(400, "Bad Request\n", "text/plain; charset=utf-8"));
            })
            .EachSession(session => session.Respell(Repaired))
            .EachSession(session => session.RespellMembers(members => members
                .Select(member => member with { Name = member.Name.ToLowerInvariant() })
                .GroupBy(member => member.Name).Select(group => group.Last())))
            .EachSession(session => session.RewordMessages((name, json) => name == "payload" ? Compact(json) : json))
            .Warned("PS-REST-009", "A body that is not UTF-8")
            .Warned("PS-REST-016", "is answered with 415")
            .Warned("PS-REST-022", "is refused with 400")
            .Warned("PS-REST-023", "A topic is deleted by its percent-encoded path")
            .Warned("PS-REST-027", "is answered with 400")
            .Warned("PS-WS-003", "is answered with Upgrade Required")
            .Lacks("PS-WS-003", "426 for a request that is no handshake")
            .Warned("PS-ENV-008", "a member of another case")
            .Warned("PS-ENV-013", "a member is given twice")
            .Warned("PS-SUB-011", "an unpaired surrogate")
            .Warned("PS-PUB-005", "byte for byte")
            .Warned("PS-ROB-006", "is refused")
            .Undecided("PS-DEL-002", "(PS-REST-023)"),

        new Stranger(
            "stranger-fastapi",
            "As a server of FastAPI: 422 with a list of details for a bad body, {\"detail\":\"...\"} otherwise, 405 for HEAD, slashes in "
                + "names are not found, a binary message ends the connection with 1011.")
            .Does(NoHead)
            .Does(NoProbes)
            .Does(NoLocation)
            .Does(server =>
            {
                HttpResponse Detail(int status, string detail) => new(status, $$"""{"detail":{{Messages.Quote(detail)}}}""");
                server.Messages.Problem.Wrap(_ => (status, _, detail) => Detail(status, detail));
                server.Rest.NothingThere.Wrap(_ => () => Detail(404, "Not Found"));
                server.Rest.CreateAsync.Wrap(next => async (request, stopping) =>
                {
                    try
                    {
                        var answer = await next(request, stopping);
                        return answer.Status == 415 ? Unprocessable("body", "Input should be a valid dictionary") : answer;
                    }
                    catch (HttpFault fault) when (fault.Status == 400)
                    {
                        return Unprocessable("name", fault.Message);
                    }
                });
                server.Rest.Named.Wrap(next => (method, segment) =>
                    segment.Contains("%2F", StringComparison.OrdinalIgnoreCase)
                        ? server.Rest.NothingThere.Call()
                        : next(method, segment));
                server.Rest.NameOf.Wrap(next => segment => server.Rest.Decode.Call(segment) ?? segment);

                static HttpResponse Unprocessable(string where, string message) => new(
                    422,
                    $$"""{"detail":[{"type":"value_error","loc":["body",{{Messages.Quote(where)}}]"""
                        + $$""","msg":{{Messages.Quote(message)}},"input":null}]}""");
            })
            .EachSession(session => session.Receive.Wrap(next => (type, text) =>
            {
                if (type == WebSocketMessageType.Binary)
                {
                    session.Queue.Abandon.Call(null, 1011, "");
                    return;
                }

                next(type, text);
            }))
            .Warned("PS-REST-009", "is answered with 400")
            .Warned("PS-REST-011", "A creation is answered with a Location")
            .Lacks("PS-REST-011", "a Location")
            .Warned("PS-REST-016", "is answered with 415")
            .Warned("PS-REST-018", "An error is a problem document")
            .Lacks("PS-REST-019", "problem documents")
            .Lacks("PS-REST-026", "400 for a bad name")
            .Warned("PS-REST-023", "A topic is deleted by its percent-encoded path")
            .Lacks("PS-REST-023", "a path addresses")
            .Warned("PS-REST-027", "is answered with 400")
            .Warned("PS-REST-032", "is refused with 400")
            .Warned("PS-REST-029", "is answered as GET is")
            .Warned("PS-OBS-012", "GET /livez is answered with 200")
            .Warned("PS-ERR-010", "a binary message")
            .Undecided("PS-DEL-002", "(PS-REST-023)"),

        new Stranger(
            "stranger-undecoded-delete",
            "A topic cannot be fetched, and is deleted only by a path that spells its name without any percent sign.")
            .Does(NoGetOfOne)
            .Does(server => server.Rest.Decode.Wrap(_ => segment => segment))
            .Warned("PS-REST-014", "GET of an existing topic is answered with 200")
            .Lacks("PS-REST-015", "GET /topics/{name}")
            .Warned("PS-REST-023", "A topic is deleted by its percent-encoded path")
            .Lacks("PS-REST-023", "a path addresses")
            .Warned("PS-REST-027", "is answered with 400")
            .Undecided("PS-DEL-002", "(PS-REST-023)"),
    ];

    /// <summary>Without GET of one topic, probes, Location and problem documents: the caller has to give errors another form.</summary>
    private static Stranger WithoutExtras(Stranger stranger) => stranger
        .Does(NoGetOfOne)
        .Does(NoProbes)
        .Does(NoLocation)
        .Warned("PS-REST-011", "A creation is answered with a Location")
        .Lacks("PS-REST-011", "a Location")
        .Warned("PS-REST-014", "GET of an existing topic is answered with 200")
        .Lacks("PS-REST-015", "GET /topics/{name}")
        .Lacks("PS-REST-023", "GET /topics/{name}")
        .Warned("PS-REST-018", "An error is a problem document")
        .Lacks("PS-REST-019", "problem documents")
        .Lacks("PS-REST-026", "problem documents")
        .Warned("PS-OBS-012", "GET /livez is answered with 200");

    private static void NoGetOfOne(SmallServer server) => server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
        request.Method is "GET" or "HEAD" && server.Rest.PathOf.Call(request).Contains("/topics/", StringComparison.Ordinal)
            ? server.Rest.NotAllowed.Call("DELETE")
            : await next(request, stopping));

    private static void NoHead(SmallServer server) => server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
        request.Method == "HEAD" ? server.Rest.NotAllowed.Call("GET, POST") : await next(request, stopping));

    private static void NoProbes(SmallServer server) => server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
        request.Path is "/livez" or "/readyz" ? server.Rest.NothingThere.Call() : await next(request, stopping));

    private static void NoLocation(SmallServer server) =>
        server.Rest.Created.Wrap(next => name => next(name) with { Headers = [] });

    /// <param name="body">Gets status, code and detail, and returns the JSON of the body.</param>
    private static Change ErrorsAs(Func<int, string, string, string> body) => server =>
        server.Messages.Problem.Wrap(_ => (status, code, detail) => new(status, body(status, code, detail)));

    /// <summary>Replaces every escaped surrogate without a partner by an escaped replacement character.</summary>
    private static string Repaired(string json) => System.Text.RegularExpressions.Regex.Replace(
        json,
        @"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
        match => match.Length == 12 ? match.Value : @"\ufffd");

    private static string Compact(string json)
    {
        var isText = false;
        var text = new StringBuilder();
        for (var i = 0; i < json.Length; i++)
        {
            isText ^= json[i] == '"' && (i == 0 || json[i - 1] != '\\');
            if (isText || !char.IsWhiteSpace(json[i]))
            {
                text.Append(json[i]);
            }
        }

        return $"{text}";
    }
}
