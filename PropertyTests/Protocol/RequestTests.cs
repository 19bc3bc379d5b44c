using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Protocol.RequestTexts;

namespace PubSub.PropertyTests.Protocol;

public sealed class RequestTests
{
    private static readonly (string Type, string Field)[] StringFields =
    [
        ("subscribe", "topic"), ("subscribe", "client_id"), ("unsubscribe", "topic"), ("unsubscribe", "client_id"),
        ("publish", "topic"), ("publish", "message.id"),
    ];

    private static readonly string[] NoStrings = ["null", "5", "-1.5e3", "true", "false", "[]", "{}", """["x"]""", """{"x":"y"}"""];

    private static readonly string[] LegalLastN = ["0", "1", "5", "100", "2147483647"];

    private static readonly string[] IllegalLastN =
    [
        "-1", "1.5", "1.0", "1e2", "1E0", "2147483648", "-2147483648", "4294967296", new string('9', 400), "\"5\"", "\"\"", "null", "true",
        "false", "[]", "[5]", "{}",
    ];

    [Test]
    public void A_request_of_each_type_is_parsed()
    {
        var requests = Types.Select(type => Parse(Json(type))).ToList();

        Assert.That(requests.Select(request => Text(request.RequestId)), Is.All.EqualTo("\"r1\""));
        Assert.That(
            requests[0] is Request.Subscribe { Topic: "orders", LastN: 5 } subscribe && Text(subscribe.RawTopic) == "\"orders\"",
            Is.True);
        Assert.That(requests[1] is Request.Publish { Topic: "orders" } publish && Text(publish.RawTopic) == "\"orders\"", Is.True);
        Assert.That(Text(((Request.Publish)requests[1]).Message), Is.EqualTo("""{"id":"m1","payload":1}"""));
        Assert.That(
            requests[2] is Request.Unsubscribe { Topic: "orders" } unsubscribe && Text(unsubscribe.RawTopic) == "\"orders\"",
            Is.True);
        Assert.That(requests[3], Is.TypeOf<Request.Ping>());
    }

    [Test]
    public void A_request_without_an_id_has_none()
    {
        var requests = Types.Select(type => Parse(Json(type, "request_id", null)));

        Assert.That(requests.Select(request => request.RequestId.Length), Is.All.Zero);
    }

    [Test]
    public void The_refusal_names_a_missing_field()
    {
        foreach (var (type, field) in StringFields.Append(("publish", "message")))
        {
            AssertRefused(Json(type, field, null), $"{field} is required");
        }

        AssertRefused(Json("publish", "message.payload", null), "message.payload is required; it may be any JSON value, null included");
    }

    [Test]
    public void The_refusal_names_a_field_that_is_no_string([ValueSource(nameof(NoStrings))] string raw)
    {
        foreach (var (type, field) in StringFields)
        {
            AssertRefused(Json(type, field, raw), $"{field} must be a string");
        }
    }

    [Test]
    public void The_refusal_names_a_field_that_is_empty_or_too_long()
    {
        foreach (var (type, field) in StringFields)
        {
            AssertRefused(Json(type, field, "\"\""), $"{field} must not be empty");
            AssertRefused(Json(type, field, Quoted("x", 256)), $"{field} must be at most 255 characters long");
            AssertRefused(Json(type, field, Quoted("😀", 256)), $"{field} must be at most 255 characters long");
            AssertRefused(Json(type, field, Quoted("\\ud83d\\ude00", 256)), $"{field} must be at most 255 characters long");
        }
    }

    [TestCase("x")]
    [TestCase("é")]
    [TestCase("😀")]
    [TestCase("\\ud83d\\ude00")]
    [TestCase("\\u0041")]
    public void Any_name_may_have_255_characters_however_they_are_spelled(string character)
    {
        var name = Quoted(character, 255);

        var requests = StringFields.Append(("ping", "request_id")).Select(field => Parse(Json(field.Item1, field.Item2, name)));

        Assert.That(requests.Count(), Is.EqualTo(7));
        Assert.That(((Request.Subscribe)Parse(Json("subscribe", "topic", name))).Topic.EnumerateRunes().Count(), Is.EqualTo(255));
        Assert.That(Text(Parse(Json("ping", "request_id", name)).RequestId), Is.EqualTo(name));
    }

