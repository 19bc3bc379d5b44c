using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about bad requests.</summary>
internal static class Errors
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("err-comments", "Its parser passes over comments and trailing commas.")
            .EachSession(session => session.Respell(WithoutComments))
            .KilledBy("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST (a trailing comma)"),
        new Mutant("err-rest-ignored", "What stands behind the object is not read.")
            .EachSession(session => session.Respell(FirstObject))
            .KilledBy("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST (a line comment)"),
        new Mutant("err-brace-supplied", "A closing brace that is missing at the end is supplied.")
            .EachSession(session => session.Respell(text =>
                Member.Of(text).Count == 0 && Member.Of($"{text}}}").Count > 0 ? $"{text}}}" : text))
            .KilledBy("PS-ERR-001", "a request that breaks off is answered with BAD_REQUEST (cut off after"),
        new Mutant("err-nan-is-null", "A payload of NaN, which its parser knows, is passed on as null.")
            .EachSession(session => session.Respell(text =>
                text.Replace("\"payload\":NaN", "\"payload\":null", StringComparison.Ordinal)))
            .KilledBy("PS-ERR-001", "a publish whose payload is not JSON is answered with BAD_REQUEST (NaN)"),
        new Mutant("err-mark-hangs-up", "A byte order mark ends the connection.")
            .EachSession(session => session.Receive.Wrap(next => (type, text) =>
            {
                if (text.Span.StartsWith("\ufeff"u8))
                {
                    session.Queue.Abandon.Call(null, 1007, "");
                    return;
                }

                next(type, text);
            }))
            .KilledBy("PS-ERR-001", "a byte order mark is passed over or answered with BAD_REQUEST"),
        new Mutant("err-hangs-up", "Text that is no JSON ends the connection.")
            .Does(server => server.Variation = server.Variation with { HangsUpOnBrokenJson = true })
            .KilledBy("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST")
            .KilledBy("PS-ERR-002", "after a BAD_REQUEST the connection stays open")
            .MayBreak("PS-ROB-002"),
        new Mutant("err-code-of-its-own", "The code for text that is no JSON is INVALID_JSON.")
            .EachSession(session => session.Refuse.Wrap(_ => bad =>
            {
                var code = bad.IsJson ? "BAD_REQUEST" : "INVALID_JSON";
                session.Queue.Reply.Call(session.Server.Messages.Error.Call(code, bad.Message, bad.RawRequestId));
            }))
            .KilledBy("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST")
            .KilledBy("PS-ERR-008", "error.code is one of the four")
            .MayBreak("PS-ROB-002"),
        new Mutant("err-subscriptions-lost", "Text that is no JSON ends the subscriptions of its connection.")
            .EachSession(session => session.Refuse.Wrap(next => bad =>
            {
                next(bad);
                if (!bad.IsJson)
                {
                    session.LeaveAll.Call();
                }
            }))
            .KilledBy("PS-ERR-002", "the subscriptions are intact"),
        new Mutant("err-hundred-and-out", "The hundredth bad request ends the connection.")
            .EachSession(session =>
            {
                var refusals = 0;
                session.Refuse.Wrap(next => bad =>
                {
                    next(bad);
                    if (++refusals == 100)
                    {
                        session.Queue.Finish.Call(null, 1008, "too many bad requests");
                    }
                });
            })
            .KilledBy("PS-ERR-002", "after a thousand bad requests the subscription is intact"),
        new Mutant("err-type-in-any-case", "The type of a request is recognised in any case.")
            .EachSession(session => session.RespellMembers(members => members.Select(member =>
                member is { Name: "type", Json.Length: < 20 } ? member with { Json = member.Json.ToLowerInvariant() } : member)))
            .KilledBy("PS-ERR-003", "unknown is answered with BAD_REQUEST (in capitals)"),
        new Mutant("err-unknown-type-ignored", "A request of unknown type is passed over in silence.")
            .EachSession(session => session.Refuse.Wrap(next => bad =>
            {
                var isUnknownType = bad.Message.StartsWith("type must be subscribe", StringComparison.Ordinal)
                    || bad.Message.StartsWith("type must have", StringComparison.Ordinal);
                if (!isUnknownType)
                {
                    next(bad);
                }
            }))
            .KilledBy("PS-ERR-003", "is answered with BAD_REQUEST (empty)")
            .KilledBy("PS-ENV-007", "a request of unknown type is answered"),
        new Mutant("err-plain-not-found", "The error for a topic that does not exist is a plain string.")
            .Does(server => server.Messages.Error.Wrap(next => (code, message, id) =>
                code == "TOPIC_NOT_FOUND" ? ErrorText(server, id, Messages.Quote(code)) : next(code, message, id)))
            .KilledBy("PS-ERR-004", "an error has a member error with the strings code and message"),
        new Mutant("err-no-message", "The error for an empty message has no message.")
            .Does(server => server.Messages.Error.Wrap(next => (code, message, id) =>
                message.Contains("valid JSON", StringComparison.Ordinal)
                    ? ErrorText(server, id, $$"""{"code":{{Messages.Quote(code)}}}""")
                    : next(code, message, id)))
            .KilledBy("PS-ERR-004", "an error has a member error with the strings code and message")
            .MayBreak("PS-ERR-005"),
        new Mutant("err-path-lost", "An error about the message does not say that the field is within it.")
            .EachSession(session => session.Reword(rule => rule.Replace("message.id", "id", StringComparison.Ordinal)))
            .KilledBy("PS-ERR-005", "a publish without message.id (message.id)"),
        new Mutant("err-bound-kept-secret", "An error about a length does not name the bound.")
            .EachSession(session => session.Reword(rule =>
                rule.Replace(" 1 to 255 characters", " a legal length", StringComparison.Ordinal)))
            .KilledBy("PS-ERR-005", "a client_id that is too long (255)"),
        new Mutant("err-token-unexpected", "The error for text that is no JSON says only where its parser stood.")
            .EachSession(session => session.Reword(rule =>
                rule.Contains("valid JSON", StringComparison.Ordinal) ? "unexpected token at position 0" : rule))
            .KilledBy("PS-ERR-005", "a text that is not JSON (JSON)"),
        new Mutant("err-id-only-in-front", "A refusal echoes the request_id only when it stands before the type.")
            .EachSession(session => session.EchoBefore(text => text.IndexOf("\"type\"", StringComparison.Ordinal)))
            .KilledBy("PS-ERR-006", "echoes the request_id wherever it stands"),
        new Mutant("err-id-within-a-page", "A refusal looks for the request_id in the first 4096 characters.")
            .EachSession(session => session.EchoBefore(_ => 4096))
            .KilledBy("PS-ERR-006", "the error echoes a request_id that stands behind a long payload"),
        new Mutant("err-batches", "An array of requests is answered one by one.")
            .EachSession(session => session.Receive.Wrap(next => (type, text) =>
            {
                if (type == WebSocketMessageType.Text && text.Span.StartsWith("[{"u8) && Elements(text) is { } elements)
                {
                    elements.ForEach(element => next(type, element));
                    return;
                }

                next(type, text);
            }))
            .KilledBy("PS-ERR-007", "a JSON text that is not an object is answered with BAD_REQUEST (an array of requests)"),
        new Mutant("err-null-is-fatal", "The JSON text null ends the connection.")
            .EachSession(session => session.Parse.Wrap(next => text =>
                text.Span.SequenceEqual("null"u8) ? throw new IOException("There is no type of null.") : next(text)))
            .KilledBy("PS-ERR-007", "is answered with BAD_REQUEST (null)")
            .KilledBy("PS-ERR-002", "after a BAD_REQUEST the connection stays open (null)"),
        new Mutant("err-subscribes-nevertheless", "A subscribe whose client_id is wrong is refused, and subscribes.")
            .EachSession(session => session.ObeyAndRefuse(text => WithClient(text, "subscribe")))
            .KilledBy("PS-ERR-009", "a refused subscribe makes no subscription"),
        new Mutant("err-publishes-nevertheless", "A publish without message.id is refused, and published.")
            .EachSession(session => session.ObeyAndRefuse(text =>
                text.Replace("\"message\":{\"payload\"", "\"message\":{\"id\":\"anonymous\",\"payload\"", StringComparison.Ordinal)))
            .KilledBy("PS-ERR-009", "a refused publish is not retained")
            .MayBreak("PS-PUB-003", "PS-OBS-007"),
        new Mutant("err-acts-before-the-end", "A request is acted upon when its object ends, and refused for what stands behind it.")
            .EachSession(session => session.ObeyAndRefuse(FirstObject))
            .KilledBy("PS-ERR-009", "a refused publish delivers nothing"),
        new Mutant("err-unsubscribes-nevertheless", "An unsubscribe whose client_id is wrong is refused, and unsubscribes.")
            .EachSession(session => session.ObeyAndRefuse(text => WithClient(text, "unsubscribe")))
            .KilledBy("PS-ERR-009", "a refused unsubscribe ends no subscription")
            .MayBreak("PS-ERR-002"),
        new Mutant("err-binary-as-text", "A binary message is read as text.")
            .EachSession(session => session.Receive.Wrap(next => (_, text) => next(WebSocketMessageType.Text, text)))
            .KilledBy("PS-ERR-010", "is answered with BAD_REQUEST"),
        new Mutant("err-binary-hangs-up", "A binary message ends the connection with 1003.")
            .EachSession(session => session.Receive.Wrap(next => (type, text) =>
            {
                if (type == WebSocketMessageType.Binary)
                {
                    session.Queue.Abandon.Call(null, 1003, "");
                    return;
                }

                next(type, text);
            }))
            .KilledBy("PS-ERR-010", "a binary message that holds a publish is answered"),
        new Mutant("err-binary-ignored", "A binary message without JSON is passed over in silence.")
            .EachSession(session => session.Receive.Wrap(next => (type, text) =>
            {
                if (type == WebSocketMessageType.Text || Member.Of(Encoding.UTF8.GetString(text.Span)).Count > 0)
                {
                    next(type, text);
                }
            }))
            .KilledBy("PS-ERR-010", "a binary message that holds no JSON is answered"),
    ];

    private static string WithoutComments(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(
                text, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 128 });
            return Member.Of(text).Count == 0 && json.RootElement.ValueKind == JsonValueKind.Object
                ? Member.Spell(json.RootElement.EnumerateObject()
                    .Select(member => new Member(member.Name, JsonSerializer.Serialize(member.Value))))
                : text;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return text;
        }
    }

    /// <summary>The text up to the end of the object that it begins with; otherwise the whole text.</summary>
    private static string FirstObject(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        try
        {
            var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = 128 });
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                reader.Skip();
                return Encoding.UTF8.GetString(bytes.AsSpan(0, (int)reader.BytesConsumed));
            }
        }
        catch (JsonException)
        {
            // The object is incomplete or malformed.
        }

        return text;
    }

    private static string WithClient(string text, string type) =>
        Member.Of(text) is { Count: > 0 } members && members[0] == new Member("type", $"\"{type}\"")
            ? Member.Spell([.. members.Where(member => member.Name != "client_id"), new Member("client_id", "\"c\"")])
            : text;

    private static byte[] ErrorText(SmallServer server, string? rawRequestId, string error) => Messages.Text(
        $$"""{"type":"error"{{Messages.Id(rawRequestId)}},"error":{{error}}{{server.Messages.Time.Call()}}}""");

    /// <summary>Changes the message of every refusal.</summary>
    private static void Reword(this Session session, Func<string, string> reword) => session.Refuse.Wrap(next => bad =>
        next(new BadRequest(reword(bad.Message), bad.RawRequestId, bad.IsJson)));

    /// <summary>Echoes the request_id of a refused request only if it comes before this place in the text.</summary>
    private static void EchoBefore(this Session session, Func<string, int> place) => session.Parse.Wrap(next => text =>
    {
        try
        {
            return next(text);
        }
        catch (BadRequest bad)
        {
            var spelt = Encoding.UTF8.GetString(text.Span);
            var isSeen = spelt.IndexOf("\"request_id\"", StringComparison.Ordinal) < place(spelt);
            throw new BadRequest(bad.Message, isSeen ? bad.RawRequestId : null, bad.IsJson);
        }
    });

    /// <summary>The elements of an array; null when the text is not JSON.</summary>
    private static List<byte[]>? Elements(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return [.. json.RootElement.EnumerateArray().Select(element => Encoding.UTF8.GetBytes(element.GetRawText()))];
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
