using System.Text;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

internal static class Publish
{
    private const int MessageLimit = 64 * 1024;

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-PUB-001", "acked-without-subscribers", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");

            var ack = await publisher.PublishAsync(topic, "m1");

            stage.Expect.Acked(ack, "a publish to a topic without subscribers is acked");
            stage.Expect.Equal(topic, ack.Topic, "the ack has the topic's name");
            stage.Expect.Equal("ok", ack.Status, "the ack has the status ok");
        }),

        new("PS-PUB-001", "acked-with-subscribers", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            var ack = await publisher.PublishAsync(topic, "m1");

            stage.Expect.Acked(ack, "a publish to a topic with a subscriber is acked");
            await subscriber.EventsUntilAsync("m1").Given("the subscriber receives the message");
            stage.Expect.Equal(topic, ack.Topic, "the ack has the topic's name");
            stage.Expect.Equal("ok", ack.Status, "the ack has the status ok");
        }),

        new("PS-PUB-001", "acked-to-a-publisher-that-left-its-topic", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var publisher = await stage.SubscriberAsync("publisher", topic);
            await publisher.UnsubscribeAsync(topic).Acked();

            var ack = await publisher.PublishAsync(topic, "m1");

            stage.Expect.Acked(ack, "a publish needs no subscription");
        }),

        new("PS-PUB-002", "unknown-topic", async stage =>
        {
            var known = await stage.TopicAtWorkAsync("known");
            var unknown = stage.FreshName("unknown");
            var publisher = await stage.ConnectAsync("publisher");

            var reply = await publisher.PublishAsync(unknown, "m1");

            stage.Expect.Error(reply, "TOPIC_NOT_FOUND", "a publish to a topic that does not exist is answered with TOPIC_NOT_FOUND");
            var listing = await stage.Rest.ListTopicsAsync();
            stage.Require(listing.Of(known) is not null, "an existing topic is listed");
            stage.Expect.True(listing.Of(unknown) is null, "a refused publish creates no topic", $"{unknown} is listed");
        }),

        new("PS-PUB-002", "nothing-waits-for-the-topic", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var later = stage.FreshName("later");
            var publisher = await stage.ConnectAsync("publisher");

            var reply = await publisher.PublishAsync(later, "too-early");
            stage.Expect.Error(reply, "TOPIC_NOT_FOUND", "a publish to a topic that does not exist is answered with TOPIC_NOT_FOUND");
            await stage.CreateAsync(later);
            var subscriber = await stage.SubscriberAsync("subscriber", later, lastN: 10);

            await subscriber.ReceivesNothingAsync(
                await stage.ConnectAsync("another"), later, "a message refused before its topic existed does not turn up in it");
        }),

        new("PS-PUB-003", "topic-message-or-id-missing-or-of-the-wrong-type", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            var whole = Request.Publish(topic, "whole");
            await publisher.RequestAsync(whole).Acked();
            await subscriber.EventsUntilAsync("whole").Given("the subscriber receives the request unspoilt");

            (string What, string Json)[] noObjects =
            [
                ("null", "null"),
                ("a number", "7"),
                ("a boolean", "true"),
                ("a string", "\"m\""),
                ("an array", """[{"id":"m","payload":1}]"""),
            ];
            await stage.RefusesAsync(
                [
                    .. whole.NoString("topic", "message.id"),
                    ("message is missing", whole.Without("message")),
                    .. noObjects.Select(value => ($"message is {value.What}", whole.With("message", value.Json))),
                    ("message is empty", whole.With("message", "{}")),
                    .. stage.Target.Accommodations.IsFlat
                        ? []
                        : new[]
                        {
                            ("id and payload stand beside message", whole.Without("message").WithText("id", "m").With("payload", "1")),
                        },
                ],
                "an incomplete publish is answered with BAD_REQUEST");

            await subscriber.ReceivesNothingAsync(publisher, topic, "an incomplete publish delivers nothing");
        }),

        new("PS-PUB-004", "any-json-value", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await WorksAsync(publisher, subscriber, topic);
            foreach (var (what, payload) in Fitting(stage, Values()))
            {
                var expectation = $"a payload that is {what} is delivered as an equal JSON value";
                stage.Expect.Acked(await publisher.PublishAsync(topic, what, payload).For(expectation), expectation);
                var delivered = await subscriber.NextAsync(message => message.MessageId == what, $"the event with {what}").For(expectation);
                stage.Expect.JsonEqual(payload, delivered.Payload, expectation);
            }
        }),

        new("PS-PUB-004", "values-that-count-as-nothing", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var exceptions = new List<string>();
            foreach (var payload in Empty)
            {
                // The server may close the connection after a refusal.
                await using var publisher = await stage.ConnectAsync($"publisher-{Array.IndexOf(Empty, payload)}");
                var reply = await publisher.PublishAsync(topic, payload, payload).IfAnswered();
                var delivered = reply is { IsAck: true }
                    ? await subscriber.NextAsync(message => message.MessageId == payload, $"the event with {payload}").IfAnswered()
                    : null;
                exceptions.AddRange(
                    delivered?.Payload is { } observed && Json.AreEqual(payload, observed) ? []
                    : [$"{payload}: {(delivered is null ? $"{reply}" : delivered.Payload)}"]);
            }

            stage.Expect.WithoutException(exceptions, "A payload is delivered although many a language takes it for nothing");
        }),

        new("PS-PUB-004", "the-seed-s-own-payloads", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            const string Order = """{"order_id":"ORD-123","amount":"99.5","currency":"USD"}""";
            await publisher.PublishAsync(topic, "550e8400-e29b-41d4-a716-446655440000", Order).Acked();
            await publisher.PublishAsync(topic, "msg1", "\"Hello World\"").Acked();

            stage.Expect.JsonEqual(
                Order, (await subscriber.NextEventAsync(topic)).Payload,
                "a string that looks like a number is still a string when delivered");
            stage.Expect.JsonEqual(
                "\"Hello World\"", (await subscriber.NextEventAsync(topic)).Payload, "a payload that is a string is delivered");
        }),

        new("PS-PUB-005", "byte-for-byte", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await WorksAsync(publisher, subscriber, topic);
            foreach (var (what, payload) in Fitting(stage, Values().Concat(Spellings())))
            {
                var expectation = $"a payload that is {what} is delivered byte for byte";
                stage.Expect.Acked(await publisher.PublishAsync(topic, what, payload).For(expectation), expectation);
                var delivered = await subscriber.NextAsync(message => message.MessageId == what, $"the event with {what}").For(expectation);
                stage.Expect.Equal(payload, delivered.Payload, expectation);
            }
        }),

        new("PS-PUB-005", "spellings-survive-replay", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);

            var payloads = Spellings().Take(stage.Limits.Ring).ToArray();
            var live = new List<ServerMessage>();
            foreach (var (what, payload) in payloads)
            {
                // Another scenario covers a message that is refused or delivered differently.
                if (await publisher.PublishAsync(topic, what, payload).IfAnswered() is { IsAck: true })
                {
                    live.Add(await subscriber.NextEventAsync(topic).Given("the message is delivered"));
                }
            }

            stage.Require(live.Count > 0, "a message is accepted", "PS-PUB-001");
            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: live.Count);
            foreach (var message in live)
            {
                var replayed = await newcomer.NextEventAsync(topic).Given("the messages are replayed", "PS-RPL-001");
                stage.Expect.Equal(
                    message.Payload, replayed.Payload, $"a payload that is {message.MessageId} is replayed as it was delivered");
            }
        }),

        new("PS-PUB-006", "ids-that-look-like-something-else", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await WorksAsync(publisher, subscriber, topic);
            for (var n = 0; n < Names.Plain.Count; n++)
            {
                // Which ids are accepted is another requirement (PS-PUB-007).
                var id = Names.Plain[n];
                if (await publisher.PublishAsync(topic, id, $"{n + 1}").IfAnswered() is { IsAck: true })
                {
                    var delivered = await subscriber.NextAsync(message => message.Payload == $"{n + 1}", $"message {n + 1}").Given(
                        "the message is delivered", "PS-FAN-001");
                    stage.Expect.Equal(id, delivered.MessageId, $"the message.id {id} is delivered unchanged");
                }
            }

            stage.Require(stage.Expect.Checks > 0, "a message.id is accepted", "PS-PUB-007");
        }),

        new("PS-PUB-006", "ids-of-any-characters", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            var odd = Names.Odd.Where(row => stage.Target.MessageIds.Takes(Names.Meant(row.Json))).ToList();
            stage.Supports(odd.Count > 0, "message ids that are no UUIDs");
            await WorksAsync(publisher, subscriber, topic);
            for (var n = 0; n < odd.Count; n++)
            {
                var (what, json) = odd[n];
                var request = Request.Publish(topic, "m", $"{n + 1}").With("message.id", json);
                if (await publisher.RequestAsync(request).IfAnswered() is { IsAck: true })
                {
                    var delivered = await subscriber.NextAsync(message => message.Payload == $"{n + 1}", $"message {n + 1}").Given(
                        "the message is delivered", "PS-FAN-001");
                    stage.Expect.Equal(Names.Meant(json), delivered.MessageId, $"a message.id that is {what} is delivered unchanged");
                }
            }

            stage.Require(stage.Expect.Checks > 0, "a message.id is accepted", "PS-PUB-007");
        }),

        new("PS-PUB-007", "no-uuid", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "550e8400-e29b-41d4-a716-446655440000").Acked();

            string[] ids = ["msg1", "1", "order 17", "550e8400", "550e8400-e29b-41d4-a716-44665544000g", "0", "false", "null"];
            foreach (var id in ids)
            {
                var reply = await publisher.RequestAsync(Request.Publish(topic, "m").WithText("message.id", id));
                stage.Expect.Acked(reply, $"the message.id {id}, which is no UUID, is accepted");
            }
        }),

        new("PS-PUB-008", "two-messages-with-one-id", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            var another = await stage.ConnectAsync("another");

            await publisher.PublishAsync(topic, "same", "1").Acked();
            await publisher.PublishAsync(topic, "same", "1").Acked();
            await publisher.PublishAsync(topic, "other", "2").Acked();
            await publisher.PublishAsync(topic, "same", "3").Acked();
            await another.PublishAsync(topic, "same", "4").Acked();

            await subscriber.ReceivesExactlyAsync(
                ["same", "same", "other", "same", "same"], another, topic, "messages with one message.id are all delivered");
        }),

        new("PS-PUB-008", "all-retained", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            string[] ids = ["same", "same", "same", "other"];
            await publisher.PublishAllAsync(topic, ids);

            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: ids.Length);

            var replayed = await newcomer.EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel reaches the newcomer");
            stage.Require(replayed.Ids().Contains("other"), "a message with an id of its own is retained", "PS-RPL-001");
            stage.Expect.SameItems(ids.TakeLast(stage.Limits.Ring), replayed.Ids(), "messages with one message.id are all retained");
        }),

        new("PS-PUB-009", "id-empty-or-too-long", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            var request = Request.Publish(topic, "m");

            await WorksAsync(publisher, subscriber, topic);
            var longest = Names.Longest.Where(row => stage.Target.MessageIds.Takes(Names.Meant(row.Json))).ToList();
            if (longest.Count > 0)
            {
                await stage.AcksAsync(publisher, request.JustLongEnough("message.id"), "a message.id of up to 255 characters is accepted");
            }

            foreach (var (what, json) in longest)
            {
                var delivered = await subscriber.NextEventAsync(topic).Given("the long ids are delivered");
                stage.Expect.Equal(Names.Meant(json), delivered.MessageId, $"a message.id of {what} is delivered unchanged");
            }

            await stage.RefusesAsync(
                request.EmptyOrTooLong("message.id"),
                "a message.id that is empty or longer than 255 characters is answered with BAD_REQUEST");

            await subscriber.ReceivesNothingAsync(publisher, topic, "a publish with a bad message.id delivers nothing");
        }),

        new("PS-PUB-010", "no-payload", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await WorksAsync(publisher, subscriber, topic);

            var request = Request.Publish(topic, "m");
            await stage.RefusesAsync(
                [
                    ("payload is missing", request.Without("message.payload")),
                    .. stage.Target.Accommodations.IsFlat
                        ? []
                        : new[] { ("payload stands beside message", request.Without("message.payload").With("payload", "1")) },
                    ("payload is spelt with a capital", request.Without("message.payload").With("message.Payload", "1")),
                ],
                "a publish without message.payload is answered with BAD_REQUEST");

            await subscriber.ReceivesNothingAsync(publisher, topic, "a publish without message.payload delivers nothing");
        })
        { Danger = Danger.Refusal },

        new("PS-PUB-011", "other-members-ride-along", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            (string Name, string Json)[] members =
            [
                ("trace", "\"abc\""),
                ("headers", """{"a":[1,2.50],"b":null}"""),
                ("ttl", "12345678901234567890"),
                ("urgent", "false"),
                ("nothing", "null"),
                ("topic", "\"another\""),
                ("type", "\"ack\""),
                ("timestamp", "0"),
                ("request_id", "\"inner\""),
                ("ID", "\"another case\""),
            ];
            var request = members.Aggregate(
                Request.Publish(topic, "m"), (grown, member) => grown.With($"message.{member.Name}", member.Json));
            await WorksAsync(publisher, subscriber, topic);
            const string Accepted = "a message with other members is accepted";
            stage.Expect.Acked(await publisher.RequestAsync(request).For(Accepted), Accepted);

            var delivered = await subscriber.NextEventAsync(topic).For("a message with other members is delivered");
            foreach (var (name, json) in members.Where(member =>
                !stage.Target.Accommodations.IsFlat || !Spelling.BesideTopic.Contains(member.Name)))
            {
                stage.Expect.JsonEqual(json, delivered.MessageMember(name), $"the member {name} of a message is delivered unchanged");
            }

            stage.Expect.Equal("m", delivered.MessageId, "the other members leave message.id alone");
        }),

        new("PS-PUB-012", "retained-when-acked", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            await ReplaysAsync(stage, publisher);

            const string Seen = "a subscribe with last_n after the ack brings the message";
            foreach (var id in Habits.Ids("m", stage.Rounds(40, roundTrips: 3)))
            {
                // Use a new connection, because a second subscription of one connection need not replay.
                await using var subscriber = await stage.ConnectAsync("subscriber");
                await publisher.PublishAsync(topic, id).Acked();

                // That replayed events come after the ack is another requirement (PS-RPL-007).
                await subscriber.SubscribeAsync(topic, lastN: 1).Acked();
                stage.Expect.Equal(id, (await subscriber.NextEventAsync(topic).For(Seen)).MessageId, Seen);
            }
        }),

        new("PS-PUB-012", "bursts-retained-when-acked", async stage =>
        {
            await ReplaysAsync(stage, await stage.ConnectAsync("control"));
            await Task.WhenAll(Enumerable.Range(1, 4).Select(async n =>
            {
                var topic = await stage.TopicAsync($"orders-{n}");
                var publisher = await stage.ConnectAsync($"publisher{n}");

                for (var round = 0; round < 10; round++)
                {
                    await using var subscriber = await stage.ConnectAsync($"subscriber{n}");
                    var ids = Habits.Ids($"{round}-", Math.Min(30, stage.Limits.Ring));
                    await publisher.PublishAllAsync(topic, ids);

                    await subscriber.SubscribeAsync(topic, lastN: ids.Length).Acked();
                    var replayed = await subscriber.EventsAsync(ids.Length).For("a burst that has been acked is retained whole");
                    stage.Expect.SameItems(ids, replayed.Ids(), "a burst that has been acked is retained whole");
                }
            }));
        })
        { IsLengthy = true },

        new("PS-PUB-012", "counted-when-acked", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");

            for (var n = 1; n <= Math.Min(10, stage.Limits.Ring); n++)
            {
                await publisher.PublishAsync(topic, $"m{n}").Acked();
                stage.Expect.Equal(n, (await stage.Rest.StatsAsync()).Of(topic)?.Messages, "an acked message is already counted");
            }
        })
        { Also = ["PS-OBS-007"] },

        new("PS-PUB-013", "a-request-of-64-kib", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await WorksAsync(publisher, subscriber, topic);
            foreach (var letter in (string[])["x", "\u00e9", "\u20ac", "\U0001f600"])
            {
                var (request, payload) = OfSize(stage.Target, MessageLimit, topic, letter);
                stage.Require(Encoding.UTF8.GetByteCount(request.ToString()) == MessageLimit, "the request has 64 KiB");

                await publisher.SendAsync(request.ToString());
                stage.Expect.Acked(await publisher.NextAsync(message => message.IsReply, "a reply"), "a request of 64 KiB is accepted");
                var delivered = await subscriber.NextEventAsync(topic).For("its message is delivered whole");
                stage.Expect.JsonEqual(payload, delivered.Payload, "its message is delivered whole");
            }
        }),

        new("PS-PUB-013", "every-size-where-frames-change", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            // A frame encodes its length differently from 126 and from 65536 bytes on; buffers often have 4 or 16 KiB.
            int[] sizes = [1000, 4095, 4096, 4097, 8192, 16383, 16384, 16385, 32768, 65000, 65400, 65535];
            stage.Supports(sizes[0] <= stage.Limits.MessageBytes, $"messages over {stage.Limits.MessageBytes} bytes");
            await WorksAsync(publisher, subscriber, topic);
            foreach (var size in sizes.Where(size => size <= stage.Limits.MessageBytes))
            {
                var (request, payload) = OfSize(stage.Target, size, topic, "x");
                stage.Expect.Acked(await publisher.RequestAsync(request), $"a request of {size} bytes is accepted");
                var delivered = await subscriber.NextEventAsync(topic).For($"the message of a request of {size} bytes is delivered whole");
                stage.Expect.JsonEqual(payload, delivered.Payload, $"the message of a request of {size} bytes is delivered whole");
            }
        }),
    ];

    private const int Overhead = 500; // bytes of a publish beside its payload, at most

    /// <summary>Values that many languages treat as false, empty or missing.</summary>
    private static readonly string[] Empty = ["null", "false", "0", "\"\"", "[]", "{}"];

    /// <summary>The payloads that a publish can carry within the server's limit.</summary>
    private static IEnumerable<(string What, string Payload)> Fitting(Stage stage, IEnumerable<(string What, string Payload)> payloads) =>
        payloads.Where(row => Encoding.UTF8.GetByteCount(row.Payload) + Overhead <= stage.Limits.MessageBytes);

    /// <summary>As a precondition, a plain message reaches the subscriber.</summary>
    private static async Task WorksAsync(Client publisher, Client subscriber, string topic)
    {
        await publisher.PublishAsync(topic, "plain").Acked();
        await subscriber.EventsUntilAsync("plain").Given("a plain message is delivered");
    }

    /// <summary>As a precondition, a message published before is replayed.</summary>
    private static async Task ReplaysAsync(Stage stage, Client publisher)
    {
        var topic = await stage.TopicAsync("replayed");
        await publisher.PublishAsync(topic, "control").Acked();
        var control = await stage.SubscriberAsync("control", topic, lastN: 1);
        await control.EventsUntilAsync("control").Given("a message is replayed", "PS-RPL-001");
    }

    /// <summary>Values whose equality is beyond doubt.</summary>
    private static IEnumerable<(string What, string Payload)> Values() =>
    [
        ("an object", """{"order_id":"ORD-123","amount":"99.5","paid":99.5}"""),
        ("an array of everything", """[0,1.5,"1",true,false,null,[],{},[[1]],{"a":[]}]"""),
        ("a string", "\"Hello World\""),
        ("a string that looks like a number", "\"99.5\""),
        ("a string that looks like a literal", "\"null\""),
        ("a string that looks like an object", "\"{\\\"a\\\":1}\""),
        ("a string that looks like a date", "\"2025-08-28T10:00:00+02:00\""),
        ("a string with spaces at its ends", "\"  a  \""),
        ("a string of escapes", "\"\\\"\\\\\\b\\f\\n\\r\\t\""),
        ("a string of letters and emoji", "\"\u00e9\u0416\u6f22\U0001f600\""),
        ("a string with markup", "\"<script>&amp;'+</script>\""),
        ("a string with line separators", "\"a\u2028b\u2029c\""),
        ("one", "1"),
        ("a negative number", "-17"),
        ("a fraction", "99.5"),
        ("a small fraction", "0.000001"),
        ("a large integer", "9007199254740991"),
        ("a very large number", "1.5e300"),
        ("true", "true"),
        ("an object of null", """{"a":null,"b":[null]}"""),
        ("an object with an empty name", """{"":""}"""),
        (
            "an object with the protocol's names",
            """{"id":1,"payload":{},"type":"ack","topic":"t","message":{"id":"x"},"request_id":7,"error":[]}"""
        ),
        ("an object with names that scripts know", """{"__proto__":{"a":1},"constructor":2,"$ref":"#"}"""),
        ("an object with names of two cases", """{"a":1,"A":2}"""),
        ("thirty arrays deep", new string('[', 30) + new string(']', 30)),
        ("an object of 300 members", $"{{{string.Join(',', Enumerable.Range(0, 300).Select(n => $"\"k{n}\":{n}"))}}}"),
        ("a string of 30 KB", $"\"{new string('x', 30_000)}\""),
        ("an array of 5,000 numbers", $"[{string.Join(',', Enumerable.Range(0, 5000))}]"),
    ];

    /// <summary>Values that many parsers and writers spell differently, or lose.</summary>
    private static IEnumerable<(string What, string Payload)> Spellings() =>
    [
        ("negative zero", "-0"),
        ("one with a point", "1.0"),
        ("a price with a trailing zero", "1.10"),
        ("a number with an exponent", "1E+2"),
        ("a number with a small exponent", "1e-7"),
        ("an integer of twenty digits", "12345678901234567890"),
        ("an integer one beyond the exact doubles", "9007199254740993"),
        ("a fraction of thirty digits", "0.100000000000000000000000000001"),
        ("a number beyond every double", "1e400"),
        ("a number below every double", "1e-400"),
        ("an escaped letter", "\"\\u00e9\""),
        ("an escaped letter in capitals", "\"\\u00E9\""),
        ("an escaped slash", "\"a\\/b\""),
        ("a bare slash", "\"a/b\""),
        ("an escaped surrogate pair", "\"\\ud83d\\ude00\""),
        ("an escaped NUL", "\"\\u0000\""),
        ("an escaped unpaired surrogate", "\"\\ud800\""),
        ("an escaped ASCII letter", "\"\\u0041\""),
        ("a delete character", "\"\u007f\""),
        ("a decomposed letter", "\"e\u0301\""),
        ("an unassigned character", "\"\U0010ffff\""),
        ("members out of order", """{"b":1,"a":2,"c":3}"""),
        ("members with numbers for names", """{"2":1,"1":2}"""),
        ("members given twice", """{"a":1,"a":2,"b":{"a":1,"a":1}}"""),
        ("a name with an escape", "{\"\\u0061\":1}"),
        ("white space inside", "{ \"a\" :\t[ 1 ,\r\n2 ] }"),
        ("white space in empty brackets", "[ { } , [ ] ]"),
    ];

    private static (Request Request, string Payload) OfSize(Target target, int bytes, string topic, string letter)
    {
        var empty = Request.Publish(topic, $"{bytes} of {letter}", "\"\"").WithRequestId($"size-{bytes}-{letter}").To(target);
        var room = bytes - Encoding.UTF8.GetByteCount(empty.ToString());
        var (letters, rest) = Math.DivRem(room, Encoding.UTF8.GetByteCount(letter));
        var payload = $"\"{Names.Long(letter, letters)}{new string('.', rest)}\"";
        return (empty.With("message.payload", payload), payload);
    }
}
