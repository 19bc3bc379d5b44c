using System.Globalization;
using System.Text;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers that say what they have to say in other words, within RFC 8259 and SPEC.md.</summary>
internal static class Wording
{
    private const int Long = 8 * 1024;

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Written("benign-extra-members", "Messages and REST bodies have members that the protocol does not know; nothing says that it is complete.", new Chatty()),
        Written("benign-member-order", "The members of every object come in the opposite order, type last; an object is unordered (RFC 8259, section 4).", new Backwards()),
        Written("benign-white-space", "There is white space wherever there may be, line ends included (RFC 8259, section 2).", new Airy()),
        Written(
            "benign-escapes",
            "What the server writes is ASCII, with everything else and every solidus escaped, and so the first letter of every name (RFC 8259, section 7).",
            new Escaping()),
        Saying(
            "benign-nanoseconds",
            "Times have nine digits behind the point (RFC 3339, section 5.6, allows any number).",
            variation => new Dated(variation, time => $"{Whole(time)}.{time.Ticks % TimeSpan.TicksPerSecond:D7}00Z")),
        Saying(
            "benign-whole-seconds",
            "Times have no fraction (RFC 3339, section 5.6; the examples in SPEC.md have none).",
            variation => new Dated(variation, time => $"{Whole(time)}Z")),
        Saying("benign-long-errors", "Errors explain themselves in 8 KiB; nothing says how long an explanation is.", variation => new Verbose(variation)),
        BenignServer.Of(
            "benign-counters",
            "Topics, health and statistics count more than SPEC.md asks for; members beyond those that are asked for are nowhere forbidden.",
            parts => parts with { Rest = server => new Counting(server) }),
    ];

    private static BenignServer Saying(string id, string oddity, Func<Variation, Messages> messages) =>
        BenignServer.Of(id, oddity, parts => parts with { Messages = server => messages(server.Parts.Variation) });

    private static BenignServer Written(string id, string oddity, Penmanship hand) =>
        BenignServer.Of(id, oddity, parts => (parts with { Messages = server => new Rewritten(server.Parts.Variation, hand) })
            .Finished(answer => string.IsNullOrEmpty(answer.Body) ? answer : answer with { Body = hand.Rewrite(answer.Body) }));

    private static string Whole(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);

    private sealed class Rewritten(Variation variation, Penmanship hand) : Messages(variation)
    {
        public override byte[] Ack(ClientRequest request) => Again(base.Ack(request));
        public override byte[] Event(string topic, string rawMessage) => Again(base.Event(topic, rawMessage));
        public override byte[] Pong(ClientRequest request) => Again(base.Pong(request));
        public override byte[] Deleted(string topic) => Again(base.Deleted(topic));
        public override byte[] Heartbeat() => Again(base.Heartbeat());
        public override byte[] Error(string code, string message, string? rawRequestId = null) => Again(base.Error(code, message, rawRequestId));

        private byte[] Again(byte[] json) => Text(hand.Rewrite(Encoding.UTF8.GetString(json)));
    }

    private sealed class Chatty : Penmanship
    {
        private const string More = """{"type":"event","request_id":"not-yours","topic":"elsewhere","message":{"id":"m","payload":1},"code":"OK"}""";

        // The statistics have topics for members; whoever is added there would be one.
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) => name == "topics"
            ? Plain(members)
            : Plain([("$schema", "\"https://example.org/\""), .. members, ("seq", "12345678901234567890"), ("trace", "null"), ("", "[]"), ("x-more", More)]);
    }

    private sealed class Backwards : Penmanship
    {
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) => Plain(members.Reverse());
    }

    private sealed class Airy : Penmanship
    {
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) =>
            $"\r\n\t {{\n {string.Join(" ,\r\n\t", members.Select(member => $"{Messages.Quote(member.Name)} \n:\t{member.Value}"))}\r\n}}\n\n ";

        protected override string Array(IReadOnlyList<string> items) => $" [\n{string.Join("\n,\n", items)}\t]\r\n";
    }

    private sealed class Escaping : Penmanship
    {
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) =>
            $"{{{string.Join(',', members.Select(member => $"\"{Escaped(member.Name[..1])}{Written(member.Name[1..])}\":{member.Value}"))}}}";

        protected override string Text(JsonElement text) => $"\"{Written(text.GetString()!)}\"";

        private static string Written(string text) =>
            string.Concat(text.Select(unit => unit == '/' ? "\\/" : unit is < ' ' or > '~' or '"' or '\\' ? Escaped($"{unit}") : $"{unit}"));

        private static string Escaped(string text) => string.Concat(text.Select(unit => $"\\u{(int)unit:X4}"));
    }

    private sealed class Dated(Variation variation, Func<DateTimeOffset, string> write) : Messages(variation)
    {
        protected override string Time => $",\"timestamp\":\"{write(TimeProvider.System.GetUtcNow())}\"";
    }

    private sealed class Verbose(Variation variation) : Messages(variation)
    {
        private static readonly string More = string.Concat(Enumerable.Repeat(" See the \"manual\": \u00a7 4, \u65e5\u672c\u8a9e \U0001f4d6.\n", Long / 40));

        public override byte[] Error(string code, string message, string? rawRequestId = null) => base.Error(code, message + More, rawRequestId);

        public override HttpResponse Problem(int status, string code, string detail)
        {
            var problem = base.Problem(status, code, detail + More);
            return problem with { Body = $$"""{"instance":"/errors/1","errors":[{"detail":"one of many","pointer":"#/name"}],{{problem.Body![1..]}}""" };
        }
    }

    private sealed class Counting(SmallServer server) : RestDoor(server)
    {
        protected override string List() => base.List().Replace("\"subscribers\":", "\"messages\":7,\"bytes\":0.5,\"subscribers\":", StringComparison.Ordinal);

        protected override string Health() =>
            $$"""{"status":"ok","version":"1.0","connections":{"open":{{Server.Sessions.Count}},"topics":0},"uptime_ms":1.5e3,{{base.Health()[1..]}}""";

        protected override string Statistics() =>
            $$"""{"totals":{"messages":99,"subscribers":-1},{{base.Statistics()[1..].Replace("\"subscribers\":", "\"bytes\":0,\"last\":null,\"subscribers\":", StringComparison.Ordinal)}}""";
    }
}
