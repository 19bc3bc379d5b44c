using System.Text;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;

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
            var request = Request.Publish(topic, "m", """{"a":[1,"two",true]}""");
            await (await stage.ConnectAsync("control")).RequestAsync(request).Acked();
            var whole = request.WithRequestId("r").To(stage.Target).ToString();

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
            await WorksAsync(subscriber, publisher, topic);

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
            await WorksAsync(clumsy, publisher, orders);
            await WorksAsync(clumsy, publisher, payments);
            await PongAsync(clumsy).Given("a ping is answered", "PS-PING-001");

            // Whether and how each is answered is another requirement.
            foreach (var (what, text) in (IEnumerable<(string What, string Text)>)
                [
                    .. Spoilt.Texts,
                    .. Spoilt.NoObjects,
                    .. Spoilt.OfEveryKind(stage, orders).Select(row => (row.What, row.Request.To(stage.Target).ToString())),
                ])
            {
                var open = $"after a BAD_REQUEST the connection stays open ({what})";
                await clumsy.SendAsync(text);
                await PongAsync(clumsy).For(open);
            }

            const string Intact = "after many a BAD_REQUEST the subscriptions are intact";
            await ReceivesAsync(stage, clumsy, ["o1", "o2"], publisher, orders, Intact);
            await ReceivesAsync(stage, clumsy, ["p1"], publisher, payments, Intact);
            stage.Expect.Acked(
                await clumsy.PublishAsync(orders, "o3").For("after many a BAD_REQUEST the connection can publish"),
                "after many a BAD_REQUEST the connection can publish");
        })
        { IsLengthy = true },

        new("PS-ERR-002", "a-thousand-in-a-row", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var clumsy = await stage.SubscriberAsync("clumsy", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await WorksAsync(clumsy, publisher, topic);
            var once = await stage.ConnectAsync("once");
            await once.SendAsync("not json");
            stage.Supports(await PongAsync(once).IfAnswered() is not null, "a connection that survives one BAD_REQUEST (PS-ERR-002)");

            const string Intact = "after a thousand bad requests the subscription is intact";
            for (var n = 0; n < 1000; n++)
            {
                await clumsy.SendAsync("not json");
            }

            await PongAsync(clumsy).For(Intact);
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
            var tooLong = Json.Quote(Names.Long("x", 256));
            var subscribe = Request.Subscribe(topic, stage.FreshClientId("rude"));
            (string What, string Named, string Text)[] rows =
            [
                .. Spoilt.OfEveryKind(stage, topic).Select(row => (row.What, row.Field, row.Request.To(stage.Target).ToString())),
                ("a request_id that is a number", "request_id", Request.Ping().With("request_id", "7").ToString()),
                ("an empty topic", "topic", subscribe.WithText("topic", "").ToString()),
                .. TooLong("client_id", subscribe),
                .. stage.Target.MessageIds.AreUuids ? [] : TooLong("message.id", Request.Publish(topic, "m")),
                .. TooLong("topic", Request.Publish(topic, "m")),
                .. stage.Target.Accommodations.UuidRequestIds ? [] : TooLong("request_id", Request.Ping()),
                ("a text that is not JSON", "JSON", "{\"type\":"),
                ("JSON that is not an object", "object", "[1]"),
            ];
            var exceptions = new List<string>();
            var named = 0;
            foreach (var (what, name, text) in rows)
            {
                await using var client = await stage.ConnectAsync("client");

                // Whether it is refused, and whether an error has a message (PS-ERR-004), are other requirements.
                if (await client.AnswerAsync(text).IfAnswered() is { IsError: true, ErrorMessage: { } message } error
                    && message != error.ErrorCode)
                {
                    named++;
                    exceptions.AddRange(message.Contains(name, StringComparison.Ordinal) ? [] : [$"{what} ({name}): \"{message}\""]);
                }
            }

            stage.Supports(named > 0, "errors with a message (PS-ERR-004)");
            stage.Expect.WithoutException(exceptions, "The message of a BAD_REQUEST names the field and the rule");

            // If ids have to be UUIDs, an id that is none may break that rule first.
            IEnumerable<(string What, string Named, string Text)> TooLong(string member, Request request) =>
                new[] { member, "255" }.Select(name =>
                    ($"a {member} that is too long", name, request.With(member, tooLong).To(stage.Target).ToString()));
        }),

        new("PS-ERR-006", "echoed-on-every-bad-request", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();

            foreach (var (what, _, request) in Spoilt.OfEveryKind(stage, topic))
            {
                var text = request.To(stage.Target).ToString();
                foreach (var spelling in (string[])[$"{{\"request_id\":\"here\",{text[1..]}", $"{text[..^1]},\"request_id\":\"here\"}}"])
                {
                    var client = await stage.ConnectAsync("client");
                    var error = await client.AnswerAsync(spelling).Given($"{what} is answered");
                    if (error.IsError)
                    {
                        stage.Expect.Equal("here", error.RequestId, $"the BAD_REQUEST for {what} echoes the request_id wherever it stands");
                    }
                }
            }
        }),

        new("PS-ERR-006", "behind-a-long-payload", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            const int Length = 30_000;
            stage.Supports(stage.Limits.MessageBytes > Length + 1000, $"messages over {stage.Limits.MessageBytes} bytes");
            var request = Request.Publish(topic, "m", $"\"{new string('x', Length)}\"").Without("message.id").WithRequestId("at-the-end");
            var brief = await (await stage.ConnectAsync("brief"))
                .AnswerAsync(Request.Publish(topic, "m").Without("message.id").WithRequestId("at-the-end").To(stage.Target).ToString())
                .Given("a brief one is answered");
            stage.Supports(brief.RequestId == "at-the-end", "a request_id on a BAD_REQUEST (PS-ERR-006)");
            var error = await client.AnswerAsync(request.To(stage.Target).ToString()).Given("a publish without message.id is answered");

            stage.Require(error.IsErrorOf("BAD_REQUEST"), "a publish without message.id is answered with BAD_REQUEST", "PS-PUB-003");
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
            stage.Require((await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers == 1, "the subscriber is counted", "PS-REST-005");
            var subscribe = Request.Subscribe(topic, stage.FreshClientId("client"));

            (string What, Request Request)[] rows =
            [
                .. subscribe.NoString("client_id"),
                ("no type", subscribe.Without("type")),
                ("an unknown type", subscribe.WithText("type", "Subscribe")),
            ];
            var refused = 0;
            foreach (var (what, request) in rows)
            {
                var client = await stage.ConnectAsync("client");
                var reply = await client.RequestAsync(request).Given("a bad subscribe is answered");
                if (reply.IsError)
                {
                    refused++;
                    stage.Expect.Equal(
                        1,
                        (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers,
                        $"a refused subscribe makes no subscription ({what})");
                }
                else
                {
                    // It may have subscribed, rightly or not (PS-SUB-003).
                    await client.CloseAsync().Given("the client has left");
                    await stage.Expect.EventuallyAsync(
                        1,
                        async () => (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers,
                        "a connection that has left is not counted");
                }
            }

            stage.Require(refused > 0, "a bad subscribe is refused", "PS-SUB-003");
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
                var text = rows[n].Text.Replace("#", $"bad-{n}", StringComparison.Ordinal);
                if (await client.AnswerAsync(text).IfAnswered() is { IsError: true })
                {
                    refused.Add($"bad-{n}");
                }
            }

            stage.Require(refused.Count > 0, "a bad publish is refused", "PS-ERR-001");
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
                stage.Require(reply.IsError, "a bad publish is refused", "PS-PUB-003");
            }

            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: 10);
            var replayed = await newcomer.EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel reaches the newcomer");
            stage.Require(replayed.Ids().Contains("good"), "a good publish is retained", "PS-RPL-001");
            stage.Expect.Sequence(["good"], replayed.Ids(), "a refused publish is not retained");
        }),

        new("PS-ERR-009", "a-refused-unsubscribe", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            foreach (var (what, request) in Request.Unsubscribe(topic, stage.FreshClientId("client")).NoString("client_id"))
            {
                var clumsy = await stage.SubscriberAsync("clumsy", topic);
                var control = await WorksAsync(clumsy, publisher, topic);
                await subscriber.EventsUntilAsync(control).Given("the subscriber receives a message");
                var reply = await clumsy.RequestAsync(request).Given("a bad unsubscribe is answered");
                stage.Require(reply.IsError, $"an unsubscribe whose {what} is refused", "PS-UNS-007");
                var open = await clumsy.OutspokenAsync();

                await publisher.PublishAsync(topic, what).Acked();
                await subscriber.ReceivesExactlyAsync([what], publisher, topic, "a refused unsubscribe ends no other subscription");
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

            var ping = Encoding.UTF8.GetBytes(Request.Ping().ToString());
            (string What, Frame[] Frames)[] rows =
            [
                ("a publish", [Frame.Binary(Encoding.UTF8.GetBytes(Request.Publish(topic, "as-bytes").To(stage.Target).ToString()))]),
                ("a ping", [Frame.Binary(ping)]),
                (
                    "a ping in fragments",
                    [Frame.Binary(ping.AsMemory(..5)) with { Final = false }, new Frame(Opcode.Continuation, ping.AsMemory(5..))]),
                ("no JSON", [Frame.Binary(Encoding.UTF8.GetBytes("ping"))]),
                ("no text", [Frame.Binary(new byte[] { 0x00, 0xff, 0xfe, 0x80 })]),
                ("nothing", [Frame.Binary(Array.Empty<byte>())]),
            ];
            foreach (var (what, frames) in rows)
            {
                var client = await stage.ConnectAsync("client");
                await client.SendFramesAsync(frames);
                var reply = await client.NextAsync(message => message.IsReply, "a reply").For(
                    $"a binary message that holds {what} is answered");
                stage.Expect.Error(reply, "BAD_REQUEST", $"a binary message that holds {what} is answered with BAD_REQUEST");
            }

            await subscriber.ReceivesNothingAsync(publisher, topic, "a binary message has no effect");
        })
        { Also = ["PS-ERR-009"] },
    ];

    /// <summary>Decisive: these events reach the receiver in this order; others may arrive too.</summary>
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
            ("a subscribe to no topic", Request.Subscribe(nowhere, stage.FreshClientId("client")).To(stage.Target).ToString()),
            ("a publish to no topic", Request.Publish(nowhere, "m").To(stage.Target).ToString()),
            ("an unsubscribe from no topic", Request.Unsubscribe(nowhere, stage.FreshClientId("client")).To(stage.Target).ToString()),
            .. Spoilt.OfEveryKind(stage, topic).Select(row => (row.What, row.Request.To(stage.Target).ToString())),
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

        stage.Require(errors.Count > 0, "a bad request is answered with an error", "PS-ERR-001");
        return errors;
    }

    /// <summary>The reply that carries the request_id of a ping; errors before it belong to other requests.</summary>
    private static async Task<ServerMessage> PongAsync(Client client)
    {
        var id = await client.SendAsync(Request.Ping());
        return await client.NextAsync(message => message.RequestId == id, "the reply to a ping");
    }

    /// <summary>As a precondition, a message published here reaches the subscriber.</summary>
    /// <returns>The id of that message.</returns>
    private static async Task<string> WorksAsync(Client subscriber, Client publisher, string topic)
    {
        var control = subscriber.Stage.FreshClientId("control");
        await publisher.PublishAsync(topic, control).Acked();
        await subscriber.EventsUntilAsync(control).Given($"{subscriber.Name} receives a message");
        return control;
    }
}
