using System.Text.Json;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Scenarios;

internal static class Status
{
    /// <summary>The scenario does not fill a larger ring than this, in messages.</summary>
    private const int LargestRing = 10_000;

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-OBS-001", "shape-of-health", async stage =>
        {
            var health = await stage.Rest.HealthAsync();

            stage.Expect.Status(200, health, "Health is answered with 200");
            stage.Expect.True(health.UptimeSeconds is not null, "Health has the number uptime_seconds", health.Body);
            stage.Expect.True(health.Topics is not null, "Health has the number topics", health.Body);
            stage.Expect.True(health.Subscribers is not null, "Health has the number subscribers", health.Body);
            await stage.ListedTopicAsync();
        }),

        new("PS-OBS-002", "uptime-grows", async stage =>
        {
            var first = (await stage.Rest.HealthAsync().Succeeded()).UptimeSeconds;
            stage.Expect.True(first >= 0, "uptime_seconds is a non-negative number", $"{first}");

            var last = first;
            await stage.Expect.EventuallyAsync(true, async () =>
            {
                var now = (await stage.Rest.HealthAsync().Succeeded()).UptimeSeconds;
                stage.Expect.True(now >= last, "uptime_seconds never decreases", $"{now} after {last}");
                last = now;
                return now > first;
            }, "uptime_seconds grows with time");
        }),

        new("PS-OBS-003", "uptime-is-an-integer", async stage =>
        {
            var health = await stage.Rest.HealthAsync().Succeeded();

            stage.Expect.True(health.UptimeSeconds is { } uptime && uptime == Math.Floor(uptime),
                "uptime_seconds is an integer", health.Body);
            await stage.ListedTopicAsync();
        }),

        new("PS-OBS-004", "own-topics-are-among-the-counted", async stage =>
        {
            for (var i = 0; i < 5; i++)
            {
                await stage.TopicAsync();
            }

            await stage.Expect.EventuallyAsync(
                true, async () => (await stage.Rest.HealthAsync().Succeeded()).Topics >= 5, "The five topics that exist are counted");
        }),

        new("PS-OBS-004", "the-total-of-topics", async stage =>
        {
            var before = (await stage.Rest.HealthAsync().Succeeded()).Topics;
            stage.Require(before is not null, "health has the number topics", "PS-OBS-001");

            var topic = await stage.TopicAsync();
            await stage.TopicAsync();
            await stage.Rest.CreateTopicAsync(topic).Given("the second creation is answered");
            await stage.ConnectAsync("idle");
            await HealthAsync(stage, health => health.Topics - before, 2, "Each topic is counted once");

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await HealthAsync(stage, health => health.Topics - before, 1, "A deleted topic is not counted");
        })
        { IsAlone = true, IsExclusive = true },

        new("PS-OBS-004", "counts-topics-exactly", async stage =>
        {
            await HealthAsync(stage, health => health.Topics, 0, "A new server has no topics");

            var topic = await stage.TopicAsync();
            await stage.TopicAsync();
            await stage.Rest.CreateTopicAsync(topic).Given("the second creation is answered");
            await HealthAsync(stage, health => health.Topics, 2, "Each topic is counted once");

            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await HealthAsync(stage, health => health.Topics, 1, "A deleted topic is not counted");
        })
        { Launch = Defaults },

        new("PS-OBS-005", "the-total-of-subscriptions", async stage =>
        {
            var before = (await stage.Rest.HealthAsync().Succeeded()).Subscribers;
            stage.Require(before is not null, "health has the number subscribers", "PS-OBS-001");
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            foreach (var idle in Habits.Ids("idle", 4))
            {
                await stage.ConnectAsync(idle);
            }

            var alice = await stage.SubscriberAsync("alice", orders);
            await alice.SubscribeAsync(payments).Acked();
            var bob = await stage.SubscriberAsync("bob", orders);
            await stage.SubscriberAsync("carol", payments);
            await HealthAsync(stage, health => health.Subscribers - before, 4, "Subscriptions are counted, not connections");

            await alice.UnsubscribeAsync(orders).Acked();
            await HealthAsync(stage, health => health.Subscribers - before, 3, "An ended subscription is not counted");

            await bob.CloseAsync().Given("bob has left");
            await HealthAsync(stage, health => health.Subscribers - before, 2, "A subscription of a closed connection is not counted");

            alice.Abort();
            await HealthAsync(stage, health => health.Subscribers - before, 1, "A subscription of a reset connection is not counted");

            await stage.Rest.DeleteTopicAsync(payments).Succeeded();
            await HealthAsync(stage, health => health.Subscribers - before, 0, "A subscription to a deleted topic is not counted");
        })
        { IsAlone = true, IsExclusive = true },

        new("PS-OBS-005", "own-subscriptions-are-among-the-counted", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var alice = await stage.SubscriberAsync("alice", orders);
            await alice.SubscribeAsync(payments).Acked();
            await stage.SubscriberAsync("bob", orders);

            await stage.Expect.EventuallyAsync(
                true, async () => (await stage.Rest.HealthAsync().Succeeded()).Subscribers >= 3,
                    "Three subscriptions of two connections are counted as three");
        }),

        new("PS-OBS-005", "counts-subscriptions-exactly", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            await stage.ConnectAsync("idle");
            await HealthAsync(stage, health => health.Subscribers, 0, "A connection without a subscription is not counted");

            var alice = await stage.SubscriberAsync("alice", orders);
            await alice.SubscribeAsync(payments).Acked();
            var bob = await stage.SubscriberAsync("bob", orders);
            await HealthAsync(stage, health => health.Subscribers, 3, "Subscriptions are counted, not connections");

            await alice.UnsubscribeAsync(orders).Acked();
            await HealthAsync(stage, health => health.Subscribers, 2, "An ended subscription is not counted");

            await bob.CloseAsync().Given("bob has left");
            await HealthAsync(stage, health => health.Subscribers, 1, "A subscription of a closed connection is not counted");

            await stage.Rest.DeleteTopicAsync(payments).Succeeded();
            await HealthAsync(stage, health => health.Subscribers, 0, "A subscription to a deleted topic is not counted");
        })
        { Launch = Defaults },

        new("PS-OBS-006", "shape-of-statistics", async stage =>
        {
            var plain = await stage.TopicAsync();

            // Accepting such a name, and listing it unchanged, is a recommendation.
            var odd = $"{stage.FreshName()}/\"a\".b\\\u00fc \U0001f600";
            stage.Forget(odd);
            await stage.Rest.CreateTopicAsync(odd).Given("the creation is answered");
            var isListed = (await stage.Rest.ListTopicsAsync()).Of(odd) is not null;

            var stats = await stage.Rest.StatsAsync();

            stage.Expect.Status(200, stats, "Statistics are answered with 200");
            stage.Expect.True(stats.Json.Member("topics") is { ValueKind: JsonValueKind.Object },
                "Statistics have an object topics", stats.Body);
            foreach (var topic in isListed ? new[] { plain, odd } : [plain])
            {
                stage.Expect.Equal(new TopicCounts(topic, 0, 0), stats.Of(topic), "Every topic has a member of its name with two integers");
            }
        }),

        new("PS-OBS-007", "one-for-each-message", async stage =>
        {
            var topic = await stage.TopicAsync();
            var alice = await stage.SubscriberAsync("alice", topic);
            var bob = await stage.SubscriberAsync("bob", topic);
            var publisher = await stage.ConnectAsync("publisher");
            for (var count = 1; count <= 3; count++)
            {
                await publisher.PublishAsync(topic, $"m{count}").Acked();
                await alice.EventsUntilAsync($"m{count}").Given("alice receives it");
                await bob.EventsUntilAsync($"m{count}").Given("bob receives it");

                await MessagesAsync(stage, topic, count, "Each accepted message counts as one, however many receive it");
            }
        }),

        new("PS-OBS-007", "same-id-counts-again", async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");

            await publisher.PublishAllAsync(topic, ["twin", "twin", "end"]);

            // Accepting the second one is a recommendation.
            var delivered = (await subscriber.EventsUntilAsync("end").Given("the messages are delivered")).Count;
            await MessagesAsync(stage, topic, delivered, "Messages are counted, not ids");
        }),

        new("PS-OBS-007", "replays-do-not-count", async stage =>
        {
            var topic = await stage.TopicAsync();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2", "m3"]);

            for (var i = 0; i < 2; i++)
            {
                var newcomer = await stage.SubscriberAsync($"newcomer-{i}", topic, lastN: 3);
                await newcomer.EventsUntilAsync("m3").Given("the newcomer has the replay");
            }

            await MessagesAsync(stage, topic, 3, "Replayed events are not counted");
        }),

        new("PS-OBS-007", "refused-publishes-do-not-count", async stage =>
        {
            var topic = await stage.TopicAsync();
            var publisher = await stage.ConnectAsync("publisher");
            var publish = Request.Publish(topic, "m");
            Request[] spoilt =
            [
                publish.Without("message.id"), publish.Without("message"), publish.With("message", "7"), publish.With("message.id", "null"),
            ];
            foreach (var bad in spoilt)
            {
                var reply = await publisher.RequestAsync(bad).Given("the bad publish is answered");
                stage.Require(reply.IsError, "the bad publish is refused");
            }

            await publisher.PublishAsync(topic, "good").Acked();

            await MessagesAsync(stage, topic, 1, "Of refused and accepted publishes the accepted one is counted");
        })
        { Danger = Danger.Refusal },

        new("PS-OBS-007", "messages-of-other-topics-do-not-count", async stage =>
        {
            var orders = await stage.TopicAsync("orders");
            var payments = await stage.TopicAsync("payments");
            var publisher = await stage.ConnectAsync("publisher");

            await publisher.PublishAllAsync(orders, ["m1", "m2"]);
            await publisher.PublishAsync(payments, "m3").Acked();

            await MessagesAsync(stage, orders, 2, "The messages of orders are counted there");
            await MessagesAsync(stage, payments, 1, "The messages of payments are counted there");
        }),

        new("PS-OBS-007", "concurrent-messages-all-count", async stage =>
        {
            // If only retained messages are counted, the count cannot be higher.
            var each = Math.Clamp(stage.Limits.Ring / 4, 1, 20);
            var topic = await stage.TopicAsync();
            var publishers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => stage.ConnectAsync($"publisher-{i}")));

            await Task.WhenAll(publishers.Select(publisher =>
                publisher.PublishAllAsync(topic, Enumerable.Range(0, each).Select(i => $"{publisher.Name}-{i}"))));

            await MessagesAsync(stage, topic, 4 * each, "Each message of concurrent publishers is counted");
        }),

        new("PS-OBS-008", "beyond-what-is-retained", async stage =>
        {
            stage.Require(stage.Limits.Ring <= LargestRing, $"a topic retains at most {LargestRing} messages");
            var topic = await stage.TopicAsync();
            var publisher = await stage.ConnectAsync("publisher");
            var sent = stage.Limits.Ring + 5;

            await publisher.PublishAllAsync(topic, Enumerable.Range(0, sent).Select(i => $"m{i}"));

            await MessagesAsync(stage, topic, sent, "Messages are counted beyond what is retained");
        }),

        new("PS-OBS-008", "from-the-creation-on", async stage =>
        {
            var topic = await stage.TopicAsync();
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAllAsync(topic, ["m1", "m2"]);
            await stage.Rest.DeleteTopicAsync(topic).Succeeded();
            await stage.CreateAsync(topic);

            await publisher.PublishAsync(topic, "m3").Acked();

            await MessagesAsync(stage, topic, 1, "A topic created again counts from its own creation");
        }),

        new("PS-OBS-009", "subscribe-and-unsubscribe", async stage =>
        {
            var topic = await stage.TopicAsync();
            var alice = await stage.SubscriberAsync("alice", topic);
            await SubscribersAsync(stage, topic, 1, "The first subscription is counted");
            await stage.SubscriberAsync("bob", topic);
            await SubscribersAsync(stage, topic, 2, "The second subscription is counted");

            await alice.UnsubscribeAsync(topic).Acked();
            await SubscribersAsync(stage, topic, 1, "An unsubscribe takes one away");

            await alice.SubscribeAsync(topic).Acked();
            await SubscribersAsync(stage, topic, 2, "A new subscription of the same connection is counted again");
        }),

        new("PS-OBS-009", "second-subscribe", async stage =>
        {
            var topic = await stage.TopicAsync();
            var alice = await stage.SubscriberAsync("alice", topic);
            await alice.SubscribeAsync(topic).Given("the second subscribe is answered");
            await stage.SubscriberAsync("bob", topic);

            // That a second subscribe changes nothing is a recommendation; that an unsubscribe ends the subscription is binding.
            await alice.UnsubscribeAsync(topic).Acked();
            await SubscribersAsync(stage, topic, 1, "One unsubscribe ends what two subscribes made");
        }),

        new("PS-OBS-009", "unsubscribe-without-a-subscription", async stage =>
        {
            var topic = await stage.TopicAsync();
            await stage.SubscriberAsync("alice", topic);
            var stranger = await stage.ConnectAsync("stranger");

            await stranger.UnsubscribeAsync(topic).Given("the unsubscribe is answered");
            await stage.SubscriberAsync("bob", topic);

            await SubscribersAsync(stage, topic, 2, "An unsubscribe that ends nothing takes nothing away");
        })
        { Danger = Danger.Refusal },

        Leaving("PS-OBS-010", "clean-close", async leaver => await leaver.CloseAsync().Given("the server answers the close")),
        Leaving(
            "PS-OBS-010",
            "clean-close-without-a-code",
            async leaver => await leaver.CloseAsync(code: null).Given("the server answers the close")),
        Leaving("PS-OBS-011", "reset", leaver =>
        {
            leaver.Abort();
            return Task.CompletedTask;
        }),

        new("PS-OBS-011", "reset-with-events-on-the-way", async stage =>
        {
            var topic = await stage.TopicAsync();
            var leaver = await stage.SubscriberAsync("leaver", topic);
            var publisher = await stage.ConnectAsync("publisher");
            leaver.StopReading();
            await publisher.PublishAllAsync(topic, Enumerable.Range(0, stage.Limits.QueueSize / 2).Select(i => $"m{i}"));

            leaver.Abort();

            await SubscribersAsync(stage, topic, 0, "A reset connection with unread events is not counted");
            await publisher.PublishAsync(topic, "after").Acked();
        }),

        new("PS-OBS-011", "many-resets", async stage =>
        {
            var topic = await stage.TopicAsync();
            await stage.SubscriberAsync("stayer", topic);
            for (var i = 0; i < 10; i++)
            {
                (await stage.SubscriberAsync($"leaver-{i}", topic)).Abort();
            }

            await SubscribersAsync(stage, topic, 1, "Of ten reset connections and one that stays, one is counted");
        }),

        new("PS-OBS-012", "live-and-ready", async stage =>
        {
            stage.Expect.Status(200, await stage.Rest.LiveAsync(), "GET /livez is answered with 200");
            stage.Expect.Status(200, await stage.Rest.ReadyAsync(), "GET /readyz is answered with 200");
            await stage.ListedTopicAsync();
        }),
    ];

    private static IReadOnlyDictionary<string, string> Defaults { get; } = new Dictionary<string, string>();

    private static Scenario Leaving(string requirement, string slug, Func<Client, Task> leave) => new(requirement, slug, async stage =>
    {
        var orders = await stage.TopicAsync("orders");
        var payments = await stage.TopicAsync("payments");
        var leaver = await stage.SubscriberAsync("leaver", orders);
        await leaver.SubscribeAsync(payments).Acked();
        await stage.SubscriberAsync("stayer", orders);
        await SubscribersAsync(stage, orders, 2, "both are counted").Given("both are counted");
        await SubscribersAsync(stage, payments, 1, "the leaver is counted").Given("the leaver is counted");

        await leave(leaver);

        await SubscribersAsync(stage, orders, 1, "Of the leaver and the stayer, the stayer is counted");
        await SubscribersAsync(stage, payments, 0, "The leaver is counted on no topic");
    });

    private static async Task HealthAsync(Stage stage, Func<HealthAnswer, long?> count, long expected, string expectation) =>
        await stage.Expect.EventuallyAsync(expected, async () => count(await stage.Rest.HealthAsync().Succeeded()), expectation);

    private static async Task SubscribersAsync(Stage stage, string topic, long expected, string expectation) =>
        await stage.Expect.EventuallyAsync(expected, async () => (await CountsAsync(stage, topic)).Subscribers, expectation);

    private static async Task MessagesAsync(Stage stage, string topic, long expected, string expectation) =>
        await stage.Expect.EventuallyAsync(expected, async () => (await CountsAsync(stage, topic)).Messages, expectation);

    private static async Task<TopicCounts> CountsAsync(Stage stage, string topic) =>
        (await stage.Rest.StatsAsync().Succeeded()).Of(topic) ?? new TopicCounts(topic, null, null);
}
