using PubSub.Conformance.Fixture;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

/// <summary>What the server measures of itself.</summary>
internal static class Metrics
{
    private const string Publishes = "pubsub_publishes_total";
    private const string Deliveries = "pubsub_deliveries_total";
    private const string Connections = "pubsub_connections";

    private static readonly TimeSpan LongestCache = TimeSpan.FromSeconds(1);

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-MET-001", "the-format", async stage =>
        {
            await stage.TopicAtWorkAsync();
            foreach (var door in stage.Doors)
            {
                var answer = await stage.Rest.MetricsAsync(door).For("GET of the metrics is answered with 200");
                stage.Expect.Status(200, answer, "GET of the metrics is answered with 200");
                stage.Expect.Equal(OpenMetrics.MediaType, answer.MediaType, "metrics have the Content-Type of OpenMetrics");
                stage.Expect.Equal(null, OpenMetrics.Parse(answer.Body).SyntaxFault, "metrics are a text in the OpenMetrics format");
            }
        }),

        new("PS-MET-002", "types-and-series", async stage =>
        {
            await stage.TopicAtWorkAsync();
            foreach (var metrics in await ScrapeAsync(stage))
            {
                stage.Expect.Equal(null, metrics.ModelFault, "each metric has its type, and each series one sample");
            }
        }),

        new("PS-MET-003", "counters-only-grow", async stage =>
        {
            for (var round = 0; round < 3; round++)
            {
                var (topic, client) = await WorkAsync(stage, publishes: 5);
                var before = await ScrapeAsync(stage);
                await stage.Rest.DeleteTopicAsync(topic).Given("the topic is deleted");
                await client.DisposeAsync();
                await WorkAsync(stage, publishes: 1);
                foreach (var (first, second) in before.Zip(await ScrapeAsync(stage)))
                {
                    var now = second.Counters;
                    stage.Require(first.Counters.Count > 0, "there are counters", "PS-MET-002");
                    foreach (var (series, value) in first.Counters)
                    {
                        stage.Expect.True(
                            now.TryGetValue(series, out var later) && later >= value, "a counter never decreases",
                            $"{series} was {value} and is {(now.ContainsKey(series) ? later : "gone")}");
                    }
                }
            }
        }),

        new("PS-MET-004", "at-least", async stage =>
        {
            var before = await SumAsync(stage, Publishes);
            var done = await PublishAsync(stage, await stage.TopicAsync("orders"));
            await stage.Expect.EventuallyAsync(
                true, async () => await SumAsync(stage, Publishes) >= before + done, "the counter of publishes grows by those accepted");
        }),

        new("PS-MET-004", "exactly", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var publisher = await stage.ConnectAsync("publisher");
            var before = await SettledAsync(stage, Publishes);
            var done = await PublishAsync(stage, topic);
            var refused = await publisher.PublishAsync(stage.FreshName("missing"), "m1").Given("the publish is answered");
            stage.Require(refused.IsError, "a publish to a topic that does not exist is refused", "PS-PUB-002");
            await stage.Expect.EventuallyAsync(
                before + done, async () => await SumAsync(stage, Publishes), "the counter of publishes grows by those accepted");
        })
        { IsExclusive = true, IsAlone = true },

        new("PS-MET-005", "at-least", async stage =>
        {
            var before = await SumAsync(stage, Deliveries);
            var done = await DeliverAsync(stage);
            await stage.Expect.EventuallyAsync(
                true, async () => await SumAsync(stage, Deliveries) >= before + done, "the counter of deliveries grows by the events sent");
        }),

        new("PS-MET-005", "exactly", async stage =>
        {
            var before = await SettledAsync(stage, Deliveries);
            var done = await DeliverAsync(stage);
            await stage.Expect.EventuallyAsync(
                before + done, async () => await SumAsync(stage, Deliveries), "the counter of deliveries grows by the events sent");
        })
        { IsExclusive = true, IsAlone = true },

        new("PS-MET-006", "up-and-down", async stage =>
        {
            const string Expectation = "the number of connections is that of the open ones";
            var before = await SettledAsync(stage, Connections);
            var clients = new List<Client>();
            foreach (var place in Enumerable.Range(0, 6))
            {
                clients.Add(await stage.ConnectAsync($"client-{place}"));
            }

            await stage.Expect.EventuallyAsync(before + 6, async () => await SumAsync(stage, Connections), Expectation);
            await clients[0].CloseAsync().Given("the connection is closed");
            await clients[1].CloseAsync().Given("the connection is closed");
            clients[2].Abort();
            await stage.Expect.EventuallyAsync(before + 3, async () => await SumAsync(stage, Connections), Expectation);
        })
        { IsExclusive = true, IsAlone = true },

        new("PS-MET-007", "no-names", async stage =>
        {
            var topic = await stage.TopicAsync("confidential");
            var clientId = stage.FreshClientId("customer");
            var messageId = stage.FreshClientId("invoice");
            var subscriber = await stage.ConnectAsync("subscriber");
            await subscriber.SubscribeAsync(topic, clientId: clientId).Acked();
            await subscriber.PublishAsync(topic, messageId, "\"a-payload-of-ones-own\"").Acked();
            await subscriber.EventsUntilAsync(messageId).Given("the message is delivered");
            await stage.Rest.GetTopicAsync(topic).Given("the topic is read");
            string[] names =
            [
                topic, clientId, messageId, "a-payload-of-ones-own",
                .. stage.Target.Credentials is { } credentials ? [credentials.All.Secret, "conformance-all"] : Array.Empty<string>(),
            ];
            foreach (var door in stage.Doors)
            {
                var answer = await stage.Rest.MetricsAsync(door).Given("the metrics are answered", "PS-MET-001");
                stage.Require(answer.IsSuccess, "the metrics are answered", "PS-MET-001");
                var found = names.FirstOrDefault(name => answer.Body.Contains(name, StringComparison.OrdinalIgnoreCase));
                stage.Expect.True(found is null, "no metric holds a name that a client chose", $"{found} is in the metrics");
            }
        }),
    ];

    /// <summary>The metrics of each door, which have to be legal.</summary>
    private static async Task<IReadOnlyList<OpenMetrics>> ScrapeAsync(Stage stage)
    {
        var metrics = new List<OpenMetrics>();
        foreach (var door in stage.Doors)
        {
            var answer = await stage.Rest.MetricsAsync(door).Given("the metrics are answered", "PS-MET-001");
            var read = OpenMetrics.Parse(answer.Body);
            stage.Require(answer.IsSuccess && read.SyntaxFault is null, $"the metrics are legal: {read.SyntaxFault}", "PS-MET-001");
            metrics.Add(read);
        }

        return metrics;
    }

    /// <summary>The sum over all series of this name, and over all doors.</summary>
    private static async Task<double> SumAsync(Stage stage, string name)
    {
        var sums = (await ScrapeAsync(stage)).Select(metrics => metrics.Sum(name)).ToList();
        return sums.All(sum => sum is null)
            ? throw new Violation($"the metrics have {name}", name, "no series of this name")
            : sums.Sum(sum => sum ?? 0);
    }

    /// <summary>The sum, once it stays the same: a server may answer with a text of a moment ago.</summary>
    private static async Task<double> SettledAsync(Stage stage, string name)
    {
        for (var before = await SumAsync(stage, name); ;)
        {
            await Task.Delay(LongestCache, stage.Time, stage.Cancellation);
            var now = await SumAsync(stage, name);
            if (now == before)
            {
                return now;
            }

            before = now;
        }
    }

    /// <summary>Publishes by every interface, and returns how many messages.</summary>
    private static async Task<int> PublishAsync(Stage stage, string topic)
    {
        var publisher = await stage.ConnectAsync("worker");
        await publisher.PublishAllAsync(topic, Habits.Ids("ws-", 7));
        if (!stage.Has(Capability.Http))
        {
            return 7;
        }

        await stage.Rest.PublishAsync(topic, ("one", "1")).Succeeded();
        await stage.Rest.PublishAsync(topic, [.. Habits.Ids("http-", 5).Select(id => (id, "1"))]).Succeeded();
        return 13;
    }

    /// <summary>Delivers to subscribers by every interface, and returns how many events.</summary>
    private static async Task<int> DeliverAsync(Stage stage)
    {
        var topic = await stage.TopicAsync("orders");
        var readers = new List<Receiver>();
        foreach (var place in Enumerable.Range(0, 3))
        {
            readers.Add(await stage.SubscriberAsync($"reader-{place}", topic));
        }

        if (stage.Has(Capability.Sse))
        {
            readers.Add(await stage.StreamAsync("stream", topic));
        }

        var published = await PublishAsync(stage, topic);
        foreach (var reader in readers)
        {
            await reader.EventsAsync(published).Given("every event is delivered");
        }

        return published * readers.Count;
    }

    /// <summary>Does what counters count: a connection, a topic, publishes, deliveries, a refusal.</summary>
    private static async Task<(string Topic, Client Client)> WorkAsync(Stage stage, int publishes)
    {
        var topic = await stage.TopicAsync("orders");
        var client = await stage.SubscriberAsync($"worker-{publishes}", topic);
        await client.PublishAllAsync(topic, Habits.Ids("m", publishes));
        await client.EventsAsync(publishes).Given("every event is delivered");
        await client.RequestAsync("{}").Given("a request that is wrong is answered");
        return (topic, client);
    }
}
