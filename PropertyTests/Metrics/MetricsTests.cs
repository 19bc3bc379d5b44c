using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using OpenTelemetry.Metrics;
using PubSub.Hosting.Metrics;
using PubSub.Hosting.Protocol;
using PubSub.PropertyTests.Streams;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Metrics;

/// <summary>What <c>/metrics</c> shows.</summary>
[Category("Wire")]
public sealed partial class MetricsTests
{
    private const string Json = "Content-Type: application/json";
    private const string Odd = "Odd-Topic-Or-Client", OddToo = "a topic \"of\" its own\\";

    [Test]
    public async Task Nothing_is_measured_unless_it_is_asked_for()
    {
        var instruments = new List<string>();
        using var listener = new MeterListener { InstrumentPublished = Note };
        listener.Start();
        using var host = new RunningHost();

        await ActAsync(host);

        Assert.That((await host.Origin.AskAsync("GET", "/metrics")).Status, Is.EqualTo(404));
        Assert.That(host.Services.GetService<Instruments>(), Is.Null);
        Assert.That(host.Services.GetService<MeterProvider>(), Is.Null);
        Assert.That(instruments, Is.Empty);

        void Note(Instrument instrument, MeterListener _)
        {
            if (instrument.Meter.Name == Instruments.MeterName)
            {
                instruments.Add(instrument.Name);
            }
        }
    }