    [TestCase("null")]
    [TestCase("5")]
    [TestCase("\"x\"")]
    [TestCase("true")]
    [TestCase("[]")]
    [TestCase("[{\"id\":\"m1\",\"payload\":1}]")]
    public void A_message_that_is_no_object_is_refused(string raw) =>
        AssertRefused(Json("publish", "message", raw), "message must be an object");

    [TestCase(null, "type is required")]
    [TestCase("null", "type must be a string")]
    [TestCase("5", "type must be a string")]
    [TestCase("[\"ping\"]", "type must be a string")]
    [TestCase("\"\"", "type must be subscribe, publish, unsubscribe or ping")]
    [TestCase("\"Ping\"", "type must be subscribe, publish, unsubscribe or ping")]
    [TestCase("\"ping \"", "type must be subscribe, publish, unsubscribe or ping")]
    [TestCase("\"event\"", "type must be subscribe, publish, unsubscribe or ping")]
    public void An_unknown_type_is_refused(string? raw, string message) => AssertRefused(Json("ping", "type", raw), message);

    [Test]
    public void An_illegal_request_id_is_refused_and_not_echoed()
    {
        var faults = NoStrings.Select(raw => (Raw: raw, Message: "request_id must be a string"))
            .Append((Quoted("x", 256), "request_id must be at most 255 characters long"))
            .Append((Quoted("😀", 256), "request_id must be at most 255 characters long"))
            .Append(("\"\\ud800\"", "request_id must not contain an unpaired surrogate"));

        foreach (var (raw, message) in faults)
        {
            foreach (var type in Types)
            {
                AssertRefused(Json(type, "request_id", raw), message, requestId: "");
            }
        }
    }

    [TestCase("\"\"")]
    [TestCase("\" \"")]
    [TestCase("\"\\u0000\\n\"")]
    [TestCase("\"\\\"\\\\\\/\"")]
    public void Any_short_string_is_a_request_id_and_echoed_as_it_was_spelled(string raw)
    {
        var request = Parse(Json("ping", "request_id", raw));
        var refused = Refused(Json("publish", "request_id", raw).Replace("orders", "", StringComparison.Ordinal));

        Assert.That((Text(request.RequestId), Text(refused.RequestId)), Is.EqualTo((raw, raw)));
    }

    [TestCase("""{"request_id":"r\u0031","type":"subscribe","topic":5,"client_id":"me"}""")]
    [TestCase("""{"type":"subscribe","topic":5,"request_id":"r\u0031","client_id":"me"}""")]
    [TestCase("""{"type":"subscribe","topic":5,"client_id":"me","request_id":"r\u0031"}""")]
    [TestCase("""{"type":"subscribe","topic":5,"client_id":"me","request\u005fid":"r\u0031"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","topic":"b","client_id":"me","request_id":"r\u0031"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","request_id":"r\u0031","client_id":""")]
    [TestCase("""{"type":"subscribe","request_id":"r\u0031" "topic"}""")]
    [TestCase("""{"request_id":"r\u0031"} x""")]
    [TestCase("""{"message":{"id":[5]},"request_id":"r\u0031"}""")]
    public void A_refusal_echoes_the_request_id_wherever_it_stands(string json) =>
        Assert.That(Text(Refused(json).RequestId), Is.EqualTo("\"r\\u0031\""));

    [TestCase("""{"type":"ping" "request_id":"r1"}""")]
    [TestCase("""{"type":"ping","request_id":"r1""")]
    [TestCase("""{"type":"ping","request_id":5,]""")]
    [TestCase("""{"type":"ping","request_id":"\ud800",]""")]
    [TestCase("""{"type":5,"message":{"request_id":"r1"}}""")]
    [TestCase("""["request_id","r1"]""")]
    public void A_refusal_echoes_no_illegal_or_unreadable_request_id(string json) =>
        Assert.That(Refused(json).RequestId.Length, Is.Zero);

    [TestCase("type", "\"ping\"")]
    [TestCase("topic", "\"orders\"")]
    [TestCase("client_id", "\"me\"")]
    [TestCase("last_n", "5")]
    [TestCase("message", "5")]
    [TestCase("message", "{}")]
    [TestCase("request_id", "\"r1\"")]
    [TestCase("t\\u006fpic", "\"orders\"")]
    public void A_member_of_the_protocol_may_not_be_given_twice_in_any_type(string name, string raw)
    {
        var field = name.Replace("\\u006f", "o", StringComparison.Ordinal);
        foreach (var type in Types)
        {
            var json = Json(type);
            AssertRefused($"{json[..^1]},\"{name}\":{raw}}}", $"{field} must not be given twice");
        }
    }

