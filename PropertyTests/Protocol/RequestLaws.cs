using System.Text.Json;
using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Protocol.RequestTexts;

namespace PubSub.PropertyTests.Protocol;

public sealed class RequestLaws
{
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

    private static bool MeansMember(string name) => name is "\"id\"" or "\"\\u0069d\"" or "\"payload\"";

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
}
