using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Protocol;

public sealed class RequestTests
{
    private static readonly string[] Types = ["subscribe", "publish", "unsubscribe", "ping"];

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
    public void Any_bytes_are_parsed_or_refused_with_a_message()
    {
        Law.HoldsForRows(Gen.Choose(0, 255).Select(number => (byte)number), atMost: 80, IsParsedOrRefused, times: 3000);
    }

    [Test]
    public void Any_JSON_tokens_are_parsed_or_refused_with_a_message()
    {
        var token = Gen.OneOf(
            Gen.Elements(
                "{", "}", "[", "]", ":", ",", "\"type\"", "\"topic\"", "\"message\"", "\"request_id\"", "\"last_n\"", "\"payload\"",
                "\"id\"", "\"ping\"", "\"publish\"", "\"", "\\", "\\u0074ype", " ", "\uFEFF", "/*", "//", "null", "nul", "1", "-", "\0"),
            JsonTexts.Value);

        Law.HoldsForRows(token, atMost: 25, tokens => IsParsedOrRefused(Utf8(string.Concat(tokens))), times: 3000);
    }

    [Test]
    public void A_damaged_request_is_parsed_or_refused_with_a_message()
    {
        var damage =
            from place in Gen.Choose(0, 10_000)
            from kind in Gen.Choose(0, 4)
            from value in Gen.OneOf(Gen.Choose(0, 255), Gen.Elements("{}[]\",:\\u0".ToCharArray()).Select(character => (int)character))
            from length in Gen.Choose(1, 12)
            select (place, kind, value: (byte)value, length);
        var cases =
            from type in Gen.Elements(Types)
            from damages in Gen.Choose(1, 5).SelectMany(length => damage.ArrayOf(length))
            select (type, damages);

        Law.Holds(
            cases,
            given =>
            {
                var bytes = Utf8(Json(given.type)).ToList();
                foreach (var (place, kind, value, length) in given.damages.Where(_ => bytes.Count > 0))
                {
                    var at = place % bytes.Count;
                    var few = Math.Min(length, bytes.Count - at);
                    switch (kind)
                    {
                        case 0:
                            bytes[at] = value;
                            break;
                        case 1:
                            bytes.Insert(at, value);
                            break;
                        case 2:
                            bytes.RemoveRange(at, few);
                            break;
                        case 3:
                            bytes.InsertRange(at, bytes.GetRange(at, few));
                            break;
                        default:
                            bytes.RemoveRange(at, bytes.Count - at);
                            break;
                    }
                }

                return IsParsedOrRefused([.. bytes]);
            },
            times: 5000);
    }

    [Test]
    public void A_message_is_passed_on_byte_for_byte()
    {
        var extra =
            from name in JsonTexts.String
            from value in JsonTexts.Value
            select MeansMember(name) ? null : $"{name}:{value}";

        var cases =
            from payload in JsonTexts.Value
            from extras in Gen.Choose(0, 3).SelectMany(length => extra.ArrayOf(length))
            from space in JsonTexts.Space.ArrayOf(6)
            from first in Gen.Elements(true, false)
            select (payload, extras, space, first);

        Law.Holds(
            cases,
            given =>
            {
                var (space, id) = (given.space, """ "id" : "m\u0031" """);
                var payload = $"{space[0]}\"payload\"{space[1]}:{space[2]}{given.payload}{space[3]}";
                var members = (string?[])[given.first ? id : payload, .. given.extras, given.first ? payload : id];
                var message = "{" + string.Join(',', members.Where(member => member is not null)) + "}";
                var json = $$"""{"type":"publish","message":{{space[4]}}{{message}}{{space[5]}},"topic":"orders"}""";

                return Request.Parse(Utf8(json)) is Request.Publish publish && Text(publish.Message) == message;
            },
            times: 1000);
    }