    [TestCase("""{"id":"m1","payload":1,"payload":1}""", "message.payload")]
    [TestCase("""{"id":"m1","payload":1,"p\u0061yload":null}""", "message.payload")]
    [TestCase("""{"id":"m1","id":"m1","payload":1}""", "message.id")]
    [TestCase("""{"id":"m1","payload":1,"\u0069d":"m1"}""", "message.id")]
    [TestCase("""{"payload":1,"payload":1,"id":"m1"}""", "message.payload")]
    [TestCase("""{"id":"m1","id":"m1","payload":1,"x":1}""", "message.id")]
    public void A_member_of_a_message_may_not_be_given_twice(string message, string field) =>
        AssertRefused(
            $$"""{"type":"publish","topic":"orders","message":{{message}},"request_id":"r1"}""",
            $"{field} must not be given twice");

    [TestCase("""{"type":"ping","x":1,"x":2,"":3,"":4}""")]
    [TestCase("""{"type":"ping","id":1,"id":2,"payload":3,"payload":4}""")]
    [TestCase("""{"type":"publish","topic":"a","message":{"x":1,"x":2,"type":3,"type":4,"id":"m","payload":0}}""")]
    [TestCase(
        """{"type":"publish","topic":"a","message":{"id":"m","payload":{"id":1,"id":2,"payload":3,"payload":4,"type":5,"type":6}}}""")]
    [TestCase("""{"type":"ping","x":{"type":1,"type":2,"request_id":3,"request_id":4}}""")]
    public void Any_other_member_may_be_given_twice(string json) => Assert.That(() => Parse(json), Throws.Nothing);

    [Test]
    public void Members_that_a_type_does_not_use_are_not_checked()
    {
        Assert.That(Parse("""{"type":"ping","topic":5,"client_id":null,"last_n":"x","message":[]}"""), Is.TypeOf<Request.Ping>());
        Assert.That(
            Parse("""{"type":"publish","topic":"a","client_id":5,"last_n":-1,"message":{"id":"m","payload":null}}"""),
            Is.TypeOf<Request.Publish>());
        Assert.That(Parse("""{"type":"subscribe","topic":"a","client_id":"me","message":{"id":5}}"""), Is.TypeOf<Request.Subscribe>());
        Assert.That(
            Parse("""{"type":"unsubscribe","topic":"a","client_id":"me","last_n":-1,"message":5}"""),
            Is.TypeOf<Request.Unsubscribe>());
    }

    [Test]
    public void Names_of_members_are_recognised_however_they_are_escaped()
    {
        var json = """
            {"\u0074ype":"p\u0075blish","\u0074opic":"\u006frders","messag\u0065":{"\u0069d":"m1","payloa\u0064":1},"\u0072equest_id":"r"}
            """;

        var request = Parse(json);

        Assert.That(request is Request.Publish { Topic: "orders" } publish && Text(publish.Message).Length > 0, Is.True);
        Assert.That(Text(request.RequestId), Is.EqualTo("\"r\""));
        Assert.That(
            Parse("""{"type":"subscribe","topic":"a","client\u005fid":"me","l\u0061st_n":3}"""),
            Has.Property(nameof(Request.Subscribe.LastN)).EqualTo(3));
    }

    [Test]
    public void Names_of_members_are_compared_exactly([Values("Type", "TYPE", "type ", " type", "typ", "types")] string name) =>
        AssertRefused($$"""{"{{name}}":"ping","request_id":"r1"}""", "type is required");

    [Test]
    public void Unpaired_surrogates_are_refused_in_fields_that_the_server_reads(
        [Values("\\ud800", "\\uDFFF", "\\ude00\\ud83d")] string surrogate)
    {
        foreach (var (type, field) in StringFields.Append(("ping", "type")))
        {
            AssertRefused(Json(type, field, $"\"a{surrogate}b\""), $"{field} must not contain an unpaired surrogate");
        }
    }

