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
        new("err-comments", "Its parser passes over comments and trailing commas.")
        {
            Change = parts => parts with { Session = seed => new LooseReader(seed, (string text) => WithoutComments(text)) },
            Kills = [new("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST (a trailing comma)")],
        },
        new("err-rest-ignored", "What stands behind the object is not read.")
        {
            Change = parts => parts with { Session = seed => new LooseReader(seed, (string text) => FirstObject(text)) },
            Kills = [new("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST (a line comment)")],
        },
        new("err-brace-supplied", "A closing brace that is missing at the end is supplied.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(seed, (string text) => Member.Of(text).Count == 0 && Member.Of($"{text}}}").Count > 0 ? $"{text}}}" : text),
            },
            Kills = [new("PS-ERR-001", "a request that breaks off is answered with BAD_REQUEST (cut off after")],
        },
        new("err-nan-is-null", "A payload of NaN, which its parser knows, is passed on as null.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(seed, (string text) => text.Replace("\"payload\":NaN", "\"payload\":null", StringComparison.Ordinal)),
            },
            Kills = [new("PS-ERR-001", "a publish whose payload is not JSON is answered with BAD_REQUEST (NaN)")],
        },
        new("err-mark-hangs-up", "A byte order mark ends the connection.")
        {
            Change = parts => parts with { Session = seed => new MarkHangsUp(seed) },
            Kills = [new("PS-ERR-001", "a byte order mark is passed over or answered with BAD_REQUEST")],
        },
        new("err-hangs-up", "Text that is no JSON ends the connection.")
        {
            Change = parts => parts with { Variation = parts.Variation with { HangsUpOnBrokenJson = true } },
            Kills = [new("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST"), new("PS-ERR-002", "after a BAD_REQUEST the connection stays open")],
            Also = ["PS-ROB-002"],
        },
        new("err-code-of-its-own", "The code for text that is no JSON is INVALID_JSON.")
        {
            Change = parts => parts with { Session = seed => new CodeOfItsOwn(seed) },
            Kills = [new("PS-ERR-001", "a text that is not JSON is answered with BAD_REQUEST"), new("PS-ERR-008", "error.code is one of the four")],
            Also = ["PS-ROB-002"],
        },
        new("err-subscriptions-lost", "Text that is no JSON ends the subscriptions of its connection.")
        {
            Change = parts => parts with { Session = seed => new SubscriptionsLost(seed) },
            Kills = [new("PS-ERR-002", "the subscriptions are intact")],
        },
        new("err-hundred-and-out", "The hundredth bad request ends the connection.")
        {
            Change = parts => parts with { Session = seed => new HundredAndOut(seed) },
            Kills = [new("PS-ERR-002", "after a thousand bad requests the subscription is intact")],
        },
        new("err-type-in-any-case", "The type of a request is recognised in any case.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(seed, members => members.Select(member => member is { Name: "type", Json.Length: < 20 } ? member with { Json = member.Json.ToLowerInvariant() } : member)),
            },
            Kills = [new("PS-ERR-003", "unknown is answered with BAD_REQUEST (in capitals)")],
        },
        new("err-unknown-type-ignored", "A request of unknown type is passed over in silence.")
        {
            Change = parts => parts with { Session = seed => new UnknownTypeIgnored(seed) },
            Kills = [new("PS-ERR-003", "is answered with BAD_REQUEST (empty)"), new("PS-ENV-007", "a request of unknown type is answered")],
        },
        new("err-plain-not-found", "The error for a topic that does not exist is a plain string.")
        {
            Change = parts => parts with { Messages = server => new PlainNotFound(server) },
            Kills = [new("PS-ERR-004", "an error has a member error with the strings code and message")],
        },
        new("err-no-message", "The error for an empty message has no message.")
        {
            Change = parts => parts with { Messages = server => new NoMessage(server) },
            Kills = [new("PS-ERR-004", "an error has a member error with the strings code and message")],
            Also = ["PS-ERR-005"],
        },
        new("err-path-lost", "An error about the message does not say that the field is within it.")
        {
            Change = parts => parts with { Session = seed => new Reworded(seed, rule => rule.Replace("message.id", "id", StringComparison.Ordinal)) },
            Kills = [new("PS-ERR-005", "the error for a publish without message.id names message.id")],
        },
        new("err-bound-kept-secret", "An error about a length does not name the bound.")
        {
            Change = parts => parts with { Session = seed => new Reworded(seed, rule => rule.Replace(" 1 to 255 characters", " a legal length", StringComparison.Ordinal)) },
            Kills = [new("PS-ERR-005", "the error for a client_id that is too long names 255")],
        },
        new("err-token-unexpected", "The error for text that is no JSON says only where its parser stood.")
        {
            Change = parts => parts with
            {
                Session = seed => new Reworded(seed, rule => rule.Contains("valid JSON", StringComparison.Ordinal) ? "unexpected token at position 0" : rule),
            },
            Kills = [new("PS-ERR-005", "the error for a text that is not JSON names JSON")],
        },
        new("err-id-only-in-front", "A refusal echoes the request_id only when it stands before the type.")
        {
            Change = parts => parts with { Session = seed => new EchoBefore(seed, text => text.IndexOf("\"type\"", StringComparison.Ordinal)) },
            Kills = [new("PS-ERR-006", "echoes the request_id wherever it stands")],
        },
        new("err-id-within-a-page", "A refusal looks for the request_id in the first 4096 characters.")
        {
            Change = parts => parts with { Session = seed => new EchoBefore(seed, _ => 4096) },
            Kills = [new("PS-ERR-006", "the error echoes a request_id that stands behind a long payload")],
        },
        new("err-batches", "An array of requests is answered one by one.")
        {
            Change = parts => parts with { Session = seed => new Batches(seed) },
            Kills = [new("PS-ERR-007", "a JSON text that is not an object is answered with BAD_REQUEST (an array of requests)")],
        },
        new("err-null-is-fatal", "The JSON text null ends the connection.")
        {
            Change = parts => parts with { Session = seed => new NullIsFatal(seed) },
            Kills = [new("PS-ERR-007", "is answered with BAD_REQUEST (null)"), new("PS-ERR-002", "after a BAD_REQUEST the connection stays open (null)")],
        },
        new("err-subscribes-nevertheless", "A subscribe whose client_id is wrong is refused, and subscribes.")
        {
            Change = parts => parts with { Session = seed => new HastySession(seed, text => WithClient(text, "subscribe")) },
            Kills = [new("PS-ERR-009", "a refused subscribe makes no subscription")],
        },
        new("err-publishes-nevertheless", "A publish without message.id is refused, and published.")
        {
            Change = parts => parts with
            {
                Session = seed => new HastySession(seed, text => text.Replace("\"message\":{\"payload\"", "\"message\":{\"id\":\"anonymous\",\"payload\"", StringComparison.Ordinal)),
            },
            Kills = [new("PS-ERR-009", "a refused publish is not retained")],
            Also = ["PS-PUB-003", "PS-OBS-007"],
        },
        new("err-acts-before-the-end", "A request is acted upon when its object ends, and refused for what stands behind it.")
        {
            Change = parts => parts with { Session = seed => new HastySession(seed, FirstObject) },
            Kills = [new("PS-ERR-009", "a refused publish delivers nothing")],
        },
        new("err-unsubscribes-nevertheless", "An unsubscribe whose client_id is wrong is refused, and unsubscribes.")
        {
            Change = parts => parts with { Session = seed => new HastySession(seed, text => WithClient(text, "unsubscribe")) },
            Kills = [new("PS-ERR-009", "a refused unsubscribe ends no subscription")],
            Also = ["PS-ERR-002"],
        },
        new("err-binary-as-text", "A binary message is read as text.")
        {
            Change = parts => parts with { Session = seed => new BinaryAsText(seed) },
            Kills = [new("PS-ERR-010", "is answered with BAD_REQUEST")],
        },
        new("err-binary-hangs-up", "A binary message ends the connection with 1003.")
        {
            Change = parts => parts with { Session = seed => new BinaryHangsUp(seed) },
            Kills = [new("PS-ERR-010", "a binary message in fragments is answered")],
        },
        new("err-binary-ignored", "A binary message without JSON is passed over in silence.")
        {
            Change = parts => parts with { Session = seed => new BinaryIgnored(seed) },
            Kills = [new("PS-ERR-010", "a binary message that holds no JSON is answered")],
        },
    ];

    private static string WithoutComments(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(
                text, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 128 });
            return Member.Of(text).Count == 0 && json.RootElement.ValueKind == JsonValueKind.Object
                ? Member.Spell(json.RootElement.EnumerateObject().Select(member => new Member(member.Name, JsonSerializer.Serialize(member.Value))))
                : text;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return text;
        }
    }

    /// <summary>Up to the end of the object that stands at the beginning, if one does.</summary>
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
            // It is broken before it ends.
        }

        return text;
    }

    private static string WithClient(string text, string type) =>
        Member.Of(text) is { Count: > 0 } members && members[0] == new Member("type", $"\"{type}\"")
            ? Member.Spell([.. members.Where(member => member.Name != "client_id"), new Member("client_id", "\"c\"")])
            : text;

    private sealed class MarkHangsUp(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
        {
            if (text.Span.StartsWith("\ufeff"u8))
            {
                Outbox.Abandon(null, 1007, "");
                return;
            }

            base.Answer(type, text);
        }
    }

    private sealed class CodeOfItsOwn(SessionSeed seed) : Session(seed)
    {
        protected override void Refuse(BadRequest bad) =>
            Outbox.Reply(Messages.Error(bad.IsJson ? "BAD_REQUEST" : "INVALID_JSON", bad.Message, bad.RawRequestId));
    }

    private sealed class SubscriptionsLost(SessionSeed seed) : Session(seed)
    {
        protected override void Refuse(BadRequest bad)
        {
            base.Refuse(bad);
            if (!bad.IsJson)
            {
                LeaveAll();
            }
        }
    }

    private sealed class HundredAndOut(SessionSeed seed) : Session(seed)
    {
        private int _bad;

        protected override void Refuse(BadRequest bad)
        {
            base.Refuse(bad);
            if (++_bad == 100)
            {
                Outbox.Finish(null, 1008, "too many bad requests");
            }
        }
    }

    private sealed class UnknownTypeIgnored(SessionSeed seed) : Session(seed)
    {
        protected override void Refuse(BadRequest bad)
        {
            if (!bad.Message.StartsWith("type must be subscribe", StringComparison.Ordinal) && !bad.Message.StartsWith("type must have", StringComparison.Ordinal))
            {
                base.Refuse(bad);
            }
        }
    }

    private sealed class PlainNotFound(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Error(string code, string message, string? rawRequestId = null) => code == "TOPIC_NOT_FOUND"
            ? Text($$"""{"type":"error"{{Id(rawRequestId)}},"error":"{{code}}"{{Time}}}""")
            : base.Error(code, message, rawRequestId);
    }

    private sealed class NoMessage(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Error(string code, string message, string? rawRequestId = null) => message.Contains("valid JSON", StringComparison.Ordinal)
            ? Text($$$"""{"type":"error"{{{Id(rawRequestId)}}},"error":{"code":"{{{code}}}"}{{{Time}}}}""")
            : base.Error(code, message, rawRequestId);
    }

    private sealed class Reworded(SessionSeed seed, Func<string, string> reword) : Session(seed)
    {
        protected override void Refuse(BadRequest bad) => base.Refuse(new BadRequest(reword(bad.Message), bad.RawRequestId, bad.IsJson));
    }

    /// <summary>Echoes on a refusal only what stands before a place in the text.</summary>
    private sealed class EchoBefore(SessionSeed seed, Func<string, int> end) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad)
            {
                var spelt = Encoding.UTF8.GetString(text.Span);
                var seen = spelt.IndexOf("\"request_id\"", StringComparison.Ordinal) < end(spelt);
                throw new BadRequest(bad.Message, seen ? bad.RawRequestId : null, bad.IsJson);
            }
        }
    }

    private sealed class Batches(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
        {
            if (type == WebSocketMessageType.Text && text.Span.StartsWith("[{"u8) && Elements(text) is { } elements)
            {
                elements.ForEach(element => base.Answer(type, element));
                return;
            }

            base.Answer(type, text);
        }

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

    private sealed class NullIsFatal(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text) =>
            text.Span.SequenceEqual("null"u8) ? throw new IOException("There is no type of null.") : base.Read(text);
    }

    private sealed class BinaryAsText(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text) => base.Answer(WebSocketMessageType.Text, text);
    }

    private sealed class BinaryHangsUp(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
        {
            if (type == WebSocketMessageType.Binary)
            {
                Outbox.Abandon(null, 1003, "");
                return;
            }

            base.Answer(type, text);
        }
    }

    private sealed class BinaryIgnored(SessionSeed seed) : Session(seed)
    {
        protected override void Answer(WebSocketMessageType type, ReadOnlyMemory<byte> text)
        {
            if (type == WebSocketMessageType.Text || Member.Of(Encoding.UTF8.GetString(text.Span)).Count > 0)
            {
                base.Answer(type, text);
            }
        }
    }
}
