using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

/// <summary>Subscribes that go on from a position.</summary>
internal static class Resume
{
    private const string Afterwards = "exactly the later messages are replayed, oldest first, and then come live ones";
    private const string Told = "complete is true exactly if no later event is missing";

    private static readonly string[] NoTimes =
        ["\"\"", "\"yesterday\"", "\"2025-13-01T00:00:00Z\"", "\"2025-08-28\"", "\"10:01:00Z\"", "1756375260", "true", "{}", "[]"];

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-RES-001", "under-a-burst", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            Client[] publishers =
                [await stage.ConnectAsync("alice"), await stage.ConnectAsync("bob"), await stage.ConnectAsync("carol")];
            var each = Math.Max(1, stage.Burst(60) / publishers.Length);
            for (var round = 0; round < 10; round++)
            {
                var bursts = publishers.Select(one => one.SendTogetherAsync(
                    Habits.Ids($"{one.Name}-{round}-", each).Select(id => Request.Publish(topic, id)))).ToList();
                var acks = await Task.WhenAll(bursts);
                foreach (var (publisher, requests) in publishers.Zip(acks))
                {
                    foreach (var request in requests)
                    {
                        await publisher.ReplyAsync(request).Acked();
                    }
                }

                await subscriber.EventsAsync(each * publishers.Length).Given("every message is delivered");
            }

