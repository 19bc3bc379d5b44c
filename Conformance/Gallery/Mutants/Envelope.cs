using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about what all messages have in common.</summary>
internal static class Envelope
{
    private static readonly string[] Known = ["type", "topic", "client_id", "last_n", "message", "request_id"];

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new Mutant("env-untyped-greeting", "It greets every connection with a message that has no type.")
            .EachSession(session =>
            {
                var now = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
                session.Queue.Say.Call(Messages.Text($$"""{"hello":"v1","timestamp":"{{now}}"}"""));
            })
            .KilledBy("PS-ENV-001", "every server message has a string member type")
            .MayBreak("PS-FAN-005"),
        new Mutant("env-undated-acks", "Acks have no timestamp.")
            .Does(server => server.Messages.Ack.Wrap(next => request => Redated(next(request), _ => null)))
            .KilledBy("PS-ENV-002", "the timestamp of an ack is an RFC 3339 date-time")
            .KilledBy("PS-ENV-003", "every server message has a timestamp in UTC"),
        new Mutant("env-no-zone", "The timestamp of an error does not say in which zone it is.")
            .Does(server => server.Messages.Error.Wrap(next => (code, message, id) =>
                Redated(next(code, message, id), time => time.Replace("Z", "", StringComparison.Ordinal))))
            .KilledBy("PS-ENV-002", "the timestamp of an error is an RFC 3339 date-time")
            .KilledBy("PS-ENV-003", "written with Z"),
        new Mutant("env-epoch-on-events", "The timestamp of an event is the number of seconds since the epoch.")
            .Does(server => server.Messages.Event.Wrap(next => (topic, message) =>
                Redated(next(topic, message), _ => $"{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()}")))
            .KilledBy("PS-ENV-002", "the timestamp of an event is an RFC 3339 date-time")
            .KilledBy("PS-ENV-003", "written with Z")
            .MayBreak("PS-FAN-006"),
        new Mutant("env-local-time", "Timestamps are local time with an offset.")
            .Does(server => server.Messages.Time.Wrap(_ => () =>
                $",\"timestamp\":\"{TimeProvider.System.GetUtcNow().ToOffset(TimeSpan.FromHours(2)):yyyy-MM-ddTHH:mm:ss.fffzzz}\""))
            .KilledBy("PS-ENV-003", "every server message has a timestamp in UTC, written with Z"),
        new Mutant("env-nameless-not-found", "The error for a topic that does not exist has no request_id.")
            .EachSession(session => session.NotFound.Wrap(next => request => next(request with { RawRequestId = null })))
            .KilledBy("PS-ENV-004", "the error of a subscribe has the request's request_id"),
        new Mutant("env-uuid-normalised", "A request_id that is a UUID is echoed in lower case.")
            .EachSession(session => session.RespellId(id => Guid.TryParse(id.Json.Trim('"'), out var uuid) ? $"\"{uuid}\"" : id.Json))
            .KilledBy("PS-ENV-004", "is echoed unchanged"),
        new Mutant("env-numeric-echo", "A request_id that reads as a number is echoed as one.")
            .Does(server => server.Messages.Ack.Wrap(next => request =>
            {
                var id = request.RawRequestId?.Trim('"');
                return next(long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    ? request with { RawRequestId = $"{number}" }
                    : request);
            }))
            .KilledBy("PS-ENV-004", "is echoed unchanged"),
        new Mutant("env-null-invented", "An ack of a request without request_id has the request_id null.")
            .Does(server => server.Messages.Ack.Wrap(next => request =>
                next(request with { RawRequestId = request.RawRequestId ?? "null" })))
            .KilledBy("PS-ENV-005", "without request_id has none"),
        new Mutant("env-id-from-message", "The request_id of a publish that has none is taken from its message.")
            .Does(server => server.Messages.Ack.Wrap(next => request =>
                next(request with { RawRequestId = request.RawRequestId ?? IdIn(Member.Of(request.RawMessage)) })))
            .KilledBy("PS-ENV-005", "the reply to a publish with a request_id inside its message without request_id has none"),
        new Mutant(
            "env-ack-to-first-of-that-id",
            "The ack of a publish goes to the connection that used the same request_id on the topic first.")
            .EachTopic(topic =>
            {
                var first = new ConcurrentDictionary<string, SendQueue>();
                topic.TryPublish.Wrap(next => (@event, publisher, request, ack) =>
                    next(@event, request.RawRequestId is { } id ? first.GetOrAdd(id, publisher) : publisher, request, ack));
            })
            .KilledBy("PS-ENV-006", "gets no reply to a request of"),
        new Mutant("env-farewell-to-all", "The ack of an unsubscribe goes to the other subscribers as well.")
            .EachTopic(topic => topic.TryUnsubscribe.Wrap(next => (subscriber, request, ack) =>
            {
                lock (topic.Gate)
                {
                    topic.Subscribers.Where(other => other != subscriber).ToList().ForEach(other => other.Say.Call(ack));
                    return next(subscriber, request, ack);
                }
            }))
            .KilledBy("PS-ENV-006", "a reply goes to no connection but the one that asked"),
        new Mutant("env-second-ack", "A subscribe to what is subscribed already is acked twice.")
            .EachTopic(topic => topic.TrySubscribe.Wrap(next => (subscriber, request, ack) =>
            {
                lock (topic.Gate)
                {
                    if (topic.Has(subscriber))
                    {
                        subscriber.Say.Call(ack);
                    }

                    return next(subscriber, request, ack);
                }
            }))
            .KilledBy("PS-ENV-007", "no request is answered by more than one reply"),
        new Mutant("env-second-error", "A request of unknown type is refused by the parser and by the dispatcher.")
            .EachSession(session => session.Refuse.Wrap(next => bad =>
            {
                next(bad);
                if (bad.Message.StartsWith("type must be subscribe", StringComparison.Ordinal))
                {
                    session.Queue.Say.Call(session.Server.Messages.Error.Call("BAD_REQUEST", bad.Message, bad.RawRequestId));
                }
            }))
            .KilledBy("PS-ENV-007", "is answered by exactly one reply"),
        new Mutant("env-no-id-no-ack", "A publish without request_id is not acked.")
            .EachSession(session => session.Queue.Reply.Wrap(next => text =>
            {
                if (!text.AsSpan().StartsWith("{\"type\":\"ack\",\"topic\""u8))
                {
                    next(text);
                }
            }))
            .KilledBy("PS-ENV-007", "client receives reply "),
        new Mutant("env-strict", "A request with an unknown member is refused.")
            .EachSession(session => session.RespellMembers(members =>
                members.All(member => Known.Contains(member.Name)) ? members : []))
            .KilledBy("PS-ENV-008", "a request with an unknown member is handled as if it were not there"),
        new Mutant("env-any-case", "Names of members are recognised in any case.")
            .EachSession(session => session.RespellMembers(InAnyCase))
            .KilledBy("PS-ENV-008", "a member of another case"),
        new Mutant("env-no-proto", "A request with a member __proto__ is refused.")
            .EachSession(session => session.RespellMembers(members =>
                members.Any(member => member.Name == "__proto__") ? [] : members))
            .KilledBy("PS-ENV-008", "a name that scripts know"),
        new Mutant("env-empty-is-absent", "An empty request_id is taken for none.")
            .EachSession(session => session.RespellMembers(members =>
                members.Where(member => member is not { Name: "request_id", Json: "\"\"" })))
            .KilledBy("PS-ENV-009", "a request_id that is the empty string is accepted and echoed"),
        new Mutant("env-units-for-characters", "The length of a request_id is counted in UTF-16 code units.")
            .EachSession(session => session.RespellId(id => id.Text is { Length: > 255 } ? $"\"{new string('x', 256)}\"" : id.Json))
            .KilledBy("PS-ENV-009", "a request_id that is 255 characters outside the basic plane"),
        new Mutant("env-id-cut-at-nul", "A request_id ends at a NUL.")
            .EachSession(session => session.RespellId(id =>
                id.Json.Contains("\\u0000", StringComparison.Ordinal) ? $"{id.Json.Split("\\u0000")[0]}\"" : id.Json))
            .KilledBy("PS-ENV-009", "a request_id that is an escaped NUL"),
        new Mutant("env-id-reserved", "A request_id that begins with order- is refused.")
            .EachSession(session => session.RespellMembers(members =>
                members.Any(member => member.Name == "request_id" && member.Json.StartsWith("\"order-", StringComparison.Ordinal))
                    ? []
                    : members))
            .KilledBy("PS-ENV-009", "a request_id that is no UUID is accepted"),
        new Mutant("env-id-trimmed", "A request_id loses the spaces at its ends.")
            .EachSession(session => session.RespellId(id => id.Json is ['"', ..] ? $"\"{id.Json.Trim('"').Trim()}\"" : id.Json))
            .KilledBy("PS-ENV-009", "a request_id that is a space is accepted and echoed"),
        new Mutant("env-numbers-for-ids", "A number is accepted as a request_id and echoed.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                var members = Member.Of(Encoding.UTF8.GetString(text.Span));
                var id = IdIn(members);
                return id is ['-' or (>= '0' and <= '9'), ..]
                    ? next(Messages.Text(Member.Spell(members.Where(member => member.Name != "request_id")))) with { RawRequestId = id }
                    : next(text);
            }))
            .KilledBy("PS-ENV-010", "a request_id that is a number is answered with BAD_REQUEST"),
        new Mutant("env-null-is-absent", "A request_id of null is taken for none.")
            .EachSession(session => session.RespellMembers(members =>
                members.Where(member => member is not { Name: "request_id", Json: "null" })))
            .KilledBy("PS-ENV-010", "a request_id that is null is answered with BAD_REQUEST"),
        new Mutant("env-too-long-echoed", "The refusal of a request_id that is too long echoes it.")
            .EachSession(session => session.Parse.Wrap(next => text =>
            {
                try
                {
                    return next(text);
                }
                catch (BadRequest bad) when (bad.Message.StartsWith("request_id must have", StringComparison.Ordinal))
                {
                    throw new BadRequest(bad.Message, IdIn(Member.Of(Encoding.UTF8.GetString(text.Span))));
                }
            }))
            .KilledBy("PS-ENV-010", "a request_id that is 256 characters long is not echoed"),
        new Mutant("env-late-not-found", "The error for a topic that does not exist comes behind the answers to later requests.")
            .EachSession(session => session.NotFound.Wrap(next => request => _ = LaterAsync(() => next(request))))
            .KilledBy("PS-ENV-011", "replies come in the order of the requests"),
        new Mutant("env-late-refusal", "A BAD_REQUEST comes behind the answers to later requests.")
            .EachSession(session => session.Refuse.Wrap(next => bad => _ = LaterAsync(() => next(bad))))
            .KilledBy("PS-ENV-011", "errors and acks come in the order of the requests"),
        new Mutant("env-type-before-topic", "The type of a request has to stand before its topic.")
            .EachSession(session => session.RespellMembers(members =>
            {
                var names = members.Select(member => member.Name).ToList();
                var isLate = names.Contains("topic") && !names.TakeWhile(name => name != "topic").Contains("type");
                return isLate ? members.Where(member => member.Name != "type") : members;
            }))
            .KilledBy("PS-ENV-012", "the order of members makes no difference"),
        new Mutant("env-brace-first", "A request has to begin with its brace.")
            .EachSession(session => session.Respell(text =>
                text.TrimStart().Length < text.Length && text.TrimStart().StartsWith('{') ? "?" : text))
            .KilledBy("PS-ENV-012", "white space makes no difference"),
        new Mutant("env-last-wins", "Of a member that is given twice, the last counts.")
            .EachSession(session => session.RespellMembers(members =>
                members.GroupBy(member => member.Name).Select(group => group.Last())))
            .KilledBy("PS-ENV-013", "(type in a ping)"),
        new Mutant("env-escaped-twin", "A member given twice is overlooked when its name is once spelt with an escape.")
            .EachSession(session => session.Respell(text => text.Contains("\"\\u0074opic\"", StringComparison.Ordinal)
                ? Member.Spell(Member.Of(text).DistinctBy(member => member.Name))
                : text))
            .KilledBy("PS-ENV-013", "(topic, once spelt with an escape)"),
    ];

    /// <summary>Changes the timestamp of a message, or leaves it out.</summary>
    private static byte[] Redated(byte[] text, Func<string, string?> redate) => Messages.Text(Member.Spell(
        Member.Of(Encoding.UTF8.GetString(text))
            .Select(member => member.Name == "timestamp" ? member with { Json = redate(member.Json)! } : member)
            .Where(member => member.Json is not null)));

    /// <summary>Changes the <c>request_id</c> of every request before it is parsed.</summary>
    /// <param name="session">The session.</param>
    /// <param name="respell">Gets the member, and returns its new JSON text.</param>
    private static void RespellId(this Session session, Func<Member, string> respell) => session.RespellMembers(members =>
        members.Select(member => member.Name == "request_id" ? member with { Json = respell(member) } : member));

    private static string? IdIn(IEnumerable<Member> members) => members.FirstOrDefault(member => member.Name == "request_id").Json;

    private static IEnumerable<Member> InAnyCase(IReadOnlyList<Member> members)
    {
        var meant = members.Where(member => !Known.Contains(member.Name))
            .SelectMany(member => Known
                .Where(name => name.Equals(member.Name, StringComparison.OrdinalIgnoreCase))
                .Select(name => member with { Name = name }))
            .ToList();
        return members.Where(member => meant.All(other => other.Name != member.Name)).Concat(meant);
    }

    private static async Task LaterAsync(Action answer)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        answer();
    }
}
