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
        new("pub-ack-says-nobody", "The ack of a message that nobody subscribes to has the status 'no subscribers'.")
        {
            Change = parts => parts with { Topic = seed => new SaysNobody(seed) },
            Kills = [new("PS-PUB-001", "the ack has the status ok")],
        },
        new("pub-ack-without-topic", "The ack of a publish does not say of which topic it is.")
        {
            Change = parts => parts with { Messages = server => new AckWithoutTopic(server, request => request.Type == "publish") },
            Kills = [new("PS-PUB-001", "the ack has the topic's name")],
            Also = ["PS-ENV-006", "PS-ENV-012"],
        },
        new("pub-refused-after-leaving", "Who has unsubscribed from a topic may not publish to it.")
        {
            Change = parts => parts with { Session = seed => new RefusedAfterLeaving(seed) },
            Kills = [new("PS-PUB-001", "a publish needs no subscription")],
        },
        new("pub-creates-topic", "A publish creates the topic that does not exist.")
        {
            Change = parts => parts with { Session = seed => new TopicFinder(seed, "publish", isLate: false) },
            Kills = [new("PS-PUB-002", "a publish to a topic that does not exist is answered with TOPIC_NOT_FOUND")],
            Also = ["PS-DEL-005"],
        },
        new("pub-creates-despite-error", "A publish to an unknown topic is refused, and creates it all the same.")
        {
            Change = parts => parts with { Session = seed => new TopicFinder(seed, "publish", isLate: true) },
            Kills = [new("PS-PUB-002", "a refused publish creates no topic")],
        },
        new("pub-held-for-topic", "A refused message waits for its topic to be created.")
        {
            Change = parts => parts with { Topics = server => new Holding(server), Topic = seed => new Awaited(seed), Session = seed => new Holds(seed) },
            Kills = [new("PS-PUB-002", "a message refused before its topic existed does not turn up in it")],
        },
        new("pub-id-null-is-invented", "A message.id of null asks for one of the server's making.")
        {
            Change = parts => parts with
            {
                Session = seed => new MendingSession(seed, "publish", "message.id must be a string", request =>
                {
                    if (request["message"]!["id"] is null)
                    {
                        request["message"]!["id"] = $"{Guid.NewGuid()}";
                    }
                }),
            },
            Kills = [new("PS-PUB-003", "message.id is null")],
        },
        new("pub-delivers-before-refusing", "A message whose id is a boolean is delivered before it is refused.")
        {
            Change = parts => parts with { Session = seed => new DeliversBeforeRefusing(seed) },
            Kills = [new("PS-PUB-003", "an incomplete publish delivers nothing")],
            Also = ["PS-ERR-009"],
        },
        new("pub-falsy-is-missing", "A payload that is false, 0 or empty text counts as none.")
        {
            Change = parts => parts with { Session = seed => new FalsyIsMissing(seed) },
            Kills = [new("PS-PUB-004", "a payload that is an empty string is delivered"), new("PS-PUB-005", "a payload that is an empty string is delivered")],
        },
        new("pub-null-members-dropped", "Members of a payload that are null are left out.")
        {
            Change = parts => parts with { Session = Rewords(payload => NullMember().Replace(payload, "$1")) },
            Kills = [new("PS-PUB-004", "a payload that is an object of null is delivered"), new("PS-PUB-005", "an object of null")],
        },
        new("pub-numeric-strings-are-numbers", "A string that reads like a number is delivered as one.")
        {
            Change = parts => parts with { Session = Rewords(payload => NumericString().Replace(payload, "$1")) },
            Kills = [new("PS-PUB-004", "a string that looks like a number"), new("PS-PUB-005", "is delivered byte for byte")],
            Also = ["PS-FAN-005"],
        },
        new("pub-numbers-through-double", "Numbers in a payload are as exact as doubles.")
        {
            Change = parts => parts with { Session = Rewords(payload => Tokens().Replace(payload, match => ThroughDouble(match.Value))) },
            Kills = [new("PS-PUB-005", "byte for byte")],
        },
        new("pub-white-space-dropped", "White space between the tokens of a payload is left out.")
        {
            Change = parts => parts with { Session = Rewords(Tight) },
            Kills = [new("PS-PUB-005", "a payload that is white space inside is delivered byte for byte")],
        },
        new("pub-ascii-only", "A payload is delivered in ASCII, everything else escaped.")
        {
            Change = parts => parts with
            {
                Session = Rewords(payload => string.Concat(payload.Select(letter => char.IsAscii(letter) ? $"{letter}" : $"\\u{(int)letter:x4}"))),
            },
            Kills = [new("PS-PUB-005", "a payload that is a string of letters and emoji is delivered byte for byte")],
        },
        new("pub-members-sorted", "The members of a payload are delivered in order of their names.")
        {
            Change = parts => parts with { Session = Rewords(Sorted) },
            Kills = [new("PS-PUB-005", "a payload that is an object is delivered byte for byte")],
        },
        new("pub-retained-in-other-words", "What is retained is spelt anew: a payload's slashes are not escaped any more.")
        {
            Change = parts => parts with { Topic = seed => new RetainedInOtherWords(seed) },
            Kills = [new("PS-PUB-005", "a payload that is an escaped slash is replayed byte for byte")],
        },
        new("pub-id-in-lower-case", "A message.id that is a UUID is delivered in lower case.")
        {
            Change = parts => parts with { Session = RewordsId(id => Guid.TryParseExact(id, "D", out var uuid) ? $"{uuid}" : id) },
            Kills = [new("PS-PUB-006", "the message.id 550E8400-E29B-41D4-A716-446655440000 is delivered unchanged")],
        },
        new("pub-id-trimmed", "Spaces around a message.id are left out.")
        {
            Change = parts => parts with { Session = RewordsId(id => id.Trim()) },
            Kills = [new("PS-PUB-006", "a message.id that is a space is delivered unchanged")],
        },
        new("pub-id-cut-at-nul", "A message.id ends at its first NUL.")
        {
            Change = parts => parts with { Session = RewordsId(id => id.Split('\0')[0]) },
            Kills = [new("PS-PUB-006", "a message.id that is an escaped NUL is delivered unchanged")],
        },
        new("pub-almost-a-uuid", "A message.id that has the shape of a UUID has to be one.")
        {
            Change = parts => parts with { Session = seed => new AlmostUuid(seed) },
            Kills = [new("PS-PUB-007", "which is no UUID, is accepted")],
        },
        new("pub-same-id-swallowed", "A second message with the id of another is acked and dropped.")
        {
            Change = parts => parts with { Topic = seed => new SameIdSwallowed(seed) },
            Kills = [new("PS-PUB-008", "messages with one message.id are all delivered")],
            Also = ["PS-OBS-007", "PS-ROB-003"],
        },
        new("pub-same-id-retained-once", "Of messages with one id, the first alone is retained.")
        {
            Change = parts => parts with { Topic = seed => new SameIdRetainedOnce(seed) },
            Kills = [new("PS-PUB-008", "messages with one message.id are all retained")],
        },
        new("pub-id-in-bytes", "The length of a message.id is counted in bytes.")
        {
            Change = parts => parts with { Session = seed => new IdInBytes(seed) },
            Kills = [new("PS-PUB-009", "message.id has 255 characters of three bytes")],
        },
        new("pub-id-empty", "An empty message.id is accepted.")
        {
            Change = parts => parts with
            {
                Session = seed => new MendingSession(seed, "publish", "message.id must have 1 to 255 characters", request =>
                {
                    if ((string?)request["message"]!["id"] == "")
                    {
                        request["message"]!["id"] = "none";
                    }
                }),
            },
            Kills = [new("PS-PUB-009", "message.id is empty")],
        },
        new("pub-payload-in-capitals", "The name of the payload may be spelt in capitals.")
        {
            Change = parts => parts with
            {
                Session = seed => new MendingSession(seed, "publish", "message.payload is required; null will do", request =>
                {
                    if (request["message"]!["Payload"] is { } payload)
                    {
                        request["message"]!["payload"] = payload.DeepClone();
                    }
                }),
            },
            Kills = [new("PS-PUB-010", "payload is spelt with a capital")],
        },
        new("pub-other-members-dropped", "Of a message, id and payload alone are delivered.")
        {
            Change = parts => parts with { Session = seed => new RewordingSession(seed, (name, json) => name is "id" or "payload" ? json : null) },
            Kills = [new("PS-PUB-011", "the member trace of a message is delivered unchanged")],
        },
        new("pub-retained-later", "Once subscribers have come and gone, a message is retained a little later than it is acked.")
        {
            Change = parts => parts with { Topic = seed => new RetainedLater(seed) },
            Kills = [new("PS-PUB-012", "who subscribes with last_n after the ack sees the message")],
        },
        new("pub-count-cached", "A count is the one that whoever asked before should have been told.")
        {
            Change = parts => parts with { Topic = seed => new CountCached(seed) },
            Kills = [new("PS-PUB-012", "an acked message is already counted")],
            Also = ["PS-OBS-007", "PS-OBS-008", "PS-REST-014"],

            // Whoever else asks brings the count up to date.
            Alone = true,
        },
        new("pub-one-byte-less", "A request may be one byte shorter than 64 KiB.")
        {
            Change = parts => parts with { Settings = new Settings { MessageBytes = 65_535 } },
            Kills = [new("PS-PUB-013", "a request of 64 KiB is accepted")],
        },
        new("pub-cut-at-16-kib", "A request as long as the buffer loses the last letter of its payload.")
        {
            Change = parts => parts with { Session = seed => new CutWhereTheBufferEnds(seed) },
            Kills = [new("PS-PUB-013", "the message of a request of 16384 bytes is delivered whole")],
        },
    ];

    private static Func<SessionSeed, Session> Rewords(Func<string, string> payload) =>
        seed => new RewordingSession(seed, (name, json) => name == "payload" ? payload(json) : json);

    private static Func<SessionSeed, Session> RewordsId(Func<string, string> id) =>
        seed => new RewordingSession(seed, (name, json) =>
        {
            var was = name == "id" ? JsonSerializer.Deserialize<string>(json)! : "";
            return id(was) == was ? json : Messages.Quote(id(was));
        });

    /// <summary>Strings, and outside of them numbers.</summary>
    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*
        """)]
    private static partial Regex Tokens();

    /// <summary>Strings, and outside of them white space.</summary>
    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|\s+
        """)]
    private static partial Regex Spaces();

    /// <summary>A member that is null and not the last, with the comma behind it.</summary>
    [GeneratedRegex("""
        ([{,])"\w+":null,
        """)]
    private static partial Regex NullMember();

    /// <summary>A value that is a string of digits with a point.</summary>
    [GeneratedRegex("""
        (?<=^|:)"(\d+\.\d+)"
        """)]
    private static partial Regex NumericString();

    private static string ThroughDouble(string token) => token[0] == '"'
        ? token
        : double.Parse(token, CultureInfo.InvariantCulture) is var value && double.IsFinite(value)
            ? value.ToString("R", CultureInfo.InvariantCulture)
            : "null";

    private static string Tight(string payload) => Spaces().Replace(payload, match => match.Value[0] == '"' ? match.Value : "");

    private static string Sorted(string payload)
    {
        using var json = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = 128 });
        return Sorted(json.RootElement);
    }

    private static string Sorted(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || json.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal).SequenceEqual(json.EnumerateObject().Select(member => member.Name)))
        {
            return json.GetRawText();
        }

        var members = json.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal);
        return $"{{{string.Join(',', members.Select(member => $"{Messages.Quote(member.Name)}:{member.Value.GetRawText()}"))}}}";
    }

    private sealed class SaysNobody(TopicSeed seed) : Topic(seed)
    {
        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                var nobody = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(ack).Replace("\"status\":\"ok\"", "\"status\":\"no subscribers\"", StringComparison.Ordinal));
                return base.TryPublish(@event, publisher, request, Subscribers.Count == 0 ? nobody : ack);
            }
        }
    }

    private sealed class RefusedAfterLeaving(SessionSeed seed) : Session(seed)
    {
        private readonly HashSet<Topic> _left = [];

        protected override bool Subscribe(Topic topic, ClientRequest request)
        {
            _left.Remove(topic);
            return base.Subscribe(topic, request);
        }

        protected override bool Unsubscribe(Topic topic, ClientRequest request)
        {
            if (Joined.ContainsKey(topic))
            {
                _left.Add(topic);
            }

            return base.Unsubscribe(topic, request);
        }

        protected override bool Publish(Topic topic, ClientRequest request)
        {
            if (!_left.Contains(topic))
            {
                return base.Publish(topic, request);
            }

            Outbox.Reply(Messages.Error("BAD_REQUEST", "topic is not subscribed to any more", request.RawRequestId));
            return true;
        }
    }

    private sealed class Holding(SmallServer server) : Servers.Topics(server)
    {
        public ConcurrentDictionary<string, byte[]> Held { get; } = [];
    }

    private sealed class Holds(SessionSeed seed) : Session(seed)
    {
        protected override void NotFound(ClientRequest request)
        {
            base.NotFound(request);
            if (request.Type == "publish")
            {
                ((Holding)Topics).Held[request.Topic] = Messages.Event(request.Topic, request.RawMessage);
            }
        }
    }

    private sealed class Awaited : Topic
    {
        public Awaited(TopicSeed seed)
            : base(seed)
        {
            if (((Holding)Server.Topics).Held.TryRemove(Name, out var held))
            {
                Retained.Add(held);
            }
        }
    }

    private sealed class DeliversBeforeRefusing(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            try
            {
                return base.Read(text);
            }
            catch (BadRequest bad) when (bad.Message == "message.id must be a string")
            {
                using var json = JsonDocument.Parse(text);
                var message = json.RootElement.GetProperty("message");
                if (message.GetProperty("id").ValueKind is JsonValueKind.True or JsonValueKind.False
                    && Topics.Find(json.RootElement.GetProperty("topic").GetString()!) is { } topic)
                {
                    var request = new ClientRequest("publish", null, topic.Name, "", message.GetRawText(), 0);
                    using var nobody = new Outbox(Server);
                    topic.TryPublish(Messages.Event(topic.Name, request.RawMessage), nobody, request, []);
                }

                throw;
            }
        }
    }

    private sealed class FalsyIsMissing(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            if (request.Type != "publish")
            {
                return request;
            }

            using var json = JsonDocument.Parse(request.RawMessage, new JsonDocumentOptions { MaxDepth = 128 });
            return json.RootElement.GetProperty("payload").GetRawText() is "false" or "0" or "\"\""
                ? throw new BadRequest("message.payload is required", request.RawRequestId)
                : request;
        }
    }

    private sealed class RetainedInOtherWords(TopicSeed seed) : Topic(seed)
    {
        protected override void Retain(byte[] @event) =>
            base.Retain(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(@event).Replace("\\/", "/", StringComparison.Ordinal)));
    }

    private sealed class SameIdSwallowed(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<string> _known = []; // guarded by Gate

        public override bool TryPublish(byte[] @event, Outbox publisher, ClientRequest request, byte[] ack)
        {
            lock (Gate)
            {
                if (_known.Add(IdOf(request.RawMessage)) || IsDeleted)
                {
                    return base.TryPublish(@event, publisher, request, ack);
                }

                publisher.Reply(ack);
                return true;
            }
        }
    }

    private sealed class SameIdRetainedOnce(TopicSeed seed) : Topic(seed)
    {
        private readonly HashSet<string> _known = []; // guarded by Gate

        protected override void Retain(byte[] @event)
        {
            using var json = JsonDocument.Parse(@event, new JsonDocumentOptions { MaxDepth = 130 });
            if (_known.Add(IdOf(json.RootElement.GetProperty("message").GetRawText())))
            {
                base.Retain(@event);
            }
        }
    }

    private static string IdOf(string rawMessage)
    {
        using var json = JsonDocument.Parse(rawMessage, new JsonDocumentOptions { MaxDepth = 128 });
        return json.RootElement.GetProperty("id").GetString()!;
    }

    private sealed class IdInBytes(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            return request.Type == "publish" && Encoding.UTF8.GetByteCount(IdOf(request.RawMessage)) > 255
                ? throw new BadRequest("message.id must have 1 to 255 characters", request.RawRequestId)
                : request;
        }
    }

    private sealed class AlmostUuid(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            var id = request.Type == "publish" ? IdOf(request.RawMessage) : "";
            return id.Length == 36 && id.Count(letter => letter == '-') == 4 && !Guid.TryParseExact(id, "D", out _)
                ? throw new BadRequest("message.id must be a UUID", request.RawRequestId)
                : request;
        }
    }

    private sealed class RetainedLater(TopicSeed seed) : Topic(seed)
    {
        private readonly Dictionary<byte[], long> _accepted = []; // guarded by Gate
        private int _gone; // guarded by Gate

        protected override IEnumerable<byte[]> Replayed(int lastN) => Retained
            .Where(@event => _gone < 3 || TimeProvider.System.GetElapsedTime(_accepted[@event]) > TimeSpan.FromMilliseconds(50))
            .TakeLast(lastN);

        protected override void Remove(Outbox subscriber)
        {
            _gone++;
            base.Remove(subscriber);
        }

        protected override void Retain(byte[] @event)
        {
            _accepted[@event] = TimeProvider.System.GetTimestamp();
            base.Retain(@event);
        }
    }

    private sealed class CountCached(TopicSeed seed) : Topic(seed)
    {
        private long? _counted; // guarded by Gate; when it was asked for last

        public override (int Subscribers, long Messages) Count()
        {
            lock (Gate)
            {
                var messages = _counted ?? Accepted;
                _counted = Accepted;
                return (Subscribers.Count, messages);
            }
        }
    }

    private sealed class CutWhereTheBufferEnds(SessionSeed seed) : Session(seed)
    {
        protected override ClientRequest Read(ReadOnlyMemory<byte> text)
        {
            var request = base.Read(text);
            return request.Type == "publish" && text.Length == 16 * 1024 && request.RawMessage.EndsWith("\"}", StringComparison.Ordinal)
                ? request with { RawMessage = $"{request.RawMessage[..^3]}\"}}" }
                : request;
        }
    }
}