            Increase(stage, subscriber.Received.Events());
        }),

        new("PS-RES-001", "live-and-replayed", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(20, stage.Limits.Ring));
            var late = await stage.SubscriberAsync("late", log.Topic, lastN: log.Sent.Count);

            var again = await late.EventsAsync(log.Sent.Count).Given("the messages are replayed");

            Increase(stage, log.Sent);
            stage.Expect.Sequence(
                log.Sent.Select(message => $"{message.MessageId} {message.Timestamp}"),
                again.Select(message => $"{message.MessageId} {message.Timestamp}"),
                "a replayed event has the timestamp of the live one");
        }),

        new("PS-RES-002", "the-ack-of-a-publish", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.SubscriberAsync("publisher", topic);
            foreach (var id in Habits.Ids("m", stage.Rounds(20, roundTrips: 1)))
            {
                var ack = await publisher.PublishAsync(topic, id).Acked();
                var arrived = await publisher.NextEventAsync(topic).Given("the event is delivered");
                stage.Expect.Equal(Moment(arrived), Moment(ack), $"the ack of a publish has the timestamp of its event ({ack}, {arrived})");
            }
        }),

        new("PS-RES-002", "the-ack-of-a-subscribe", async stage =>
        {
            var log = await Log.BeginAsync(stage);
            for (var round = 0; round < stage.Rounds(10, roundTrips: 4); round++)
            {
                await log.PublishAsync(1);
                var before = log.Sent[^1];
                var reader = await stage.ConnectAsync($"reader-{round}");
                var ack = await reader.SubscribeAsync(log.Topic, lastN: 1).Acked();
                await log.PublishAsync(1);
                var after = log.Sent[^1];

                const string Later = "the ack of a subscribe is later than every event before it";
                stage.Expect.True(Moment(before) < Moment(ack), Later, $"{before}, then {ack}");
                const string Earlier = "the ack of a subscribe is earlier than every live event after it";
                stage.Expect.True(Moment(ack) < Moment(after), Earlier, $"{ack}, then {after}");
            }
        }),

        new("PS-RES-002", "the-ack-of-a-subscribe-in-one-breath", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            for (var round = 0; round < 10; round++)
            {
                var reader = await stage.ConnectAsync($"reader-{round}");
                var asked = await reader.SendTogetherAsync(
                [
                    .. Habits.Ids($"before-{round}-", stage.Burst(20)).Select(id => Request.Publish(topic, id)),
                    Request.Subscribe(topic, reader.ClientId),
                    .. Habits.Ids($"after-{round}-", stage.Burst(20)).Select(id => Request.Publish(topic, id)),
                ]);
                var replies = new List<ServerMessage>();
                foreach (var id in asked)
                {
                    replies.Add(await reader.ReplyAsync(id).Acked());
                }

                Increase(
                    stage,
                    replies,
                    "acks of publishes, a subscribe, and publishes, sent in this order, have timestamps in this order");
                var live = await reader.EventsAsync(stage.Burst(20)).Given("what is published after the ack is delivered");
                stage.Expect.Sequence(
                    replies.TakeLast(live.Count).Select(reply => $"{Moment(reply)}"),
                    live.Select(one => $"{Moment(one)}"),
                    "the ack of a publish has the timestamp of its event");
            }
        }),

        new("PS-RES-003", "exactly-what-was-missed", async stage =>
        {
            var log = await Log.BeginAsync(stage, 3);
            var first = await stage.SubscriberAsync("reader", log.Topic);
            await log.PublishAsync(2);
            var last = (await first.EventsAsync(2).Given("the reader receives"))[^1];
            var place = log.Sent.Count - 1;
            first.Abort();
            await log.PublishAsync(Math.Min(5, stage.Limits.Ring));
            foreach (var epoch in (string?[])[null, first.Received.First(message => message.IsAck).Epoch])
            {
                var (again, ack) = await log.ResumeAsync($"again-{epoch}", last.Timestamp ?? "", epoch);

                await again.ReceivesExactlyAsync(log.After(place), log.Publisher, log.Topic, Afterwards);
                stage.Expect.True(
                    again.Received.Events().All(message => message.Index > ack.Index),
                    "the ack comes before the events behind the position");
            }
        }),

        new("PS-RES-003", "from-every-position", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(8, stage.Limits.Ring));
            var readers = new List<(Client Reader, int Place)>();
            for (var place = 0; place < log.Sent.Count; place++)
            {
                readers.Add(((await log.ResumeAsync($"from-{place}", log.PositionOf(place))).Reader, place));
            }

            foreach (var (reader, place) in readers)
            {
                await reader.ReceivesExactlyAsync(log.After(place), log.Publisher, log.Topic, Afterwards);
            }
        }),

        new("PS-RES-003", "from-acks", async stage =>
        {
            var log = await Log.BeginAsync(stage, 2);
            var visitor = await stage.ConnectAsync("visitor");
            var joined = await visitor.SubscribeAsync(log.Topic).Acked();
            visitor.Abort();
            var published = await log.Publisher.PublishAsync(log.Topic, "of-the-ack").Acked();
            await log.Publisher.PublishAllAsync(log.Topic, ["later-1", "later-2"]);

            var (first, _) = await log.ResumeAsync("from-the-ack-of-a-subscribe", joined.Timestamp ?? "", joined.Epoch);
            var (second, _) = await log.ResumeAsync("from-the-ack-of-a-publish", published.Timestamp ?? "", joined.Epoch);

            await first.ReceivesExactlyAsync(["of-the-ack", "later-1", "later-2"], log.Publisher, log.Topic, Afterwards);
            await second.ReceivesExactlyAsync(["later-1", "later-2"], log.Publisher, log.Topic, Afterwards);
        }),

        new("PS-RES-003", "again-and-again-while-others-publish", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var witness = await stage.SubscriberAsync("witness", topic);
            var publisher = await stage.ConnectAsync("publisher");
            var (since, epoch) = ((string?)null, (string?)null);
            var received = new List<ServerMessage>();
            var perRound = Math.Min(stage.Burst(20), stage.Limits.Ring / 3);
            stage.Require(perRound > 0, "a round fits into the ring");
            for (var round = 0; round < 20; round++)
            {
                var reader = await stage.ConnectAsync($"reader-{round}");
                var publishing = publisher.PublishAllAsync(topic, Habits.Ids($"m{round}-", perRound));
                var ack = await (since is null
                    ? reader.SubscribeAsync(topic)
                    : reader.RequestAsync(Request.Resume(topic, reader.ClientId, since, epoch))).Acked();
                epoch ??= ack.Epoch;
                if (since is null)
                {
                    await publishing;
                    await witness.EventsAsync(perRound).Given("every message is delivered");
                    since = witness.Received.Events()[^1].Timestamp;
                    reader.Abort();
                    continue;
                }

                // The connection ends somewhere within the round.
                await reader.EventsAsync(1 + (round * 7 % perRound)).For(Afterwards);
                reader.Abort();
                await reader.ClosedAsync().Given("the connection ends");
                var events = reader.Received.Events();
                received.AddRange(events);
                since = events[^1].Timestamp;
                await publishing;
                await witness.EventsAsync(perRound).Given("every message is delivered");
            }

            var last = await stage.ConnectAsync("last");
            await last.RequestAsync(Request.Resume(topic, last.ClientId, since, epoch)).Acked();
            received.AddRange(await last.EventsAheadOfSentinelAsync(publisher, topic).For(Afterwards));
            stage.Expect.Sequence(
                witness.Received.OwnEvents().Ids().Skip(perRound),
                received.Ids(),
                "a reader that always goes on from its last event receives every message once and in order");
        })
        { IsLengthy = true },

        new("PS-RES-004", "no-time", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var log = await Log.BeginAsync(stage, 2);
            foreach (var since in NoTimes)
            {
                var client = await stage.ConnectAsync("client");

                var reply = await client.RequestAsync(Request.Subscribe(log.Topic, client.ClientId).With("since", since))
                    .For($"a since of {since} is refused");

                stage.Expect.Error(reply, "BAD_REQUEST", $"a since of {since} is refused");
                stage.Expect.True(reply.Raw.Contains("since", StringComparison.Ordinal), "the error names since", reply.ToString());
            }
        }),

        new("PS-RES-004", "with-last-n", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var log = await Log.BeginAsync(stage, 2);
            var client = await stage.ConnectAsync("client");

            var reply = await client.RequestAsync(Request.Subscribe(log.Topic, client.ClientId, 1).WithText("since", log.Newest));

            stage.Expect.Error(reply, "BAD_REQUEST", "since and last_n together are refused");
            stage.Expect.True(
                reply.Raw.Contains("since", StringComparison.Ordinal) && reply.Raw.Contains("last_n", StringComparison.Ordinal),
                "the error names since and last_n",
                reply.ToString());
        }),

        new("PS-RES-005", "nothing-is-missing", async stage =>
        {
            var log = await Log.BeginAsync(stage, Math.Min(5, stage.Limits.Ring));
            var visitor = await stage.ConnectAsync("visitor");
            var joined = await visitor.SubscribeAsync(log.Topic).Acked();
            visitor.Abort();
            foreach (var since in (string[])[log.PositionOf(0), log.Newest, joined.Timestamp ?? ""])
            {
                foreach (var epoch in (string?[])[null, joined.Epoch])
                {
                    var (_, ack) = await log.ResumeAsync("reader", since, epoch);
                    stage.Expect.Equal(true, ack.Complete, $"{Told}: nothing is missing since {since} ({ack})");
                }
            }
        }),

        new("PS-RES-005", "what-is-no-longer-retained", async stage =>
        {
            var log = await Log.BeginAsync(stage);
            stage.Expect.Observe("the first message is dropped", await log.OverflowAsync());
            var readers = new List<(int Place, Client Reader, ServerMessage Ack)>();
            foreach (var place in log.Edges())
            {
                var (reader, ack) = await log.ResumeAsync($"from-{place}", log.PositionOf(place));
                readers.Add((place, reader, ack));
            }

            foreach (var (place, reader, ack) in readers)
            {
                var seen = (await reader.EventsAheadOfSentinelAsync(log.Publisher, log.Topic).Given("the sentinel arrives")).Ids();
                var later = log.After(place);
                stage.Expect.Sequence(later.TakeLast(seen.Count), seen, "what is retained is replayed all the same, the newest of it");
                stage.Expect.Equal(
                    seen.Count == later.Count, ack.Complete, $"{Told}: of {later.Count} later events {seen.Count} are replayed ({ack})");
            }
        })
        { IsLengthy = true },

        new("PS-RES-005", "in-the-future", async stage =>
        {
            var log = await Log.BeginAsync(stage, 3);
            var later = Later(log.Newest);

            var (reader, ack) = await log.ResumeAsync("reader", later);

            stage.Expect.Equal(false, ack.Complete, $"{Told}: {later} is later than the newest event, {log.Newest} ({ack})");
            await reader.EventsAheadOfSentinelAsync(log.Publisher, log.Topic).For("live events are received all the same");
        }),

        new("PS-RES-005", "before-the-topic-was-created", async stage =>
        {
            var log = await Log.BeginAsync(stage, 3);
            await AgainAsync(stage, log.Topic);

            var (_, ack) = await log.ResumeAsync("reader", log.Newest);

            stage.Expect.Equal(false, ack.Complete, $"{Told}: the topic was created after {log.Newest} ({ack})");
        }),

        new("PS-RES-006", "another-for-each-topic-of-a-name", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var epochs = new List<string?>();
            for (var life = 0; life < 5; life++)
            {
                var (one, other) = (await stage.ConnectAsync("one"), await stage.ConnectAsync("other"));
                var ack = await one.SubscribeAsync(topic).Acked();
                stage.Expect.True(ack.Epoch is not null, "the ack of a subscribe has an epoch, a string", ack.ToString());
                stage.Expect.Equal(ack.Epoch, (await other.SubscribeAsync(topic, lastN: 1).Acked()).Epoch, "a topic has one epoch");
                epochs.Add(ack.Epoch);
                await AgainAsync(stage, topic);
            }

            stage.Expect.True(
                epochs.Distinct().Count() == epochs.Count,
                "topics of one name that were created one after the other differ in their epoch",
                string.Join(", ", epochs));
        }),

        new("PS-RES-007", "another-epoch", async stage =>
        {
            var log = await Log.BeginAsync(stage, 3);
            var (_, own) = await log.ResumeAsync("control", log.Newest);
            stage.Require(own.Complete == true, $"without an epoch nothing is missing ({own})", "PS-RES-005");
            foreach (var epoch in (string[])[$"{own.Epoch}x", "of-another-topic", own.Epoch?[..^1] ?? "none"])
            {
                var (_, ack) = await log.ResumeAsync("reader", log.Newest, epoch);
                stage.Expect.Equal(false, ack.Complete, $"complete is false with another epoch than the topic's own ({ack})");
            }
        }),

        new("PS-RES-007", "the-epoch-of-the-topic-before", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var visitor = await stage.ConnectAsync("visitor");
            var before = await visitor.SubscribeAsync(topic).Acked();
            await AgainAsync(stage, topic);
            var publisher = await stage.ConnectAsync("publisher");
            var since = (await publisher.PublishAsync(topic, "m1").Acked()).Timestamp;
            await publisher.PublishAsync(topic, "m2").Acked();

            var reader = await stage.ConnectAsync("reader");
            var ack = await reader.RequestAsync(Request.Resume(topic, reader.ClientId, since, before.Epoch)).Acked();

            stage.Expect.Equal(false, ack.Complete, $"complete is false with the epoch of the topic before ({ack})");
        }),

        new("PS-RES-008", "with-a-burst-behind-it", async stage =>
        {
            var log = await Log.BeginAsync(stage, 1);
            await log.PublishAsync(stage.Limits.Ring);
            for (var round = 0; round < 5; round++)
            {
                var reader = await stage.ConnectAsync($"reader-{round}");
                var burst = Habits.Ids($"burst-{round}-", stage.Limits.QueueSize);
                var subscribing = reader.RequestAsync(Request.Resume(log.Topic, reader.ClientId, log.PositionOf(0)));
                var acks = await log.Publisher.SendTogetherAsync(burst.Select(id => Request.Publish(log.Topic, id)));

                await reader.EventsUntilAsync(burst[^1]).For("a subscriber is not cut because of what it asked to have replayed");
                await subscribing.Acked();
                stage.Expect.True(reader.Closure is null, "the reader stays connected", $"{reader.Closure}");
                foreach (var ack in acks)
                {
                    await log.Publisher.ReplyAsync(ack).Acked();
                }
            }
        })
        { IsLengthy = true },
    ];

    /// <summary>The moment that a message says; missing or unreadable, it violates its own requirement.</summary>
    public static decimal Moment(ServerMessage message) => Rfc3339.Moment(message.Timestamp)
        ?? throw new Violation("messages have an RFC 3339 timestamp", "a timestamp", message.ToString()) { Breaks = "PS-ENV-002" };

    /// <summary>A position that is centuries later, on a day that exists.</summary>
    public static string Later(string position) =>
        $"{int.Parse(position[..4], System.Globalization.CultureInfo.InvariantCulture) + 400}{position[4..]}";

    public static void Increase(
        Stage stage, IReadOnlyList<ServerMessage> messages, string expectation = "timestamps strictly increase in the topic's order")
    {
        stage.Require(messages.Count > 1, "there are several messages");
        var wrong = messages.Zip(messages.Skip(1)).FirstOrDefault(pair => Moment(pair.First) >= Moment(pair.Second));
        stage.Expect.True(wrong == default, expectation, $"{wrong.First}, then {wrong.Second}");
    }

    /// <summary>Deletes the topic, and creates it again.</summary>
    public static async Task AgainAsync(Stage stage, string topic)
    {
        await stage.Rest.DeleteTopicAsync(topic).Succeeded();
        await stage.CreateAsync(topic);
    }
}
