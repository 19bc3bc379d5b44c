using System.Text;

namespace PubSub.Conformance.Scenarios;

internal static class Errors
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-ERR-001", "no-json", async stage =>
        {
            var control = await stage.ConnectAsync("control");
            var pong = await control.AnswerAsync("""{"type":"ping"}""").Given("a ping is answered");
            stage.Require(!pong.IsError, "a ping is answered without error");

            await stage.RefusesAsync(Spoilt.Texts, "a text that is not JSON is answered with BAD_REQUEST");
        }),

        new("PS-ERR-001", "json-that-breaks-off", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var whole = Request.Publish(topic, "m", """{"a":[1,"two",true]}""").WithRequestId("r").To(stage.Target).ToString();
            await (await stage.ConnectAsync("control")).RequestAsync(whole).Acked();

            await stage.RefusesAsync(
                Enumerable.Range(1, whole.Length - 1).Where(length => length % 7 == 0 || length == whole.Length - 1)
                    .Select(length => ($"cut off after {length} of {whole.Length} characters", whole[..length])),
                "a request that breaks off is answered with BAD_REQUEST");
        }),

        new("PS-ERR-001", "a-payload-that-is-no-json", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "control", "1").Acked();
            await subscriber.EventsUntilAsync("control").Given("a good payload is delivered");

            string[] payloads =
            [
                "NaN", "Infinity", "-Infinity", "undefined", "01", "1.", "'a'", "[1,]", "{\"a\":1,}", "{a:1}", "True",
                "\"\\x41\"", "\"\t\"", "",
            ];
            await stage.RefusesAsync(
                payloads.Select(payload => (payload, Request.Publish(topic, "m", payload).WithoutRequestId())),
                "a publish whose payload is not JSON is answered with BAD_REQUEST");

            await subscriber.ReceivesNothingAsync(publisher, topic, "a publish whose payload is not JSON delivers nothing");
        })
        { Also = ["PS-ERR-009"] },

        new("PS-ERR-001", "a-byte-order-mark", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            const string Either = "a byte order mark is passed over or answered with BAD_REQUEST";
            var reply = await client.AnswerAsync("\ufeff{\"type\":\"ping\"}").For(Either);

            // RFC 8259 section 8.1 lets a parser ignore the mark or refuse it.
            stage.Expect.True(!reply.IsError || reply.IsErrorOf("BAD_REQUEST"), Either, reply.ToString());
            stage.Expect.Observe("a byte order mark before a request", reply.IsError ? "refused" : "passed over");
        }),

        new("PS-ERR-002", "a-barrage-leaves-everything-in-place", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var clumsy = await stage.SubscriberAsync("clumsy", orders);
            await clumsy.SubscribeAsync(payments).Acked();
            var publisher = await stage.ConnectAsync("publisher");

            // Whether and how each is answered is the business of others.
            foreach (var (what, text) in (IEnumerable<(string What, string Text)>)
                [
                    .. Spoilt.Texts,
                    .. Spoilt.NoObjects,
                    .. Spoilt.OfEveryKind(orders).Select(row => (row.What, row.Request.To(stage.Target).ToString())),
                ])
            {
                var open = $"after a BAD_REQUEST the connection stays open ({what})";
                await clumsy.SendAsync(text);
                await clumsy.SendAsync("""{"type":"ping"}""");
                await clumsy.NextAsync(message => message.IsPong, "a pong").For(open);
            }

            const string Intact = "after many a BAD_REQUEST the subscriptions are intact";
            await ReceivesAsync(stage, clumsy, ["o1", "o2"], publisher, orders, Intact);
            await ReceivesAsync(stage, clumsy, ["p1"], publisher, payments, Intact);
            await clumsy.SendPublishAsync(orders, "o3").For("after many a BAD_REQUEST the connection can publish");
            await clumsy.NextAsync(message => message.IsAck, "an ack").For("after many a BAD_REQUEST the connection can publish");
        })
        { IsLengthy = true },

        new("PS-ERR-002", "a-thousand-in-a-row", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var clumsy = await stage.SubscriberAsync("clumsy", topic);
            var publisher = await stage.ConnectAsync("publisher");

            const string Intact = "after a thousand bad requests the subscription is intact";
            for (var n = 0; n < 1000; n++)
            {
                await clumsy.SendAsync("not json");
            }

            await clumsy.SendAsync("""{"type":"ping"}""");
            await clumsy.NextAsync(message => message.IsPong, "a pong").For(Intact);
            await ReceivesAsync(stage, clumsy, ["m1"], publisher, topic, Intact);
        }),

        new("PS-ERR-003", "no-type-or-no-such-type", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var whole = Request.Publish(topic, "m");
            await (await stage.ConnectAsync("control")).RequestAsync(whole).Acked();

            await stage.RefusesAsync(
                Spoilt.Types.Select(type => (type.What, type.Json is null ? whole.Without("type") : whole.With("type", type.Json))),
                "a request whose type is missing, not a string or unknown is answered with BAD_REQUEST");
        }),

        new("PS-ERR-004", "code-and-message", async stage =>
        {
            foreach (var (what, error) in await ErrorsAsync(stage))
            {
                stage.Expect.True(
                    error.HasLegalError,
                    $"an error has a member error with the strings code and message ({what})",
                    error.ToString());
            }
        }),

        new("PS-ERR-005", "the-field-and-the-rule", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();

            foreach (var (what, member, request) in Spoilt.OfEveryKind(topic))
            {
                await NamesAsync(stage, request, member, what);
            }

            await NamesAsync(stage, Request.Ping().With("request_id", "7"), "request_id", "a request_id that is a number");
            await NamesAsync(stage, Request.Subscribe("", "c"), "topic", "an empty topic");
        }),

        new("PS-ERR-005", "the-bound-that-was-broken", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var tooLong = Json.Quote(Names.Long("x", 256));

            (string Member, Request Request)[] rows =
            [
                ("client_id", Request.Subscribe(topic, "c").With("client_id", tooLong)),
                ("message.id", Request.Publish(topic, "m").With("message.id", tooLong)),
                ("topic", Request.Publish(topic, "m").With("topic", tooLong)),
                ("request_id", Request.Ping().With("request_id", tooLong)),
            ];
            foreach (var (member, request) in rows.Where(row => !IsUuid(row.Member)))
            {
                await NamesAsync(stage, request, member, $"a {member} that is too long");
                await NamesAsync(stage, request, "255", $"a {member} that is too long");
            }

            // What is no UUID may break that rule first.
            bool IsUuid(string member) => member == "request_id" ? stage.Target.Accommodations.UuidRequestIds : member == "message.id" && stage.Target.MessageIds.AreUuids;
        }),

        new("PS-ERR-005", "what-is-not-even-a-request", async stage =>
        {
            await stage.TopicAtWorkAsync();
            await NamesAsync(stage, "{\"type\":", "JSON", "a text that is not JSON");
            await NamesAsync(stage, "[1]", "object", "JSON that is not an object");
        }),

        new("PS-ERR-006", "echoed-on-every-bad-request", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();

            foreach (var (what, _, request) in Spoilt.OfEveryKind(topic))
            {
                var text = request.To(stage.Target).ToString();
                foreach (var spelling in (string[])[$"{{\"request_id\":\"here\",{text[1..]}", $"{text[..^1]},\"request_id\":\"here\"}}"])
                {
                    var client = await stage.ConnectAsync("client");
                    var error = await client.AnswerAsync(spelling).Given($"{what} is answered");
                    stage.Expect.Equal("here", error.RequestId, $"the BAD_REQUEST for {what} echoes the request_id wherever it stands");
                }
            }
        }),

        new("PS-ERR-006", "behind-a-long-payload", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            var request = Request.Publish(topic, "m", $"\"{new string('x', 30_000)}\"").Without("message.id").WithRequestId("at-the-end");
            var error = await client.AnswerAsync(request.ToString()).Given("a publish without message.id is answered");

            stage.Require(error.IsErrorOf("BAD_REQUEST"), "a publish without message.id is answered with BAD_REQUEST");
            stage.Expect.Equal("at-the-end", error.RequestId, "the error echoes a request_id that stands behind a long payload");
        }),

        new("PS-ERR-007", "no-object", async stage =>
        {
            var control = await stage.ConnectAsync("control");
            var pong = await control.AnswerAsync("""{"type":"ping"}""").Given("a ping is answered");
            stage.Require(!pong.IsError, "a ping is answered without error");

            await stage.RefusesAsync(Spoilt.NoObjects, "a JSON text that is not an object is answered with BAD_REQUEST");
        }),

        new("PS-ERR-008", "four-codes", async stage =>
        {
            var errors = await ErrorsAsync(stage);
            stage.Supports(!errors.All(row => row.Error.IsUncoded), "errors with a code");
            foreach (var (what, error) in errors)
            {
                stage.Expect.OneOf(
                    ["BAD_REQUEST", "TOPIC_NOT_FOUND", "SLOW_CONSUMER", "INTERNAL"], error.ErrorCode,
                    $"error.code is one of the four ({what})");
            }
        }),

        new("PS-ERR-009", "a-refused-subscribe", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            await stage.SubscriberAsync("control", topic);
            stage.Require((await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers == 1, "the subscriber is counted");

            (string What, Request Request)[] rows =
            [
                .. Request.Subscribe(topic, "c").NoString("client_id"),
                ("no type", Request.Subscribe(topic, "c").Without("type")),
                ("an unknown type", Request.Subscribe(topic, "c").WithText("type", "Subscribe")),
            ];
            foreach (var (what, request) in rows)
            {
                var client = await stage.ConnectAsync("client");
                var reply = await client.RequestAsync(request).Given("a bad subscribe is answered");
                stage.Require(reply.IsError, $"a subscribe with {what} is refused");
                stage.Expect.Equal(
                    1, (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers, $"a refused subscribe makes no subscription ({what})");
            }
        }),

        new("PS-ERR-009", "a-refused-publish", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "good").Acked();
            await subscriber.EventsUntilAsync("good").Given("a good publish is delivered");

            var whole = Request.Publish(topic, "#").To(stage.Target);
            (string What, string Text)[] rows =
            [
                ("no type", whole.Without("type").ToString()),
                ("an unknown type", whole.WithText("type", "PUBLISH").ToString()),
                ("broken JSON at its end", whole.ToString()[..^1]),
                ("broken JSON behind its end", whole + "x"),
                ("a second publish behind it", $"{whole}{whole}"),
                ("an array around it", $"[{whole}]"),
            ];
            var refused = new List<string>();
            for (var n = 0; n < rows.Length; n++)
            {
                var client = await stage.ConnectAsync("client");
                if (await client.AnswerAsync(rows[n].Text.Replace("#", $"bad-{n}", StringComparison.Ordinal)).IfAnswered() is { IsError: true })
                {
                    refused.Add($"bad-{n}");
                }
            }

            stage.Require(refused.Count > 0, "a bad publish is refused");
            var events = await subscriber.EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel reaches the subscriber");
            stage.Expect.Sequence([], events.Ids().Intersect(refused), "a refused publish delivers nothing");
        }),

        new("PS-ERR-009", "a-refused-publish-is-not-retained", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "good").Acked();

            foreach (var (_, request) in Request.Publish(topic, "bad").NoString("message.id"))
            {
                var reply = await (await stage.ConnectAsync("client")).RequestAsync(request).Given("a bad publish is answered");
                stage.Require(reply.IsError, "a bad publish is refused");
            }

            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: 10);
            await newcomer.ReceivesExactlyAsync(["good"], publisher, topic, "a refused publish is not retained");
        }),

        new("PS-ERR-009", "a-refused-unsubscribe", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            foreach (var (what, request) in Request.Unsubscribe(topic, "c").NoString("client_id"))
            {
                var clumsy = await stage.SubscriberAsync("clumsy", topic);
                var reply = await clumsy.RequestAsync(request).Given("a bad unsubscribe is answered");
                stage.Require(reply.IsError, $"an unsubscribe whose {what} is refused");
                var open = await clumsy.OutspokenAsync();

                await publisher.PublishAsync(topic, what).Acked();
                await subscriber.ReceivesExactlyAsync([what], publisher, topic, "a refused unsubscribe ends nobody's subscription");
                if (open)
                {
                    await clumsy.EventsUntilAsync(what).For("a refused unsubscribe ends no subscription");
                }
            }
        }),

        new("PS-ERR-010", "a-binary-message", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "as-text").Acked();
            await subscriber.EventsUntilAsync("as-text").Given("the same as text is delivered");

            (string What, byte[] Bytes)[] rows =
            [
                ("a publish", Encoding.UTF8.GetBytes(Request.Publish(topic, "as-bytes").To(stage.Target).ToString())),
                ("a ping", Encoding.UTF8.GetBytes(Request.Ping().ToString())),
                ("no JSON", Encoding.UTF8.GetBytes("ping")),
                ("no text", [0x00, 0xff, 0xfe, 0x80]),
                ("nothing", []),
            ];
            foreach (var (what, bytes) in rows)
            {
                var client = await stage.ConnectAsync("client");
                await client.SendFramesAsync(Frame.Binary(bytes));
                var reply = await client.NextAsync(message => message.IsReply, "a reply").For(
                    $"a binary message that holds {what} is answered");
                stage.Expect.Error(reply, "BAD_REQUEST", $"a binary message that holds {what} is answered with BAD_REQUEST");
            }

            await subscriber.ReceivesNothingAsync(publisher, topic, "a binary message has no effect");
        })
        { Also = ["PS-ERR-009"] },

        new("PS-ERR-010", "a-binary-message-in-fragments", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");
            var whole = Encoding.UTF8.GetBytes(Request.Ping().ToString());

            await client.SendFramesAsync(
                Frame.Binary(whole.AsMemory(..5)) with { Final = false }, new Frame(Opcode.Continuation, whole.AsMemory(5..)));

            var reply = await client.NextAsync(message => message.IsReply, "a reply").For("a binary message in fragments is answered");
            stage.Expect.Error(reply, "BAD_REQUEST", "a binary message in fragments is answered with BAD_REQUEST");
            stage.Expect.True(!(await client.PingAsync()).IsError, "a text message is understood after a binary one");
        })
        { Also = ["PS-ERR-002"] },
    ];

    /// <summary>Decisive: these events reach the receiver, in this order, whatever else does.</summary>
    private static async Task ReceivesAsync(Stage stage, Client receiver, string[] ids, Client publisher, string topic, string expectation)
    {
        await publisher.PublishAllAsync(topic, ids);
        var events = await receiver.EventsAheadOfSentinelAsync(publisher, topic).For(expectation);
        stage.Expect.Sequence(ids, events.Ids().Intersect(ids), expectation);
    }

    /// <summary>One error of every kind that can be provoked by a request.</summary>
    private static async Task<IReadOnlyList<(string What, ServerMessage Error)>> ErrorsAsync(Stage stage)
    {
        var topic = await stage.TopicAtWorkAsync();
        var nowhere = stage.FreshName("nowhere");
        (string What, string Text)[] rows =
        [
            ("a text that is not JSON", "not json"),
            ("an empty message", ""),
            ("JSON that is not an object", "[]"),
            ("a subscribe to no topic", Request.Subscribe(nowhere, "c").ToString()),
            ("a publish to no topic", Request.Publish(nowhere, "m").To(stage.Target).ToString()),
            ("an unsubscribe from no topic", Request.Unsubscribe(nowhere, "c").ToString()),
            .. Spoilt.OfEveryKind(topic).Select(row => (row.What, row.Request.To(stage.Target).ToString())),
        ];
        var errors = new List<(string, ServerMessage)>();
        foreach (var (what, text) in rows)
        {
            var client = await stage.ConnectAsync("client");
            if (await client.AnswerAsync(text).IfAnswered() is { IsError: true } error)
            {
                errors.Add((what, error));
            }
        }

        stage.Require(errors.Count > 0, "a bad request is answered with an error");
        return errors;
    }

    private static Task NamesAsync(Stage stage, Request request, string named, string what) =>
        NamesAsync(stage, request.To(stage.Target).ToString(), named, what);

    private static async Task NamesAsync(Stage stage, string text, string named, string what)
    {
        var client = await stage.ConnectAsync("client");
        var error = await client.AnswerAsync(text).Given($"{what} is answered");
        stage.Require(error.IsErrorOf("BAD_REQUEST"), $"{what} is answered with BAD_REQUEST");
        stage.Expect.True(
            error.ErrorMessage?.Contains(named, StringComparison.Ordinal) == true, $"the error for {what} names {named}", error.ToString());
    }
}
