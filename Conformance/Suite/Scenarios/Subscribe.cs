using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class Subscribe
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-SUB-001", "acked-with-topic-and-status", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var subscriber = await stage.ConnectAsync("subscriber");

            var ack = await subscriber.SubscribeAsync(topic);

            stage.Expect.Acked(ack, "a subscribe to an existing topic is acked");
            stage.Expect.Equal(topic, ack.Topic, "the ack has the topic's name");
            stage.Expect.Equal("ok", ack.Status, "the ack has the status ok");
        }),

        new("PS-SUB-001", "acked-with-last-n", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var subscriber = await stage.ConnectAsync("subscriber");

            var ack = await subscriber.SubscribeAsync(topic, lastN: 5);

            stage.Expect.Acked(ack, "a subscribe with last_n to an existing topic is acked");
            stage.Expect.Equal(topic, ack.Topic, "the ack has the topic's name");
            stage.Expect.Equal("ok", ack.Status, "the ack has the status ok");
        }),

        new("PS-SUB-001", "a-topic-spelt-with-escapes", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var subscriber = await stage.ConnectAsync("subscriber");

            var escaped = string.Concat(topic.Select(letter => $"\\u{(int)letter:x4}"));
            var ack = await subscriber.RequestAsync(Request.Subscribe(topic, subscriber.ClientId).With("topic", $"\"{escaped}\""));

            stage.Expect.Acked(ack, "a topic spelt with escapes is the same topic");
            stage.Expect.Equal(topic, ack.Topic, "the ack has the topic's name");
        }),

        new("PS-SUB-002", "unknown-topic", async stage =>
        {
            var known = await stage.TopicAtWorkAsync("known");
            var unknown = stage.FreshName("unknown");
            var client = await stage.ConnectAsync("client");

            var reply = await client.SubscribeAsync(unknown, lastN: 1);

            stage.Expect.Error(reply, "TOPIC_NOT_FOUND", "a subscribe to a topic that does not exist is answered with TOPIC_NOT_FOUND");
            var listing = await stage.Rest.ListTopicsAsync();
            stage.Require(listing.Of(known) is not null, "an existing topic is listed");
            stage.Expect.True(listing.Of(unknown) is null, "a refused subscribe creates no topic", $"{unknown} is listed");
        }),

        new("PS-SUB-002", "no-subscription-to-a-later-topic", async stage =>
        {
            var elsewhere = await stage.TopicAsync("elsewhere");
            var later = stage.FreshName("later");
            var client = await stage.ConnectAsync("client");
            var publisher = await stage.ConnectAsync("publisher");

            var reply = await client.SubscribeAsync(later);
            stage.Expect.Error(reply, "TOPIC_NOT_FOUND", "a subscribe to a topic that does not exist is answered with TOPIC_NOT_FOUND");
            await stage.CreateAsync(later);
            var control = await stage.SubscriberAsync("control", later);
            await client.SubscribeAsync(elsewhere).Acked();
            await publisher.PublishAsync(later, "probe").Acked();
            await control.EventsUntilAsync("probe").Given("a subscriber of the topic receives the probe");

            await client.ReceivesNothingAsync(publisher, elsewhere, "a refused subscribe makes no subscription");
        }),

        new("PS-SUB-002", "a-pattern-is-a-name-like-any-other", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            await stage.SubscriberAsync("control", topic);

            const string Expectation = "a pattern names no topic until one is created by that name";
            string[] patterns =
            [
                .. ((string[])["*", ".*", ".>", "/#", "/+", "%", "?"]).Select(pattern => topic + pattern),
                topic[..^1] + "*",
            ];
            foreach (var pattern in patterns)
            {
                // If such a name is not legal, the request is bad; accepting it is a recommendation.
                await using var client = await stage.ConnectAsync("client");
                var reply = await client.SubscribeAsync(pattern).For($"{Expectation} ({pattern})");
                stage.Expect.True(
                    reply.IsErrorOf("TOPIC_NOT_FOUND") || reply.IsErrorOf("BAD_REQUEST"), $"{Expectation} ({pattern})", reply.ToString());
            }

            await stage.RefusesAsync(
                [
                    ("the beginning of a name", Request.Subscribe(topic[..^1], stage.FreshClientId("beginning"))),
                    ("the end of a name", Request.Subscribe(topic[1..], stage.FreshClientId("end"))),
                ],
                Expectation,
                "TOPIC_NOT_FOUND");
        }),

        new("PS-SUB-003", "topic-or-client-id-missing-or-no-string", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var whole = Request.Subscribe(topic, stage.FreshClientId("whole"));
            await (await stage.ConnectAsync("control")).RequestAsync(whole).Acked();

            await stage.RefusesAsync(whole.NoString("topic", "client_id"), "an incomplete subscribe is answered with BAD_REQUEST");
        }),

        new("PS-SUB-004", "published-right-after-the-ack", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");

            foreach (var id in Habits.Ids("m", stage.Rounds(50, roundTrips: 3)))
            {
                await subscriber.SubscribeAsync(topic).Acked();
                await publisher.SendPublishAsync(topic, id);

                var events = await subscriber.EventsUntilAsync(id).For("a message published right after the ack is delivered");
                stage.Expect.Equal(id, events[^1].MessageId, "a message published right after the ack is delivered");
                await subscriber.UnsubscribeAsync(topic).Acked();
            }
        }),

        new("PS-SUB-004", "subscribed-amid-traffic", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var subscriber = await stage.ConnectAsync("subscriber");

            var ids = Habits.Ids("m", stage.Burst(80));
            var started = 0;
            var flowing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var subscribed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var traffic = TrafficAsync();
            await await Task.WhenAny(flowing.Task, traffic);
            await subscriber.SubscribeAsync(topic).Acked();
            var acked = Volatile.Read(ref started);
            subscribed.SetResult();
            await traffic;

            var events = await subscriber.EventsUntilAsync(ids[^1]).For("the last message is delivered to a subscriber");
            stage.Expect.SameItems(
                ids.Skip(acked),
                events.Ids().Where(id => Array.IndexOf(ids, id) >= acked).Distinct(),
                "every message that was sent after the ack is delivered");

            async Task TrafficAsync()
            {
                foreach (var id in ids)
                {
                    if (Interlocked.Increment(ref started) > ids.Length / 4)
                    {
                        flowing.TrySetResult();
                    }

                    if (started > ids.Length * 3 / 4)
                    {
                        // Some of the traffic comes after the ack, however fast it is.
                        await subscribed.Task.WaitAsync(stage.Cancellation);
                    }

                    await publisher.PublishAsync(topic, id).Acked();
                }
            }
        }),

        new("PS-SUB-005", "subscribing-twice-does-not-double", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await subscriber.SubscribeAsync(topic).Given("a second subscribe is answered");
            await subscriber.SubscribeAsync(topic).Given("a third subscribe is answered");
            await publisher.PublishAllAsync(topic, ["m1", "m2", "m3"]);

            await subscriber.ReceivesExactlyAsync(["m1", "m2", "m3"], publisher, topic, "a second subscribe never doubles an event");
        }),

        new("PS-SUB-005", "a-second-last-n-doubles-nothing-new", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            await publisher.PublishAllAsync(topic, ["m1", "m2"]);

            await subscriber.SubscribeAsync(topic, lastN: 2).Given("a second subscribe is answered");
            await publisher.PublishAllAsync(topic, ["m3", "m4"]);

            // Whether the second subscribe replays m1 and m2 is another requirement.
            var events = await subscriber.EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel reaches the subscriber");
            stage.Expect.SameItems(
                ["m3", "m4"],
                events.Ids().Where(id => id is "m3" or "m4"),
                "a second subscribe with last_n never doubles what comes after it");
        }),

        new("PS-SUB-005", "many-subscribes-at-once", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");

            var requests = new List<string>();
            for (var n = 0; n < 10; n++)
            {
                requests.Add(await subscriber.SendAsync(Request.Subscribe(topic, subscriber.ClientId, lastN: n)));
            }

            await subscriber.ReplyAsync(requests[0]).Acked();
            foreach (var request in requests.Skip(1))
            {
                await subscriber.ReplyAsync(request).Given("every subscribe is answered");
            }

            await publisher.PublishAllAsync(topic, ["m1", "m2"]);
            await subscriber.ReceivesExactlyAsync(["m1", "m2"], publisher, topic, "ten subscribes make one subscription");
        }),

        new("PS-SUB-006", "acked-and-nothing-replayed", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2", "m3"]);
            var subscriber = await stage.SubscriberAsync("subscriber", topic);

            foreach (var lastN in (int?[])[null, 0, 1, 3, 100])
            {
                var reply = await subscriber.SubscribeAsync(topic, lastN);
                stage.Expect.Acked(reply, $"a second subscribe with last_n {lastN?.ToString() ?? "absent"} is acked");
            }

            await publisher.PublishAsync(topic, "m4").Acked();
            await subscriber.ReceivesExactlyAsync(["m4"], publisher, topic, "a second subscribe replays nothing, whatever its last_n");
        }),

        new("PS-SUB-006", "a-second-last-n-does-not-repeat", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            await publisher.PublishAllAsync(topic, ["m1", "m2"]);

            await subscriber.SubscribeAsync(topic, lastN: 2).Given("a second subscribe is answered");
            await publisher.PublishAsync(topic, "m3").Acked();

            await subscriber.ReceivesExactlyAsync(
                ["m1", "m2", "m3"], publisher, topic, "a second subscribe with last_n never delivers an event again");
        }),

        new("PS-SUB-006", "counted-once", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            stage.Require(
                (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers == 1, "the first subscribe is counted once", "PS-REST-005");

            stage.Expect.Acked(await subscriber.SubscribeAsync(topic), "a second subscribe is acked");
            stage.Expect.Acked(await subscriber.SubscribeAsync(topic), "a third subscribe is acked");

            stage.Expect.Equal(
                1, (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers, "one connection is one subscriber of a topic");
        }),

        new("PS-SUB-007", "many-topics-on-one-connection", async stage =>
        {
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");
            var topics = new List<string>();
            for (var n = 0; n < 20; n++)
            {
                topics.Add(await stage.TopicAsync($"orders-{n}"));
                await subscriber.SubscribeAsync(topics[n]).Acked();
            }

            foreach (var round in (string[])["a", "b"])
            {
                foreach (var topic in topics)
                {
                    await publisher.PublishAsync(topic, $"{round} of {topic}").Acked();
                    var delivered = await subscriber.NextEventAsync().For("each of many subscriptions has its events");
                    stage.Expect.Equal($"{round} of {topic}", delivered.MessageId, "each of many subscriptions has its events");
                    stage.Expect.Equal(topic, delivered.Topic, "each event says of which topic it is");
                }
            }

            await subscriber.HasReceivedNoneAsync(message => message.IsEvent, "each of many subscriptions has its events once");
        }),

        new("PS-SUB-007", "a-second-topic-does-not-replace-the-first", async stage =>
        {
            var first = await stage.TopicAsync("orders");
            var second = await stage.TopicAsync("payments");
            var subscriber = await stage.SubscriberAsync("subscriber", first);
            var publisher = await stage.ConnectAsync("publisher");

            await subscriber.SubscribeAsync(second).Acked();
            await publisher.PublishAsync(second, "p1").Acked();
            await publisher.PublishAsync(first, "o1").Acked();

            const string Both = "a second subscription leaves the first in place";
            await subscriber.NextAsync(message => message.MessageId == "p1", "the event of the second topic").For(Both);
            await subscriber.NextAsync(message => message.MessageId == "o1", "the event of the first topic").For(Both);
            stage.Expect.SameItems(["p1", "o1"], subscriber.Received.Events().Ids(), Both);
        }),

        new("PS-SUB-008", "one-client-id-never-splits-the-events", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var older = await stage.ConnectAsync("older");
            var newer = await stage.ConnectAsync("newer");
            var publisher = await stage.ConnectAsync("publisher");
            var twin = stage.FreshClientId("twin");
            await older.SubscribeAsync(topic, clientId: twin).Acked();
            stage.Supports((await newer.SubscribeAsync(topic, clientId: twin)).IsAck, "a client_id to a second connection");

            var ids = Habits.Ids("m", stage.Burst(20));
            await publisher.PublishAllAsync(topic, ids);

            const string Whole = "two connections with one client_id do not share the events out between them";
            stage.Expect.SameItems(ids, (await newer.EventsUntilAsync(ids[^1]).For(Whole)).Ids().Distinct(), Whole);

            // Other scenarios allow that the newer connection takes over, at once or a little later.
            await older.OutspokenAsync();
            string[] seen = [.. older.Received.Events().Ids().Distinct()];
            stage.Expect.SameItems(ids.Take(seen.Length), seen, Whole);
            stage.Expect.Observe("two connections with one client_id", seen.Length == ids.Length ? "both receive" : "the newer receives");
        }),

        new("PS-SUB-004", "an-older-connection-of-the-client-id-leaves", async stage =>
        {
            const string Stays = "a subscriber receives on when an older connection with the same client_id leaves";
            (string How, Func<Client, Task> LeaveAsync)[] ways =
            [
                ("closes", older => older.CloseAsync().IfAnswered()),
                ("is reset", older =>
                {
                    older.Abort();
                    return Task.CompletedTask;
                }),
            ];
            foreach (var (how, leaveAsync) in ways)
            {
                var topic = await stage.TopicAsync("orders");
                var (older, newer, publisher) = await TwinsAsync(stage, topic);

                await leaveAsync(older);

                // Each ack gives the server one more round trip to notice that the older connection has ended.
                var ids = Habits.Ids("m", stage.Burst(20));
                foreach (var id in ids)
                {
                    await publisher.PublishAsync(topic, id).Acked();
                }

                var events = await newer.EventsAsync(ids.Length).For($"{Stays} ({how})");
                stage.Expect.SameItems(ids, events.Ids(), $"{Stays} ({how})");
            }
        }),

        new("PS-SUB-009", "one-client-id-on-two-connections", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var alice = await stage.ConnectAsync("alice");
            var bob = await stage.ConnectAsync("bob");
            var publisher = await stage.ConnectAsync("publisher");
            var twin = stage.FreshClientId("twin");
            await alice.SubscribeAsync(topic, clientId: twin).Acked();
            stage.Expect.Acked(await bob.SubscribeAsync(topic, clientId: twin), "the second of two with one client_id is acked");

            await publisher.PublishAllAsync(topic, ["m1", "m2", "m3"]);

            await alice.ReceivesExactlyAsync(
                ["m1", "m2", "m3"], publisher, topic, "the first of two with one client_id receives every event");
            await bob.ReceivesExactlyAsync(
                ["m1", "m2", "m3"], publisher, topic, "the second of two with one client_id receives every event");
        }),

        new("PS-SUB-009", "one-of-two-leaves", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var staying = await stage.ConnectAsync("staying");
            var leaving = await stage.ConnectAsync("leaving");
            var publisher = await stage.ConnectAsync("publisher");
            var twin = stage.FreshClientId("twin");
            await staying.SubscribeAsync(topic, clientId: twin).Acked();
            await leaving.SubscribeAsync(topic, clientId: twin).Acked();

            await leaving.CloseAsync().Given("the server answers a close");
            await stage.Expect.EventuallyAsync(
                true, async () => (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers < 2, "one of two subscribers has left");
            await publisher.PublishAllAsync(topic, ["m1", "m2"]);

            await staying.ReceivesExactlyAsync(
                ["m1", "m2"], publisher, topic, "a connection that leaves takes no other with the same client_id along");
        }),

        new("PS-SUB-010", "client-id-empty-or-too-long", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var request = Request.Subscribe(topic, stage.FreshClientId("plain"));

            foreach (var row in request.JustLongEnough("client_id"))
            {
                // Use a connection of its own: the meaning of a second subscribe to the topic is another requirement.
                await stage.AcksAsync(await stage.ConnectAsync("control"), [row], "a client_id of up to 255 characters is accepted");
            }

            await stage.RefusesAsync(
                request.EmptyOrTooLong("client_id"),
                "a client_id that is empty or longer than 255 characters is answered with BAD_REQUEST");
        }),

        new("PS-SUB-011", "no-legal-topic-name", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var nowhere = stage.FreshName("nowhere");
            (string What, string Json)[] names =
            [
                ("an empty name", "\"\""),
                ("256 characters", Json.Quote(Names.Long("x", 256))),
                ("256 characters outside the basic plane", Json.Quote(Names.Long("\U0001f600", 256))),
                ("a NUL", "\"a\\u0000b\""),
                ("a line break", "\"a\\nb\""),
                ("a tab", "\"a\\tb\""),
                ("a unit separator", "\"a\\u001fb\""),
                ("a delete character", "\"a\\u007fb\""),
                ("a C1 control character", "\"a\\u0085b\""),
                ("an unpaired surrogate", "\"a\\ud800b\""),
            ];
            var clientId = stage.FreshClientId("client");
            Request[] requests =
                [Request.Subscribe(nowhere, clientId), Request.Publish(nowhere, "m"), Request.Unsubscribe(nowhere, clientId)];
            foreach (var request in requests)
            {
                await using var polite = await stage.ConnectAsync("polite");
                var reply = await polite.RequestAsync(request).Given("a request with a legal name is answered");
                stage.Require(reply.ErrorCode != "BAD_REQUEST", $"a legal name without a topic is no bad request ({reply})");
                await stage.RefusesAsync(
                    names.Select(name => (name.What, request.With("topic", name.Json))),
                    "a topic that is not a legal topic name is answered with BAD_REQUEST");
            }
        }),

        new("PS-SUB-013", "another-client-id-on-the-same-connection", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            stage.Expect.Acked(
                await subscriber.SubscribeAsync(topic, clientId: stage.FreshClientId("another")),
                "a subscribe with a second client_id is acked");
            await publisher.PublishAllAsync(topic, ["m1", "m2", "m3"]);

            await subscriber.ReceivesExactlyAsync(
                ["m1", "m2", "m3"], publisher, topic, "a second client_id of a connection never doubles an event");
        }),

        new("PS-SUB-012", "one-too-many", async stage =>
        {
            var client = await stage.ConnectAsync("client");
            var publisher = await stage.ConnectAsync("publisher");
            string[] topics =
                [await stage.TopicAsync("a"), await stage.TopicAsync("b"), await stage.TopicAsync("c"), await stage.TopicAsync("d")];
            foreach (var topic in topics[..3])
            {
                await client.SubscribeAsync(topic).Acked();
            }

            var reply = await client.SubscribeAsync(topics[3]);

            stage.Expect.Error(reply, "BAD_REQUEST", "a subscribe beyond MAX_SUBSCRIPTIONS is answered with BAD_REQUEST");
            stage.Expect.True(
                reply.ErrorMessage?.Contains("MAX_SUBSCRIPTIONS", StringComparison.Ordinal) == true
                || reply.ErrorMessage?.Contains('3', StringComparison.Ordinal) == true,
                "the error names the limit",
                reply.ToString());
            stage.Expect.Acked(
                await client.SubscribeAsync(topics[0]), "a subscribe to a topic already subscribed to adds nothing and is acked");
            await publisher.PublishAsync(topics[3], "probe").Acked();
            foreach (var topic in topics[..3])
            {
                await client.ReceivesExactlyAsync([], publisher, topic, "the earlier subscriptions are intact, and there is no other");
            }
        })
        { Launch = new Dictionary<string, string> { ["MAX_SUBSCRIPTIONS"] = "3" } },

        new("PS-SUB-012", "one-gives-way-to-another", async stage =>
        {
            var client = await stage.ConnectAsync("client");
            var publisher = await stage.ConnectAsync("publisher");
            string[] topics = [await stage.TopicAsync("a"), await stage.TopicAsync("b"), await stage.TopicAsync("c")];
            await client.SubscribeAsync(topics[0]).Acked();
            await client.SubscribeAsync(topics[1]).Acked();
            stage.Expect.Error(await client.SubscribeAsync(topics[2]), "BAD_REQUEST", "a subscribe beyond MAX_SUBSCRIPTIONS is refused");

            await client.UnsubscribeAsync(topics[0]).Acked();

            stage.Expect.Acked(await client.SubscribeAsync(topics[2]), "a subscription that has ended makes room for another");
            await client.ReceivesExactlyAsync([], publisher, topics[2], "the new subscription has its events");
        })
        { Launch = new Dictionary<string, string> { ["MAX_SUBSCRIPTIONS"] = "2" } },

        .. LanguageNames(
            "PS-SUB-002",
            stage => stage.TopicAtWorkAsync(),
            async (stage, name) => (await (await stage.ConnectAsync("client")).SubscribeAsync(name)).IsErrorOf("TOPIC_NOT_FOUND"),
            "a subscribe to a name that nothing created is answered with TOPIC_NOT_FOUND"),
        .. LanguageNames(
            "PS-PUB-002",
            stage => stage.TopicAtWorkAsync(),
            async (stage, name) => (await (await stage.ConnectAsync("client")).PublishAsync(name, "m")).IsErrorOf("TOPIC_NOT_FOUND"),
            "a publish to a name that nothing created is answered with TOPIC_NOT_FOUND"),
        .. LanguageNames(
            "PS-REST-007",
            stage => stage.ListedTopicAsync(),
            async (stage, name) => (await stage.Rest.DeleteTopicAsync(name)).Status == 404,
            "a DELETE of a name that nothing created is answered with 404"),
        .. LanguageNames(
            "PS-REST-015",
            async stage => stage.Supports(
                (await stage.Rest.GetTopicAsync(await stage.ListedTopicAsync())).Status == 200, "GET /topics/{name} (PS-REST-014)"),
            async (stage, name) => (await stage.Rest.GetTopicAsync(name)).Status == 404,
            "a GET of a name that nothing created is answered with 404"),
    ];

    /// <summary>Names of built-in members of objects in some languages.</summary>
    private static IEnumerable<Scenario> LanguageNames(
        string requirement, Func<Stage, Task> controlAsync, Func<Stage, string, Task<bool>> isUnknownAsync, string expectation) =>
    [
        new(requirement, "names-that-languages-know", async stage =>
        {
            await controlAsync(stage);
            var listing = await stage.Rest.ListTopicsAsync().Succeeded();
            string[] names = [.. Names.OfLanguages.Where(name => listing.Of(name) is null)];
            foreach (var name in names)
            {
                stage.Forget(name);
            }

            await stage.EachAsync(
                names, async name => stage.Expect.True(await isUnknownAsync(stage, name), $"{expectation} ({name})", "another answer"));
        })
        { UsesPlainNames = true },
    ];

    /// <summary>
    /// Two connections that subscribed to the topic with one client_id, the older first, and a publisher. As a precondition, the newer
    /// receives messages; it may have taken over from the older.
    /// </summary>
    internal static async Task<(Client Older, Client Newer, Client Publisher)> TwinsAsync(Stage stage, string topic)
    {
        var older = await stage.ConnectAsync("older");
        var newer = await stage.ConnectAsync("newer");
        var publisher = await stage.ConnectAsync("publisher");
        await older.SubscribeAsync(topic, clientId: newer.ClientId).Acked();
        stage.Supports((await newer.SubscribeAsync(topic)).IsAck, "a client_id to a second connection");
        await publisher.PublishAsync(topic, "before").Acked();
        await newer.EventsUntilAsync("before").Given("the newer of two connections with one client_id receives");
        return (older, newer, publisher);
    }
}
