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
        new("env-untyped-greeting", "It greets every connection with a message that has no type.")
        {
            Change = parts => parts with { Session = seed => new Greeting(seed) },
            Kills = [new("PS-ENV-001", "every server message has a string member type")],
            Also = ["PS-FAN-005"],
        },
        new("env-undated-acks", "Acks have no timestamp.")
        {
            Change = parts => parts with { Messages = server => new Redated(server, "ack", _ => null) },
            Kills = [new("PS-ENV-002", "the timestamp of an ack is an RFC 3339 date-time"), new("PS-ENV-003", "every server message has a timestamp in UTC")],
        },
        new("env-no-zone", "The timestamp of an error does not say in which zone it is.")
        {
            Change = parts => parts with { Messages = server => new Redated(server, "error", time => time.Replace("Z", "", StringComparison.Ordinal)) },
            Kills = [new("PS-ENV-002", "the timestamp of an error is an RFC 3339 date-time"), new("PS-ENV-003", "written with Z")],
        },
        new("env-epoch-on-events", "The timestamp of an event is the number of seconds since the epoch.")
        {
            Change = parts => parts with { Messages = server => new Redated(server, "event", _ => $"{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()}") },
            Kills = [new("PS-ENV-002", "the timestamp of an event is an RFC 3339 date-time"), new("PS-ENV-003", "written with Z")],
            Also = ["PS-FAN-006"],
        },
        new("env-local-time", "Timestamps are local time with an offset.")
        {
            Change = parts => parts with { Messages = server => new LocalTime(server) },
            Kills = [new("PS-ENV-003", "every server message has a timestamp in UTC, written with Z")],
        },
        new("env-nameless-not-found", "The error for a topic that does not exist has no request_id.")
        {
            Change = parts => parts with { Session = seed => new NamelessNotFound(seed) },
            Kills = [new("PS-ENV-004", "the error of a subscribe has the request's request_id")],
        },
        new("env-uuid-normalised", "A request_id that is a UUID is echoed in lower case.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(
                    seed, members => members.Select(member => member.Name == "request_id" ? member with { Json = Normalised(member.Json) } : member)),
            },
            Kills = [new("PS-ENV-004", "is echoed unchanged")],
        },
        new("env-numeric-echo", "A request_id that reads as a number is echoed as one.")
        {
            Change = parts => parts with { Messages = server => new NumericEcho(server) },
            Kills = [new("PS-ENV-004", "is echoed unchanged")],
        },
        new("env-null-invented", "An ack of a request without request_id has the request_id null.")
        {
            Change = parts => parts with { Messages = server => new NullInvented(server) },
            Kills = [new("PS-ENV-005", "without request_id has none")],
        },
        new("env-id-from-message", "The request_id of a publish that has none is taken from its message.")
        {
            Change = parts => parts with { Messages = server => new IdFromMessage(server) },
            Kills = [new("PS-ENV-005", "the reply to a publish with a request_id inside its message without request_id has none")],
        },
        new("env-ack-to-first-of-that-id", "The ack of a publish goes to the connection that used the same request_id on the topic first.")
        {
            Change = parts => parts with { Topic = seed => new AckToFirst(seed) },
            Kills = [new("PS-ENV-006", "gets no reply to a request of")],
        },
        new("env-farewell-to-all", "The ack of an unsubscribe goes to the other subscribers as well.")
        {
            Change = parts => parts with { Topic = seed => new FarewellToAll(seed) },
            Kills = [new("PS-ENV-006", "a reply goes to nobody but the connection that asked")],
        },
        new("env-second-ack", "A subscribe to what is subscribed already is acked twice.")
        {
            Change = parts => parts with { Topic = seed => new SecondAck(seed) },
            Kills = [new("PS-ENV-007", "no request is answered by more than one reply")],
        },
        new("env-second-error", "A request of unknown type is refused by the parser and by the dispatcher.")
        {
            Change = parts => parts with { Session = seed => new SecondError(seed) },
            Kills = [new("PS-ENV-007", "is answered by exactly one reply")],
        },
        new("env-no-id-no-ack", "A publish without request_id is not acked.")
        {
            Change = parts => parts with { Outbox = server => new NoIdNoAck(server) },
            Kills = [new("PS-ENV-007", "client receives reply ")],
        },
        new("env-strict", "A request with an unknown member is refused.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(seed, members => members.All(member => Known.Contains(member.Name)) ? members : []),
            },
            Kills = [new("PS-ENV-008", "a request with an unknown member is handled as if it were not there")],
        },
        new("env-any-case", "Names of members are recognised in any case.")
        {
            Change = parts => parts with { Session = seed => new LooseReader(seed, AnyCase) },
            Kills = [new("PS-ENV-008", "a member of another case")],
        },
        new("env-no-proto", "A request with a member __proto__ is refused.")
        {
            Change = parts => parts with { Session = seed => new LooseReader(seed, members => members.Any(member => member.Name == "__proto__") ? [] : members) },
            Kills = [new("PS-ENV-008", "a name that scripts know")],
        },
        new("env-empty-is-absent", "An empty request_id is taken for none.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(seed, members => members.Where(member => member is not { Name: "request_id", Json: "\"\"" })),
            },
            Kills = [new("PS-ENV-009", "a request_id that is the empty string is accepted and echoed")],
        },
        new("env-units-for-characters", "The length of a request_id is counted in UTF-16 code units.")
        {
            Change = parts => parts with { Session = seed => new LooseReader(seed, CountUnits) },
            Kills = [new("PS-ENV-009", "a request_id that is 255 characters outside the basic plane")],
        },
        new("env-id-cut-at-nul", "A request_id ends at a NUL.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(
                    seed, members => members.Select(member => member.Name == "request_id" ? member with { Json = CutAtNul(member.Json) } : member)),
            },
            Kills = [new("PS-ENV-009", "a request_id that is an escaped NUL")],
        },
        new("env-id-trimmed", "A request_id loses the spaces at its ends.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(
                    seed, members => members.Select(member => member is { Name: "request_id", Json: ['"', ..] } ? member with { Json = $"\"{member.Json.Trim('"').Trim()}\"" } : member)),
            },
            Kills = [new("PS-ENV-009", "a request_id that is a space is accepted and echoed")],
        },
        new("env-numbers-for-ids", "A number is accepted as a request_id and echoed.")
        {
            Change = parts => parts with { Session = seed => new NumbersForIds(seed) },
            Kills = [new("PS-ENV-010", "a request_id that is a number is answered with BAD_REQUEST")],
        },
        new("env-null-is-absent", "A request_id of null is taken for none.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(seed, members => members.Where(member => member is not { Name: "request_id", Json: "null" })),
            },
            Kills = [new("PS-ENV-010", "a request_id that is null is answered with BAD_REQUEST")],
        },
        new("env-too-long-echoed", "The refusal of a request_id that is too long echoes it.")
        {
            Change = parts => parts with { Session = seed => new TooLongEchoed(seed) },
            Kills = [new("PS-ENV-010", "a request_id that is 256 characters long is not echoed")],
        },
        new("env-late-not-found", "The error for a topic that does not exist comes behind the answers to later requests.")
        {
            Change = parts => parts with { Session = seed => new LateNotFound(seed) },
            Kills = [new("PS-ENV-011", "replies come in the order of the requests")],
        },
        new("env-late-refusal", "A BAD_REQUEST comes behind the answers to later requests.")
        {
            Change = parts => parts with { Session = seed => new LateRefusal(seed) },
            Kills = [new("PS-ENV-011", "errors and acks come in the order of the requests")],
        },
        new("env-type-before-topic", "The type of a request has to stand before its topic.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(
                    seed, members => members.TakeWhile(member => member.Name != "topic").Any(member => member.Name == "type") || members.All(member => member.Name != "topic") ? members : members.Where(member => member.Name != "type")),
            },
            Kills = [new("PS-ENV-012", "the order of members makes no difference")],
        },
        new("env-brace-first", "A request has to begin with its brace.")
        {
            Change = parts => parts with { Session = seed => new LooseReader(seed, (string text) => text.TrimStart().Length < text.Length && text.TrimStart().StartsWith('{') ? "?" : text) },
            Kills = [new("PS-ENV-012", "white space makes no difference")],
        },
        new("env-last-wins", "Of a member that is given twice, the last counts.")
        {
            Change = parts => parts with { Session = seed => new LooseReader(seed, members => members.GroupBy(member => member.Name).Select(group => group.Last())) },
            Kills = [new("PS-ENV-013", "(type in a ping)")],
        },
        new("env-escaped-twin", "A member given twice is overlooked when its name is once spelt with an escape.")
        {
            Change = parts => parts with
            {
                Session = seed => new LooseReader(
                    seed, (string text) => text.Contains("\"\\u0074opic\"", StringComparison.Ordinal) ? Member.Spell(Member.Of(text).DistinctBy(member => member.Name)) : text),
            },
            Kills = [new("PS-ENV-013", "(topic, once spelt with an escape)")],
        },
    ];

    private static string Normalised(string json) => Guid.TryParse(json.Trim('"'), out var uuid) ? $"\"{uuid}\"" : json;

    private static string CutAtNul(string json) => json.Contains("\\u0000", StringComparison.Ordinal) ? $"{json.Split("\\u0000")[0]}\"" : json;

    private static IEnumerable<Member> CountUnits(IReadOnlyList<Member> members) =>
        members.Select(member => member is { Name: "request_id", Text.Length: > 255 } ? member with { Json = $"\"{new string('x', 256)}\"" } : member);

    private static IEnumerable<Member> AnyCase(IReadOnlyList<Member> members)
    {
        var meant = members.Where(member => !Known.Contains(member.Name))
            .SelectMany(member => Known.Where(name => name.Equals(member.Name, StringComparison.OrdinalIgnoreCase)).Select(name => member with { Name = name }))
            .ToList();
        return members.Where(member => meant.All(other => other.Name != member.Name)).Concat(meant);
    }

    private sealed class Greeting : Session
    {
        public Greeting(SessionSeed seed)
            : base(seed)
        {
            var now = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
            Outbox.Say(Encoding.UTF8.GetBytes($$"""{"hello":"v1","timestamp":"{{now}}"}"""));
        }
    }

    /// <summary>Writes the timestamps of one type otherwise, or not at all.</summary>
    private sealed class Redated(SmallServer server, string type, Func<string, string?> redate) : Messages(server.Parts.Variation)
    {
        public override byte[] Ack(ClientRequest request) => Redate("ack", base.Ack(request));

        public override byte[] Event(string topic, string rawMessage) => Redate("event", base.Event(topic, rawMessage));

        public override byte[] Error(string code, string message, string? rawRequestId = null) => Redate("error", base.Error(code, message, rawRequestId));

        private byte[] Redate(string of, byte[] text) => of != type
            ? text
            : Text(Member.Spell(Member.Of(Encoding.UTF8.GetString(text))
                .Select(member => member.Name == "timestamp" ? member with { Json = redate(member.Json)! } : member).Where(member => member.Json is not null)));
    }

    private sealed class LocalTime(SmallServer server) : Messages(server.Parts.Variation)
    {
        protected override string Time => $",\"timestamp\":\"{TimeProvider.System.GetUtcNow().ToOffset(TimeSpan.FromHours(2)):yyyy-MM-ddTHH:mm:ss.fffzzz}\"";
    }

    private sealed class NamelessNotFound(SessionSeed seed) : Session(seed)
    {
        protected override void NotFound(ClientRequest request) => base.NotFound(request with { RawRequestId = null });
    }

    private sealed class NumericEcho(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Ack(ClientRequest request) => base.Ack(
            long.TryParse(request.RawRequestId?.Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? request with { RawRequestId = $"{number}" }
                : request);
    }

    private sealed class NullInvented(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Ack(ClientRequest request) => base.Ack(request with { RawRequestId = request.RawRequestId ?? "null" });
    }

    private sealed class IdFromMessage(SmallServer server) : Messages(server.Parts.Variation)
    {
        public override byte[] Ack(ClientRequest request) => base.Ack(
            request with { RawRequestId = request.RawRequestId ?? Member.Of(request.RawMessage).FirstOrDefault(member => member.Name == "request_id").Json });
    }

    private sealed class AckToFirst(TopicSeed seed) : Topic(seed)
    {
        private readonly ConcurrentDictionary<string, Outbox> _askers = [];

        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack) =>
            base.TryPublish(@event, request.RawRequestId is { } id ? _askers.GetOrAdd(id, publisher) : publisher, request, ack);
    }

    private sealed class FarewellToAll(TopicSeed seed) : Topic(seed)
    {
        public override bool TryUnsubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                Subscribers.Where(other => other != subscriber).ToList().ForEach(other => other.Say(ack));
                return base.TryUnsubscribe(subscriber, request, ack);
            }
        }
    }

    private sealed class SecondAck(TopicSeed seed) : Topic(seed)
    {
        public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (Subscribers.Contains(subscriber))
                {
                    subscriber.Say(ack);
                }

                return base.TrySubscribe(subscriber, request, ack);
            }
        }
    }

    private sealed class SecondError(SessionSeed seed) : Session(seed)
    {
        protected override void Refuse(BadRequest bad)
        {
            base.Refuse(bad);
            if (bad.Message.StartsWith("type must be subscribe", StringComparison.Ordinal))
            {
                Outbox.Say(Messages.Error("BAD_REQUEST", bad.Message, bad.RawRequestId));
            }
        }
    }

    private sealed class NoIdNoAck(SmallServer server) : Outbox(server)
    {
        public override void Reply(byte[] text)
        {
            if (!text.AsSpan().StartsWith("{\"type\":\"ack\",\"topic\""u8))
            {
                base.Reply(text);
            }
        }
    }

    private sealed class NumbersForIds(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var members = Member.Of(Encoding.UTF8.GetString(text.Span));
            var id = members.FirstOrDefault(member => member.Name == "request_id").Json;
            return id is ['0' or '1' or '2' or '3' or '4' or '5' or '6' or '7' or '8' or '9' or '-', ..]
                ? base.Read(Encoding.UTF8.GetBytes(Member.Spell(members.Where(member => member.Name != "request_id")))) with { RawRequestId = id }
                : base.Read(text);
        }
    }

    private sealed class TooLongEchoed(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad) when (bad.Message.StartsWith("request_id must have", StringComparison.Ordinal))
            {
                throw new BadRequest(bad.Message, Member.Of(Encoding.UTF8.GetString(text.Span)).First(member => member.Name == "request_id").Json);
            }
        }
    }

    private sealed class LateNotFound(SessionSeed seed) : Session(seed)
    {
        protected override void NotFound(ClientRequest request) => _ = LaterAsync(request);

        private async Task LaterAsync(ClientRequest request)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            base.NotFound(request);
        }
    }

    private sealed class LateRefusal(SessionSeed seed) : Session(seed)
    {
        protected override void Refuse(BadRequest bad) => _ = LaterAsync(bad);

        private async Task LaterAsync(BadRequest bad)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            base.Refuse(bad);
        }
    }
}
