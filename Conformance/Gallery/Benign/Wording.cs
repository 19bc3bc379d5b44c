using System.Globalization;
using System.Text;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Benign;

/// <summary>Servers whose JSON is unusual but follows RFC 8259 and SPEC.md.</summary>
internal static class Wording
{
    private const int Long = 8 * 1024;

    public static IReadOnlyList<BenignServer> All { get; } =
    [
        Written(
            "benign-extra-members",
            "Messages and REST bodies have members that the protocol does not know; nothing says that it is complete.",
            new Chatty()),
        Written(
            "benign-member-order",
            "The members of every object come in the opposite order, type last; an object is unordered (RFC 8259, section 4).",
            new Backwards()),
        Written("benign-white-space", "There is white space wherever there may be, line ends included (RFC 8259, section 2).", new Airy()),
        Written(
            "benign-escapes",
            "What the server writes is ASCII, with everything else and every solidus escaped, and so the first letter of every name "
                + "(RFC 8259, section 7).",
            new Escaping()),
        Dated(
            "benign-nanoseconds",
            "Times have nine digits behind the point (RFC 3339, section 5.6, allows any number).",
            time => $"{Whole(time)}.{time.Ticks % TimeSpan.TicksPerSecond:D7}00Z"),
        Dated(
            "benign-whole-seconds",
            "Times have no fraction (RFC 3339, section 5.6; the examples in SPEC.md have none).",
            time => $"{Whole(time)}Z") with
        {
            Offers = [],
        },
        new BenignServer(
            "benign-long-errors",
            "Errors explain themselves in 8 KiB; nothing says how long an explanation is.").Does(server =>
        {
            var more = string.Concat(Enumerable.Repeat(" See the \"manual\": \u00a7 4, \u65e5\u672c\u8a9e \U0001f4d6.\n", Long / 40));
            server.Messages.Error.Wrap(next => (code, message, rawRequestId) => next(code, message + more, rawRequestId));
            server.Messages.Problem.Wrap(next => (status, code, detail) =>
            {
                var problem = next(status, code, detail + more);
                return problem with
                {
                    Body = $$"""{"instance":"/errors/1","errors":[{"detail":"one of many","pointer":"#/name"}],{{problem.Body![1..]}}""",
                };
            });
        }),
        new BenignServer(
            "benign-counters",
            "Topics, health and statistics count more than SPEC.md asks for; members beyond those that are asked for are nowhere "
                + "forbidden.")
            .Does(server =>
            {
                server.Rest.List.Wrap(next => () => BeforeSubscribers(next(), "\"messages\":7,\"bytes\":0.5"));
                server.Rest.Health.Wrap(next => () =>
                {
                    var open = server.Sessions.Count;
                    return $$"""{"status":"ok","version":"1.0","connections":{"open":{{open}},"topics":0},"uptime_ms":1.5e3,"""
                        + next()[1..];
                });
                server.Rest.Statistics.Wrap(next => () =>
                    $$"""{"totals":{"messages":99,"subscribers":-1},{{BeforeSubscribers(next()[1..], "\"bytes\":0,\"last\":null")}}""");
            }),
    ];

    private static BenignServer Dated(string id, string oddity, Func<DateTimeOffset, string> write) => new BenignServer(id, oddity)
        .Does(server => server.Messages.Format.Wrap(_ => ticks => write(new DateTimeOffset(ticks, TimeSpan.Zero))));

    private static BenignServer Written(string id, string oddity, Penmanship hand) => new BenignServer(id, oddity).Does(server =>
    {
        var messages = server.Messages;
        messages.Ack.Wrap(next => request => Again(next(request)));
        messages.Event.Wrap(next => (topic, rawMessage) => Again(next(topic, rawMessage)));
        messages.Pong.Wrap(next => request => Again(next(request)));
        messages.Deleted.Wrap(next => topic => Again(next(topic)));
        messages.Heartbeat.Wrap(next => () => Again(next()));
        messages.Error.Wrap(next => (code, message, rawRequestId) => Again(next(code, message, rawRequestId)));
        server.FinishAnswers(answer => string.IsNullOrEmpty(answer.Body) ? answer : answer with { Body = hand.Rewrite(answer.Body) });

        byte[] Again(byte[] json) => Messages.Text(hand.Rewrite(Encoding.UTF8.GetString(json)));
    });

    private static string BeforeSubscribers(string json, string members) =>
        json.Replace("\"subscribers\":", $"{members},\"subscribers\":", StringComparison.Ordinal);

    private static string Whole(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);

    private sealed class Chatty : Penmanship
    {
        private const string More =
            """{"type":"event","request_id":"not-yours","topic":"elsewhere","message":{"id":"m","payload":1},"code":"OK"}""";

        // The members of topics in the statistics are the topics themselves, so a further member would be a topic.
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) => name == "topics"
            ? Plain(members)
            : Plain(
            [
                ("$schema", "\"https://example.org/\""), .. members,
                ("seq", "12345678901234567890"), ("trace", "null"), ("", "[]"), ("x-more", More),
            ]);
    }

    private sealed class Backwards : Penmanship
    {
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) => Plain(members.Reverse());
    }

    private sealed class Airy : Penmanship
    {
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) =>
            $"\r\n\t {{\n {string.Join(" ,\r\n\t", members.Select(Airily))}\r\n}}\n\n ";

        private static string Airily((string Name, string Value) member) => $"{Messages.Quote(member.Name)} \n:\t{member.Value}";

        protected override string Array(IReadOnlyList<string> items) => $" [\n{string.Join("\n,\n", items)}\t]\r\n";
    }

    private sealed class Escaping : Penmanship
    {
        protected override string Object(string name, IReadOnlyList<(string Name, string Value)> members) =>
            $"{{{string.Join(',', members.Select(member =>
                $"\"{Escaped(member.Name[..1])}{Written(member.Name[1..])}\":{member.Value}"))}}}";

        protected override string Text(JsonElement text) => $"\"{Written(text.GetString()!)}\"";

        private static string Written(string text) =>
            string.Concat(text.Select(unit =>
                unit == '/' ? "\\/" : unit is < ' ' or > '~' or '"' or '\\' ? Escaped($"{unit}") : $"{unit}"));

        private static string Escaped(string text) => string.Concat(text.Select(unit => $"\\u{(int)unit:X4}"));
    }
}