    [Test]
    public void Unpaired_surrogates_are_passed_on_in_a_payload_and_ignored_in_names()
    {
        const string message = """{"id":"m1","payload":{"\ud800":"\udfff"},"\udc00":"\ud800"}""";

        var request = Parse($$"""{"\ud800":"\ud800","type":"publish","topic":"a","message":{{message}}}""");

        Assert.That(Text(((Request.Publish)request).Message), Is.EqualTo(message));
    }

    [TestCase("\\u0000")]
    [TestCase("\\n")]
    [TestCase("\\u001f")]
    [TestCase("\\u007f")]
    [TestCase("\u007f")]
    [TestCase("\\u0085")]
    [TestCase("\\u009f")]
    public void A_topic_has_no_control_characters(string character)
    {
        foreach (var type in Types.Where(type => type != "ping"))
        {
            AssertRefused(Json(type, "topic", $"\"a{character}b\""), "topic must not contain control characters");
        }
    }

    [Test]
    public void Last_n_may_be_any_integer_from_0([ValueSource(nameof(LegalLastN))] string raw)
    {
        var request = (Request.Subscribe)Parse(Json("subscribe", "last_n", raw));

        Assert.That(Frames.Text(request.LastN), Is.EqualTo(raw));
    }

    [Test]
    public void Last_n_may_not_be_anything_else([ValueSource(nameof(IllegalLastN))] string raw) =>
        AssertRefused(Json("subscribe", "last_n", raw), "last_n must be an integer from 0 to 2147483647, without fraction or exponent");

    [Test]
    public void Without_last_n_nothing_is_replayed() =>
        Assert.That(((Request.Subscribe)Parse(Json("subscribe", "last_n", null))).LastN, Is.Zero);

    [TestCase("\"since\":\"2025-08-28T10:01:00.0000001Z\"", null)]
    [TestCase("\"epoch\":\"9f2c\",\"since\":\"2025-08-28T10:01:00.0000001Z\"", "9f2c")]
    [TestCase("\"since\":\"2025-08-28T10:01:00.0000001Z\",\"epoch\":\"\"", "")]
    [TestCase("\"\\u0073ince\":\"2025-08-28\\u005410:01:00.0000001\\u005A\",\"ep\\u006fch\":\"9f\\u0032c\"", "9f2c")]
    public void A_position_is_a_time_and_perhaps_an_epoch(string members, string? epoch)
    {
        var request = (Request.Subscribe)Parse(Resuming(members));

        Assert.That(request.Position, Is.EqualTo(new Position(638_919_720_600_000_001, epoch)));
        Assert.That(request.LastN, Is.Zero);
    }

    [Test]
    public void Without_since_there_is_no_position() =>
        Assert.That(((Request.Subscribe)Parse(Json("subscribe"))).Position, Is.Null);

    [TestCase("\"epoch\":\"9f2c\"", "epoch must stand beside since")]
    [TestCase("\"epoch\":null", "epoch must stand beside since")]
    [TestCase("\"since\":\"2025-08-28T10:01:00Z\",\"last_n\":5", "since and last_n must not be given together")]
    [TestCase("\"since\":\"2025-08-28T10:01:00Z\",\"last_n\":0", "since and last_n must not be given together")]
    [TestCase("\"since\":\"2025-08-28T10:01:00Z\",\"epoch\":null", "epoch must be a string")]
    [TestCase("\"since\":\"2025-08-28T10:01:00Z\",\"epoch\":5", "epoch must be a string")]
    [TestCase("\"since\":\"2025-08-28T10:01:00Z\",\"epoch\":\"\\ud800\"", "epoch must not contain an unpaired surrogate")]
    [TestCase("\"since\":\"\\ud800\"", "since must not contain an unpaired surrogate")]
    [TestCase("\"since\":\"\"", "since must be a time as RFC 3339 writes it, such as the timestamp of an event")]
    [TestCase("\"since\":\"yesterday\"", "since must be a time as RFC 3339 writes it, such as the timestamp of an event")]
    [TestCase("\"since\":\"x\",\"since\":\"x\"", "since must not be given twice")]
    [TestCase("\"epoch\":\"x\",\"ep\\u006fch\":\"x\"", "epoch must not be given twice")]
    public void The_refusal_names_what_is_wrong_with_a_position(string members, string message) =>
        AssertRefused(Resuming(members), message);

    [Test]
    public void The_refusal_names_a_since_that_is_no_string([ValueSource(nameof(NoStrings))] string raw) =>
        AssertRefused(Resuming($"\"since\":{raw}"), "since must be a string");

