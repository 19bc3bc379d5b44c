using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

/// <summary>Requests with one fault each, and checks that use them. Each fault is described as part of a sentence.</summary>
internal static class Spoilt
{
    private const int MostShown = 8;
    private const int LongestShown = 160;

    public static IReadOnlyList<(string What, string Json)> NotStrings { get; } =
        [("null", "null"), ("a number", "7"), ("a boolean", "true"), ("an object", "{}"), ("an array", "[\"x\"]")];

    /// <summary>Texts that are not JSON, although some parsers accept some of them.</summary>
    public static IReadOnlyList<(string What, string Text)> Texts { get; } =
    [
        ("an empty message", ""),
        ("white space alone", " \t\r\n"),
        ("a lone brace", "{"),
        ("a lone closing brace", "}"),
        ("words", "ping please"),
        ("an object cut off after a name", """{"type""" + "\""),
        ("an object cut off within a string", """{"type":"pi"""),
        ("an object without its closing brace", """{"type":"ping" """),
        ("a trailing comma", """{"type":"ping",}"""),
        ("a leading comma", """{,"type":"ping"}"""),
        ("no comma between members", """{"type":"ping" "request_id":"x"}"""),
        ("no colon", """{"type" "ping"}"""),
        ("no value", """{"type":"ping","request_id":}"""),
        ("single quotes", "{'type':'ping'}"),
        ("a name without quotes", """{type:"ping"}"""),
        ("a block comment", """{"type":"ping" /* please */}"""),
        ("a line comment", "{\"type\":\"ping\"} // please"),
        ("NaN", """{"type":"ping","n":NaN}"""),
        ("Infinity", """{"type":"ping","n":-Infinity}"""),
        ("undefined", """{"type":"ping","n":undefined}"""),
        ("a number with a leading zero", """{"type":"ping","n":01}"""),
        ("a number with a plus sign", """{"type":"ping","n":+1}"""),
        ("a number that ends in its point", """{"type":"ping","n":1.}"""),
        ("a number that begins with its point", """{"type":"ping","n":.5}"""),
        ("a hexadecimal number", """{"type":"ping","n":0x10}"""),
        ("a capitalised literal", """{"type":"ping","n":True}"""),
        ("a line break within a string", "{\"type\":\"ping\",\"request_id\":\"a\nb\"}"),
        ("a tab within a string", "{\"type\":\"ping\",\"request_id\":\"a\tb\"}"),
        ("an escape that JSON does not have", """{"type":"ping","request_id":"\x41"}"""),
        ("an unfinished escape", """{"type":"ping","request_id":"\u12"}"""),
        ("a no-break space between members", "{\"type\":\"ping\",\u00a0\"n\":1}"),
        ("two objects", """{"type":"ping"}{"type":"ping"}"""),
        ("two objects on two lines", "{\"type\":\"ping\"}\n{\"type\":\"ping\"}"),
        ("something behind the object", """{"type":"ping"}x"""),
        ("a closing brace too many", """{"type":"ping"}}"""),
        ("a bracket closed by a brace", """{"type":"ping","n":[1}}"""),
    ];

