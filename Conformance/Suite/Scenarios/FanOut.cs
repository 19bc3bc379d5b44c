using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class FanOut
{
    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-FAN-001", "each-subscriber-once", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var alice = await stage.SubscriberAsync("alice", topic);
            var bob = await stage.SubscriberAsync("bob", topic);
            var publisher = await stage.ConnectAsync("publisher");

            string[] sent = ["m1", "m2", "m3", "m4", "m5"];
            await publisher.PublishAllAsync(topic, sent);

            await alice.ReceivesEachOnceAsync(sent, publisher, topic, "alice receives each message once");
            await bob.ReceivesEachOnceAsync(sent, publisher, topic, "bob receives each message once");
        }),

        new("PS-FAN-001", "twenty-subscribers", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscribers = await SubscribersAsync(stage, topic, 20);
            var publisher = await stage.ConnectAsync("publisher");

            var sent = Habits.Ids("m", stage.Burst(20));
            await publisher.PublishAllAsync(topic, sent);

            foreach (var subscriber in subscribers)
            {
                await subscriber.ReceivesEachOnceAsync(sent, publisher, topic, "each of twenty subscribers receives each message once");
            }
        })
        { IsLengthy = true },

        new("PS-FAN-001", "a-long-stream", async stage =>
        {
            const int Length = 1_000;
            var topic = await stage.TopicAsync("orders");
            var reader = await stage.SubscriberAsync("reader", topic);
            var publisher = await stage.ConnectAsync("publisher");

            // The reader is never further behind than this, also at a distance.
            var underWay = stage.Burst(50);
            var sent = Habits.Ids("m", Length);
            var acks = new Queue<string>();
            var received = 0;
            try
            {
                foreach (var (id, n) in sent.Select((id, n) => (id, n)))
                {
                    for (; n - received >= underWay; received++)
                    {
                        await reader.NextEventAsync(topic);
                    }

                    acks.Enqueue(await publisher.SendPublishAsync(topic, id));
                    if (acks.Count == underWay)
                    {
                        await publisher.ReplyAsync(acks.Dequeue()).Acked();
                    }
                }

                while (acks.TryDequeue(out var ack))
                {
                    await publisher.ReplyAsync(ack).Acked();
                }

                await reader.EventsAheadOfSentinelAsync(publisher, topic);
            }
            catch (Violation)
            {
                // Either as many events as may be under way are lost, or the stream has ended; the comparison shows which.
            }

            stage.Expect.SameItems(
                sent[..Math.Min(Length, received + underWay)],
                reader.Received.Events().Ids().Where(id => !id.StartsWith(ServerMessage.SentinelPrefix, StringComparison.Ordinal)),
                $"a reader that keeps up receives each message of a long stream once, with {underWay} under way");
        })
        { IsLengthy = true },

        new("PS-FAN-001", "others-come-and-go", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var first = await stage.SubscriberAsync("first", topic);
            var publisher = await stage.ConnectAsync("publisher");

            for (var round = 0; round < 6; round++)
            {
                var polite = await stage.SubscriberAsync("polite", topic);
                var rude = await stage.SubscriberAsync("rude", topic);
                var last = await stage.SubscriberAsync("last", topic);
                var ids = Habits.Ids($"{round}-", stage.Burst(40));
                var traffic = publisher.PublishAllAsync(topic, ids);
                rude.Abort();
                await polite.CloseAsync().Given("the server answers a close");
                await traffic;

                await first.ReceivesEachOnceAsync(ids, publisher, topic, "who stays receives each message once while others leave");
                await last.ReceivesEachOnceAsync(ids, publisher, topic, "who stays receives each message once while others leave");
                await last.UnsubscribeAsync(topic).Acked();
            }
        })
        { IsLengthy = true },

        new("PS-FAN-001", "once-after-subscribing-again", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");

            foreach (var id in Habits.Ids("m", 10))
            {
                await subscriber.SubscribeAsync(topic).Acked();
                await publisher.PublishAsync(topic, id).Acked();
                await subscriber.ReceivesExactlyAsync(
                    [id], publisher, topic, "a subscription that is not the first receives each message once");
                await subscriber.UnsubscribeAsync(topic).Acked();
            }
        }),

        new("PS-FAN-002", "one-publisher-s-order", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscribers = await SubscribersAsync(stage, topic, 3);
            var publisher = await stage.ConnectAsync("publisher");

            for (var round = 0; round < 6; round++)
            {
                var sent = Habits.Ids($"{round}-", stage.Burst(80));
                await publisher.PublishAllAsync(topic, sent);
                foreach (var subscriber in subscribers)
                {
                    await subscriber.ReceivesInOrderAsync(
                        sent, publisher, topic, "messages arrive in the order in which they were published");
                }
            }
        })
        { IsLengthy = true },

        new("PS-FAN-002", "large-and-small-in-order", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscribers = await SubscribersAsync(stage, topic, 3);
            var publisher = await stage.ConnectAsync("publisher");

            var sent = Habits.Ids("m", stage.Burst(30));
            var requests = new List<string>();
            for (var n = 0; n < sent.Length; n++)
            {
                requests.Add(await publisher.SendPublishAsync(topic, sent[n], n % 3 == 0 ? $"\"{new string('x', 20_000)}\"" : $"{n}"));
            }

            foreach (var request in requests)
            {
                await publisher.ReplyAsync(request).Acked();
            }

            foreach (var subscriber in subscribers)
            {
                await subscriber.ReceivesInOrderAsync(sent, publisher, topic, "a small message does not overtake a large one");
            }
        })
        { IsLengthy = true },

        new("PS-FAN-003", "one-order-for-all-and-for-replay", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscribers = await SubscribersAsync(stage, topic, 4);
            var publishers = await ClientsAsync(stage, stage.Burst(4));

            var orders = await RoundsAsync(stage, topic, publishers, subscribers, rounds: 8);
            for (var n = 1; n < orders.Length; n++)
            {
                stage.Expect.Sequence(
                    orders[0].Intersect(orders[n]),
                    orders[n].Intersect(orders[0]),
                    "all subscribers receive the events in one and the same order");
            }

            var retained = Math.Min(stage.Limits.Ring, orders[0].Count);
            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: retained);
            var replayed = await newcomer.EventsAsync(retained).Given("the newest messages are replayed");
            stage.Expect.Sequence(
                orders[0].Intersect(replayed.Ids()),
                replayed.Ids().Distinct(),
                "the order of replay is the order in which the events came");
        })
        { IsLengthy = true },

        new("PS-FAN-003", "one-order-also-for-those-who-publish", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var peers = await SubscribersAsync(stage, topic, stage.Burst(4));

            var orders = await RoundsAsync(stage, topic, peers, peers, rounds: 8);

            for (var n = 1; n < orders.Length; n++)
            {
                stage.Expect.Sequence(
                    orders[0].Intersect(orders[n]),
                    orders[n].Intersect(orders[0]),
                    "publishers that are subscribed see the one order too, their own events included");
            }
        })
        { IsLengthy = true },

        new("PS-FAN-004", "a-publisher-that-subscribes", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var peer = await stage.SubscriberAsync("peer", topic);
            var control = await stage.SubscriberAsync("control", topic);

            var sent = Habits.Ids("m", stage.Burst(10));
            await peer.PublishAllAsync(topic, sent);
            await control.EventsUntilAsync(sent[^1]).Given("another subscriber receives the messages");

            await peer.ReceivesEachOnceAsync(sent, peer, topic, "a publisher that is subscribed receives its own events, each once");
        }),

        new("PS-FAN-005", "topic-id-and-payload", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            const string Payload = """{"order_id":"ORD-123","amount":"99.5","currency":"USD"}""";
            await publisher.PublishAsync(topic, "550e8400-e29b-41d4-a716-446655440000", Payload).Acked();

            // The type itself is under test, so do not select by it; a greeting is no event.
            var arrived = await subscriber.NextAsync(
                message => !message.IsReply
                    && !message.IsInfo
                    && (message.IsEvent || message.Raw.Contains("ORD-123", StringComparison.Ordinal)),
                "an event");
            stage.Expect.Equal("event", arrived.Type, "what a subscriber receives is an event");
            stage.Expect.Equal(topic, arrived.Topic, "an event has the topic's name");
            stage.Expect.Equal("550e8400-e29b-41d4-a716-446655440000", arrived.MessageId, "an event has the message's id in message");
            stage.Expect.JsonEqual(Payload, arrived.Payload, "an event has the message's payload in message");
        }),

        new("PS-FAN-006", "one-time-for-all-and-for-replay", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscribers = await SubscribersAsync(stage, topic, 3);
            var publisher = await stage.ConnectAsync("publisher");

            var sent = Habits.Ids("m", Math.Min(stage.Burst(20), stage.Limits.Ring));
            await publisher.PublishAllAsync(topic, sent);
            var times = new List<IReadOnlyList<ServerMessage>>();
            foreach (var subscriber in subscribers)
            {
                times.Add(await subscriber.EventsAsync(sent.Length).Given("every subscriber receives the events"));
            }

            stage.RequireDated(times[0][^1]);

            // The time of replay differs from the time of acceptance only once the server's clock has moved on.
            var last = times[0][^1].Timestamp;
            await stage.Expect
                .EventuallyAsync(true, async () => (await publisher.PingAsync()).Timestamp != last, "the server's clock moves on")
                .Given("the server's clock moves on");
            var newcomer = await stage.SubscriberAsync("newcomer", topic, lastN: sent.Length);
            times.Add(await newcomer.EventsAsync(sent.Length).Given("the events are replayed"));

            foreach (var seen in times.Skip(1))
            {
                stage.Expect.SameItems(Dated(times[0]), Dated(seen), "an event has one timestamp for all subscribers and in replay");
            }

            static IEnumerable<string> Dated(IEnumerable<ServerMessage> events) =>
                events.Select(message => $"{message.MessageId} at {message.Timestamp ?? "no time"}");
        }),

        new("PS-FAN-006", "the-time-of-acceptance", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.ConnectAsync("subscriber");
            var publisher = await stage.ConnectAsync("publisher");

            var ack = await subscriber.SubscribeAsync(topic).Acked();
            stage.RequireDated(ack);
            var before = Rfc3339.Second(ack.Timestamp);
            await publisher.RequestAsync(Request.Publish(topic, "m1").WithText("timestamp", "2001-01-01T00:00:00Z")).Acked();
            var later = await stage.ConnectAsync("later");
            var after = Rfc3339.Second((await later.SubscribeAsync(topic).Acked()).Timestamp);
            stage.Require(before is not null && after is not null, "acks are dated");

            var delivered = await subscriber.NextEventAsync(topic).Given("the message is delivered");
            var accepted = Rfc3339.Second(delivered.Timestamp);
            var tolerance = TimeSpan.FromSeconds(1);
            stage.Expect.True(
                accepted >= before - tolerance && accepted <= after + tolerance,
                "an event's timestamp lies between those of the acks before and after its acceptance",
                $"{delivered.Timestamp}, not between {before:O} and {after:O}");
        }),

        new("PS-FAN-007", "eight-publishers-at-once", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscribers = await SubscribersAsync(stage, topic, 3);
            var publishers = await ClientsAsync(stage, stage.Burst(8));

            for (var round = 0; round < 6; round++)
            {
                var sent = publishers.Select((_, n) => Habits.Ids($"{round}-{n}-", stage.Burst(80) / publishers.Count)).ToArray();
                await Task.WhenAll(publishers.Select((publisher, n) => publisher.PublishAllAsync(topic, sent[n])));
                foreach (var subscriber in subscribers)
                {
                    var events = await subscriber.EventsAheadOfSentinelAsync(publishers[0], topic);
                    stage.Expect.SameItems(
                        sent.SelectMany(ids => ids), events.Ids(),
                        "each message of concurrent publishers reaches every subscriber exactly once");
                    foreach (var ids in sent)
                    {
                        stage.Expect.Sequence(ids, events.Ids().Where(ids.Contains), "each publisher's messages arrive in its own order");
                    }
                }
            }
        })
        { IsLengthy = true, Also = ["PS-FAN-002"] },

        new("PS-FAN-008", "a-burst-without-waiting", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            for (var round = 0; round < 5; round++)
            {
                var sent = Habits.Ids($"{round}-", stage.Burst(90));
                var requests = new List<string>();
                foreach (var id in sent)
                {
                    requests.Add(await publisher.SendPublishAsync(topic, id));
                }

                foreach (var request in requests)
                {
                    stage.Expect.Acked(await publisher.ReplyAsync(request), "each message of a burst is acked");
                }

                await subscriber.ReceivesExactlyAsync(sent, publisher, topic, "a burst is delivered whole and in order");
            }
        }),

        new("PS-FAN-008", "a-burst-in-one-write", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.RawAsync("publisher");

            var sent = Habits.Ids("m", stage.Burst(90));
            await publisher.SendBytesAsync(
                sent.SelectMany(id => Request.Publish(topic, id, "{\"a\":1}").WithRequestId(id).To(stage.Target).ToFrame().Encode())
                    .ToArray());

            stage.Expect.SameItems(sent, await AckedAsync(publisher, sent.Length), "each message of a burst in one write is acked");
            await subscriber.ReceivesExactlyAsync(
                sent, await stage.ConnectAsync("another"), topic, "a burst in one write is delivered whole and in order");
        }),

        new("PS-FAN-008", "a-burst-in-small-pieces", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.RawAsync("publisher");

            var sent = Habits.Ids("m", stage.Burst(12));
            await publisher.SendInPiecesAsync(
                sent.SelectMany(id => Request.Publish(topic, id).WithRequestId(id).To(stage.Target).ToFrame().Encode()).ToArray(), 7);

            stage.Expect.SameItems(sent, await AckedAsync(publisher, sent.Length), "each message of a burst in small pieces is acked");
            await subscriber.ReceivesExactlyAsync(
                sent, await stage.ConnectAsync("another"), topic, "a burst in small pieces is delivered whole and in order");
        }),

        new("PS-FAN-008", "a-burst-of-a-publisher-that-subscribes", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var peer = await stage.SubscriberAsync("peer", topic);

            var sent = Habits.Ids("m", stage.Burst(90));
            var requests = new List<string>();
            foreach (var id in sent)
            {
                requests.Add(await peer.SendPublishAsync(topic, id));
            }

            foreach (var request in requests)
            {
                stage.Expect.Acked(await peer.ReplyAsync(request), "each message of a burst is acked among one's own events");
            }

            await peer.ReceivesExactlyAsync(sent, peer, topic, "one's own burst is delivered whole and in order");
        })
        { Also = ["PS-FAN-004"] },
    ];

    /// <summary>The request_ids of the next acks, in order of arrival.</summary>
    private static async Task<List<string>> AckedAsync(RawClient publisher, int count)
    {
        var acked = new List<string>();
        while (acked.Count < count)
        {
            var ack = await publisher.ReadMessageAsync(message => message.IsAck, $"ack {acked.Count + 1} of {count}");
            acked.Add(ack.RequestId ?? "");
        }

        return acked;
    }

    private static async Task<IReadOnlyList<Client>> SubscribersAsync(Stage stage, string topic, int count)
    {
        var subscribers = new List<Client>();
        for (var n = 1; n <= count; n++)
        {
            subscribers.Add(await stage.SubscriberAsync($"subscriber{n}", topic));
        }

        return subscribers;
    }

    private static async Task<IReadOnlyList<Client>> ClientsAsync(Stage stage, int count)
    {
        var clients = new List<Client>();
        for (var n = 1; n <= count; n++)
        {
            clients.Add(await stage.ConnectAsync($"publisher{n}"));
        }

        return clients;
    }

    /// <summary>
    /// All publishers publish at once, and none goes on before every subscriber has caught up, so that no subscriber counts as slow.
    /// Returns the order that each subscriber received.
    /// </summary>
    private static async Task<List<string>[]> RoundsAsync(
        Stage stage, string topic, IReadOnlyList<Client> publishers, IReadOnlyList<Client> subscribers, int rounds)
    {
        var each = stage.Burst(80) / publishers.Count;
        for (var round = 0; round < rounds; round++)
        {
            var prefix = $"{round}-";
            await Task.WhenAll(publishers.Select((publisher, n) => publisher.PublishAllAsync(topic, Habits.Ids($"{prefix}{n}-", each))));
            foreach (var subscriber in subscribers)
            {
                foreach (var last in publishers.Select((_, n) => $"{prefix}{n}-{each}"))
                {
                    await subscriber.NextAsync(message => message.IsEvent && message.MessageId == last, $"the event {last}")
                        .Given("every subscriber receives every message");
                }
            }
        }

        return [.. subscribers.Select(subscriber => subscriber.Received.Events().Ids().Distinct().ToList())];
    }
}
