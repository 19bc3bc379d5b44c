using System.Text.Json;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

internal static class Envelope
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-ENV-001", "every-message-has-a-type", async stage =>
        {
            foreach (var message in await ConversationAsync(stage))
            {
                stage.Expect.True(message.Type is not null, "every server message has a string member type", message.ToString());
            }
        })
        { Danger = Danger.Refusal },

        new("PS-ENV-002", "acks-events-and-errors-are-dated", async stage =>
        {
            foreach (var message in (await ConversationAsync(stage)).Where(message => message.IsAck || message.IsEvent || message.IsError))
            {
                stage.Expect.True(
                    message.IsDated,
                    $"the timestamp of an {message.Type} is an RFC 3339 date-time", message.ToString());
            }
        })
        { Danger = Danger.Refusal },

        new("PS-ENV-003", "every-message-is-dated-in-utc", async stage =>
        {
            foreach (var message in await ConversationAsync(stage))
            {
                stage.Expect.True(
                    message.IsDatedInUtc, "every server message has a timestamp in UTC, written with Z", message.ToString());
            }
        })
        { Danger = Danger.Refusal },

        new("PS-ENV-004", "echoed-on-acks-and-errors", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var nowhere = stage.FreshName("nowhere");

            (string Kind, Request Request)[] requests =
            [
                ("the ack of a subscribe", Request.Subscribe(topic, stage.FreshClientId("client"))),
                ("the ack of a publish", Request.Publish(topic, "m")),
                ("the ack of an unsubscribe", Request.Unsubscribe(topic, stage.FreshClientId("client"))),
                ("the error of a subscribe", Request.Subscribe(nowhere, stage.FreshClientId("client"))),
                ("the error of a publish", Request.Publish(nowhere, "m")),
                ("the error of an unsubscribe", Request.Unsubscribe(nowhere, stage.FreshClientId("client"))),
            ];
            for (var n = 0; n < requests.Length; n++)
            {
                var (kind, request) = requests[n];
                var client = await stage.ConnectAsync("client");
                var id = $"req-124-{n}";
                var reply = await client.AnswerAsync(request.WithRequestId(id).To(stage.Target).ToString())
                    .For($"{kind} has the request's request_id");

                // The request_id on a BAD_REQUEST is another requirement (PS-ERR-006).
                if (reply.ErrorCode != "BAD_REQUEST")
                {
                    stage.Expect.Equal(id, reply.RequestId, $"{kind} has the request's request_id");
                }
            }
        }),

        new("PS-ENV-004", "unchanged-whatever-it-looks-like", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");
            await client.PublishAsync(topic, "before").Acked();

            foreach (var id in Names.Plain)
            {
                var reply = await client.AnswerAsync(Request.Publish(topic, "m").WithRequestId(id).To(stage.Target).ToString()).For(
                    $"the request_id {id} is echoed");

                // Which ids are accepted is another requirement (PS-ENV-009).
                if (reply.ErrorCode != "BAD_REQUEST")
                {
                    stage.Expect.Equal(id, reply.RequestId, $"the request_id {id} is echoed unchanged");
                }
            }

            stage.Supports(stage.Expect.Checks > 0, "request_ids that a client chooses freely (PS-ENV-009)");
        }),

        new("PS-ENV-005", "absent-is-not-invented", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            (string Kind, Request Request)[] requests =
            [
                ("subscribe", Request.Subscribe(topic, stage.FreshClientId("client"))),
                ("publish", Request.Publish(topic, "m")),
                ("publish with a request_id inside its message", Request.Publish(topic, "m").WithText("message.request_id", "inner")),
                ("ping", Request.Ping()),
                ("unsubscribe", Request.Unsubscribe(topic, stage.FreshClientId("client"))),
                ("subscribe to no topic", Request.Subscribe(stage.FreshName("nowhere"), stage.FreshClientId("client"))),
                ("request of unknown type", Request.Of("shout")),
            ];
            foreach (var (kind, request) in requests)
            {
                var client = await stage.ConnectAsync("client");
                if (await client.AnswerAsync(request.To(stage.Target).ToString()).IfAnswered() is { } reply)
                {
                    stage.Expect.True(!reply.HasRequestId, $"the reply to a {kind} without request_id has none", reply.ToString());
                }
            }

            stage.Require(stage.Expect.Checks > 0, "a request without request_id is answered", "PS-ENV-007");
        })
        { Danger = Danger.Refusal },

        new("PS-ENV-006", "equal-request-ids-on-two-connections", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var alice = await stage.ConnectAsync("alice");
            var bob = await stage.ConnectAsync("bob");

            await alice.PublishAsync(topic, "before").Acked();
            await bob.PublishAsync(topic, "before").Acked();
            var pong = await bob.PingAsync().Given("a ping is answered");

            foreach (var id in Habits.Ids("same-", 20))
            {
                await alice.SendAsync(Request.Publish(topic, id).WithRequestId(id));
                await bob.SendAsync(Request.Ping().WithRequestId(id));
            }

            foreach (var id in Habits.Ids("equal-", 20))
            {
                await alice.SendAsync(Request.Publish(topic, id).WithRequestId(id));
                await bob.SendAsync(Request.Publish(topic, id).WithRequestId(id));
            }

            string[] ids = [.. Habits.Ids("same-", 20), .. Habits.Ids("equal-", 20)];
            var hers = await RepliesAsync(alice, ids);
            var his = await RepliesAsync(bob, ids);
            foreach (var id in pong.IsAck ? [] : Habits.Ids("same-", 20))
            {
                stage.Expect.True(
                    hers.All(reply => reply.RequestId != id || reply.Type != pong.Type),
                    "alice gets the ack of her publish, and not the answer to bob's ping",
                    string.Join(" | ", hers.Where(reply => reply.RequestId == id)));
                stage.Expect.True(
                    his.All(reply => reply.RequestId != id || !reply.IsAck),
                    "bob gets the answer to his ping, and not the ack of alice's publish",
                    string.Join(" | ", his.Where(reply => reply.RequestId == id)));
            }

            await alice.HasReceivedNoneAsync(message => message.IsReply, "alice gets no reply to a request of bob's");
            await bob.HasReceivedNoneAsync(message => message.IsReply, "bob gets no reply to a request of alice's");
            stage.Require(hers.Count == ids.Length && his.Count == ids.Length, "every request is answered", "PS-ENV-007");
        }),

        new("PS-ENV-006", "no-reply-to-those-who-did-not-ask", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var subscriber = await stage.ConnectAsync("subscriber");
            var shared = stage.FreshClientId("shared");
            await subscriber.SubscribeAsync(topic, clientId: shared).Acked();
            var asker = await stage.ConnectAsync("asker");

            await asker.SubscribeAsync(topic, clientId: shared).Acked();
            await asker.PublishAsync(topic, "m1").Acked();
            await asker.UnsubscribeAsync(topic, clientId: shared).Acked();
            await asker.PingAsync().Given("the asker is answered");

            if (await subscriber.PingAsync().IfAnswered() is null)
            {
                // The other connection with this client_id may have taken over (PS-SUB-009); then the connection's end comes last.
                stage.Require(subscriber.Closure is not null, "the subscriber is answered", "PS-PING-001");
            }

            var strays = subscriber.Unread.Where(message => message.IsReply).ToList();
            stage.Expect.True(
                strays.Count == 0, "a reply goes to no connection but the one that asked", string.Join(" | ", strays.Take(3)));
        }),

        new("PS-ENV-007", "one-reply-to-each-of-a-long-mixed-sequence", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            var ids = await PipelineAsync(stage, client, topic, rounds: 12);
            for (var n = 1; n <= ids.Count; n++)
            {
                if (await client.NextAsync(message => message.IsReply, $"reply {n} of {ids.Count}").IfAnswered() is null)
                {
                    var last = client.Received.LastOrDefault(message => message.IsReply);
                    stage.Require(
                        client.Closure is null || last?.ErrorCode != "BAD_REQUEST",
                        "the connection stays open after a BAD_REQUEST",
                        "PS-ERR-002");
                    stage.Expect.Fail(
                        $"client receives reply {n} of {ids.Count}", "one reply to each request",
                        client.Closure is { } closure ? $"{closure}, after {last}" : $"silence after {last}");
                }
            }

            await client.OutspokenAsync();
            var replies = client.Received.Where(message => message.IsReply).ToList();
            stage.Expect.Sequence(
                [],
                replies.Where(message => message.RequestId is not null && ids.Contains(message.RequestId))
                    .CountBy(message => message.RequestId!)
                    .Where(answered => answered.Value > 1).Select(answered => answered.Key),
                "no request is answered by more than one reply");
            stage.Expect.Equal(
                ids.Count, replies.Count(message => message.RequestId is null || ids.Contains(message.RequestId)),
                "every request is answered by exactly one reply");
        }),

        new("PS-ENV-007", "one-reply-to-each-bad-request", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();

            foreach (var (what, _, request) in Spoilt.OfEveryKind(stage, topic))
            {
                var client = await stage.ConnectAsync("client");
                await client.AnswerAsync(request.WithRequestId("bad").To(stage.Target).ToString()).For($"{what} is answered");
                await client.OutspokenAsync();
                stage.Expect.Equal(
                    1,
                    client.Received.Count(message => message.IsReply && message.RequestId is null or "bad"),
                    $"{what} is answered by exactly one reply");
            }
        })
        { Danger = Danger.Refusal },

        new("PS-ENV-007", "one-reply-to-each-request-without-id", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            const int Requests = 20;
            for (var n = 0; n < Requests; n++)
            {
                await client.SendAsync((n % 2 == 0 ? Request.Publish(topic, $"m{n}") : Request.Ping()).To(stage.Target).ToString());
            }

            for (var n = 1; n <= Requests; n++)
            {
                await client.NextAsync(message => message.IsReply, $"reply {n} of {Requests}");
            }

            await client.HasReceivedNoneAsync(message => message.IsReply, "every request is answered by exactly one reply");
        }),

        new("PS-ENV-008", "unknown-members-are-ignored", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var client = await stage.ConnectAsync("client");

            const string Ignored = "a request with an unknown member is handled as if it were not there";
            var publisher = await stage.ConnectAsync("publisher");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            await publisher.PublishAsync(topic, "plain").Acked();
            await subscriber.EventsUntilAsync("plain").Given("a plain publish is delivered");
            foreach (var (what, grow) in Additions())
            {
                await client.SubscribeAsync(topic).Acked();
                await client.UnsubscribeAsync(topic).Acked();
                stage.Expect.Acked(
                    await client.RequestAsync(grow(Request.Subscribe(topic, client.ClientId))).For($"{Ignored} ({what})"),
                    $"{Ignored} ({what})");
                stage.Expect.Acked(
                    await client.RequestAsync(grow(Request.Unsubscribe(topic, client.ClientId))).For($"{Ignored} ({what})"),
                    $"{Ignored} ({what})");

                var publish = grow(Request.Publish(topic, "m")).WithMessageId(what);
                stage.Expect.Acked(await publisher.RequestAsync(publish).For($"{Ignored} ({what})"), $"{Ignored} ({what})");
                var delivered = await subscriber.NextEventAsync(topic).For($"{Ignored} ({what})");
                stage.Expect.Equal(what, delivered.MessageId, "a publish with an unknown member is delivered");
            }
        }),

        new("PS-ENV-009", "any-string-up-to-255-characters", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            foreach (var (what, json) in Names.Odd.Concat(Names.Longest).Append(("the empty string", "\"\"")))
            {
                var expectation = $"a request_id that is {what} is accepted and echoed as an equal string";
                var reply = await client.AnswerAsync(Request.Ping().With("request_id", json).ToString()).For(expectation);
                stage.Expect.True(!reply.IsError, expectation, reply.ToString());
                stage.Expect.Equal(Names.Meant(json), reply.RequestId, expectation);
            }
        }),

        new("PS-ENV-010", "what-is-no-request-id", async stage =>
        {
            await stage.TopicAtWorkAsync();
            (string What, string Json)[] rows =
            [
                .. Spoilt.NotStrings,
                ("256 characters long", Json.Quote(Names.Long("x", 256))),
                ("256 characters outside the basic plane", Json.Quote(Names.Long("\U0001f600", 256))),
            ];
            foreach (var (what, json) in rows)
            {
                var client = await stage.ConnectAsync("client");
                var reply = await client.AnswerAsync(Request.Ping().With("request_id", json).ToString()).For(
                    $"a request_id that is {what} is answered");
                stage.Expect.Error(reply, "BAD_REQUEST", $"a request_id that is {what} is answered with BAD_REQUEST");
                stage.Expect.True(!reply.HasRequestId, $"a request_id that is {what} is not echoed", reply.ToString());
            }
        }),

        new("PS-ENV-011", "replies-in-the-order-of-the-requests", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            var ids = await PipelineAsync(stage, client, topic, rounds: 12).Given("every request is answered");
            foreach (var id in ids)
            {
                await client.ReplyAsync(id).Given("every request is answered");
            }

            stage.Expect.Sequence(
                ids,
                client.Received.Where(message => message.IsReply && ids.Contains(message.RequestId))
                    .Select(message => message.RequestId!)
                    .Distinct(),
                "replies come in the order of the requests");
        }),

        new("PS-ENV-011", "errors-take-no-short-cut", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");

            const string Answered = "every request is answered on the same connection";
            var ids = new List<string>();
            foreach (var (_, _, request) in Spoilt.OfEveryKind(stage, topic))
            {
                ids.Add(await client.SendAsync(Request.Publish(topic, $"m{ids.Count}")).Given(Answered, "PS-ERR-002"));
                ids.Add(await client.SendAsync(request).Given(Answered, "PS-ERR-002"));
            }

            foreach (var id in ids)
            {
                await client.ReplyAsync(id).Given(Answered, "PS-ERR-002");
            }

            stage.Expect.Sequence(
                ids,
                client.Received.Where(message => message.IsReply).Select(message => message.RequestId ?? "(no request_id)").Distinct(),
                "errors and acks come in the order of the requests");
        })
        { Danger = Danger.Refusal },

        new("PS-ENV-012", "members-in-any-order", stage => HandlesAlikeAsync(stage, "the order of members makes no difference", members =>
            Enumerable.Range(0, members.Length).Select(first => (string[])[.. members[first..], .. members[..first]])
                .SelectMany(rotated => new[] { Spell(rotated, ""), Spell(rotated.Reverse(), "") }))),

        new("PS-ENV-012", "white-space-everywhere", stage => HandlesAlikeAsync(stage, "white space makes no difference", members =>
            new[] { " ", "\t", "\n", "\r\n", " \t\r\n ", new string(' ', 500) }.Select(space => Spell(members, space)))),

        new("PS-ENV-013", "a-member-given-twice", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var other = await stage.TopicAsync("payments");
            await (await stage.ConnectAsync("control")).SubscribeAsync(topic).Acked();

            var (one, two) = (Json.Quote(topic), Json.Quote(other));
            var (a, b) = (Json.Quote(stage.FreshClientId("a")), Json.Quote(stage.FreshClientId("b")));
            (string What, string Text)[] rows =
            [
                ("type in a ping", """{"type":"ping","type":"ping"}"""),
                (
                    "type, once publish and once ping",
                    $$$"""{"type":"publish","topic":{{{one}}},"message":{"id":"m","payload":1},"type":"ping"}"""
                ),
                ("topic in a subscribe", $$"""{"type":"subscribe","topic":{{one}},"topic":{{two}},"client_id":{{a}}}"""),
                ("an equal topic in a subscribe", $$"""{"type":"subscribe","topic":{{one}},"topic":{{one}},"client_id":{{a}}}"""),
                ("client_id in a subscribe", $$"""{"type":"subscribe","client_id":{{a}},"topic":{{one}},"client_id":{{b}}}"""),
                ("last_n in a subscribe", $$"""{"type":"subscribe","last_n":1,"topic":{{one}},"client_id":{{b}},"last_n":2}"""),
                ("topic in a publish", $$$"""{"type":"publish","topic":{{{one}}},"topic":{{{two}}},"message":{"id":"m","payload":1}}"""),
                (
                    "message in a publish",
                    $$$"""{"type":"publish","message":{"id":"a","payload":1},"topic":{{{one}}},"message":{"id":"b","payload":2}}"""
                ),
                ("message.id in a publish", $$$"""{"type":"publish","topic":{{{one}}},"message":{"id":"a","payload":1,"id":"b"}}"""),
                (
                    "message.payload in a publish",
                    $$$"""{"type":"publish","topic":{{{one}}},"message":{"payload":1,"id":"a","payload":2}}"""
                ),
                ("topic in an unsubscribe", $$"""{"type":"unsubscribe","topic":{{one}},"topic":{{two}},"client_id":{{a}}}"""),
                ("client_id in an unsubscribe", $$"""{"type":"unsubscribe","topic":{{one}},"client_id":{{a}},"client_id":{{b}}}"""),
                ("request_id in a ping", """{"type":"ping","request_id":"a","request_id":"b"}"""),
                ("topic, once spelt with an escape", $$"""{"type":"subscribe","topic":{{one}},"\u0074opic":{{two}},"client_id":{{a}}}"""),
            ];
            await stage.RefusesAsync(rows, "a request in which a member is given twice is answered with BAD_REQUEST");
        }),
    ];

    /// <summary>Everything that two clients receive while they use the protocol, including errors and a deleted topic.</summary>
    private static async Task<IReadOnlyList<ServerMessage>> ConversationAsync(Stage stage)
    {
        var topic = await stage.TopicAsync("orders");
        var talker = await stage.ConnectAsync("talker");
        var watcher = await stage.SubscriberAsync("watcher", topic);

        await talker.PublishAsync(topic, "m1").Acked();
        await watcher.NextEventAsync(topic).Given("the watcher receives the event");
        await talker.SubscribeAsync(topic).Acked();
        await talker.PingAsync().Given("a ping is answered");
        await talker.UnsubscribeAsync(topic).Acked();
        await talker.SubscribeAsync(stage.FreshName("nowhere")).Given("a subscribe to no topic is answered");
        await talker.RequestAsync(Request.Of("shout")).Given("a bad request is answered");
        await stage.Rest.DeleteTopicAsync(topic).Succeeded();
        await watcher.OutspokenAsync();

        return [.. talker.Received, .. watcher.Received];
    }

    /// <summary>Sends requests of every kind, acked and refused, without waiting; returns their ids in order.</summary>
    private static async Task<IReadOnlyList<string>> PipelineAsync(Stage stage, Client client, string topic, int rounds)
    {
        var nowhere = stage.FreshName("nowhere");
        var ids = new List<string>();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var request in (Request[])[
                Request.Subscribe(topic, client.ClientId, lastN: round),
                Request.Publish(topic, $"a{round}"),
                Request.Ping(),
                Request.Publish(nowhere, $"b{round}"),
                Request.Subscribe(topic, client.ClientId),
                Request.Unsubscribe(topic, client.ClientId),
                Request.Subscribe(nowhere, client.ClientId),
                Request.Unsubscribe(topic, client.ClientId),
                Request.Unsubscribe(nowhere, client.ClientId),
                Request.Ping()])
            {
                try
                {
                    ids.Add(await client.SendAsync(request));
                }
                catch (Violation)
                {
                    await RequireOpenAsync(stage, client);
                    throw;
                }
            }
        }

        return ids;
    }

    /// <summary>The server has closed the connection; whether it may do so after a BAD_REQUEST is another requirement.</summary>
    private static async Task RequireOpenAsync(Stage stage, Client client)
    {
        await client.NextAsync(_ => false, "the end of the connection").IfAnswered();
        stage.Require(
            client.Received.LastOrDefault(message => message.IsReply)?.ErrorCode != "BAD_REQUEST",
            "the connection stays open after a BAD_REQUEST",
            "PS-ERR-002");
    }

    /// <summary>The first reply to each request, in order, up to the first request without one.</summary>
    private static async Task<IReadOnlyList<ServerMessage>> RepliesAsync(Client client, IEnumerable<string> ids)
    {
        var replies = new List<ServerMessage>();
        foreach (var id in ids)
        {
            if (await client.ReplyAsync(id).IfAnswered() is not { } reply)
            {
                break;
            }

            replies.Add(reply);
        }

        return replies;
    }

    private static IEnumerable<(string What, Func<Request, Request> Grow)> Additions() =>
    [
        ("a trace id", request => request.WithText("trace", "abc")),
        ("null", request => request.With("ttl", "null")),
        (
            "an object with members of the protocol",
            request => request.With("options", """{"topic":"other","type":"ping","request_id":"inner"}""")),
        ("an array", request => request.With("tags", "[1,[2],{}]")),
        ("a member without a name", request => request.With("", "1")),
        ("a member of another case", request => request.With("Topic", "7").With("TYPE", "\"ping\"").With("Client_Id", "[]")),
        ("a member of a server message", request => request.With("timestamp", "\"now\"").With("status", "1").With("error", "{}")),
        ("a name that scripts know", request => request.With("__proto__", "{}").With("constructor", "1")),
        ("fifty members", request => Enumerable.Range(0, 50).Aggregate(request, (grown, n) => grown.With($"x{n}", $"{n}"))),
    ];

    /// <summary>The members of a request for this target, with a tilde wherever white space is allowed.</summary>
    /// <param name="turns">Whether the members of objects within it come in the opposite order.</param>
    private static string[] Members(Request request, Target target, bool turns = false)
    {
        return [.. Of(Json.TryParse(request.WithRequestId("r").To(target).ToString())!.Value, turns: false)];

        IEnumerable<string> Of(JsonElement json, bool turns)
        {
            var members = json.EnumerateObject().Select(member => $"{Json.Quote(member.Name)}~:~{Text(member.Value)}");
            return turns ? members.Reverse() : members;
        }

        string Text(JsonElement json) =>
            json.ValueKind == JsonValueKind.Object ? $"{{~{string.Join("~,~", Of(json, turns))}~}}" : json.GetRawText();
    }

    private static string Spell(IEnumerable<string> members, string space) =>
        $"~{{~{string.Join("~,~", members)}~}}~".Replace("~", space, StringComparison.Ordinal);

    /// <summary>Decisive: every spelling of a request is answered as the plain one was on a similar connection just before.</summary>
    /// <param name="spell">Turns the members of a request into texts that mean the same.</param>
    private static async Task HandlesAlikeAsync(Stage stage, string expectation, Func<string[], IEnumerable<string>> spell)
    {
        var topic = await stage.TopicAtWorkAsync();
        var clientId = stage.FreshClientId("client");
        var subscribe = Request.Subscribe(topic, clientId, lastN: 0);
        var other = await stage.TopicAsync("other");

        // The answer to an unsubscribe without a subscription is another requirement (PS-UNS-005), so each has a subscription.
        (string[] Members, Request? Before, Client? Client)[] rows =
        [
            (Members(subscribe, stage.Target), null, null),
            (Members(Request.Publish(topic, "m"), stage.Target), null, await stage.ConnectAsync("publisher")),
            (Members(Request.Publish(other, "m"), stage.Target, turns: true), null, await stage.ConnectAsync("another")),
            (Members(Request.Unsubscribe(topic, clientId), stage.Target), subscribe, null),
        ];
        foreach (var (members, before, client) in rows)
        {
            var plain = await AskAsync(Spell(members, ""), before, client).Given("the plain request is answered");
            stage.Require(plain.IsAck, $"the plain request is acked (the server answered {plain})");
            foreach (var text in spell(members))
            {
                var shown = text.ReplaceLineEndings(" ").Cut(200);
                var reply = await AskAsync(text, before, client).For($"{expectation}: {shown}");
                stage.Expect.True(
                    reply.Type == plain.Type
                        && reply.Topic == plain.Topic
                        && reply.RequestId == plain.RequestId
                        && reply.ErrorCode == plain.ErrorCode,
                    expectation,
                    $"{reply} to {shown}, and {plain} to the plain request");
            }
        }

        async Task<ServerMessage> AskAsync(string text, Request? before, Client? client)
        {
            if (client is not null)
            {
                return await client.AnswerAsync(text);
            }

            // A second subscribe on one connection is another requirement (PS-SUB-006).
            await using var fresh = await stage.ConnectAsync("client");
            if (before is not null)
            {
                await fresh.RequestAsync(before).Acked();
            }

            return await fresh.AnswerAsync(text);
        }
    }
}
