using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Servers that require requests in another form than SPEC.md, and refuse those that follow it.</summary>
internal static class Wanting
{
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = 1_000_000 };

    /// <summary>Requests of this type have to have this member, a string.</summary>
    public static Change InRequest(string type, string member) => Reading((members, read) =>
        Find(members, "type") == Json(type) && Find(members, member) is not ['"', ..]
            ? throw new BadRequest($"{member} is required", Id(members))
            : read(members));

    /// <summary>Every request has to have a request_id.</summary>
    public static Change RequestIds() => Reading((members, read) =>
        Find(members, "request_id") is null ? throw new BadRequest("request_id is required", null) : read(members));

    /// <summary>A request_id has to be a UUID.</summary>
    public static Change UuidRequestIds() => Reading((members, read) =>
        Find(members, "request_id") is { } id && !Guid.TryParseExact(id.Trim('"'), "D", out _)
            ? throw new BadRequest("request_id must be a valid UUID", null)
            : read(members));

    /// <summary>A publish has its message in one given member, and the payload in another.</summary>
    public static Change MessageIn(string message, string payload) => Reading((members, read) =>
    {
        if (Find(members, "type") != Json("publish"))
        {
            return read(members);
        }

        return read(
        [
            .. members.Where(member => member.Name == message || member.Name != "message")
                .Select(member => member.Name == message ? ("message", Inner(member.Json)) : member),
        ]);

        string Inner(string json) => json is ['{', ..] && Members(Encoding.UTF8.GetBytes(json)) is { } inner
            ? Object(inner.Select(member =>
                (Name: member.Name == payload ? "payload" : member.Name == "payload" ? "" : member.Name, member.Json)))
            : json;
    });

    /// <summary>A publish has id and payload at the same level as topic.</summary>
    public static Change Flat(string payload) => Reading((members, read) =>
    {
        if (Find(members, "type") != Json("publish"))
        {
            return read(members);
        }

        string[] outer = ["type", "topic", "client_id", "request_id", "message"];
        var inner = members.Where(member => !outer.Contains(member.Name))
            .Select(member => (Name: member.Name == payload ? "payload" : member.Name == "payload" ? "" : member.Name, member.Json));
        return read([.. members.Where(member => outer.Contains(member.Name) && member.Name != "message"), ("message", Object(inner))]);
    });

    /// <summary>The first message of a connection must be this token, and is answered; otherwise the connection ends with 4401.</summary>
    public static Change FirstMessage(string token) => server => server.EachSession(session =>
    {
        var isKnown = false;
        session.Receive.Wrap(next => (type, text) =>
        {
            if (isKnown)
            {
                next(type, text);
                return;
            }

            var members = Members(text.ToArray()) ?? [];
            if (Find(members, "type") == Json("auth") && Find(members, "token") == Json(token))
            {
                isKnown = true;
                session.Queue.Reply.Call(Messages.Text("""{"type":"auth_ok"}"""));
                return;
            }

            var error = server.Messages.Error.Call("UNAUTHORIZED", "the first message must be auth", null);
            session.Queue.Finish.Call(error, 4401, "unauthorized");
        });
    });

    /// <summary>The listing and each topic are at paths that end with a slash; paths without it are redirected.</summary>
    public static Change Slashes(int status) => server =>
    {
        server.Rest.PathOf.Wrap(next => request => next(request).TrimEnd('/'));
        server.Rest.AnswerAsync.Wrap(next => async (request, stopping) =>
            Regex.IsMatch(request.Path, @"/topics(/[^/]+)?\z")
                ? new HttpResponse(status, "") { Headers = [$"Location: {request.Path}/"] }
                : await next(request, stopping));
    };

    /// <summary>A connection that subscribes with the client_id of another ends the older connection.</summary>
    public static Change Takeover() => server =>
    {
        var owners = new ConcurrentDictionary<string, Session>(StringComparer.Ordinal);
        server.EachSession(session => session.Subscribe.Wrap(next => (topic, request) =>
        {
            if (owners.TryGetValue(request.ClientId, out var older) && older != session)
            {
                older.Queue.Abandon.Call(null, 4000, "taken over");
            }

            owners[request.ClientId] = session;
            return next(topic, request);
        }));
    };

    /// <summary>A creation names the topic in this member.</summary>
    public static Change TopicIn(string member) => server => server.Rest.Find.Wrap(_ => body =>
        body.TryGetProperty(member, out var value) ? value : null);

    private static Change Reading(
        Func<List<(string Name, string Json)>, Func<List<(string Name, string Json)>, ClientRequest>, ClientRequest> read) =>
        server => server.EachSession(session => session.Parse.Wrap(next => text => Members(text.ToArray()) is { Count: > 0 } members
            ? read(members, changed => next(Messages.Text(Object(changed))))
            : next(text)));

    private static string Object(IEnumerable<(string Name, string Json)> members) =>
        $"{{{string.Join(',', members.Select(member => $"{Json(member.Name)}:{member.Json}"))}}}";

    private static string Json(string text) => Messages.Quote(text);

    private static string? Id(List<(string Name, string Json)> members) => Find(members, "request_id") is ['"', ..] id ? id : null;

    private static string? Find(List<(string Name, string Json)> members, string name) =>
        members.Find(member => member.Name == name) is { Json: { } json } ? json : null;

    /// <summary>The members of an object in their original spelling; null when the text is not an object.</summary>
    private static List<(string Name, string Json)>? Members(byte[] text)
    {
        try
        {
            var members = new List<(string, string)>();
            var reader = new Utf8JsonReader(text, AnyDepth);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                members.Add((name, Encoding.UTF8.GetString(text[start..(int)reader.BytesConsumed])));
            }

            while (reader.Read())
            {
                // Text after the object throws a JsonException.
            }

            return members;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
