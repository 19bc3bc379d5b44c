using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class Replay
{
    private const int Publishers = 3;
    private const int Rounds = 20;
    private const int PerRound = 10;
    private const int JoinersPerRound = 3;
    private const string Uncut = "a subscriber is not cut because of what it asked to have replayed";

    private static readonly string[] NoLastN =
    [
        "-1", "-100", "-2147483648", "1.5", "0.1", "-0.5", "2147483648", "9223372036854775808", "1e300",
        "\"5\"", "\"\"", "true", "null", "[]", "[5]", "{}",
    ];

    private static readonly string[] Payloads =
    [
        "{\"b\":1,\"a\":2}", "1.10", "12345678901234567890", "\"\\u00e9 \\/ \u00e9 \U0001f600\"", "null", "false",
        "[ 1 , [ ] , { } ]", "\"\"", "{\"k\":1,\"k\":2}",
    ];

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-RPL-001", "newest-k-oldest-first", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, Math.Min(10, stage.Limits.Ring));

            int[] lastNs = [1, 2, 5, 9, 10, 11, 100];
            await ReplaysAsync(stage, topic, publisher, sent, [.. lastNs.Where(n => n <= stage.Limits.Ring)]);
        }),

        new("PS-RPL-001", "around-the-end-of-the-ring", async stage =>
        {
            var ring = stage.Limits.Ring;
            foreach (var count in (int[])[ring - 1, ring, ring + 1, ring + 5])
            {
                var (topic, publisher, sent) = await RetainedAsync(stage, count);

                int[] lastNs = [1, 2, ring - 1, ring];
                await ReplaysAsync(stage, topic, publisher, Newest(sent, ring), [.. lastNs.Where(n => n >= 1 && n <= ring).Distinct()]);
            }
        })
        { IsLengthy = true },

        new("PS-RPL-001", "a-topic-without-messages", async stage =>
        {
            var (topic, publisher, _) = await RetainedAsync(stage, 0);

            await ReplaysAsync(stage, topic, publisher, [], [1, stage.Limits.Ring]);
        }),

        new("PS-RPL-001", "only-of-that-topic", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 3);
            string[] others =
                [$"{topic}-", $"{topic}.more", topic[..^1], $"{topic[..^1]}{char.ToUpperInvariant(topic[^1])}", $"{topic}*"];
            foreach (var other in others)
            {
                // That such names are legal, and name different topics, is only a recommendation.
                stage.Forget(other);
                if ((await stage.Rest.CreateTopicAsync(other)).IsSuccess)
                {
                    await publisher.PublishAllAsync(other, [$"of {other}"]);
                }
            }

            await ReplaysAsync(stage, topic, publisher, sent, [Math.Min(100, stage.Limits.Ring)]);
        })
        { Also = ["PS-ISO-001"] },

        new("PS-RPL-001", "several-topics-on-one-connection", async stage =>
        {
            var (orders, publisher, ofOrders) = await RetainedAsync(stage, 5);
            var payments = await stage.TopicAsync("payments");
            await publisher.PublishAllAsync(payments, ["p1", "p2", "p3"]);

            var client = await stage.SubscriberAsync("client", orders, lastN: 2);
            await client.SubscribeAsync(payments, lastN: 3).Acked();

            var ofPayments = await client.EventsAheadOfSentinelAsync(publisher, payments);
            stage.Expect.Sequence(["p1", "p2", "p3"], ofPayments.On(payments).Ids(), "all of the second topic is replayed");
            var rest = await client.EventsAheadOfSentinelAsync(publisher, orders);
            stage.Expect.Sequence(
                Newest(ofOrders, 2),
                ofPayments.Concat(rest).ToList().On(orders).Ids(),
                "the newest 2 of the first topic are replayed");
        }),

        new("PS-RPL-002", "many-join-while-others-publish", async stage =>
        {
            var (joiners, sent) = await CrowdAsync(stage)
                .For("who joins receives every message of a publisher once, from its first one on");
            foreach (var joiner in joiners)
            {
                foreach (var ofOne in sent)
                {
                    var seen = joiner.Received.Events().Ids().Where(ofOne.Contains).ToList();
                    stage.Expect.SameItems(
                        ofOne.Skip(Earliest(ofOne, seen)),
                        seen,
                        $"{joiner.Name} receives every message of a publisher once, from its first one on");
                }
            }
        })
        { IsLengthy = true },

        new("PS-FAN-003", "one-order-across-the-seam", async stage =>
        {
            var (joiners, _) = await CrowdAsync(stage).Given("everyone receives what is published");
            var order = joiners[0].Received.Events().Ids().Distinct().ToList();
            foreach (var joiner in joiners.Skip(1))
            {
                var seen = joiner.Received.Events().Ids().Distinct().ToList();
                stage.Expect.Sequence(order.Intersect(seen), seen, $"{joiner.Name} receives its events in the order that the witness saw");
            }
        })
        { IsLengthy = true, Also = ["PS-RPL-008"] },

        new("PS-RPL-002", "subscribe-and-publish-in-one-breath", async stage =>
        {
            var (topic, _, sent) = await RetainedAsync(stage, 5);
            var client = await stage.ConnectAsync("client");

            await client.SendTogetherAsync(
            [
                Request.Publish(topic, "before"),
                Request.Subscribe(topic, client.ClientId, 100),
                Request.Publish(topic, "after-1"),
                Request.Publish(topic, "after-2"),
            ]);

            var events = await client.EventsUntilAsync("after-2");
            stage.Expect.SameItems(
                [.. sent, "before", "after-1", "after-2"],
                events.Ids(),
                "what was published before is replayed, what came after is live, each once");
        }),

        new("PS-ENV-007", "subscribes-with-a-replay-are-answered", async stage =>
        {
            await stage.TopicAtWorkAsync();
            var (topic, _, _) = await RetainedAsync(stage, 5);
            var client = await stage.ConnectAsync("client");
            for (var n = 0; n < 40; n++)
            {
                const string answered = "every subscribe that asks for a replay is answered";
                stage.Expect.True((await client.SubscribeAsync(topic, lastN: 1 + (n % 5)).For(answered)).IsReply, answered);
                await client.UnsubscribeAsync(topic).Acked();
            }
        }),

        new("PS-PUB-004", "each-message-has-its-own-payload", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var live = await stage.SubscriberAsync("live", topic);
            var publisher = await stage.ConnectAsync("publisher");
            string[] payloads = ["""{"n":1}""", """{"n":2}""", """{"n":3}"""];
            foreach (var payload in payloads)
            {
                await publisher.PublishAsync(topic, "one-id", payload).Acked();
            }

            var late = await stage.SubscriberAsync("late", topic, lastN: Math.Min(payloads.Length, stage.Limits.Ring));
            foreach (var client in (Client[])[live, late])
            {
                // Whether a server may drop a message with a known id, or deliver one twice, are other requirements.
                var events = await client.EventsAheadOfSentinelAsync(publisher, topic).Given($"the sentinel reaches {client.Name}");
                stage.Require(events.Count > 0, $"{client.Name} receives a message");
                string[] seen = [.. events.Select(message => message.Payload ?? "")];
                stage.Expect.True(
                    seen.Distinct(StringComparer.Ordinal).Count() >= Math.Min(seen.Length, payloads.Length),
                    $"messages with one id have a payload each ({client.Name})",
                    string.Join(", ", seen));
            }
        }),

        new("PS-RPL-003", "without-last-n-or-with-0", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 5);
            var control = await stage.SubscriberAsync("control", topic, lastN: 5);
            stage.Require(
                (await control.EventsAsync(5).Given("the messages are retained")).Ids().Order().SequenceEqual(sent),
                "there is something to replay");

            var silent = await stage.SubscriberAsync("silent", topic);
            var zero = await stage.SubscriberAsync("zero", topic, lastN: 0);

            await silent.ReceivesNothingAsync(publisher, topic, "nothing is replayed without last_n");
            await zero.ReceivesNothingAsync(publisher, topic, "nothing is replayed with a last_n of 0");
        }),

        new("PS-RPL-003", "not-because-another-asked", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 5);
            var neighbour = await stage.SubscriberAsync("neighbour", topic);

            var curious = await stage.SubscriberAsync("curious", topic, lastN: 5);
            stage.Require(
                (await curious.EventsAsync(5).Given("the messages are replayed")).Ids().Order().SequenceEqual(sent),
                "the other one gets a replay");

            await neighbour.ReceivesNothingAsync(
                publisher, topic, "another connection's replay does not reach a subscriber who asked for none");
        })
        { Also = ["PS-FAN-001"] },

        new("PS-RPL-004", "the-last-and-no-more", async stage =>
        {
            var ring = stage.Limits.Ring;
            foreach (var count in (int[])[ring, ring + 5, (2 * ring) + 50])
            {
                var (topic, publisher, sent) = await RetainedAsync(stage, count);

                await ReplaysAsync(
                    stage, topic, publisher, Newest(sent, ring), [ring, ring + 1, 10 * ring, int.MaxValue], stage.Expect.SameItems);
            }
        })
        { IsLengthy = true },

        new("PS-RPL-004", "each-topic-its-own", async stage =>
        {
            var ring = stage.Limits.Ring;
            var (topic, publisher, sent) = await RetainedAsync(stage, ring);
            await RetainedAsync(stage, ring + 50);

            await ReplaysAsync(stage, topic, publisher, sent, [ring], stage.Expect.SameItems);
        }),

        new("PS-RPL-005", "any-integer-is-accepted", async stage =>
        {
            var topic = await stage.TopicAtWorkAsync();
            var client = await stage.ConnectAsync("client");
            foreach (var n in (int[])[0, 1, 3, 4, 100, 1000, 65_536, int.MaxValue - 1, int.MaxValue])
            {
                stage.Expect.Acked(await client.SubscribeAsync(topic, n), $"a last_n of {n} is accepted");
                await client.UnsubscribeAsync(topic).Acked();
            }
        }),

        new("PS-RPL-006", "no-integer-from-0-to-2147483647", async stage =>
        {
            var (topic, publisher, _) = await RetainedAsync(stage, 3);
            var control = await stage.SubscriberAsync("control", topic);
            foreach (var lastN in NoLastN)
            {
                var client = await stage.ConnectAsync("client");

                var reply = await client.RequestAsync(Request.Subscribe(topic, client.ClientId).With("last_n", lastN))
                    .For($"a last_n of {lastN} is refused");

                stage.Expect.Error(reply, "BAD_REQUEST", $"a last_n of {lastN} is refused");
                await publisher.PublishAllAsync(topic, [$"after {lastN}"]);
                await control.EventsUntilAsync($"after {lastN}").Given("a subscriber receives what is published afterwards");
                await client.SubscribeAsync(topic).Acked();
                await client.ReceivesNothingAsync(publisher, topic, $"a last_n of {lastN} makes no subscription and replays nothing");
            }
        })
        { Also = ["PS-ERR-009"] },

        new("PS-RPL-007", "the-ack-comes-first", async stage =>
        {
            var (topic, _, _) = await RetainedAsync(stage, stage.Limits.Ring);
            foreach (var lastN in (int[])[1, stage.Limits.Ring])
            {
                var client = await stage.ConnectAsync("client");
                var ack = await client.SubscribeAsync(topic, lastN).Acked();
                await client.EventsAsync(lastN).Given("the events are replayed");

                stage.Expect.True(
                    client.Received.Events().All(message => message.Index > ack.Index), $"the ack comes before the {lastN} replayed");
            }
        }),

        new("PS-RPL-008", "the-past-before-the-present", async stage =>
        {
            // One more than can be published while the client subscribes: each of these may replace a past event in the replay, but never
            // the newest one.
            var window = Math.Min(21, stage.Limits.Ring);
            for (var round = 0; round < 10; round++)
            {
                var (topic, publisher, past) = await RetainedAsync(stage, window);
                var client = await stage.ConnectAsync("client");
                var present = Numbered("live-", window - 1);

                var subscribing = client.SubscribeAsync(topic, window);
                await publisher.PublishAllAsync(topic, present);

                await subscribing.Acked();
                await client.NextAsync(message => message.MessageId == past[^1], $"the event {past[^1]}")
                    .For("the newest of the past is replayed");
                await client.EventsAheadOfSentinelAsync(publisher, topic).Given("the sentinel reaches the client");
                var seen = client.Received.Events().Ids().Distinct().ToList();
                var replayed = present.Take(past.Except(seen).Count()).Concat(past.Intersect(seen));
                stage.Expect.SameItems(replayed, seen.Take(window), "all of the replay comes before the first live event");
            }
        })
        { Also = ["PS-RPL-002"] },

        new("PS-RPL-009", "reading-is-not-taking", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 5);

            for (var i = 1; i <= 3; i++)
            {
                var reader = await stage.SubscriberAsync($"reader-{i}", topic, lastN: Math.Min(100, stage.Limits.Ring));
                var events = await reader.EventsAheadOfSentinelAsync(publisher, topic);
                stage.Expect.SameItems(sent, events.Ids().Where(sent.Contains), $"subscriber {i} is replayed what the ones before it were");
            }
        }),

        new("PS-RPL-009", "not-even-by-the-same-client-id", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 5);

            var same = stage.FreshClientId("same");
            foreach (var name in (string[])["first", "second"])
            {
                var client = await stage.ConnectAsync(name);
                await client.SubscribeAsync(topic, Math.Min(100, stage.Limits.Ring), clientId: same).Acked();
                var events = await client.EventsAheadOfSentinelAsync(publisher, topic).Given($"the sentinel reaches {name}");
                stage.Expect.SameItems(
                    sent, events.Ids().Where(sent.Contains), $"the {name} connection of one client_id is replayed everything");
            }
        }),

        new("PS-RPL-010", "full-replay-and-a-live-burst", async stage =>
        {
            var ring = stage.Limits.Ring;
            var (topic, publisher, sent) = await RetainedAsync(stage, ring);
            var order = sent.ToList();
            for (var round = 1; round <= 10; round++)
            {
                var client = await stage.ConnectAsync($"reader-{round}");
                var burst = Numbered($"burst-{round}-", stage.Limits.QueueSize);
                if (round == 1)
                {
                    await UncutWithoutReplayAsync(stage, topic, publisher, order);
                }

                var subscribing = client.SubscribeAsync(topic, ring);
                var acks = await publisher.SendTogetherAsync(burst.Select(id => Request.Publish(topic, id)));
                stage.Require((await UncutAsync(client, subscribing)).IsAck, "the subscribe is acked");
                await client.NextAsync(message => message.MessageId == burst[^1], $"the event {burst[^1]}").For(Uncut);
                await client.OutspokenAsync();
                var seen = client.Received.Events().Ids();

                order.AddRange(burst);
                stage.Expect.SameItems(
                    order.Skip(Earliest(order, seen)),
                    seen,
                    $"a reader who asked for a replay of {ring} receives the burst of {burst.Count} as well");
                stage.Expect.True(seen.Count >= Math.Min(ring, order.Count), "the replay was whole", $"{seen.Count} events");
                foreach (var ack in acks)
                {
                    await publisher.ReplyAsync(ack).Acked();
                }
            }
        })
        { IsLengthy = true },

        new("PS-RPL-010", "a-replay-larger-than-the-bound-in-bytes", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var sent = Numbered("m", stage.Limits.Ring);
            var size = Math.Min(stage.Limits.MessageBytes / 2, 2 * stage.Limits.QueueBytes / stage.Limits.Ring);
            var payload = Json.Quote(new string('x', size));
            await publisher.PublishAllAsync(topic, sent, payload);

            var reader = await stage.ConnectAsync("reader");
            stage.Require((await UncutAsync(reader, reader.SubscribeAsync(topic, stage.Limits.Ring))).IsAck, "the subscribe is acked");
            await publisher.PublishAsync(topic, "live", payload).Acked();

            stage.Expect.SameItems(
                [.. sent, "live"],
                (await reader.EventsUntilAsync("live").For(Uncut)).Ids(),
                "a large replay and the live event behind it are received");
        })
        { IsLengthy = true },

        new("PS-RPL-010", "replays-of-many-topics-at-once", async stage =>
        {
            var ring = stage.Limits.Ring;
            var topics = new List<string>();
            for (var i = 0; i < 5; i++)
            {
                topics.Add((await RetainedAsync(stage, ring)).Topic);
            }

            var publisher = await stage.ConnectAsync("publisher");
            var reader = await stage.ConnectAsync("reader");
            await reader.SendTogetherAsync(topics.Select(topic => Request.Subscribe(topic, reader.ClientId, ring)));
            var events = await reader.EventsAsync(ring * topics.Count).For(Uncut);
            await publisher.PublishAllAsync(topics[0], ["live"]);

            foreach (var topic in topics)
            {
                stage.Expect.SameItems(Numbered("m", ring), events.On(topic).Ids(), "each of the topics is replayed whole");
            }

            stage.Expect.Equal("live", (await reader.NextEventAsync().For(Uncut)).MessageId, "live events follow");
        })
        { IsLengthy = true },

        new("PS-RPL-011", "the-event-that-was", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var live = await stage.SubscriberAsync("live", topic);
            var count = (await PublishPayloadsAsync(stage, live, topic, "id \u00e9 ")).Count;

            var late = await stage.SubscriberAsync("late", topic, lastN: count);

            var then = await live.EventsAsync(count).Given("the live events are received");
            var again = await late.EventsAsync(count);
            stage.Expect.SameItems(then.Ids(), again.Ids(), "a replayed event has the id of the live one");
            foreach (var (was, now) in ById(then).Zip(ById(again)))
            {
                stage.Expect.Equal(was.Topic, now.Topic, "a replayed event has the topic of the live one");
                stage.Expect.JsonEqual(was.Payload ?? "", now.Payload, "a replayed event has the payload of the live one");
                stage.Expect.Observe("a replayed event has the bytes of the live one", was.Raw == now.Raw);
            }
        }),

        new("PS-PUB-005", "byte-for-byte-in-replay", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var payloads = await PublishPayloadsAsync(stage, publisher, topic, "m");

            var late = await stage.SubscriberAsync("late", topic, lastN: payloads.Count);

            var events = await late.EventsAsync(payloads.Count).Given("the messages are replayed");
            foreach (var (payload, replayed) in payloads.Zip(ById(events)))
            {
                stage.Expect.Equal(payload, replayed.Payload, "a payload is replayed byte for byte");
            }
        })
        { Also = ["PS-RPL-011"] },

        new("PS-RPL-012", "again-after-unsubscribe", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 5);
            var client = await stage.SubscriberAsync("client", topic, lastN: 3);
            stage.Require(
                (await client.EventsAsync(3).Given("the first replay")).Ids().Order().SequenceEqual(sent.Skip(2)),
                "the first subscribe replays");
            await client.UnsubscribeAsync(topic).Acked();
            await publisher.PublishAllAsync(topic, ["missed"]);

            await client.SubscribeAsync(topic, 4).Acked();

            var again = await client.EventsAheadOfSentinelAsync(publisher, topic);
            stage.Expect.SameItems(
                [.. sent.Skip(2), "missed"], again.Ids(), "a new subscription replays what was seen and what was missed");
        }),

        new("PS-RPL-013", "max-messages-3", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 10);

            await ReplaysAsync(stage, topic, publisher, Newest(sent, 3), [3, 4, 100]);
        })
        { Launch = new Dictionary<string, string> { ["MAX_MESSAGES"] = "3" } },

        new("PS-RPL-013", "max-messages-1", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 4);

            await ReplaysAsync(stage, topic, publisher, Newest(sent, 1), [1, 2, 100]);
        })
        { Launch = new Dictionary<string, string> { ["MAX_MESSAGES"] = "1" } },

        new("PS-RPL-013", "max-messages-250", async stage =>
        {
            var (topic, publisher, sent) = await RetainedAsync(stage, 300);

            await ReplaysAsync(stage, topic, publisher, Newest(sent, 250), [249, 250, 1000]);
        })
        { Launch = new Dictionary<string, string> { ["MAX_MESSAGES"] = "250" } },
    ];

    private static IReadOnlyList<string> Numbered(string prefix, int count) => [.. Enumerable.Range(1, count).Select(i => $"{prefix}{i}")];

    private static IReadOnlyList<string> Newest(IReadOnlyList<string> sent, int count) => [.. sent.TakeLast(count)];

    /// <summary>The index in the order of the earliest of these; 0 if none of them is in it.</summary>
    private static int Earliest(IReadOnlyList<string> order, IReadOnlyList<string> seen) =>
        Math.Max(0, order.ToList().FindIndex(seen.ToHashSet().Contains));

    /// <summary>The answer to a subscribe. If the connection ends instead, that decides; silence does not.</summary>
    private static async Task<ServerMessage> UncutAsync(Client reader, Task<ServerMessage> subscribing)
    {
        try
        {
            return await subscribing;
        }
        catch (Violation violation) when (reader.Closure is not null)
        {
            throw new Violation(Uncut, violation.Expected, violation.Observed);
        }
        catch (Violation violation)
        {
            throw new Inconclusive($"not established: the subscribe is answered. {violation.Message}");
        }
    }

    /// <summary>As a precondition, a reader that asked for no replay receives an equally large burst.</summary>
    private static async Task UncutWithoutReplayAsync(Stage stage, string topic, Client publisher, List<string> order)
    {
        var reader = await stage.SubscriberAsync("without-replay", topic);
        var burst = Numbered("plain-", stage.Limits.QueueSize);
        var acks = await publisher.SendTogetherAsync(burst.Select(id => Request.Publish(topic, id)));
        await reader.EventsUntilAsync(burst[^1]).Given("a reader that asked for no replay receives a burst");
        await reader.UnsubscribeAsync(topic).Acked();
        foreach (var ack in acks)
        {
            await publisher.ReplyAsync(ack).Acked();
        }

        order.AddRange(burst);
    }

    private static IEnumerable<ServerMessage> ById(IEnumerable<ServerMessage> events) =>
        events.OrderBy(message => message.MessageId, StringComparer.Ordinal);

    /// <summary>
    /// Publishes the payloads, as many as are retained, with ids that end in their numbers, and returns the acked ones: accepting all types
    /// is another requirement.
    /// </summary>
    private static async Task<IReadOnlyList<string>> PublishPayloadsAsync(Stage stage, Client publisher, string topic, string idPrefix)
    {
        var accepted = new List<string>();
        foreach (var (payload, i) in Payloads.Take(stage.Limits.Ring).Select((payload, i) => (payload, i)))
        {
            if ((await publisher.PublishAsync(topic, $"{idPrefix}{i}", payload).Given("the publish is answered")).IsAck)
            {
                accepted.Add(payload);
            }
        }

        stage.Require(accepted.Count > 0, "a payload is accepted", "PS-PUB-001");
        return accepted;
    }

    /// <summary>A new topic to which this many messages, m1 and so on, have been published and acked.</summary>
    private static async Task<(string Topic, Client Publisher, IReadOnlyList<string> Sent)> RetainedAsync(Stage stage, int count)
    {
        var topic = await stage.TopicAsync("orders");
        var publisher = await stage.ConnectAsync("publisher");
        var sent = Numbered("m", count);
        await publisher.PublishAllAsync(topic, sent);
        return (topic, publisher, sent);
    }

    /// <summary>Decisive: each of these last_n replays exactly that many of the newest retained messages.</summary>
    /// <param name="compare">Compares the expected with the replayed messages; by default including their order.</param>
    private static async Task ReplaysAsync(
        Stage stage, string topic, Client publisher, IReadOnlyList<string> retained, IReadOnlyList<int> lastNs,
        Action<IEnumerable<string>, IEnumerable<string>, string>? compare = null)
    {
        // All subscribe before the first sentinel, which would be retained as well. Accepting a last_n beyond the retained messages is a
        // recommendation.
        var readers = new List<(Client Reader, int LastN)>();
        foreach (var lastN in lastNs)
        {
            var reader = await stage.ConnectAsync($"last-{lastN}");
            var reply = reader.SubscribeAsync(topic, lastN);
            if ((lastN > stage.Limits.Ring ? await reply.Given("the subscribe is answered") : await reply.Acked()).IsAck)
            {
                readers.Add((reader, lastN));
            }
        }

        foreach (var (reader, lastN) in readers)
        {
            var events = await reader.EventsAheadOfSentinelAsync(publisher, topic);
            (compare ?? stage.Expect.Sequence)(
                Newest(retained, lastN),
                events.Ids(),
                $"a last_n of {lastN} replays the newest {Math.Min(lastN, retained.Count)} of {retained.Count}");
        }
    }

    /// <summary>
    /// Several publishers publish at once, a round at a time. In every round some subscribers join at different moments, with a replay of
    /// the whole ring. A round ends when all have received it, so that no subscriber is ever further behind than one round. The first
    /// joiner is there from the start.
    /// </summary>
    private static async Task<(IReadOnlyList<Client> Joiners, IReadOnlyList<IReadOnlyList<string>> Sent)> CrowdAsync(Stage stage)
    {
        var perRound = Math.Min(PerRound, Math.Min(stage.Limits.Ring, stage.Limits.QueueSize) / Publishers);
        stage.Require(perRound >= 2, "a round fits into the ring and the queue");
        var topic = await stage.TopicAsync("orders");
        var random = new Random(6455);
        var publishers = new List<Client>();
        for (var i = 0; i < Publishers; i++)
        {
            publishers.Add(await stage.ConnectAsync($"publisher-{i}"));
        }

        var sent = publishers.Select((_, i) => Numbered($"{(char)('a' + i)}", Rounds * perRound)).ToList();
        var joiners = new List<Client> { await stage.SubscriberAsync("witness", topic) };
        for (var round = 0; round < Rounds; round++)
        {
            var of = sent.Select(ids => ids.Skip(round * perRound).Take(perRound).ToList()).ToList();
            var newcomers = new List<Client>();
            var joining = new List<Task>();
            for (var i = 0; i < JoinersPerRound; i++)
            {
                var newcomer = await stage.ConnectAsync($"joiner-{round}-{i}");
                var cue = of[i % Publishers][random.Next(perRound - 1)];
                newcomers.Add(newcomer);
                joining.Add(JoinAsync(newcomer, joiners[0], cue));
            }

            await Task.WhenAll([.. joining, .. publishers.Zip(of).Select(pair => pair.First.PublishAllAsync(topic, pair.Second))]);
            joiners.AddRange(newcomers);
            foreach (var last in of.Select(ids => ids[^1]))
            {
                foreach (var joiner in joiners)
                {
                    await joiner.NextAsync(message => message.IsEvent && message.MessageId == last, $"the event {last}");
                }
            }
        }

        return (joiners, sent);

        async Task JoinAsync(Client newcomer, Client witness, string cue)
        {
            await witness.NextAsync(message => message.IsEvent && message.MessageId == cue, $"the event {cue}");
            await newcomer.SubscribeAsync(topic, stage.Limits.Ring).Acked();
        }
    }
}