    [Test]
    public void Only_a_subscribe_has_a_position()
    {
        foreach (var type in Types.Where(type => type != "subscribe"))
        {
            var json = Json(type);
            Assert.That(() => Parse($"{json[..^1]},\"since\":5,\"epoch\":5}}"), Throws.Nothing);
        }
    }

    [TestCase("[", "]")]
    [TestCase("{\"x\":", "}")]
    public void A_request_may_be_nested_512_levels_deep_and_no_deeper(string open, string close)
    {
        var inner = open == "[" ? "" : "0";
        string Deep(int levels) => string.Concat(Enumerable.Repeat(open, levels)) + inner + string.Concat(Enumerable.Repeat(close, levels));

        var deepest = Parse(Json("publish", "message", $$"""{"id":"m1","payload":{{Deep(510)}}}"""));
        var unknown = Parse($$"""{"type":"ping","x":{{Deep(511)}}}""");

        Assert.That(Text(((Request.Publish)deepest).Message), Is.EqualTo($$"""{"id":"m1","payload":{{Deep(510)}}}"""));
        Assert.That(unknown, Is.TypeOf<Request.Ping>());
        foreach (var levels in new[] { 512, 10_000 })
        {
            Assert.That(
                Refused($$"""{"request_id":"r1","type":"ping","x":{{Deep(levels)}}}"""),
                Has.Message.StartsWith("the request must be valid JSON, nested at most 512 levels deep; it is not at byte "));
            Assert.That(Text(Refused($$"""{"request_id":"r1","x":{{Deep(levels)}}}""").RequestId), Is.EqualTo("\"r1\""));
        }

        Assert.That(
            Refused(Json("publish", "message", $$"""{"id":"m1","payload":{{Deep(511)}}}""")),
            Has.Message.StartsWith("the request must be valid JSON"));
    }

    [TestCase("")]
    [TestCase(" ")]
    [TestCase("{")]
    [TestCase("}")]
    [TestCase("x")]
    [TestCase("{\"type\":\"ping\"")]
    [TestCase("{\"type\":\"ping\"} x")]
    [TestCase("{\"type\":\"ping\"}{\"type\":\"ping\"}")]
    [TestCase("{\"type\":\"ping\"},")]
    [TestCase("{\"type\":\"ping\",}")]
    [TestCase("{'type':'ping'}")]
    [TestCase("{type:\"ping\"}")]
    [TestCase("{\"type\":\"ping\"}/**/")]
    [TestCase("{\"type\":\"ping\",\"x\":01}")]
    [TestCase("{\"type\":\"ping\",\"x\":NaN}")]
    [TestCase("{\"type\":\"ping\",\"x\":\"\n\"}")]
    [TestCase("{\"type\":\"ping\",\"x\":\"\\x\"}")]
    [TestCase("\uFEFF{\"type\":\"ping\"}")]
    [TestCase("[{\"type\":\"ping\"}")]
    [TestCase("5 5")]
    public void A_text_that_is_no_JSON_is_refused(string text) =>
        Assert.That(
            Refused(text),
            Has.Message.Matches("^the request must be valid JSON, nested at most 512 levels deep; it is not at byte [0-9]+$"));

    [TestCase("[]")]
    [TestCase("[{\"type\":\"ping\"}]")]
    [TestCase("\"ping\"")]
    [TestCase("5")]
    [TestCase("null")]
    [TestCase(" true ")]
    public void JSON_that_is_no_object_is_refused(string text) =>
        Assert.That(Refused(text), Has.Message.EqualTo("the request must be a JSON object"));

    private static string Quoted(string character, int times) => $"\"{string.Concat(Enumerable.Repeat(character, times))}\"";

    private static string Resuming(string members) =>
        $$"""{"type":"subscribe","topic":"orders","client_id":"me",{{members}},"request_id":"r1"}""";

    private static Request Parse(string json) => Request.Parse(Utf8(json));

    private static BadRequestException Refused(string json) => Assert.Throws<BadRequestException>(() => Parse(json))!;

    private static void AssertRefused(string json, string message, string requestId = "\"r1\"")
    {
        var refused = Refused(json);

        Assert.That(refused.Message, Is.EqualTo(message), json);
        Assert.That(Text(refused.RequestId), Is.EqualTo(requestId), json);
    }
}