    [Test]
    public void White_space_the_order_of_members_and_unknown_members_make_no_difference()
    {
        var cases =
            from unknown in JsonTexts.Value
            from space in JsonTexts.Space.ArrayOf(4)
            from order in Gen.Shuffle(Enumerable.Range(0, 6))
            select (unknown, space, order);

        Law.Holds(cases, given =>
        {
            string[] members =
            [
                "\"type\":\"subscribe\"", "\"topic\":\"ord\\u0065rs\"", "\"client_id\":\"me\"", "\"last_n\":7",
                "\"request_id\":\"r\\u0031\"", $"\"Type\":{given.unknown}",
            ];
            var space = given.space;
            var content = string.Join(space[1] + "," + space[2], given.order.Select(place => members[place]));
            var json = space[0] + "{" + content + "}" + space[3];

            return Request.Parse(Utf8(json)) is Request.Subscribe { Topic: "orders", LastN: 7 } subscribe
                && Text(subscribe.RawTopic) == "\"ord\\u0065rs\""
                && Text(subscribe.RequestId) == "\"r\\u0031\"";
        });
    }

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

    /// <summary>A request of a type with every known member; <paramref name="field"/> has another value, or none if it is null.</summary>
    private static string Json(string type, string field = "", string? raw = null)
    {
        string? Member(string name, string legal) => name == field ? raw : legal;
        var message = Object(("id", Member("message.id", "\"m1\"")), ("payload", Member("message.payload", "1")));
        return Object(
            ("type", Member("type", $"\"{type}\"")),
            ("topic", Member("topic", "\"orders\"")),
            ("client_id", Member("client_id", "\"me\"")),
            ("message", Member("message", message)),
            ("last_n", Member("last_n", "5")),
            ("request_id", Member("request_id", "\"r1\"")));
    }

    private static string Object(params (string Name, string? Raw)[] members) =>
        "{" + string.Join(',', members.Where(member => member.Raw is not null).Select(member => $"\"{member.Name}\":{member.Raw}")) + "}";

    private static bool MeansMember(string name) => name is "\"id\"" or "\"\\u0069d\"" or "\"payload\"";

    private static string Quoted(string character, int times) => $"\"{string.Concat(Enumerable.Repeat(character, times))}\"";

    private static Request Parse(string json) => Request.Parse(Utf8(json));

    private static BadRequestException Refused(string json) => Assert.Throws<BadRequestException>(() => Parse(json))!;

    private static void AssertRefused(string json, string message, string requestId = "\"r1\"")
    {
        var refused = Refused(json);

        Assert.That(refused.Message, Is.EqualTo(message), json);
        Assert.That(Text(refused.RequestId), Is.EqualTo(requestId), json);
    }

    /// <summary>Whether a text gives a request whose slices are JSON, or a refusal with a message and a request id that is JSON.</summary>
    private static bool IsParsedOrRefused(byte[] bytes)
    {
        try
        {
            var request = Request.Parse(bytes);
            return IsString(request.RequestId) && request switch
            {
                Request.Subscribe subscribe =>
                    subscribe.LastN >= 0 && TopicName.Fault(subscribe.Topic) is null && IsString(subscribe.RawTopic),
                Request.Unsubscribe unsubscribe => TopicName.Fault(unsubscribe.Topic) is null && IsString(unsubscribe.RawTopic),
                Request.Publish publish =>
                    TopicName.Fault(publish.Topic) is null && IsString(publish.RawTopic) && IsObject(publish.Message),
                _ => true,
            };
        }
        catch (BadRequestException refused)
        {
            return refused.Message.Length > 0 && IsString(refused.RequestId);
        }
    }

    private static bool IsString(ReadOnlyMemory<byte> raw) =>
        raw.IsEmpty || (raw.Span[0] == '"' && raw.Span[^1] == '"' && JsonDocument.Parse(raw).RootElement.ValueKind == JsonValueKind.String);

    private static bool IsObject(ReadOnlyMemory<byte> raw) =>
        raw.Span[0] == '{' && raw.Span[^1] == '}' && JsonDocument.Parse(raw).RootElement.ValueKind == JsonValueKind.Object;

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