    [TestCase(Scrape.Accept, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores")]
    [TestCase("Accept: text/plain", "text/plain; version=0.0.4; charset=utf-8")]
    public async Task The_format_is_what_the_scraper_accepts(string accept, string type)
    {
        using var host = On();

        var answer = await host.Origin.AskAsync("GET", "/metrics", "", accept);

        Assert.That((answer.Status, answer["Content-Type"]), Is.EqualTo((200, type)));
        Assert.That((await host.Origin.AskAsync("POST", "/metrics", "", accept)).Status, Is.EqualTo(405));
    }

    [Test]
    public async Task Connections_subscriptions_and_topics_are_shown_while_they_last()
    {
        using var host = On();
        host.Broker.Create("a");
        using (var peer = await Peer.OfAsync(host))
        {
            await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
            using var reader = await EventReader.OfAsync(host, "");

            var open = await Scrape.UntilAsync(host, "pubsub_subscriptions{}", 2);

            Assert.That(open["pubsub_connections{transport=websocket}"], Is.EqualTo(1));
            Assert.That(open["pubsub_connections{transport=sse}"], Is.EqualTo(1));
            Assert.That(open["pubsub_topics{}"], Is.EqualTo(1));
        }

        host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: false);
        var closed = await Scrape.UntilAsync(host, "pubsub_connections{transport=websocket}", 0);
        await Scrape.UntilAsync(host, "pubsub_connections{transport=sse}", 0);
        Assert.That((closed["pubsub_subscriptions{}"], closed["pubsub_topics{}"]), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Publishes_deliveries_and_bytes_are_counted_by_their_transport()
    {
        using var host = On();

        var (sent, received) = await ActAsync(host);

        var all = await Scrape.UntilAsync(host, "pubsub_deliveries_total{transport=sse}", 3);
        Assert.That(all["pubsub_deliveries_total{transport=websocket}"], Is.EqualTo(3));
        Assert.That(all["pubsub_publishes_total{transport=websocket}"], Is.EqualTo(1));
        Assert.That(all["pubsub_publishes_total{transport=http}"], Is.EqualTo(2));
        Assert.That(all["pubsub_received_bytes_total{transport=http}"], Is.EqualTo(sent));
        Assert.That(all["pubsub_sent_bytes_total{transport=sse}"], Is.EqualTo(received));
        Assert.That(all["pubsub_received_bytes_total{transport=websocket}"], Is.GreaterThan(100).And.LessThan(500));
        Assert.That(all["pubsub_sent_bytes_total{transport=websocket}"], Is.GreaterThan(300).And.LessThan(1_500));
    }

    [Test]
    public async Task The_first_of_eight_batches_is_sampled()
    {
        using var host = On();
        host.Broker.Create("a");
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");

        for (var i = 0; i < 17; i++)
        {
            await host.Origin.AskAsync("POST", "/v1/topics/a/messages", """[{"id":"1","payload":0},{"id":"2","payload":0}]""", Json);
            await peer.HearAsync();
            await peer.HearAsync();
        }

        var all = await Scrape.UntilAsync(host, "pubsub_deliveries_total{transport=websocket}", 34);
        Assert.That(all["pubsub_queue_depth_count{}"], Is.EqualTo(3));
        Assert.That(all["pubsub_queue_depth_sum{}"], Is.EqualTo(6));
        Assert.That(all["pubsub_delivery_latency_seconds_count{}"], Is.EqualTo(3));
        Assert.That(
            all["pubsub_delivery_latency_seconds_sum{}"], Is.GreaterThan(0).And.LessThan(3 * Threads.Patience.TotalSeconds));
    }

    [Test]
    public async Task Errors_are_counted_by_their_code_at_each_door()
    {
        using var host = On();
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync("{}");
        await peer.AskAsync("""{"type":"subscribe","topic":"b","client_id":"me"}""");
        await host.Origin.AskAsync("GET", "/v1/topics/b");
        await host.Origin.AskAsync("GET", "/v1/topics/b/events");
        await host.Origin.AskAsync("POST", "/v1/topics", "{", Json);
        await host.Origin.AskAsync("DELETE", "/v1/health");
        await host.Origin.AskAsync("GET", "/v1/ws");

        var all = await Scrape.UntilAsync(host, "pubsub_refusals_total{code=UPGRADE_REQUIRED}", 1);

        Assert.That(all["pubsub_refusals_total{code=BAD_REQUEST}"], Is.EqualTo(2));
        Assert.That(all["pubsub_refusals_total{code=TOPIC_NOT_FOUND}"], Is.EqualTo(3));
        Assert.That(all["pubsub_refusals_total{code=METHOD_NOT_ALLOWED}"], Is.EqualTo(1));
    }

    [Test]
    public async Task A_slow_consumer_that_is_cut_is_counted()
    {
        using var host = On();

        await CutAsync(host);

        var all = await Scrape.UntilAsync(host, "pubsub_slow_consumers_total{transport=websocket}", 1);
        Assert.That(all["pubsub_refusals_total{code=SLOW_CONSUMER}"], Is.EqualTo(1));
    }

    [Test]
    public async Task The_state_of_the_node_and_of_its_engine_is_shown()
    {
        using var host = On();
        var ready = await Scrape.AllAsync(host);
        Assert.That((ready["pubsub_engine_available{}"], ready["pubsub_draining{}"]), Is.EqualTo((1, 0)));

        await host.Sessions.StoppingAsync(CancellationToken.None);
        await Scrape.UntilAsync(host, "pubsub_draining{}", 1);

        using var lost = On(("REDIS", $"127.0.0.1:{Ports.Lasting()}"), ("REDIS_TIMEOUT", "0.1"));
        Assert.That((await Scrape.AllAsync(lost))["pubsub_engine_available{}"], Is.Zero);
    }

    [Test]
    public async Task No_label_has_the_name_of_a_topic_or_a_client()
    {
        using var host = On();
        foreach (var name in new[] { Odd, OddToo })
        {
            host.Broker.Create(name);
            var text = JsonSerializer.Serialize(name);
            using var peer = await Peer.OfAsync(host);
            await peer.AskAsync($$"""{"type":"subscribe","topic":{{text}},"client_id":{{text}},"request_id":{{text}}}""");
            await peer.AskAsync($$"""{"type":"publish","topic":{{text}},"message":{"id":{{text}},"payload":0} }""");
            await peer.AskAsync($$"""{"type":"subscribe","topic":"{{Odd}}2","client_id":{{text}}}""");
            await peer.AskAsync($$"""{"type":"{{Odd}}"}""");
            await host.Origin.AskAsync("GET", $"/v1/topics/{Odd}2");
            await host.Origin.AskAsync(Odd.ToUpperInvariant(), $"/v1/topics/{Odd}");
            await host.Origin.AskAsync("POST", $"/v1/topics/{Uri.EscapeDataString(name)}/messages", """{"id":"1","payload":0}""", Json);
        }

        await Scrape.UntilAsync(host, "pubsub_publishes_total{transport=http}", 2);

        var families = await Scrape.FamiliesAsync(host);
        var scraped = (await host.Origin.AskAsync("GET", "/metrics", "", Scrape.Accept)).Body;
        Assert.That(scraped, Does.Not.Contain("odd").IgnoreCase.And.Not.Contains("of its own"));
        Assert.That(
            Ours(families).SelectMany(family => family.Samples).SelectMany(sample => sample.Labels.Keys).Distinct(),
            Is.SubsetOf(new[] { "transport", "code", "le" }));
    }

    [Test]
    public async Task Every_metric_is_in_the_README_and_every_metric_of_the_dashboard_exists()
    {
        using var host = On();
        await ActAsync(host);
        await CutAsync(host);
        await Scrape.UntilAsync(host, "pubsub_slow_consumers_total{transport=websocket}", 1);

        var families = Ours(await Scrape.FamiliesAsync(host)).ToList();
        var samples = families.SelectMany(family => family.Samples).Select(sample => sample.Name).ToHashSet();

        var documented = DocumentedMetric().Matches(Repository.Read("README.md")).Select(row => row.Groups[1].Value);
        var ours = families.Select(family => family.Type == "counter" ? $"{family.Name}_total" : family.Name);
        Assert.That(documented, Is.EquivalentTo(ours));

        using var dashboard = JsonDocument.Parse(Repository.Read("ci/grafana-dashboard.json"));
        var queries = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Select(target => target.GetProperty("expr").GetString()!)
            .ToList();
        var named = queries.SelectMany(query => Metric().Matches(query)).Select(match => match.Value).Distinct().ToList();
        Assert.That(queries, Has.All.Match(Metric()));
        Assert.That(named, Is.SubsetOf(samples));
        Assert.That(
            families.Where(family => !named.Exists(name => name.StartsWith(family.Name, StringComparison.Ordinal))),
            Is.Empty,
            "the dashboard shows every metric");
    }

    private static RunningHost On(params (string Name, string Value)[] settings) => new([("METRICS", "on"), .. settings]);

    private static IEnumerable<Family> Ours(IEnumerable<Family> families) => families.Where(family => family.Name != "target");

    /// <summary>Publishes once over the WebSocket and a batch of two over HTTP, to a WebSocket and a stream that hear all.</summary>
    /// <returns>The bytes of the batch, and those that the stream received.</returns>
    private static async Task<(int Sent, int Received)> ActAsync(RunningHost host)
    {
        const string Batch = """[{"id":"2","payload":0},{"id":"3","payload":0}]""";
        host.Broker.Create("a");
        using var peer = await Peer.OfAsync(host);
        using var reader = await EventReader.OfAsync(host, "", "1.0");
        await reader.BlockAsync();
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        await peer.AskAsync("""{"type":"publish","topic":"a","message":{"id":"1","payload":0}}""");
        await peer.HearAsync();
        await host.Origin.AskAsync("POST", "/v1/topics/a/messages", Batch, Json);
        await peer.HearAsync();
        await peer.HearAsync();
        var received = 0;
        for (var i = 0; i < 3; i++)
        {
            received += (await reader.BlockAsync()).Length + "\n\n".Length;
        }

        return (Batch.Length, received);
    }

    /// <summary>Cuts a WebSocket: its reader cannot run between the batches.</summary>
    private static async Task CutAsync(RunningHost host)
    {
        host.Broker.Create("cut");
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync("""{"type":"subscribe","topic":"cut","client_id":"me"}""");
        var say = host.Services.GetRequiredService<ServerMessage>();
        var wakes = new Wakes();
        for (var i = 0; i <= 100; i++)
        {
            host.Broker.Find("cut")!.Publish(say.Event("\"cut\""u8.ToArray(), """{"id":"1","payload":0}"""u8.ToArray()), wakes);
        }

        wakes.Release();
        await peer.HearAsync();
        await peer.HearAsync();
    }

    [GeneratedRegex("^\\| `(pubsub_[a-z_]+)`", RegexOptions.Multiline)]
    private static partial Regex DocumentedMetric();

    [GeneratedRegex("pubsub_[a-z_]+")]
    private static partial Regex Metric();
}
