using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about publishing.</summary>
internal static partial class Publish
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("pub-ack-says-nobody", "The ack of a message to a topic without subscribers has the status 'no subscribers'.")
            .EachTopic(topic => topic.TryPublish.Wrap(next => (@event, publisher, request, ack) =>
            {
                lock (topic.Gate)
                {
                    return next(@event, publisher, request, topic.Subscribers.Count == 0 ? ack.WithStatus("no subscribers") : ack);
                }
            }))
            .KilledBy("PS-PUB-001", "the ack has the status ok"),
        new Mutant("pub-ack-without-topic", "The ack of a publish does not say of which topic it is.")
            .Does(SharedFaults.AckWithoutTopic(request => request.Type == "publish"))
            .KilledBy("PS-PUB-001", "the ack has the topic's name"),
        new Mutant("pub-order-without-currency", "An order without a currency is refused.")
            .EachSession(session => session.Publish.Wrap(next => (topic, request) =>
            {
                if (!request.RawMessage.Contains("\"order_id\"", StringComparison.Ordinal)
                    || request.RawMessage.Contains("\"currency\"", StringComparison.Ordinal))
                {
                    return next(topic, request);
                }

                session.Queue.Reply.Call(session.Server.Messages.Error.Call("BAD_REQUEST", "currency is required", request.RawRequestId));
                return true;
            }))
            .KilledBy("PS-PUB-001", "a publish of type, topic, message with id and payload, and request_id is acked")
            .MayBreak("PS-PUB-004", "PS-PUB-005", "PS-RPL-011"),
        new Mutant("pub-refused-after-leaving", "A client that has unsubscribed from a topic may not publish to it.")
            .EachSession(session =>
            {
                var left = new HashSet<Topic>();
                session.Subscribe.Wrap(next => (topic, request) =>
                {
                    left.Remove(topic);
                    return next(topic, request);
                });
                session.Unsubscribe.Wrap(next => (topic, request) =>
                {
                    if (session.Joined.ContainsKey(topic))
                    {
                        left.Add(topic);
                    }

                    return next(topic, request);
                });
                session.Publish.Wrap(next => (topic, request) =>
                {
                    if (!left.Contains(topic))
                    {
                        return next(topic, request);
                    }

                    session.Queue.Reply.Call(
                        session.Server.Messages.Error.Call("BAD_REQUEST", "topic is not subscribed to any more", request.RawRequestId));
                    return true;
                });
            })
            .KilledBy("PS-PUB-001", "a publish needs no subscription"),
        new Mutant("pub-creates-topic", "A publish creates the topic that does not exist.")
            .EachSession(session => session.CreateNamedTopics("publish", isLate: false))
            .KilledBy("PS-PUB-002", "a publish to a topic that does not exist is answered with TOPIC_NOT_FOUND")
            .MayBreak("PS-DEL-005"),
        new Mutant("pub-creates-despite-error", "A publish to an unknown topic is refused, and creates it all the same.")
            .EachSession(session => session.CreateNamedTopics("publish", isLate: true))
            .KilledBy("PS-PUB-002", "a refused publish creates no topic"),
        new Mutant("pub-held-for-topic", "A refused message waits for its topic to be created.")
            .Does(server =>
            {
                var held = new ConcurrentDictionary<string, byte[]>();
                server.EachSession(session => session.NotFound.Wrap(next => request =>
                {
                    next(request);
                    if (request.Type == "publish")
                    {
                        held[request.Topic] = server.Messages.Event.Call(request.Topic, request.RawMessage);
                    }
                }));
                server.EachTopic(topic =>
                {
                    if (held.TryRemove(topic.Name, out var @event))
                    {
                        topic.Retained.Add(@event);
                    }
                });
            })
            .KilledBy("PS-PUB-002", "a message refused before its topic existed does not turn up in it"),
        new Mutant("pub-id-null-is-invented", "A message.id of null asks for one of the server's making.")
            .EachSession(session => session.Mend("publish", "message.id must be a string", request =>
            {
                if (request["message"]!["id"] is null)
                {
                    request["message"]!["id"] = $"{Guid.NewGuid()}";
                }
            }))
            .KilledBy("PS-PUB-003", "message.id is null"),
        new Mutant("pub-delivers-before-refusing", "A message whose id is a boolean is delivered before it is refused.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                try
                {
                    return next(text);
                }
                catch (BadRequest bad) when (bad.Message == "message.id must be a string")
                {
                    using var json = JsonDocument.Parse(text);
                    var server = session.Server;
                    var message = json.RootElement.GetProperty("message");
                    if (message.GetProperty("id").ValueKind is JsonValueKind.True or JsonValueKind.False
                        && server.Topics.Find.Call(json.RootElement.GetProperty("topic").GetString()!) is { } topic)
                    {
                        var request = new ClientRequest("publish", null, topic.Name, "", message.GetRawText(), 0);
                        using var unread = new SendQueue(server);
                        topic.TryPublish.Call(server.Messages.Event.Call(topic.Name, request.RawMessage), unread, request, []);
                    }

                    throw;
                }
            }))
            .KilledBy("PS-PUB-003", "an incomplete publish delivers nothing")
            .MayBreak("PS-ERR-009"),
        new Mutant("pub-falsy-is-missing", "A payload that is false, 0 or empty text counts as none.")
            .EachSession(session => session.RefuseIf(
                request => request.Type == "publish" && Find(request.RawMessage, "payload").GetRawText() is "false" or "0" or "\"\"",
                "message.payload is required"))
            .KilledBy("PS-PUB-004", "A payload is delivered although many a language takes it for nothing"),
        RewordsPayload("pub-null-members-dropped", "Members of a payload that are null are left out.",
            payload => NullMember().Replace(payload, "$1"))
            .KilledBy("PS-PUB-004", "a payload that is an object of null is delivered")
            .KilledBy("PS-PUB-005", "an object of null"),
        RewordsPayload("pub-numeric-strings-are-numbers", "A string that reads like a number is delivered as one.",
            payload => NumericString().Replace(payload, "$1"))
            .KilledBy("PS-PUB-004", "a string that looks like a number")
            .KilledBy("PS-PUB-005", "is delivered byte for byte")
            .MayBreak("PS-FAN-005"),
        RewordsPayload("pub-numbers-through-double", "Numbers in a payload are as exact as doubles.",
            payload => StringOrNumber().Replace(payload, match => match.Value[0] == '"' ? match.Value : ThroughDouble(match.Value)))
            .KilledBy("PS-PUB-005", "byte for byte"),
        RewordsPayload("pub-white-space-dropped", "White space between the tokens of a payload is left out.",
            payload => StringOrSpace().Replace(payload, match => match.Value[0] == '"' ? match.Value : ""))
            .KilledBy("PS-PUB-005", "a payload that is white space inside is delivered byte for byte"),
        RewordsPayload("pub-ascii-only", "A payload is delivered in ASCII, everything else escaped.",
            payload => string.Concat(payload.Select(letter => char.IsAscii(letter) ? $"{letter}" : $"\\u{(int)letter:x4}")))
            .KilledBy("PS-PUB-005", "a payload that is a string of letters and emoji is delivered byte for byte"),
        RewordsPayload("pub-members-sorted", "The members of a payload are delivered in order of their names.", Sorted)
            .KilledBy("PS-PUB-005", "a payload that is an object is delivered byte for byte"),
        new Mutant("pub-retained-in-other-words", "What is retained is spelt anew: a payload's slashes are not escaped any more.")
            .EachTopic(topic => topic.Retain.Wrap(next => @event =>
                next(Messages.Text(Encoding.UTF8.GetString(@event).Replace("\\/", "/", StringComparison.Ordinal)))))
            .KilledBy("PS-PUB-005", "a payload that is an escaped slash is replayed as it was delivered"),
        RewordsId("pub-id-in-lower-case", "A message.id that is a UUID is delivered in lower case.",
            id => Guid.TryParseExact(id, "D", out var uuid) ? $"{uuid}" : id,
            "the message.id 550E8400-E29B-41D4-A716-446655440000 is delivered unchanged"),
        RewordsId("pub-id-trimmed", "Spaces around a message.id are left out.",
            id => id.Trim(), "a message.id that is a space is delivered unchanged"),
        RewordsId("pub-id-cut-at-nul", "A message.id ends at its first NUL.",
            id => id.Split('\0')[0], "a message.id that is an escaped NUL is delivered unchanged"),
        new Mutant("pub-almost-a-uuid", "A message.id that has the shape of a UUID has to be one.")
            .EachSession(session => session.RefuseIf(
                request => request.Type == "publish" && IdOf(request.RawMessage) is { Length: 36 } id
                    && id.Count(letter => letter == '-') == 4 && !Guid.TryParseExact(id, "D", out _),
                "message.id must be a UUID"))
            .KilledBy("PS-PUB-007", "which is no UUID, is accepted"),
        new Mutant("pub-same-id-swallowed", "A second message with the id of another is acked and dropped.")
            .EachTopic(topic =>
            {
                var known = new HashSet<string>();
                topic.TryPublish.Wrap(next => (@event, publisher, request, ack) =>
                {
                    lock (topic.Gate)
                    {
                        if (known.Add(IdOf(request.RawMessage)) || topic.IsDeleted)
                        {
                            return next(@event, publisher, request, ack);
                        }

                        publisher.Reply.Call(ack);
                        return true;
                    }
                });
            })
            .KilledBy("PS-PUB-008", "messages with one message.id are all delivered"),
        new Mutant("pub-same-id-retained-once", "Of messages with one id, the first alone is retained.")
            .EachTopic(topic =>
            {
                var known = new HashSet<string>();
                topic.Retain.Wrap(next => @event =>
                {
                    using var json = JsonDocument.Parse(@event, new JsonDocumentOptions { MaxDepth = 130 });
                    if (known.Add(IdOf(json.RootElement.GetProperty("message").GetRawText())))
                    {
                        next(@event);
                    }
                });
            })
            .KilledBy("PS-PUB-008", "messages with one message.id are all retained"),
        new Mutant("pub-id-in-bytes", "The length of a message.id is counted in bytes.")
            .EachSession(session => session.RefuseIf(
                request => request.Type == "publish" && Encoding.UTF8.GetByteCount(IdOf(request.RawMessage)) > 255,
                "message.id must have 1 to 255 characters"))
            .KilledBy("PS-PUB-009", "message.id has 255 characters of three bytes"),
        new Mutant("pub-id-empty", "An empty message.id is accepted.")
            .EachSession(session => session.Mend("publish", "message.id must have 1 to 255 characters", request =>
            {
                if ((string?)request["message"]!["id"] == "")
                {
                    request["message"]!["id"] = "none";
                }
            }))
            .KilledBy("PS-PUB-009", "message.id is empty"),
        new Mutant("pub-payload-in-capitals", "The name of the payload may be spelt in capitals.")
            .EachSession(session => session.Mend("publish", "message.payload is required; null will do", request =>
            {
                if (request["message"]!["Payload"] is { } payload)
                {
                    request["message"]!["payload"] = payload.DeepClone();
                }
            }))
            .KilledBy("PS-PUB-010", "payload is spelt with a capital"),
        new Mutant("pub-other-members-dropped", "Of a message, id and payload alone are delivered.")
            .EachSession(session => session.RewordMessages((name, json) => name is "id" or "payload" ? json : null))
            .KilledBy("PS-PUB-011", "the member trace of a message is delivered unchanged"),
        new Mutant("pub-retained-later", "Once subscribers have come and gone, a message is retained a little later than it is acked.")
            .EachTopic(topic =>
            {
                var accepted = new Dictionary<byte[], long>();
                var gone = 0;
                topic.Retain.Wrap(next => @event =>
                {
                    accepted[@event] = TimeProvider.System.GetTimestamp();
                    next(@event);
                });
                topic.Remove.Wrap(next => subscriber =>
                {
                    gone++;
                    next(subscriber);
                });
                topic.Replayed.Wrap(_ => lastN => topic.Retained
                    .Where(@event => gone < 3 || TimeProvider.System.GetElapsedTime(accepted[@event]) > TimeSpan.FromMilliseconds(50))
                    .TakeLast(lastN));
            })
            .KilledBy("PS-PUB-012", "a subscribe with last_n after the ack brings the message"),

        // Alone, because a request for the count from another scenario would update it.
        new Mutant("pub-count-cached", "A count is the one that the request before should have got.") { Alone = true }
            .EachTopic(topic =>
            {
                long? counted = null;
                topic.Count.Wrap(_ => () =>
                {
                    lock (topic.Gate)
                    {
                        var messages = counted ?? topic.Accepted;
                        counted = topic.Accepted;
                        return (topic.Subscribers.Count, messages);
                    }
                });
            })
            .KilledBy("PS-PUB-012", "an acked message is already counted")
            .MayBreak("PS-OBS-007", "PS-OBS-008", "PS-REST-014"),
        new Mutant("pub-one-byte-less", "A request may be one byte shorter than 64 KiB.")
            .Does(server => server.Settings = server.Settings with { MessageBytes = 65_535 })
            .KilledBy("PS-PUB-013", "a request of 64 KiB is accepted"),
        new Mutant("pub-cut-at-16-kib", "A request as long as the buffer loses the last letter of its payload.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                var request = next(text);
                var message = request.RawMessage;
                return request.Type == "publish" && text.Length == 16 * 1024 && message.EndsWith("\"}", StringComparison.Ordinal)
                    ? request with { RawMessage = $"{message[..^3]}\"}}" }
                    : request;
            }))
            .KilledBy("PS-PUB-013", "the message of a request of 16384 bytes is delivered whole"),
    ];

    private static Mutant RewordsPayload(string id, string fault, Func<string, string> reword) => new Mutant(id, fault)
        .EachSession(session => session.RewordMessages((name, json) => name == "payload" ? reword(json) : json));

    private static Mutant RewordsId(string id, string fault, Func<string, string> reword, string because) => new Mutant(id, fault)
        .EachSession(session => session.RewordMessages((name, json) =>
        {
            var was = name == "id" ? JsonSerializer.Deserialize<string>(json)! : "";
            return reword(was) == was ? json : Messages.Quote(reword(was));
        }))
        .KilledBy("PS-PUB-006", because);

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*
        """)]
    private static partial Regex StringOrNumber();

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|\s+
        """)]
    private static partial Regex StringOrSpace();

    /// <summary>A member that is null and not the last, with the comma after it.</summary>
    [GeneratedRegex("""
        ([{,])"\w+":null,
        """)]
    private static partial Regex NullMember();

    /// <summary>A value that is a string of digits with a point.</summary>
    [GeneratedRegex("""
        (?<=^|:)"(\d+\.\d+)"
        """)]
    private static partial Regex NumericString();

    private static string ThroughDouble(string number) =>
        double.Parse(number, CultureInfo.InvariantCulture) is var value && double.IsFinite(value)
            ? value.ToString("R", CultureInfo.InvariantCulture)
            : "null";

    private static string Sorted(string payload)
    {
        var members = Member.Of(payload);
        var sorted = members.OrderBy(member => member.Name, StringComparer.Ordinal).ToList();
        return sorted.SequenceEqual(members) ? payload : Member.Spell(sorted);
    }

    private static string IdOf(string rawMessage) => Find(rawMessage, "id").GetString()!;

    private static JsonElement Find(string rawMessage, string member)
    {
        using var json = JsonDocument.Parse(rawMessage, new JsonDocumentOptions { MaxDepth = 128 });
        return json.RootElement.GetProperty(member).Clone();
    }
}
