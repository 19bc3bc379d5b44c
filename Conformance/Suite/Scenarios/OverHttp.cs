using System.Text.RegularExpressions;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

/// <summary>Publishing and reading over HTTP.</summary>
internal static class OverHttp
{
    private const int LargestBatch = 1_000;
    private const string Told = "complete is false exactly if an event that was asked for is missing";
    private const string Nothing = "a refused request publishes nothing";

    /// <summary>Payloads as a client may write them.</summary>
    public static readonly string[] Payloads =
    [
        """{"b":1,"a":[true,null,{}]}""", "1.10", "12345678901234567890", "null", "false", "\"\"", "[ 1 ,\t[ ] , { } ]",
        "\"\\u00e9 \\/ \u00e9 \U0001f680 \u2028 \\r\\n\"", "{\n  \"k\":\r\n  [1,\r2],\n\n\"l\" : \"data: x\"\n}",
    ];

    private static readonly string[] NoMessages =
    [
        "{}", """{"payload":1}""", """{"id":5,"payload":1}""", """{"id":null,"payload":1}""", """{"id":"","payload":1}""",
        "\"m1\"", "5", "null", """{"id":"m1","payload":""", """{"id":"m1","payload":1}}""", "",
    ];

    private static readonly string[] NoQueries =
        ["?last_n=-1", "?last_n=1.5", "?last_n=many", "?last_n=2147483648", "?since=yesterday", "?since=", "?since=2025-13-01T00:00:00Z"];

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-HTTP-001", "retained-and-queued", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            Client[] readers = [await stage.SubscriberAsync("reader-1", topic), await stage.SubscriberAsync("reader-2", topic)];
            foreach (var id in Habits.Ids("m", 5))
            {
                const string Answered = "a publish over HTTP is answered with 200";
                var answer = await stage.Rest.PublishAsync(topic, (id, Request.PlainPayload)).For(Answered);
                stage.Expect.Status(200, answer, Answered);
                foreach (var reader in readers)
                {
                    // What is queued arrives ahead of the answer to a ping.
                    await reader.PingAsync().Given("a ping is answered");
                    stage.Expect.True(
                        reader.Received.Events().Ids().Contains(id), $"once it is answered, {id} is queued to every subscriber",
                        string.Join(", ", reader.Received.Events().Ids()));
                }

                var late = await stage.SubscriberAsync($"late-{id}", topic, lastN: 1);
                var replayed = await late.NextEventAsync().For("once it is answered, the event is retained");
                stage.Expect.Equal(id, replayed.MessageId, "once it is answered, the event is retained");
            }
        }),

        new("PS-HTTP-002", "payloads", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            string[] payloads = [.. Payloads, Json.Quote(new string('x', stage.Takes(40_000) ? 40_000 : 100))];
            foreach (var (place, payload) in payloads.Index())
            {
                await stage.Rest.PublishAsync(topic, ($"m{place}", payload)).Succeeded();

                var arrived = await reader.NextEventAsync(topic).For("an event that was published over HTTP is delivered");
                stage.Expect.Equal($"m{place}", arrived.MessageId, "the event has the id of the message");
                stage.Expect.JsonEqual(payload, arrived.Payload, "the event has the payload of the message, unchanged");
            }
        })
        { Also = ["PS-HTTP-001"] },

        new("PS-HTTP-002", "ids", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            stage.Supports(!stage.Target.MessageIds.AreUuids, "ids other than UUIDs");
            foreach (var (what, id) in Names.Odd)
            {
                await stage.Rest.PostAsync(topic, $"{{\"id\":{id},\"payload\":1}}").Succeeded();

                var arrived = await reader.NextEventAsync(topic).For($"an event whose id is {what} is delivered");
                stage.Expect.Equal(Names.Meant(id), arrived.MessageId, $"the event has the id of the message: {what}");
            }
        }),

        new("PS-HTTP-003", "a-thousand", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var ids = Habits.Ids("m", LargestBatch);
            const string Taken = "an array of 1,000 messages is published";
            var answer = await stage.Rest.PublishAsync(topic, [.. ids.Select(id => (id, "1"))]).For(Taken);
            stage.Expect.Status(200, answer, Taken);

            var reader = await stage.ConnectAsync("reader");
            await reader.SubscribeAsync(topic, Math.Min(stage.Limits.Ring, LargestBatch)).Acked();
            var replayed = await reader.EventsUntilAsync(ids[^1]).For("the messages are retained");
            stage.Expect.Sequence(
                ids.TakeLast(replayed.Count), replayed.Ids(), "the messages of an array are neighbours in the topic's order, in its order");
        }),

        new("PS-HTTP-003", "among-the-messages-of-others", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            Client[] others = [await stage.ConnectAsync("alice"), await stage.ConnectAsync("bob")];
            var size = Math.Max(2, stage.Burst(60) / 4);
            for (var round = 0; round < 15; round++)
            {
                string[][] batches = [Habits.Ids($"b{round}-", size), Habits.Ids($"c{round}-", size)];
                var posts = batches.Select(ids => stage.Rest.PublishAsync(topic, [.. ids.Select(id => (id, "1"))]));
                await Task.WhenAll([
                    .. posts.Select(post => post.Succeeded()),
                    .. others.Select(one => one.PublishAllAsync(topic, Habits.Ids($"{one.Name}{round}-", size)))]);

                var order = (await reader.EventsAsync(4 * size).For("every message is delivered")).Ids();
                foreach (var batch in batches)
                {
                    stage.Expect.Sequence(
                        batch,
                        order.SkipWhile(id => id != batch[0]).Take(size),
                        "the messages of an array are neighbours in the topic's order, in its order");
                }
            }
        }),

        new("PS-HTTP-004", "an-invalid-message", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var invalid in (string[])["{}", "5", """{"id":5,"payload":1}""", """{"id":"","payload":1}""", "[]", "null"])
            {
                foreach (var place in (int[])[0, 9, 19])
                {
                    var body = Batch(stage, 20, place, invalid);
                    await RefusedAsync(stage, topic, body, $"an array with {invalid} at place {place}");
                }
            }

            await reader.ReceivesNothingAsync(publisher, topic, Nothing);
        }),

        new("PS-HTTP-004", "empty-or-too-long", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await RefusedAsync(stage, topic, "[]", "an empty array");
            await RefusedAsync(stage, topic, " [ ] ", "an empty array");
            await RefusedAsync(stage, topic, Batch(stage, LargestBatch + 1), "an array of 1,001 messages");
            await RefusedAsync(stage, topic, Batch(stage, 2 * LargestBatch), "an array of 2,000 messages");

            await reader.ReceivesNothingAsync(publisher, topic, Nothing);
        }),

        new("PS-HTTP-005", "the-index", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            foreach (var place in (int[])[0, 13, 37])
            {
                var answer = await stage.Rest.PostAsync(topic, Batch(stage, 38, place, """{"id":false,"payload":true}"""));

                stage.Require(answer.Status is >= 400 and < 500, "the array is refused", "PS-HTTP-004");
                var detail = answer.Json.Member("detail").Text() ?? answer.Body;
                stage.Expect.True(
                    Regex.IsMatch(detail, $@"(?<!\d){place}(?!\d)"), $"the detail of the error names the index {place}", answer.ToString());
            }
        }),

        new("PS-HTTP-006", "id-and-timestamp-of-each", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            foreach (var count in (int[])[1, 2, stage.Burst(50)])
            {
                var ids = Habits.Ids($"of-{count}-", count);
                var answer = await stage.Rest.PublishAsync(topic, [.. ids.Select(id => (id, "1"))]).Succeeded();

                var events = await reader.EventsAsync(count).Given("the events are delivered");
                stage.Expect.True(answer.Messages is not null, "the answer to a publish has messages, an array", answer.ToString());
                stage.Expect.Sequence(
                    ids, answer.Messages!.Select(message => message.Id ?? "(no id)"), "the answer has the id of each message, in order");
                stage.Expect.Sequence(
                    events.Select(one => $"{Rfc3339.Moment(one.Timestamp)}"),
                    answer.Messages!.Select(message => $"{Rfc3339.Moment(message.Timestamp)}"),
                    "the answer has the timestamp of each event, in order");
            }
        }),

        new("PS-HTTP-006", "an-array-of-one", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();

            var answer = new PublishAnswer(await stage.Rest.PostAsync(topic, Batch(stage, 1)).Succeeded(), stage.Target);

            stage.Expect.Equal("b0", answer.Messages?.SingleOrDefault().Id, "an array of one message is answered like one message");
        }),

        new("PS-HTTP-007", "each-door-in-turn", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            Receiver[] readers =
            [
                await stage.SubscriberAsync("reader", topic),
                .. stage.Has(Capability.Sse) ? [await stage.StreamAsync("stream", topic)] : (Receiver[])[],
            ];
            var sent = new List<string>();
            for (var round = 0; round < stage.Rounds(15, roundTrips: 3); round++)
            {
                string[] ids = [$"ws-{round}", $"one-{round}", $"ws-again-{round}", $"two-{round}", $"three-{round}"];
                await publisher.PublishAsync(topic, ids[0]).Acked();
                await stage.Rest.PublishAsync(topic, (ids[1], "1")).Succeeded();
                await publisher.PublishAsync(topic, ids[2]).Acked();
                await stage.Rest.PublishAsync(topic, (ids[3], "1"), (ids[4], "1")).Succeeded();
                sent.AddRange(ids);
                foreach (var reader in readers)
                {
                    await reader.NextAsync(message => message.MessageId == ids[^1], $"the event {ids[^1]}")
                        .Given("every event is delivered");
                }
            }

            foreach (var reader in readers)
            {
                stage.Expect.Sequence(
                    sent,
                    reader.Received.Events().Ids(),
                    $"{reader.Name} receives what was acked by one door before what another took later");
            }
        }),

        new("PS-FAN-003", "one-order-by-every-door", async stage =>
        {
            stage.Supports(stage.Has(Capability.Http), "publishing over HTTP");
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            Receiver[] readers =
            [
                await stage.SubscriberAsync("reader-1", topic),
                await stage.SubscriberAsync("reader-2", topic),
                .. stage.Has(Capability.Sse) ? [await stage.StreamAsync("stream", topic)] : (Receiver[])[],
            ];
            var each = stage.Burst(40) / 4;
            for (var round = 0; round < 15; round++)
            {
                var posts = Habits.Ids($"p{round}-", each).Select(id => (Task)stage.Rest.PublishAsync(topic, (id, "1")).Succeeded());
                await Task.WhenAll([.. posts, publisher.PublishAllAsync(topic, Habits.Ids($"w{round}-", each))]);
                foreach (var reader in readers)
                {
                    await reader.EventsAsync(2 * each).Given("every event is delivered");
                }
            }

            foreach (var reader in readers.Skip(1))
            {
                stage.Expect.Sequence(
                    readers[0].Received.Events().Ids(),
                    reader.Received.Events().Ids(),
                    $"{reader.Name} receives the events in the order of {readers[0].Name}");
            }
        }),

        new("PS-HTTP-008", "last-n", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(8, stage.Limits.Ring));
            foreach (var lastN in (int[])[0, 1, 3, log.Sent.Count, 1_000])
            {
                await ReadsAsync(stage, log, $"?last_n={lastN}", log.Sent.TakeLast(lastN));
            }
        }),

        new("PS-HTTP-008", "since", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(4, stage.Limits.Ring));
            await log.PostAsync(Math.Min(4, stage.Limits.Ring - log.Sent.Count));
            for (var place = 0; place < log.Sent.Count; place++)
            {
                await ReadsAsync(stage, log, Rest.Query(("since", log.PositionOf(place))), log.Sent.Skip(place + 1));
            }
        }),

        new("PS-HTTP-008", "all", async stage =>
        {
            var log = await Log.BeginAsync(stage);
            await ReadsAsync(stage, log, "", []);
            await log.PublishAsync(Math.Min(6, stage.Limits.Ring));
            await ReadsAsync(stage, log, "", log.Sent);
        }),

        new("PS-HTTP-009", "the-epoch", async stage =>
        {
            var log = await Log.BeginAsync(stage, 2);
            var first = await stage.Rest.ReadAsync(log.Topic).Succeeded();
            stage.Expect.True(first.Epoch is not null, "the answer to a read has an epoch, a string", first.ToString());
            if (stage.Has(Capability.Resume))
            {
                var reader = await stage.ConnectAsync("reader");
                var ack = await reader.SubscribeAsync(log.Topic).Acked();
                stage.Expect.Equal(ack.Epoch, first.Epoch, "a read has the epoch that the ack of a subscribe has");
            }

            foreach (var epoch in (string?[])[null, first.Epoch, $"{first.Epoch}x"])
            {
                var answer = await stage.Rest.ReadAsync(log.Topic, Rest.Query(("since", log.PositionOf(0)), ("epoch", epoch))).Succeeded();
                stage.Expect.Equal(first.Epoch, answer.Epoch, "a read has the topic's own epoch");
                stage.Expect.Equal(
                    epoch is null || epoch == first.Epoch, answer.Complete, $"{Told}: since the first event, with the epoch {epoch}");
            }

            await Resume.AgainAsync(stage, log.Topic);
            var again = await stage.Rest.ReadAsync(log.Topic, Rest.Query(("since", log.Newest))).Succeeded();
            stage.Expect.True(again.Epoch is not null && again.Epoch != first.Epoch, "a topic that was created again has another epoch");
            stage.Expect.Equal(false, again.Complete, $"{Told}: the topic was created after {log.Newest}");
        }),

        new("PS-HTTP-009", "nothing-is-missing", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(4, stage.Limits.Ring));
            string[] queries =
                ["", "?last_n=0", "?last_n=2", $"?last_n={log.Sent.Count + 1}", "?last_n=100000", Rest.Query(("since", log.PositionOf(0))),
                 Rest.Query(("since", log.Newest))];
            foreach (var query in queries)
            {
                var answer = await stage.Rest.ReadAsync(log.Topic, query).Succeeded();
                stage.Expect.Equal(true, answer.Complete, $"{Told}: nothing is missing with {query}");
            }

            var future = await stage.Rest.ReadAsync(log.Topic, Rest.Query(("since", Resume.Later(log.Newest)))).Succeeded();
            stage.Expect.Equal(false, future.Complete, $"{Told}: the position is later than the newest event");
        }),

        new("PS-HTTP-009", "what-is-no-longer-retained", async stage =>
        {
            var log = await Log.BeginAsync(stage);
            stage.Expect.Observe("the first message is dropped", await log.OverflowAsync());
            foreach (var place in log.Edges())
            {
                var answer = await stage.Rest.ReadAsync(log.Topic, Rest.Query(("since", log.PositionOf(place)))).Succeeded();
                Complete(stage, answer, log.After(place));
            }

            foreach (var lastN in (int[])[stage.Limits.Ring, stage.Limits.Ring + 1, log.Sent.Count])
            {
                var answer = await stage.Rest.ReadAsync(log.Topic, $"?last_n={lastN}").Succeeded();
                Complete(stage, answer, [.. log.After(-1).TakeLast(lastN)]);
            }
        })
        { IsLengthy = true },

        new("PS-HTTP-010", "no-topic", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var deleted = await stage.TopicAsync("deleted");
            await stage.Rest.PublishAsync(deleted, ("m1", "1")).Succeeded();
            await stage.Rest.DeleteTopicAsync(deleted).Succeeded();
            foreach (var topic in (string[])[stage.FreshName("unknown"), deleted])
            {
                var published = await stage.Rest.PublishAsync(topic, ("m1", "1"));
                stage.Expect.Status(404, published, "a publish to a topic that does not exist is answered with 404");
                var read = await stage.Rest.ReadAsync(topic);
                stage.Expect.Status(404, read, "a read of a topic that does not exist is answered with 404");
                var listing = await stage.Rest.ListTopicsAsync().Given("topics are listed");
                stage.Expect.True(listing.Of(topic) is null, "neither creates the topic");
            }
        }),

        new("PS-HTTP-011", "no-message", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var body in NoMessages)
            {
                var answer = await stage.Rest.PostAsync(topic, body);
                stage.Expect.Status(400, answer, $"a publish of '{body}' is answered with 400");
            }

            await reader.ReceivesNothingAsync(publisher, topic, Nothing);
        }),

        new("PS-HTTP-011", "no-position", async stage =>
        {
            var log = await Log.BeginAsync(stage, 2);
            await stage.Rest.ReadAsync(log.Topic, "?last_n=1").Succeeded();
            foreach (var query in (string[])[.. NoQueries, Rest.Query(("since", log.Newest), ("last_n", "1"))])
            {
                var answer = await stage.Rest.ReadAsync(log.Topic, query);
                stage.Expect.Status(400, answer, $"a read with {query} is answered with 400");
            }
        }),

        new("PS-HTTP-012", "no-json", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var type in (string[])["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
            {
                var answer = await stage.Rest.PostAsync(topic, stage.Rest.MessageBody("m1", "1"), type);
                stage.Expect.Status(415, answer, $"a publish with the Content-Type {type} is answered with 415");
            }

            await reader.ReceivesNothingAsync(publisher, topic, Nothing);
            var usual = await stage.Rest.PostAsync(topic, stage.Rest.MessageBody("m1", "1"), "application/json; charset=utf-8");
            stage.Expect.Status(200, usual, "a publish with the Content-Type application/json; charset=utf-8 is answered with 200");
        }),
    ];

    /// <summary>The body of a batch with ids b0, b1 and so on, one of its messages replaced.</summary>
    private static string Batch(Stage stage, int count, int place = -1, string replaced = "") =>
        $"[{string.Join(',', Enumerable.Range(0, count).Select(n => n == place ? replaced : stage.Rest.MessageBody($"b{n}", "true")))}]";

    private static async Task RefusedAsync(Stage stage, string topic, string body, string what)
    {
        var answer = await stage.Rest.PostAsync(topic, body).For($"{what} is answered with a 4xx status");
        stage.Expect.True(answer.Status is >= 400 and < 500, $"{what} is answered with a 4xx status", answer.ToString());
    }

    /// <summary>Decisive: the read has exactly these events, as the witness got them.</summary>
    private static async Task ReadsAsync(Stage stage, Log log, string query, IEnumerable<ServerMessage> expected)
    {
        var what = $"a read with '{query}' has the retained events that a subscribe would replay, oldest first";
        var answer = await stage.Rest.ReadAsync(log.Topic, query).For(what);
        stage.Expect.Status(200, answer, "a read is answered with 200");
        stage.Expect.True(answer.Events is not null, "the answer to a read has events, an array", answer.ToString());
        stage.Expect.Sequence(expected.Ids(), answer.Events!.Ids(), what);
        foreach (var (one, live) in answer.Events!.Zip(expected))
        {
            stage.Expect.JsonEqual(live.Raw, one.Raw, "each event is the object that a subscriber gets");
        }
    }

    private static void Complete(Stage stage, ReadAnswer answer, IReadOnlyList<string> asked)
    {
        var seen = answer.Events.ThatAre();
        stage.Require(asked.TakeLast(seen.Count).SequenceEqual(seen), "what is retained is read", "PS-HTTP-008");
        stage.Expect.Equal(seen.Count == asked.Count, answer.Complete, $"{Told}: of {asked.Count} events {seen.Count} are there");
    }

    private static IReadOnlyList<string> ThatAre(this IReadOnlyList<ServerMessage>? events) => (events ?? []).Ids();
}
