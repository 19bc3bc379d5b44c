using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck.Fluent;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Protocol;

public sealed partial class ServerMessageTests
{
    /// <summary>How a message of <see cref="Moment"/> ends.</summary>
    private const string Timestamp = "\"timestamp\":\"2025-08-28T10:30:05.0070000Z\"}";

    private static readonly DateTimeOffset Moment = new(2025, 8, 28, 12, 30, 5, 7, TimeSpan.FromHours(2));
    private static readonly ServerMessage Say = new(new FakeTimeProvider(Moment));

    [Test]
    public void An_event_has_the_shape_of_the_specification()
    {
        const string message = """{"id":"m1","payload":{"order_id":"ORD-123","amount":"99.5","currency":"USD"}}""";

        var text = Payload(Say.Event(Utf8("\"orders\""), Utf8(message)));

        Assert.That(text, Is.EqualTo($$"""{"type":"event","topic":"orders","message":{{message}},""" + Timestamp));
    }

    [Test]
    public void An_ack_has_the_shape_of_the_specification()
    {
        var with = Payload(Say.Ack(Utf8("\"r1\""), Utf8("\"orders\"")));
        var without = Payload(Say.Ack(default, Utf8("\"orders\"")));

        Assert.That(with, Is.EqualTo("""{"type":"ack","request_id":"r1","topic":"orders","status":"ok",""" + Timestamp));
        Assert.That(without, Is.EqualTo("""{"type":"ack","topic":"orders","status":"ok",""" + Timestamp));
    }

    [Test]
    public void The_ack_of_a_publish_has_the_stamp_of_its_event()
    {
        var text = Payload(Say.Ack(default, Utf8("\"orders\""), stamp: 638_919_720_000_000_001));

        Assert.That(text, Is.EqualTo("""{"type":"ack","topic":"orders","status":"ok","timestamp":"2025-08-28T10:00:00.0000001Z"}"""));
    }

    [TestCase(null, "")]
    [TestCase(true, ",\"complete\":true")]
    [TestCase(false, ",\"complete\":false")]
    public void The_ack_of_a_subscribe_has_the_shape_of_the_specification(bool? whole, string complete)
    {
        var with = Payload(Say.Subscribed(Utf8("\"r1\""), Utf8("\"orders\""), "9f2c", Moment.UtcTicks, whole));
        var without = Payload(Say.Subscribed(default, Utf8("\"orders\""), "9f2c", Moment.UtcTicks, whole));

        var rest = $$"""
            "topic":"orders","status":"ok","epoch":"9f2c"{{complete}},{{Timestamp}}
            """;
        Assert.That((with, without), Is.EqualTo(("""{"type":"ack","request_id":"r1",""" + rest, """{"type":"ack",""" + rest)));
    }

    [Test]
    public void A_topic_rewrites_the_time_of_a_message_in_its_place()
    {
        var (broker, say) = (new Broker(new BrokerLimits()), new ServerMessage(new FakeTimeProvider(Moment)));
        broker.Create("orders", new Origin(Moment.UtcTicks, "9f2c"));
        var (topic, subscriber) = (broker.Find("orders")!, broker.Admit());

        var ack = say.Subscribed(default, Utf8("\"orders\""), topic.Epoch, Moment.UtcTicks, whole: null);
        topic.Subscribe(subscriber, lastN: 0, ack, new Wakes());
        var published = topic.Publish(say.Event(Utf8("\"orders\""), Utf8("{}")), new Wakes());
        var texts = subscriber.Take(int.MaxValue).ToArray().Select(outgoing => Payload(outgoing.Frame)).ToList();

        Assert.That(texts, Is.EqualTo(new[]
        {
            """{"type":"ack","topic":"orders","status":"ok","epoch":"9f2c","timestamp":"2025-08-28T10:30:05.0070001Z"}""",
            """{"type":"event","topic":"orders","message":{},"timestamp":"2025-08-28T10:30:05.0070002Z"}""",
        }));
        Assert.That(
            Payload(say.Ack(default, Utf8("\"orders\""), published.Stamp)),
            Is.EqualTo("""{"type":"ack","topic":"orders","status":"ok","timestamp":"2025-08-28T10:30:05.0070002Z"}"""));
    }

    [Test]
    public void A_pong_has_the_shape_of_the_specification()
    {
        var with = Payload(Say.Pong(Utf8("\"r1\"")));
        var without = Payload(Say.Pong(default));

        Assert.That(with, Is.EqualTo("""{"type":"pong","request_id":"r1",""" + Timestamp));
        Assert.That(without, Is.EqualTo("""{"type":"pong",""" + Timestamp));
    }

    [Test]
    public void An_error_has_the_shape_of_the_specification()
    {
        var with = Payload(Say.Error(Utf8("\"r1\""), Refusals.BadRequest("topic is required")));
        var without = Payload(Say.Error(default, new Refusal(0, ErrorCode.SlowConsumer, "too slow")));

        Assert.That(
            with,
            Is.EqualTo("""{"type":"error","request_id":"r1","error":{"code":"BAD_REQUEST","message":"topic is required"},""" + Timestamp));
        Assert.That(
            without,
            Is.EqualTo("""{"type":"error","error":{"code":"SLOW_CONSUMER","message":"too slow"},""" + Timestamp));
    }

    [Test]
    public void The_notice_of_a_deletion_has_the_shape_of_the_specification()
    {
        var text = Payload(Say.TopicDeleted("orders"));

        Assert.That(text, Is.EqualTo("""{"type":"info","topic":"orders","msg":"topic_deleted",""" + Timestamp));
    }

