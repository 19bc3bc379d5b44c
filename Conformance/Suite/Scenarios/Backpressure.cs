using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

internal static class Backpressure
{
    /// <summary>Bytes published until a subscriber that reads nothing must be cut; kernels buffer some megabytes of them.</summary>
    private const int Budget = 32 * 1024 * 1024;

    private const int PerStep = 8;

    private const string Innocent = "every other subscriber receives every message while one does not read";

    private static readonly TimeSpan Draining = TimeSpan.FromSeconds(33);

    /// <summary>A client that does not read starts to read once the server has handled none of its requests for this long.</summary>
    private static readonly TimeSpan Deafness = TimeSpan.FromSeconds(1);

    private static readonly string Heavy = Json.Quote(new string('x', 16 * 1024));

    private static readonly ConnectOptions SmallBuffer = new() { ReceiveBuffer = 16 * 1024 };

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-BPR-001", "who-does-not-read-is-disconnected", async stage =>
        {
            var (slow, _, sent, cut) = await OverflowAsync(stage);

            var closure = await EndAsync(slow, cut);

            stage.Expect.True(closure is not null, "a subscriber whose queue overflows is disconnected");
            stage.Expect.Observe("events received of those published", $"{slow.Received.Events().Count} of {sent.Count}");
            stage.Expect.Observe("the end", closure);
        })
        { IsLoad = true },

        new("PS-BPR-002", "slow-consumer-is-the-last-message", async stage =>
        {
            var (slow, _, _, cut) = await OverflowAsync(stage);
            SupportsCut(stage, cut);

            var closure = await EndAsync(slow, cut);
            SupportsCut(stage, slow, closure);
            stage.Require(closure is not null, "the slow consumer is disconnected");

            stage.Expect.Error(slow.Received[^1], "SLOW_CONSUMER", "the last message to a slow consumer says so");
            stage.Expect.Equal(1, slow.Received.Count(message => message.IsError), "it is said once");
        })
        { IsLoad = true },

        new("PS-BPR-003", "closed-with-1008", async stage =>
        {
            var (slow, _, _, cut) = await OverflowAsync(stage);
            SupportsCut(stage, cut);

            var closure = await EndAsync(slow, cut);
            SupportsCut(stage, slow, closure);
            stage.Require(closure is not null, "the slow consumer is disconnected");

            stage.Expect.Equal(1008, closure?.Code, "a slow consumer is closed with 1008");
        })
        { IsLoad = true },

        new("PS-BPR-004", "the-others-receive-everything", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var readers = new List<Client>();
            for (var i = 1; i <= 5; i++)
            {
                readers.Add(await stage.SubscriberAsync($"reader-{i}", topic));
            }

            var slow = await stage.SubscriberAsync("slow", topic, options: SmallBuffer);
            for (var i = 6; i <= 10; i++)
            {
                readers.Add(await stage.SubscriberAsync($"reader-{i}", topic));
            }

            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "before").Acked();
            foreach (var reader in (Client[])[.. readers, slow])
            {
                await reader.EventsUntilAsync("before").Given("every subscriber receives while all read");
            }

            slow.StopReading();
            var (sent, cut) = await FloodAsync(stage, publisher, topic, readers);
            sent = ["before", .. sent];
            var closure = await EndAsync(slow, cut);
            stage.Require(closure is not null || MayDrop(stage), "the slow consumer is disconnected");

            await publisher.PublishAllAsync(topic, ["afterwards"]);

            foreach (var reader in readers)
            {
                await reader.NextAsync(message => message.MessageId == "afterwards", "the event afterwards").For(Innocent);
                stage.Expect.Sequence(
                    [.. sent, "afterwards"],
                    reader.Received.Events().Ids(),
                    $"{reader.Name} receives every message in order, before and after the cut");
            }
        })
        { IsLoad = true },

        new("PS-BPR-005", "every-ack-while-a-subscriber-is-stalled", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var slow = await stage.SubscriberAsync("slow", topic, options: SmallBuffer);
            var publisher = await stage.ConnectAsync("publisher");
            slow.StopReading();
            var slowest = TimeSpan.Zero;
            foreach (var some in Habits.Ids("m", Budget / 4 / Heavy.Length).Chunk(16))
            {
                var start = stage.Time.GetTimestamp();
                foreach (var request in await publisher.SendTogetherAsync(some.Select(id => Request.Publish(topic, id, Heavy))))
                {
                    const string acked = "a publish is acked although a subscriber does not read";
                    stage.Expect.Acked(await publisher.ReplyAsync(request).For(acked), acked);
                    slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, stage.Time.GetElapsedTime(start).Ticks));
                }
            }

            stage.Expect.True(slowest < stage.Target.Timeouts.Wait, "no ack waits for a subscriber to read", $"{slowest.TotalSeconds} s");
            stage.Expect.Observe("the slowest ack", $"{slowest.TotalMilliseconds:F0} ms");
        })
        { IsLoad = true },

        new("PS-BPR-006", "exactly-the-bound-at-once", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            Client[] readers = [await stage.SubscriberAsync("reader", topic), await stage.SubscriberAsync("neighbour", topic)];
            var publisher = await stage.ConnectAsync("publisher");

            await BurstsAsync(stage, readers, publisher, topic, rounds: 30);
        })
        { IsLengthy = true },

        new("PS-BPR-006", "exactly-the-bound-unread", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic, options: SmallBuffer);
            var publisher = await stage.ConnectAsync("publisher");
            var payload = Json.Quote(new string('x', Math.Min(8 * 1024, (stage.Limits.QueueBytes / stage.Limits.QueueSize) - 512)));
            for (var round = 1; round <= 8; round++)
            {
                string[] burst = [.. Enumerable.Range(1, stage.Limits.QueueSize).Select(i => $"burst-{round}-{i}")];

                reader.StopReading();
                await publisher.PublishAllAsync(topic, burst, payload);
                reader.ResumeReading();

                var promise = $"a reader who is {burst.Length} large events behind receives them all";
                await UncutAsync(reader, burst, reader.EventsUntilAsync(burst[^1], Draining), promise);
            }
        })
        { IsLoad = true },

        new("PS-BPR-006", "exactly-the-bound-over-several-topics", async stage =>
        {
            string[] topics = [await stage.TopicAsync("orders"), await stage.TopicAsync("payments")];
            var reader = await stage.SubscriberAsync("reader", topics[0]);
            await reader.SubscribeAsync(topics[1]).Acked();
            var publisher = await stage.ConnectAsync("publisher");
            for (var round = 1; round <= 10; round++)
            {
                string[] burst = [.. Enumerable.Range(1, stage.Limits.QueueSize).Select(i => $"burst-{round}-{i}")];

                var acks = await publisher.SendTogetherAsync(burst.Select((id, i) => Request.Publish(topics[i % 2], id)));

                var promise = $"a reader of two topics receives all {burst.Length} events";
                await UncutAsync(reader, burst, reader.EventsAsync(burst.Length), promise);
                await AckedAsync(publisher, acks);
            }
        }),

        new("PS-BPR-007", "gone-from-every-topic", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var other = await stage.TopicAsync("payments");
            var slow = await stage.SubscriberAsync("slow", other, options: SmallBuffer);
            await slow.SubscribeAsync(topic).Acked();
            stage.Require(await SubscribersAsync(stage, other) == 1, "the slow consumer is counted on its other topic");
            var publisher = await stage.ConnectAsync("publisher");

            slow.StopReading();
            var (_, cut) = await FloodAsync(stage, publisher, topic, []);
            SupportsCut(stage, cut);
            stage.Require(await SubscribersAsync(stage, topic) == 0, "the slow consumer is cut");

            await stage.Expect.EventuallyAsync<long?>(
                0, () => SubscribersAsync(stage, other), "a subscriber that is cut leaves its other topic as well");
        })
        { IsLoad = true },

        new("PS-OBS-005", "a-cut-consumer-is-not-counted", async stage =>
        {
            var before = (await stage.Rest.HealthAsync().Succeeded()).Subscribers;
            stage.Require(before is not null, "health has the number subscribers", "PS-OBS-001");

            var (slow, _, _, cut) = await OverflowAsync(stage);
            stage.Supports(await EndAsync(slow, cut) is not null, "the disconnection of slow consumers");

            await stage.Expect.EventuallyAsync(
                before, async () => (await stage.Rest.HealthAsync().Succeeded()).Subscribers, "A subscriber that was cut is not counted");
        })
        { IsLoad = true, IsAlone = true, IsExclusive = true },

        new("PS-BPR-008", "everything-up-to-the-cut", async stage =>
        {
            const string whole = "what a slow consumer receives has no gap";
            var topic = await stage.TopicAsync("orders");
            var (slow, publisher, sent, cut) = await OverflowAsync(stage, topic);
            SupportsCut(stage, cut);

            var closure = await EndAsync(slow, cut);
            if (closure is not null)
            {
                SupportsCut(stage, slow, closure);
            }
            else
            {
                // Nothing may be missing before the next message either.
                await publisher.PublishAsync(topic, "afterwards").Acked();
                await slow.NextAsync(message => message.MessageId == "afterwards", "the event afterwards")
                    .Given("the slow consumer receives on");
                sent = [.. sent, "afterwards"];
            }

            var seen = slow.Received.Events().Ids();
            stage.Require(seen.Count > 0, "something was received before the cut");
            stage.Expect.Sequence(sent.Take(seen.Count), seen, whole);
        })
        { IsLoad = true },

        new("PS-BPR-009", "cut-by-bytes", async stage =>
        {
            var (slow, _, sent, cut) = await OverflowAsync(stage);
            stage.Expect.True(
                cut,
                "a subscriber is cut for its bytes, long before its events are too many",
                $"a subscription after {sent.Count} events");

            slow.ResumeReading();

            await slow.ClosedAsync(Draining);
            stage.Expect.Error(slow.Received[^1], "SLOW_CONSUMER", "it is cut as a slow consumer is");
        })
        { Launch = new Dictionary<string, string> { ["MAX_QUEUE_SIZE"] = "10000", ["MAX_QUEUE_BYTES"] = "262144" } },

        new("PS-BPR-009", "one-large-message-to-an-idle-subscriber", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var idle = await stage.SubscriberAsync("idle", topic);
            var publisher = await stage.ConnectAsync("publisher");
            foreach (var kilobytes in Enumerable.Repeat<int[]>([2, 20, 60], 20).SelectMany(sizes => sizes))
            {
                var payload = Json.Quote(new string('x', kilobytes * 1024));
                await publisher.PublishAsync(topic, "large", payload).Acked();
                stage.Expect.Equal(
                    payload,
                    (await idle.NextEventAsync(topic)).Payload,
                    $"{kilobytes} KiB are delivered to a subscriber who has received all before");
            }
        })
        { Launch = new Dictionary<string, string> { ["MAX_QUEUE_BYTES"] = "1024" } },

        new("PS-BPR-013", "what-does-not-fit-is-refused", async stage =>
        {
            const int Messages = 200;
            var payload = Json.Quote(new string('x', 10_000));
            var (topic, other) = (await stage.TopicAsync("orders"), await stage.TopicAsync("other"));
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            var accepted = new List<string>();
            ServerMessage? refusal = null;
            while (refusal is null && accepted.Count < Messages)
            {
                var id = $"m{accepted.Count + 1}";
                var reply = await publisher.AnswerAsync(Request.Publish(topic, id, payload).To(stage.Target).ToString());
                refusal = reply.IsAck ? null : reply;
                accepted.AddRange(reply.IsAck ? [id] : []);
            }

            stage.Expect.True(refusal is not null, "a publish beyond MAX_RETAINED_BYTES is refused", $"{Messages} acks");
            stage.Expect.Error(refusal!, "LIMIT_EXCEEDED", "a publish beyond MAX_RETAINED_BYTES is refused");
            stage.Expect.Sequence(
                accepted,
                (await subscriber.EventsAsync(accepted.Count)).Ids(),
                "what was acked is delivered, and nothing that was refused");
            await stage.Rest.DeleteTopicAsync(topic).Given("the topic is deleted");
            var last = await publisher.AnswerAsync(Request.Publish(other, "last", payload).To(stage.Target).ToString());
            stage.Expect.True(last.IsAck, "after a deletion there is room again", last.ToString());
        })
        { Launch = new Dictionary<string, string> { ["MAX_RETAINED_BYTES"] = "1000000", ["MAX_MESSAGES"] = "1000" } },

        new("PS-BPR-014", "cut-by-the-total", async stage =>
        {
            var (slow, publisher, sent, cut) = await OverflowAsync(stage);
            stage.Expect.True(
                cut, "the subscriber with the most is cut when all together hold too much", $"a subscription after {sent.Count} events");

            slow.ResumeReading();

            await slow.ClosedAsync(Draining);
            stage.Expect.Error(slow.Received[^1], "SLOW_CONSUMER", "it is cut as a slow consumer is");
            await publisher.PingAsync();
        })
        {
            Launch = new Dictionary<string, string>
            {
                ["MAX_QUEUE_SIZE"] = "1000000",
                ["MAX_QUEUE_BYTES"] = "1000000000",
                ["MAX_OUTSTANDING_BYTES"] = "1000000",
            },
        },

        new("PS-BPR-010", "unread-pongs", stage => UnreadRepliesAsync(stage, id => Request.Ping().WithRequestId(id)))
        { IsLoad = true },

        new("PS-BPR-010", "unread-errors", stage => UnreadRepliesAsync(stage, id => Request.Of("nonsense").WithRequestId(id)))
        { IsLoad = true },

        new("PS-BPR-010", "unread-acks", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            await UnreadRepliesAsync(stage, id => Request.Publish(topic, "m").WithRequestId(id));
        })
        { IsLoad = true },

        new("PS-BPR-010", "unread-websocket-pongs", async stage =>
        {
            const string answered =
                "Pings that were sent without reading the Pongs end in nothing but the replies to the requests among them";
            var (marks, observer) = await MarksAsync(stage);
            var raw = await stage.RawAsync("deaf", SmallBuffer);
            string[] ids = [.. Habits.Ids("mark", 500)];
            var pings = Enumerable.Repeat(Frame.Ping(new string('p', 125)), 100).ToList();
            var sending = SendAsync();

            await UntilDoneAsync(stage, observer, ids.Length);
            var replies = new List<string>();
            while (replies.Count < ids.Length)
            {
                var reply = await raw.ReadMessageAsync(message => !message.IsInfo, within: Draining).For(answered);
                replies.Add(reply.RequestId ?? reply.Raw);
            }

            await sending;
            stage.Expect.Sequence(ids, replies, answered);

            async Task SendAsync()
            {
                foreach (var id in ids)
                {
                    await raw.SendTogetherAsync([.. pings, Request.Publish(marks, id).WithRequestId(id).To(stage.Target).ToFrame()]);
                }
            }
        })
        { IsLoad = true },

        new("PS-BPR-011", "unread-replies", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var deaf = await stage.SubscriberAsync("deaf", topic, options: SmallBuffer);
            stage.Require(await SubscribersAsync(stage, topic) == 1, "the deaf one is counted");
            deaf.StopReading();

            // Write until the connection breaks, or the server accepts no more.
            var pings = Enumerable.Repeat(Request.Ping().WithRequestId(new string('i', 255)).ToFrame(), 100).ToList();
            var flood = PushAsync(Budget / 400 / pings.Count, () => deaf.SendFramesAsync(pings));

            await stage.Expect.EventuallyAsync<long?>(
                0, () => SubscribersAsync(stage, topic), "a peer that reads nothing is disconnected", Draining);
            await flood;
        })
        { Launch = new Dictionary<string, string> { ["WRITE_TIMEOUT"] = "0.5" } },

        new("PS-BPR-011", "unread-events", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var quiet = await stage.TopicAsync("quiet");
            var deaf = await stage.SubscriberAsync("deaf", topic, options: SmallBuffer);
            var idle = await stage.SubscriberAsync("idle", quiet);
            var publisher = await stage.ConnectAsync("publisher");
            deaf.StopReading();

            await FloodAsync(stage, publisher, topic, []);

            await stage.Expect.EventuallyAsync<long?>(
                0, () => SubscribersAsync(stage, topic), "a subscriber that reads nothing is disconnected", Draining);
            await idle.ReceivesExactlyAsync([], publisher, quiet, "one that has nothing to read is not");
        })
        {
            Launch = new Dictionary<string, string>
            {
                ["WRITE_TIMEOUT"] = "0.5",
                ["MAX_QUEUE_SIZE"] = "100000",
                ["MAX_QUEUE_BYTES"] = "100000000",
            },
        },

        new("PS-BPR-012", "five-are-few", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic, options: SmallBuffer);
            var publisher = await stage.ConnectAsync("publisher");
            await BurstsAsync(stage, [reader], publisher, topic, rounds: 50);

            reader.StopReading();
            await LoadAsync(publisher, topic);
            reader.ResumeReading();

            await reader.ClosedAsync(Draining);
            stage.Expect.True(
                reader.Received[^1].MessageId != "load-400", "a subscriber with a queue of 5 does not survive 400 large unread events");
        })
        {
            Launch = new Dictionary<string, string>
            {
                ["MAX_QUEUE_SIZE"] = "5",
                ["MAX_QUEUE_BYTES"] = "100000000",
                ["WRITE_TIMEOUT"] = "60",
            },
        },

        new("PS-BPR-012", "five-hundred-are-many", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic, options: SmallBuffer);
            var publisher = await stage.ConnectAsync("publisher");

            reader.StopReading();
            var sent = await LoadAsync(publisher, topic);
            reader.ResumeReading();

            var events = await reader.EventsUntilAsync(sent[^1], Draining);
            stage.Expect.Sequence(sent, events.Ids(), "a subscriber with a queue of 500 survives 400 large unread events");
        })
        {
            Launch = new Dictionary<string, string>
            {
                ["MAX_QUEUE_SIZE"] = "500",
                ["MAX_QUEUE_BYTES"] = "100000000",
                ["WRITE_TIMEOUT"] = "60",
            },
        },
    ];

    private static async Task<long?> SubscribersAsync(Stage stage, string topic) =>
        (await stage.Rest.ListTopicsAsync()).Of(topic)?.Subscribers;

    private static bool MayDrop(Stage stage) => stage.Target.Dialect.Overflow.Contains(Overflow.DropOldest);

    /// <summary>If the dialect lets a queue drop its oldest events, the server need not cut a subscriber.</summary>
    private static void SupportsCut(Stage stage, bool cut) => stage.Supports(cut || !MayDrop(stage), "the disconnection of slow consumers");

    /// <summary>
    /// With such a dialect a connection may also end because one write took too long. So only an end that names its cause is such a cut.
    /// </summary>
    private static void SupportsCut(Stage stage, Client slow, Closure? closure) => SupportsCut(
        stage, closure is { Code: 1008 } || slow.Received.Any(message => message.ErrorCode == "SLOW_CONSUMER"));

    /// <summary>
    /// A subscriber of a new topic stops reading, and enough is published that the server has to cut it, which the count of subscribers
    /// then shows. The subscriber has not read on yet.
    /// </summary>
    private static async Task<(Client Slow, Client Publisher, IReadOnlyList<string> Sent, bool Cut)> OverflowAsync(Stage stage) =>
        await OverflowAsync(stage, await stage.TopicAsync("orders"));

    private static async Task<(Client Slow, Client Publisher, IReadOnlyList<string> Sent, bool Cut)> OverflowAsync(
        Stage stage, string topic)
    {
        var slow = await stage.SubscriberAsync("slow", topic, options: SmallBuffer);
        var publisher = await stage.ConnectAsync("publisher");
        slow.StopReading();
        var (sent, cut) = await FloodAsync(stage, publisher, topic, []);
        return (slow, publisher, sent, cut);
    }

    /// <summary>
    /// The slow subscriber reads on to the end of its connection. Null if it was not cut: it is still counted, and a request is answered
    /// after everything that was queued for it.
    /// </summary>
    private static async Task<Closure?> EndAsync(Client slow, bool cut)
    {
        slow.ResumeReading();

        // Without an answer the subscriber was cut, although it is still counted.
        return !cut && await ComesAsync(AnswerAsync()) ? null : await slow.ClosedAsync(Draining).IfAnswered();

        async Task<ServerMessage> AnswerAsync()
        {
            var ping = await slow.SendAsync(Request.Ping());
            return await slow.NextAsync(message => message.RequestId == ping, "the answer to a ping", Draining);
        }
    }

    /// <summary>
    /// Publishes a few large messages at a time and waits each time until the readers have them, until only the readers are still
    /// subscribed or the budget is spent.
    /// </summary>
    private static async Task<(IReadOnlyList<string> Sent, bool Cut)> FloodAsync(
        Stage stage, Client publisher, string topic, List<Client> readers)
    {
        var sent = new List<string>();
        var cut = false;

        // With a distant target every step takes long, a small one too.
        var factor = !stage.Target.IsFar ? 1 : readers.Count == 0 ? 8 : 4;
        var perStep = stage.Burst(PerStep * factor);
        while (sent.Count * Heavy.Length < Budget && !(cut = await SubscribersAsync(stage, topic) == readers.Count))
        {
            string[] step = [.. Enumerable.Range(sent.Count + 1, perStep).Select(i => $"m{i}")];
            await publisher.PublishAllAsync(topic, step, Heavy);
            sent.AddRange(step);
            foreach (var reader in readers)
            {
                await reader.NextAsync(message => message.MessageId == step[^1], $"the event {step[^1]}").For(Innocent);
            }
        }

        return (sent, cut);
    }

    /// <summary>400 messages of 40 KiB, more than kernels buffer for a subscriber that does not read.</summary>
    private static async Task<IReadOnlyList<string>> LoadAsync(Client publisher, string topic)
    {
        string[] load = [.. Enumerable.Range(1, 400).Select(i => $"load-{i}")];
        await publisher.PublishAllAsync(topic, load, Json.Quote(new string('x', 40 * 1024)));
        return load;
    }

    /// <summary>Decisive: repeated bursts of as many events as may be outstanding, each received before the next.</summary>
    private static async Task BurstsAsync(Stage stage, IReadOnlyList<Client> readers, Client publisher, string topic, int rounds)
    {
        var affordable = stage.Rounds(rounds, roundTrips: 3);
        for (var round = 1; round <= affordable; round++)
        {
            string[] burst = [.. Enumerable.Range(1, stage.Limits.QueueSize).Select(i => $"burst-{round}-{i}")];

            var acks = await publisher.SendTogetherAsync(burst.Select(id => Request.Publish(topic, id)));

            foreach (var reader in readers)
            {
                var promise = $"a reader who is never more than {burst.Length} events behind receives them all";
                await UncutAsync(reader, burst, reader.EventsUntilAsync(burst[^1]), promise);
            }

            await AckedAsync(publisher, acks);
        }
    }

    /// <summary>
    /// Decisive: the reader is not cut. That it also loses nothing is another requirement.
    /// </summary>
    private static async Task UncutAsync(
        Client reader, IReadOnlyList<string> burst, Task<IReadOnlyList<ServerMessage>> receiving, string expectation)
    {
        IReadOnlyList<ServerMessage> events;
        try
        {
            events = await receiving;
        }
        catch (Violation violation) when (reader.Closure is null && !reader.Received.Any(message => message.ErrorCode == "SLOW_CONSUMER"))
        {
            throw new Inconclusive($"not established: {expectation}. {violation.Message}", "PS-FAN-001", violation);
        }
        catch (Violation violation)
        {
            throw new Violation(expectation, violation.Expected, violation.Observed);
        }

        reader.Stage.Require(!burst.Except(events.Ids()).Any(), expectation, "PS-FAN-001");
        reader.Stage.Expect.True(reader.Closure is null, expectation);
    }

    private static async Task AckedAsync(Client publisher, IEnumerable<string> requestIds)
    {
        foreach (var requestId in requestIds)
        {
            await publisher.ReplyAsync(requestId).Acked();
        }
    }

    /// <summary>
    /// Decisive: a client that does not read sends many requests until the server has handled all of them, or handles no more. Then the
    /// client reads, and every reply arrives.
    /// </summary>
    private static async Task UnreadRepliesAsync(Stage stage, Func<string, Request> request)
    {
        const int count = 20_000;
        const int together = 100;
        var (marks, observer) = await MarksAsync(stage);
        var client = await stage.ConnectAsync("deaf", SmallBuffer);
        string[] ids = [.. Enumerable.Range(1, count).Select(i => $"{i}-".PadRight(250, 'i'))];
        client.StopReading();
        var sending = SendAsync();

        await UntilDoneAsync(stage, observer, count / together);
        client.ResumeReading();
        await client.NextAsync(message => message.RequestId == ids[^1], $"the reply to the last of {count} requests", Draining);
        await sending;

        stage.Expect.Sequence(
            ids,
            client.Received.Where(message => !message.IsEvent && !message.IsInfo).Select(message => message.RequestId ?? message.Raw),
            "every request is answered, in order");

        async Task SendAsync()
        {
            foreach (var some in ids.Chunk(together))
            {
                await client.SendTogetherAsync(
                    [.. some.SkipLast(1).Select(request), Request.Publish(marks, "mark").WithRequestId(some[^1])]);
            }
        }
    }

    /// <summary>
    /// A topic and its subscriber. The client publishes to it now and then, so that the subscriber sees how many of the client's requests
    /// the server has handled. The number of sent requests says little, because kernels buffer some megabytes of them.
    /// </summary>
    private static async Task<(string Topic, Client Observer)> MarksAsync(Stage stage)
    {
        var topic = await stage.TopicAtWorkAsync();
        return (topic, await stage.SubscriberAsync("observer", topic));
    }

    /// <summary>Waits until the observer has seen this many marks, or no new one for <see cref="Deafness"/>.</summary>
    private static async Task UntilDoneAsync(Stage stage, Client observer, int marks)
    {
        var seen = 0;
        while (seen < marks && await ComesAsync(observer.NextEventAsync(within: Deafness)))
        {
            seen++;
        }

        stage.Expect.Observe("the server had done all that was asked when the client began to read", seen == marks);
    }

    /// <summary>True if it arrives in time and before the connection ends.</summary>
    private static async Task<bool> ComesAsync(Task<ServerMessage> message)
    {
        try
        {
            await message;
            return true;
        }
        catch (Violation)
        {
            return false;
        }
    }

    /// <summary>Repeats it until the connection ends.</summary>
    private static async Task PushAsync(int times, Func<Task> push)
    {
        try
        {
            for (var i = 0; i < times; i++)
            {
                await push();
            }
        }
        catch (Violation)
        {
            // The connection has ended or is full, as the flood intended.
        }
    }
}
