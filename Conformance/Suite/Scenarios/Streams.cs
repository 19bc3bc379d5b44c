using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

/// <summary>Topics followed by Server-Sent Events.</summary>
internal static class Streams
{
    private const int Flood = 8 * 1024 * 1024;
    private const string Afterwards =
        "a stream from a position begins with exactly the later events, oldest first, and goes on with live ones";
    private const string Told = "a stream from a position begins with an event gap exactly if a later event is missing";

    private static readonly string Heavy = Json.Quote(new string('x', 16 * 1024));

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-SSE-001", "at-once", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            foreach (var query in (string[])["", "?last_n=0"])
            {
                await using var raw = await stage.Rest.StreamAsync("stream", topic, query, new ConnectOptions())
                    .For("the request of a stream is answered at once");
                stage.Expect.Status(200, raw.Answer, "the request of a stream is answered with 200");
                stage.Expect.Equal("text/event-stream", raw.Answer.MediaType, "a stream has the Content-Type text/event-stream");
                const string Begun = "a stream without events has a first line at once";
                stage.Expect.Equal(2, (await raw.ReadBytesAsync(2).For(Begun)).Length, Begun);
            }
        }),

        new("PS-SSE-001", "subscribed-with-the-first-line", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            for (var round = 0; round < stage.Rounds(10, roundTrips: 3); round++)
            {
                var reader = await stage.StreamAsync($"stream-{round}", topic);
                await publisher.PublishAsync(topic, $"m{round}").Acked();
                var first = await reader.NextEventAsync(topic).For("what is published after the first line is received");
                stage.Expect.Equal($"m{round}", first.MessageId, "what is published after the first line is received");
            }
        })
        { Also = ["PS-SSE-002"] },

        new("PS-SSE-002", "as-over-the-websocket", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var socket = await stage.SubscriberAsync("socket", topic);
            StreamClient[] streams = [await stage.StreamAsync("stream-1", topic), await stage.StreamAsync("stream-2", topic)];
            var publisher = await stage.ConnectAsync("publisher");
            string[] payloads =
            [
                .. OverHttp.Payloads, Json.Quote(new string('x', stage.Takes(40_000) ? 40_000 : 100)),
                Json.Quote(string.Concat(Enumerable.Repeat("\u00e9\u20ac\U0001f680", 1_000))),
            ];
            foreach (var (place, payload) in payloads.Index())
            {
                await publisher.PublishAsync(topic, $"m{place}", payload).Acked();
                var live = await socket.NextEventAsync(topic).Given("the event is delivered over the WebSocket");
                foreach (var stream in streams)
                {
                    var data = await stream.NextAsync(message => message.Part!.Data is not null, $"the event m{place}")
                        .For("every event of the topic is sent as data");
                    stage.Expect.JsonEqual(
                        live.Raw, data.Raw, "the data of an event are the object that a subscriber over the WebSocket gets");
                }
            }
        }),

        new("PS-SSE-002", "every-event-once-in-order", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            Receiver[] readers =
            [
                await stage.SubscriberAsync("socket", topic),
                await stage.StreamAsync("stream-1", topic),
                await stage.StreamAsync("stream-2", topic),
            ];
            Client[] publishers = [await stage.ConnectAsync("alice"), await stage.ConnectAsync("bob")];
            var each = Math.Max(1, stage.Burst(60) / 3);
            for (var round = 0; round < 15; round++)
            {
                var post = stage.Has(Capability.Http)
                    ? stage.Rest.PublishAsync(topic, [.. Habits.Ids($"http-{round}-", each).Select(id => (id, "1"))]).Succeeded()
                    : null;
                await Task.WhenAll(publishers.Select(one => one.PublishAllAsync(topic, Habits.Ids($"{one.Name}-{round}-", each))));
                await (post ?? Task.CompletedTask);
                foreach (var reader in readers)
                {
                    await reader.EventsAsync((post is null ? 2 : 3) * each).For($"{reader.Name} receives every event");
                }
            }

            foreach (var reader in readers.Skip(1))
            {
                await reader.EventsAheadOfSentinelAsync(publishers[0], topic).For($"{reader.Name} receives every event");
                stage.Expect.Sequence(
                    readers[0].Received.OwnEvents().Ids(),
                    reader.Received.OwnEvents().Ids(),
                    $"{reader.Name} receives every event once, in the order of {readers[0].Name}");
            }
        }),

        new("PS-SSE-003", "epoch-and-timestamp", async stage =>
        {
            var log = await Log.BeginAsync(stage);
            var reader = await stage.StreamAsync("stream", log.Topic);
            await log.PublishAsync(stage.Burst(20));
            var events = await reader.EventsAsync(log.Sent.Count).Given("the events are received");
            var epoch = events[0].Part?.Id?.Split('/')[0];
            stage.Expect.True(!string.IsNullOrEmpty(epoch), "every event has the id epoch/timestamp", events[0].ToString());
            foreach (var one in events)
            {
                stage.Expect.Equal($"{epoch}/{one.Timestamp}", one.Part?.Id, "every event has the id epoch/timestamp");
            }

            if (stage.Has(Capability.Resume))
            {
                var socket = await stage.ConnectAsync("socket");
                stage.Expect.Equal(
                    (await socket.SubscribeAsync(log.Topic).Acked()).Epoch, epoch, "the epoch in the id is that of the ack of a subscribe");
            }
        }),

        new("PS-SSE-004", "from-every-event", async stage =>
        {
            var (log, ids) = await FollowedAsync(stage, Math.Min(8, stage.Limits.Ring));
            foreach (var (place, id) in ids.Index())
            {
                var byHeader = await stage.StreamAsync($"header-{place}", log.Topic, options: From(id));
                var byQuery = await stage.StreamAsync($"query-{place}", log.Topic, Since(id));
                foreach (var reader in (StreamClient[])[byHeader, byQuery])
                {
                    var count = log.Sent.Count - place - 1;
                    var events = await reader.EventsAsync(count).For(Afterwards);
                    stage.Expect.Sequence(log.After(place).Take(count), events.Ids(), Afterwards);
                    stage.Expect.Equal(
                        $"{ids[0].Split('/')[0]}/{log.Newest}",
                        count == 0 ? id : events[^1].Part?.Id,
                        "a replayed event has the id of the live one");
                }

                if (place == ids.Count / 2)
                {
                    // What follows is live, and comes once.
                    await byHeader.ReceivesNothingAsync(log.Publisher, log.Topic, Afterwards);
                    return;
                }
            }
        }),

        new("PS-SSE-004", "the-header-wins", async stage =>
        {
            var (log, ids) = await FollowedAsync(stage, Math.Min(6, stage.Limits.Ring));
            foreach (var query in (string[])["?last_n=1", "?last_n=0", Since(ids[^1])])
            {
                var reader = await stage.StreamAsync("stream", log.Topic, query, From(ids[1]));

                var events = await reader.EventsAsync(log.Sent.Count - 2).For(Afterwards);
                stage.Expect.Sequence(log.After(1), events.Ids(), $"Last-Event-ID wins over the query {query}");
            }
        }),

        new("PS-SSE-004", "by-the-other-door", async stage =>
        {
            stage.Supports(stage.Has(Capability.Resume), "a resume over the WebSocket");
            var (log, ids) = await FollowedAsync(stage, 3);
            var epoch = ids[0].Split('/')[0];
            var first = ids[0][(epoch.Length + 1)..];

            var (socket, ack) = await log.ResumeAsync("socket", first, epoch);
            await socket.ReceivesExactlyAsync(
                log.After(0), log.Publisher, log.Topic, "a WebSocket goes on from the id of a stream's event");
            stage.Expect.Equal(true, ack.Complete, "a WebSocket goes on from the id of a stream's event");

            await log.PublishAsync(1);
            var place = log.Sent.Count - 1;
            await log.PublishAsync(2);
            var stream = await stage.StreamAsync(
                "stream", log.Topic, Rest.Query(("since", log.PositionOf(place)), ("epoch", ack.Epoch)));
            await stream.ReceivesExactlyAsync(log.After(place), log.Publisher, log.Topic, "a stream goes on from a WebSocket's event");
            stage.Expect.True(!stream.Received.Any(IsGap), "a stream goes on from a WebSocket's event without a gap");

            var late = await stage.ConnectAsync("late");
            var position = await late.SubscribeAsync(log.Topic).Acked();
            late.Abort();
            var known = log.Sent.Count - 1;
            await log.PublishAsync(2);
            var fromAck = await stage.StreamAsync(
                "from-an-ack", log.Topic, options: From($"{position.Epoch}/{position.Timestamp}"));
            await fromAck.ReceivesExactlyAsync(log.After(known), log.Publisher, log.Topic, "a stream goes on from the ack of a subscribe");
        }),

        new("PS-SSE-004", "again-and-again-while-others-publish", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var witness = await stage.SubscriberAsync("witness", topic);
            var publisher = await stage.ConnectAsync("publisher");
            var perRound = Math.Min(stage.Burst(20), stage.Limits.Ring / 3);
            stage.Require(perRound > 0, "a round fits into the ring");
            await publisher.PublishAllAsync(topic, ["m0"]);
            var first = await stage.StreamAsync("first", topic, "?last_n=1");
            var id = (await first.NextEventAsync(topic).Given("the newest event is replayed", "PS-SSE-006")).Part?.Id ?? "";
            first.Abort();
            var received = new List<string> { "m0" };
            for (var round = 0; round < 20; round++)
            {
                var publishing = publisher.PublishAllAsync(topic, Habits.Ids($"m{round}-", perRound));
                var reader = await stage.StreamAsync($"reader-{round}", topic, options: From(id));
                await reader.EventsAsync(1 + (round * 7 % perRound)).For(Afterwards);
                reader.Abort();
                await reader.ClosedAsync().Given("the connection ends");
                var events = reader.Received.Events();
                received.AddRange(events.Ids());
                id = events[^1].Part?.Id ?? "";
                await publishing;
                await witness.EventsAsync(perRound + (round == 0 ? 1 : 0)).Given("every message is delivered");
            }

            var last = await stage.StreamAsync("last", topic, options: From(id));
            received.AddRange((await last.EventsAheadOfSentinelAsync(publisher, topic).For(Afterwards)).Ids());
            stage.Expect.Sequence(
                witness.Received.OwnEvents().Ids(),
                received,
                "a reader that always goes on from its last event receives every message once and in order");
        })
        { IsLengthy = true },

        new("PS-SSE-004", "after-an-end-in-mid-event", async stage =>
        {
            var (log, ids) = await FollowedAsync(stage, 3);
            var (whole, neighbour) = (await stage.StreamAsync("whole", log.Topic), await stage.SubscriberAsync("neighbour", log.Topic));
            await using var half = await stage.RawStreamAsync("half", log.Topic, options: From(ids[0]));
            await half.ReadBytesAsync(80);
            half.Abort();
            await log.PublishAsync(2);

            var again = await stage.StreamAsync("again", log.Topic, options: From(ids[0]));

            await again.ReceivesExactlyAsync(log.After(0), log.Publisher, log.Topic, Afterwards);
            var newest = log.Sent.TakeLast(2).Ids();
            foreach (var other in (Receiver[])[whole, neighbour])
            {
                stage.Expect.Sequence(
                    newest, (await other.EventsAsync(2).For("others receive everything")).Ids(), "others receive everything");
            }
        }),

        new("PS-SSE-005", "no-gap", async stage =>
        {
            var (log, ids) = await FollowedAsync(stage, Math.Min(5, stage.Limits.Ring));
            foreach (var id in (string[])[ids[0], ids[^1]])
            {
                foreach (var (query, options) in ((string, ConnectOptions?)[])[("", From(id)), (Since(id), null)])
                {
                    var reader = await stage.StreamAsync("stream", log.Topic, query, options);
                    await reader.EventsAheadOfSentinelAsync(log.Publisher, log.Topic).Given("the sentinel arrives");
                    stage.Expect.True(
                        !reader.Received.Any(IsGap), $"{Told}: nothing is missing", $"{reader.Received.FirstOrDefault(IsGap)}");
                }
            }
        }),

        new("PS-SSE-005", "what-is-no-longer-retained", async stage =>
        {
            var (log, ids) = await FollowedAsync(stage, 1);
            var epoch = ids[0].Split('/')[0];
            stage.Expect.Observe("the first message is dropped", await log.OverflowAsync());
            foreach (var place in log.Edges())
            {
                var reader = await stage.StreamAsync($"from-{place}", log.Topic, options: From($"{epoch}/{log.PositionOf(place)}"));
                var later = log.After(place);
                var seen = later.Count == 0
                    ? []
                    : (await reader.EventsUntilAsync(later[^1]).Given("the newest event is replayed", "PS-SSE-004")).Ids();
                stage.Expect.Sequence(later.TakeLast(seen.Count), seen, "what is retained is sent all the same, the newest of it");
                Gap(stage, reader, isMissing: seen.Count < later.Count, $"of {later.Count} later events {seen.Count} are sent");
            }
        })
        { IsLengthy = true },

        new("PS-SSE-005", "from-elsewhere", async stage =>
        {
            var (log, ids) = await FollowedAsync(stage, 3);
            var epoch = ids[0].Split('/')[0];
            (string Id, string Why)[] positions =
            [
                ($"{epoch}x/{log.PositionOf(0)}", "the epoch is another"),
                ($"{epoch}/{Resume.Later(log.Newest)}", "the position is later than the newest event"),
            ];
            foreach (var (id, why) in positions)
            {
                var reader = await stage.StreamAsync("stream", log.Topic, options: From(id));
                await reader.EventsAheadOfSentinelAsync(log.Publisher, log.Topic).Given("the sentinel arrives");
                Gap(stage, reader, isMissing: true, why);
            }

            await Resume.AgainAsync(stage, log.Topic);
            var again = await stage.StreamAsync("again", log.Topic, options: From(ids[^1]));
            await again.EventsAheadOfSentinelAsync(log.Publisher, log.Topic).Given("the sentinel arrives");
            Gap(stage, again, isMissing: true, "the topic was created again");
        }),

        new("PS-SSE-006", "newest-k-oldest-first", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(10, stage.Limits.Ring));
            var readers = new List<(StreamClient Reader, int LastN)>();
            foreach (var lastN in (int[])[0, 1, 3, log.Sent.Count, Math.Max(log.Sent.Count, stage.Limits.Ring)])
            {
                readers.Add((await stage.StreamAsync($"last-{lastN}", log.Topic, $"?last_n={lastN}"), lastN));
            }

            var none = await stage.StreamAsync("none", log.Topic);
            foreach (var (reader, lastN) in readers.Append((none, 0)))
            {
                await reader.ReceivesExactlyAsync(
                    log.Sent.TakeLast(lastN).Ids(),
                    log.Publisher,
                    log.Topic,
                    $"a stream with last_n={lastN} begins with the newest {lastN}");
            }
        }),

        new("PS-SSE-007", "before-the-first-event", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(2, stage.Limits.Ring));
            foreach (var query in (string[])["", "?last_n=0"])
            {
                var reader = await stage.StreamAsync("stream", log.Topic, query);
                const string Early = "a stream that is not resumed sends an id before its first event, in a block without data";
                var block = await reader.NextAsync(message => message.Part is { Id: not null, Data: null }, "a block with an id alone")
                    .For(Early);
                reader.Abort();
                var place = log.Sent.Count - 1;
                await log.PublishAsync(2);

                var again = await stage.StreamAsync("again", log.Topic, options: From(block.Part!.Id!));

                await again.ReceivesExactlyAsync(
                    log.After(place), log.Publisher, log.Topic, "a reader that goes on from that id misses nothing that came after it");
                stage.Expect.True(!again.Received.Any(IsGap), "a reader that goes on from that id gets no gap");
            }
        }),

        new("PS-SSE-008", "a-reader-that-reads-nothing", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var other = await stage.SubscriberAsync("other", topic);
            var stream = await stage.StreamAsync("stream", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await using var stalled = await stage.RawStreamAsync(
                "stalled", topic, options: new ConnectOptions { ReceiveBuffer = 16 * 1024 });
            stage.Require(stalled.Answer.Status == 200, "the stalled stream is open", "PS-SSE-001");
            stage.Supports(stage.Takes(Heavy.Length), "messages of 16 KiB");
            var slowest = TimeSpan.Zero;
            foreach (var some in Habits.Ids("m", Flood / Heavy.Length).Chunk(16))
            {
                var start = stage.Time.GetTimestamp();
                foreach (var request in await publisher.SendTogetherAsync(some.Select(id => Request.Publish(topic, id, Heavy))))
                {
                    const string Acked = "a publish is acked although a reader of a stream does not read";
                    stage.Expect.Acked(await publisher.ReplyAsync(request).For(Acked), Acked);
                    slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, stage.Time.GetElapsedTime(start).Ticks));
                }

                foreach (var reader in (Receiver[])[other, stream])
                {
                    const string Received = "others receive every event although a reader of a stream does not read";
                    stage.Expect.Sequence(some, (await reader.EventsAsync(some.Length).For(Received)).Ids(), Received);
                }
            }

            stage.Expect.Observe("the slowest ack", $"{slowest.TotalMilliseconds:F0} ms");
        })
        { IsLoad = true },

        new("PS-SSE-009", "info-and-the-end", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.StreamAsync("stream", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2"]);
            await stage.Rest.DeleteTopicAsync(topic).Succeeded();

            const string Told = "when the topic is deleted, the stream gets an event of the name info";
            var info = await reader.NamedAsync("info").For(Told);
            stage.Expect.Sequence(["m1", "m2"], reader.Received.Events().Ids(), "what was acked before the deletion is received before it");
            stage.Expect.True(info.IsDeletion, "the data of info are the notice of the deletion", info.ToString());
            const string Over = "when the topic is deleted, the stream ends";
            stage.Expect.True((await reader.ClosedAsync().For(Over)) is not null, Over);
            stage.Expect.Equal(info.Index, reader.Received[^1].Index, "nothing follows info");
        }),

        new("PS-SSE-010", "while-it-is-open", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            await CountAsync(stage, topic, 0, "no stream has begun");
            var reader = await stage.StreamAsync("stream", topic);
            await CountAsync(stage, topic, 1, "an open stream counts as a subscriber");
            var other = await stage.StreamAsync("other", topic);
            await stage.SubscriberAsync("socket", topic);
            await CountAsync(stage, topic, 3, "two streams and a WebSocket count as three subscribers");

            reader.Abort();
            await other.DisposeAsync();

            await CountAsync(stage, topic, 1, "streams that have ended do not count");
        }),

        new("PS-SSE-011", "no-topic", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var deleted = await stage.TopicAsync("deleted");
            var reader = await stage.StreamAsync("reader", deleted);
            await stage.Rest.DeleteTopicAsync(deleted).Succeeded();
            await reader.ClosedAsync().IfAnswered();
            foreach (var topic in (string[])[stage.FreshName("unknown"), deleted])
            {
                foreach (var options in (ConnectOptions?[])[null, From("epoch/2025-08-28T10:01:00.0000000Z")])
                {
                    var raw = await stage.RawStreamAsync("stream", topic, options: options);
                    stage.Expect.Status(404, raw.Answer, "a stream of a topic that does not exist is answered with 404");
                }
            }
        }),

        new("PS-SSE-012", "no-position", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            await stage.StreamAsync("control", topic);
            string[] queries = ["?last_n=-1", "?last_n=1.5", "?last_n=many", "?since=yesterday", "?since=2025-13-01T00:00:00Z"];
            foreach (var query in queries)
            {
                var raw = await stage.RawStreamAsync("stream", topic, query);
                stage.Expect.Status(400, raw.Answer, $"a stream with {query} is answered with 400");
            }

            foreach (var id in (string[])["nonsense", "epoch/yesterday", "epoch/", "/"])
            {
                var raw = await stage.RawStreamAsync("stream", topic, options: From(id));
                stage.Expect.Status(400, raw.Answer, $"a stream with the Last-Event-ID {id} is answered with 400");
            }
        }),

        new("PS-SSE-013", "a-comment-in-silence", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var reader = await stage.StreamAsync("stream", topic);
            for (var n = 1; n <= 3; n++)
            {
                const string Kept = "a stream without events gets a comment line within each KEEPALIVE_INTERVAL";

                // Far longer than the interval, and far shorter than its default.
                var comment = await reader.NextAsync(
                    message => message.Part?.Comment is not null && message.Index > 0, $"comment {n}", TimeSpan.FromSeconds(5)).For(Kept);
                stage.Expect.True(comment.Part!.Data is null, Kept);
            }
        })
        { Launch = new Dictionary<string, string> { ["KEEPALIVE_INTERVAL"] = "0.3" } },
    ];

    private static ConnectOptions From(string id) => new() { Headers = new Dictionary<string, string?> { ["Last-Event-ID"] = id } };

    /// <summary>The query that goes on from the id of an event.</summary>
    private static string Since(string id)
    {
        var slash = id.LastIndexOf('/');
        return Rest.Query(("since", id[(slash + 1)..]), ("epoch", id[..Math.Max(slash, 0)]));
    }

    private static bool IsGap(ServerMessage message) => message.Part?.Event == "gap";

    /// <summary>Decisive: the stream begins with a gap, or has none.</summary>
    private static void Gap(Stage stage, StreamClient reader, bool isMissing, string why)
    {
        var seen = string.Join(" | ", reader.Received.Take(3));
        stage.Expect.Equal(isMissing ? 1 : 0, reader.Received.Count(IsGap), $"{Told}: {why} ({seen})");
        if (isMissing)
        {
            var first = reader.Received.First(message => message.Part is { Data: not null } || IsGap(message));
            stage.Expect.True(IsGap(first), $"{Told}, and nothing comes before it", seen);
        }
    }

    /// <summary>A topic with this many events, and the ids that a stream got with them.</summary>
    private static async Task<(Log Log, IReadOnlyList<string> Ids)> FollowedAsync(Stage stage, int count)
    {
        var log = await Log.BeginAsync(stage);
        var reader = await stage.StreamAsync("follower", log.Topic);
        await log.PublishAsync(count);
        var events = await reader.EventsAsync(count).Given("the stream has the events");
        await reader.DisposeAsync();
        stage.Require(
            events.All(one => one.Part?.Id?.Contains('/', StringComparison.Ordinal) == true), "every event has an id", "PS-SSE-003");
        return (log, [.. events.Select(one => one.Part!.Id!)]);
    }

    private static Task CountAsync(Stage stage, string topic, long count, string expectation) => stage.Expect.EventuallyAsync(
        (long?)count,
        async () => (await stage.Rest.ListTopicsAsync().Given("topics are listed")).Of(topic)?.Subscribers,
        expectation);
}