    /// <summary>JSON, but not objects.</summary>
    public static IReadOnlyList<(string What, string Text)> NoObjects { get; } =
    [
        ("an empty array", "[]"),
        ("an array of requests", """[{"type":"ping"}]"""),
        ("a string", "\"ping\""),
        ("a request within a string", """ "{\"type\":\"ping\"}" """),
        ("an empty string", "\"\""),
        ("a number", "7"),
        ("zero", "0"),
        ("a negative fraction", "-1.5e3"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
    ];

    /// <summary>Illegal values of <c>type</c>; null stands for a missing type.</summary>
    public static IReadOnlyList<(string What, string? Json)> Types { get; } =
    [
        ("missing", null),
        .. NotStrings.Select(value => (value.What, (string?)value.Json)),
        ("empty", "\"\""),
        ("unknown", "\"shout\""),
        ("in capitals", "\"PUBLISH\""),
        ("capitalised", "\"Publish\""),
        ("followed by a space", "\"publish \""),
        ("preceded by a space", "\" publish\""),
        ("cut short", "\"publis\""),
        ("a server's", "\"event\""),
        ("another server's", "\"ack\""),
        ("very long", $"\"{new string('p', 1000)}\""),
    ];

    /// <summary>The member left out, and with every kind of value that is not a string.</summary>
    public static IEnumerable<(string What, Request Request)> NoString(this Request request, params string[] members) =>
        members.SelectMany(member =>
            NotStrings.Select(value => ($"{member} is {value.What}", request.With(member, value.Json)))
                .Prepend(($"{member} is missing", request.Without(member))));

    /// <summary>The member empty, and one character longer than a name may be.</summary>
    public static IEnumerable<(string What, Request Request)> EmptyOrTooLong(this Request request, string member) =>
    [
        ($"{member} is empty", request.WithText(member, "")),
        ($"{member} has 256 characters", request.WithText(member, Names.Long("x", 256))),
        ($"{member} has 256 characters outside the basic plane", request.WithText(member, Names.Long("\U0001f600", 256))),
    ];

    /// <summary>The member as long as a name may be, counted in characters.</summary>
    public static IEnumerable<(string What, Request Request)> JustLongEnough(this Request request, string member) =>
        Names.Longest.Select(longest => ($"{member} has {longest.What}", request.With(member, longest.Json)));

    /// <summary>One bad request of every kind, each with the field that its error concerns.</summary>
    public static IEnumerable<(string What, string Field, Request Request)> OfEveryKind(Stage stage, string topic)
    {
        var subscribe = Request.Subscribe(topic, stage.FreshClientId("rude"));
        var publish = Request.Publish(topic, "m");
        var unsubscribe = Request.Unsubscribe(topic, stage.FreshClientId("rude"));
        return
        [
            ("a request without type", "type", publish.Without("type")),
            ("a request of unknown type", "type", Request.Of("shout")),
            ("a request whose type is a number", "type", Request.Ping().With("type", "7")),
            ("a subscribe without topic", "topic", subscribe.Without("topic")),
            ("a subscribe whose topic is a number", "topic", subscribe.With("topic", "7")),
            ("a subscribe without client_id", "client_id", subscribe.Without("client_id")),
            ("a subscribe whose client_id is null", "client_id", subscribe.With("client_id", "null")),
            ("a subscribe whose last_n is a string", "last_n", subscribe.With("last_n", "\"5\"")),
            ("a publish without topic", "topic", publish.Without("topic")),
            ("a publish without message", "message", publish.Without("message")),
            ("a publish whose message is a string", "message", publish.With("message", "\"m\"")),
            ("a publish without message.id", "message.id", publish.Without("message.id")),
            ("a publish whose message.id is a number", "message.id", publish.With("message.id", "7")),
            ("a publish without message.payload", "payload", publish.Without("message.payload")),
            ("an unsubscribe without topic", "topic", unsubscribe.Without("topic")),
            ("an unsubscribe without client_id", "client_id", unsubscribe.Without("client_id")),
            ("an unsubscribe whose client_id is an object", "client_id", unsubscribe.With("client_id", "{}")),
        ];
    }

    /// <summary>
    /// Decisive: each row is answered with this error, on a connection of its own since a server may close it after an error.
    /// </summary>
    public static Task RefusesAsync(
        this Stage stage, IEnumerable<(string What, Request Request)> rows, string expectation, string code = "BAD_REQUEST") =>
        stage.EachAsync(rows, row => stage.RefusesAsync(client => client.RequestAsync(row.Request), $"{expectation} ({row.What})", code));

    /// <summary>Decisive, as for requests: each of these texts is answered with BAD_REQUEST.</summary>
    public static Task RefusesAsync(this Stage stage, IEnumerable<(string What, string Text)> rows, string expectation) =>
        stage.EachAsync(
            rows, row => stage.RefusesAsync(client => client.AnswerAsync(row.Text), $"{expectation} ({row.What})", "BAD_REQUEST"));

    /// <summary>Decisive: each row, on one connection, is acked.</summary>
    public static async Task AcksAsync(
        this Stage stage, Client client, IEnumerable<(string What, Request Request)> rows, string expectation)
    {
        foreach (var (what, request) in rows)
        {
            stage.Expect.Acked(await client.RequestAsync(request).For($"{expectation} ({what})"), $"{expectation} ({what})");
        }
    }

    /// <summary>Decisive: an expectation holds for each of many cases. All exceptions together are one finding.</summary>
    /// <param name="exceptions">The cases for which it does not hold, each with the observation.</param>
    public static void WithoutException(this Expect expect, IReadOnlyCollection<string> exceptions, string expectation)
    {
        if (exceptions.Count > 0)
        {
            var more = exceptions.Count > MostShown ? $"; and {exceptions.Count - MostShown} more" : "";
            var shown = string.Join("; ", exceptions.Take(MostShown).Select(text => text.Cut(LongestShown)));
            expect.Fail(expectation, "no exception", $"{shown}{more}");
        }

        expect.True(true, expectation);
    }

    private static async Task RefusesAsync(this Stage stage, Func<Client, Task<ServerMessage>> ask, string expectation, string code)
    {
        await using var client = await stage.ConnectAsync("rude");
        stage.Expect.Error(await ask(client).For(expectation), code, expectation);
    }
}