    [Test]
    public void Text_of_the_client_passes_through_byte_for_byte()
    {
        var cases =
            from topic in JsonTexts.String
            from requestId in JsonTexts.String
            from payload in JsonTexts.Value
            select (topic, requestId, payload);

        Law.Holds(cases, given =>
        {
            var (topic, id) = (Utf8(given.topic), Utf8(given.requestId));
            return Payload(Say.Event(topic, Utf8(given.payload)))
                    == $$"""{"type":"event","topic":{{given.topic}},"message":{{given.payload}},{{Timestamp}}"""
                && Payload(Say.Ack(id, topic))
                    == $$"""{"type":"ack","request_id":{{given.requestId}},"topic":{{given.topic}},"status":"ok",{{Timestamp}}"""
                && Payload(Say.Pong(id))
                    == $$"""{"type":"pong","request_id":{{given.requestId}},{{Timestamp}}"""
                && Payload(Say.Error(id, new Refusal(0, "C", "m")))
                    == $$"""{"type":"error","request_id":{{given.requestId}},"error":{"code":"C","message":"m"},{{Timestamp}}""";
        });
    }

    [Test]
    public void Text_of_the_server_is_escaped()
    {
        var characters = Gen.Elements("\"", "\\", "/", "\n", "\0", "\u007f", "\u2028", "é", "€", "😀", "<", "a", "}", "{");
        var texts = Gen.Choose(0, 12).SelectMany(length => characters.ArrayOf(length)).Select(string.Concat);

        Law.Holds(texts, text =>
        {
            using var error = JsonDocument.Parse(Payload(Say.Error(Utf8("\"r1\""), Refusals.BadRequest(text))));
            using var info = JsonDocument.Parse(Payload(Say.TopicDeleted(text)));
            return error.RootElement.GetProperty("error").GetProperty("message").GetString() == text
                && error.RootElement.EnumerateObject().Count() == 4
                && info.RootElement.GetProperty("topic").GetString() == text
                && info.RootElement.EnumerateObject().Count() == 4;
        });
    }

    [Test]
    public void Every_length_is_framed_as_RFC_6455_defines()
    {
        var overhead = Payload(Say.Event(Utf8("\"\""), Utf8("\"\""))).Length;
        int[] lengths = [overhead, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537, 1_000_000];

        foreach (var length in lengths)
        {
            var frame = Say.Event(Utf8("\"\""), Utf8($"\"{new string('x', length - overhead)}\"")).Frame;

            Assert.That(Payload(frame), Has.Length.EqualTo(length));
            Assert.That(
                frame.Length,
                Is.EqualTo(length + (length < 126 ? 2 : length < 65_536 ? 4 : 10)),
                "the shortest header that holds the length");
        }
    }

    [Test]
    public void A_timestamp_is_UTC_by_RFC_3339_in_any_time_zone_and_culture()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.DateTimeFormat.TimeSeparator = "@";
        culture.DateTimeFormat.DateSeparator = "@";
        DateTimeOffset[] moments = [Moment, Moment.ToOffset(TimeSpan.FromHours(-11)), DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue];
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = culture;
        try
        {
            foreach (var moment in moments)
            {
                using var pong = JsonDocument.Parse(Payload(new ServerMessage(new FakeTimeProvider(moment)).Pong(default)));
                var timestamp = pong.RootElement.GetProperty("timestamp").GetString()!;

                Assert.That(timestamp, Does.Match(Rfc3339Utc()));
                Assert.That(DateTimeOffset.Parse(timestamp, CultureInfo.InvariantCulture), Is.EqualTo(moment));
            }
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Test]
    public void A_ping_is_an_empty_control_frame()
    {
        Assert.That(WebSocketFrame.Ping.Bytes.ToArray(), Is.EqualTo(new byte[] { 0x89, 0 }));
    }

    [Test]
    public void A_close_is_a_control_frame_with_a_status_and_a_reason()
    {
        var empty = WebSocketFrame.Close(null).Bytes.ToArray();
        var full = WebSocketFrame.Close(1008, "too slow").Bytes.ToArray();

        Assert.That(empty, Is.EqualTo(new byte[] { 0x88, 0 }));
        Assert.That(full, Is.EqualTo((byte[])[0x88, 10, 0x03, 0xF0, .. "too slow"u8]));
    }

    [Test]
    public void A_pong_carries_the_data_of_its_ping()
    {
        Assert.That(WebSocketFrame.Pong([]).Bytes.ToArray(), Is.EqualTo(new byte[] { 0x8A, 0 }));
        Assert.That(WebSocketFrame.Pong("here"u8).Bytes.ToArray(), Is.EqualTo((byte[])[0x8A, 4, .. "here"u8]));
        Assert.That(WebSocketFrame.Pong(new byte[125]).Bytes.ToArray(), Is.EqualTo((byte[])[0x8A, 125, .. new byte[125]]));
    }

    /// <summary>Decodes what must be one final, unmasked text frame (RFC 6455 §5.2) around valid UTF-8.</summary>
    private static string Payload(Draft draft) => Payload(draft.Frame);

    private static string Payload(Frame frame)
    {
        var bytes = frame.Bytes.Span;
        if (bytes[0] != 0x81 || bytes[1] > 127)
        {
            throw new FormatException($"not a final, unmasked text frame without extensions: {bytes[0]:X2} {bytes[1]:X2}");
        }

        var (header, length) = bytes[1] switch
        {
            126 => (4, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..])),
            127 => (10, BinaryPrimitives.ReadUInt64BigEndian(bytes[2..])),
            var small => (2, (ulong)small),
        };
        if (length != (ulong)(bytes.Length - header))
        {
            throw new FormatException($"the header says {length} bytes, but {bytes.Length - header} follow");
        }

        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes[header..]);
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$")]
    private static partial Regex Rfc3339Utc();
}
