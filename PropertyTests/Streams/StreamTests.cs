using System.Globalization;
using System.Net;
using NUnit.Framework;
using PubSub.PropertyTests.Sockets;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Streams;

/// <summary>Server-Sent Events over the wire (SPEC, section 19).</summary>
[Category("Wire")]
public sealed class StreamTests
{
    private const string Epoch = "e1";

    private readonly SteppingClock _clock = new();

    [Test]
    public async Task A_stream_begins_with_a_comment_and_a_position_and_goes_on_with_events([Values("1.0", "1.1")] string version)
    {
        using var host = Start();
        using var reader = await EventReader.OfAsync(host, "", version);
        Assert.That((reader.Status, reader.Type), Is.EqualTo((HttpStatusCode.OK, "text/event-stream")));
        Assert.That(await reader.BlockAsync(), Is.EqualTo($": a\nid: {Epoch}/{Stamps.Text(0)}"));

        await PublishAsync(host, """{"id":"1","payload":1}""");
        await PublishAsync(host, """{"id":"2","payload":[1,""" + "\n\r" + """2]}""");

        Assert.That(await reader.BlockAsync(), Is.EqualTo(Event(1, """{"id":"1","payload":1}""")));
        Assert.That(await reader.BlockAsync(), Is.EqualTo(Event(2, """{"id":"2","payload":[1,""" + "\ndata: \ndata: " + """2]}""")));
    }

    [TestCase("?last_n=2", "3,4")]
    [TestCase("?last_n=9", "1,2,3,4")]
    [TestCase("?since={0}&epoch=e1", "1,2,3,4")]
    [TestCase("?since={2}&epoch=e1", "3,4")]
    [TestCase("?since={2}", "3,4")]
    [TestCase("?since={4}&epoch=e1", "")]
    [TestCase("?since={2}&epoch=e0", "gap,3,4")]
    [TestCase("?since=9999-01-01T00:00:00Z", "gap")]
    public async Task A_stream_goes_on_from_a_position(string query, string expected)
    {
        using var host = Start();
        await PublishAsync(host, 1, 4);
        var beginning = string.Format(CultureInfo.InvariantCulture, query, [.. Enumerable.Range(0, 5).Select(Stamps.Text)]);

        using var reader = await EventReader.OfAsync(host, beginning);
        await PublishAsync(host, 5, 1);

        Assert.That(await reader.ShortAsync(until: 5), Is.EqualTo($"{expected},5".TrimStart(',')));
    }

    [TestCase("e1/{2}", "3,4")]
    [TestCase("e0/{2}", "gap,3,4")]
    [TestCase("e/1/{2}", "gap,3,4")]
    public async Task The_header_of_an_EventSource_wins(string id, string expected)
    {
        using var host = Start();
        await PublishAsync(host, 1, 4);

        using var reader = await EventReader.OfAsync(
            host, "?last_n=1", "1.1", id.Replace("{2}", Stamps.Text(2), StringComparison.Ordinal));
        await PublishAsync(host, 5, 1);

        Assert.That(await reader.ShortAsync(until: 5), Is.EqualTo($"{expected},5"));
    }

    [Test]
    public async Task A_gap_says_what_may_be_missing_and_has_no_id()
    {
        using var host = Start(("MAX_MESSAGES", "2"));
        await PublishAsync(host, 1, 4);

        using var reader = await EventReader.OfAsync(host, $"?since={Stamps.Text(1)}");
        await reader.BlockAsync();

        Assert.That(
            await reader.BlockAsync(),
            Does.Match("""^event: gap\ndata: \{"type":"gap","topic":"a","epoch":"e1","timestamp":"[^"]{28}"\}$"""));
        Assert.That(await reader.ShortAsync(until: 4), Is.EqualTo("3,4"));
    }

    [TestCase("?last_n=x", "")]
    [TestCase("?since=x", "")]
    [TestCase("?last_n=1&since=2025-01-01T00:00:00Z", "")]
    [TestCase("", "e1")]
    [TestCase("", "e1/yesterday")]
    public async Task An_illegal_beginning_is_refused(string query, string id)
    {
        using var host = Start();
        using var reader = await EventReader.OfAsync(host, query, "1.1", id);

        Assert.That((int)reader.Status, Is.EqualTo(400));
    }

    [TestCase("https://app.example", 200)]
    [TestCase("https://evil.example", 403)]
    public async Task Only_pages_of_allowed_origins_may_follow(string origin, int status)
    {
        using var host = Start(("ALLOWED_ORIGINS", "https://app.example"));

        var head = await host.Origin.AskAsync("HEAD", "/v1/topics/a/events", "", $"Origin: {origin}");

        Assert.That(head.Status, Is.EqualTo(status));
        Assert.That(head["Access-Control-Allow-Origin"], Is.EqualTo(status == 200 ? origin : null));
    }

    [TestCase("/v1/topics/b/events", 404)]
    [TestCase("/v1/topics/%01/events", 400)]
    public async Task A_path_without_a_topic_is_refused(string target, int status)
    {
        using var host = Start();

        Assert.That((await host.Origin.AskAsync("GET", target)).Status, Is.EqualTo(status));
        Assert.That((await host.Origin.AskAsync("HEAD", target)).Status, Is.EqualTo(status));
    }

    [Test]
    public async Task HEAD_subscribes_nothing()
    {
        using var host = Start();

        var head = await host.Origin.AskAsync("HEAD", "/v1/topics/a/events");

        Assert.That((head.Status, head["Content-Type"], head.Body), Is.EqualTo((200, "text/event-stream", "")));
        Assert.That(host.Broker.Count().Subscriptions, Is.Zero);
    }

    [Test]
    public async Task A_stream_is_a_subscription_until_its_reader_leaves()
    {
        using var host = Start(("LOG_LEVEL", "info"));
        using (await EventReader.OfAsync(host, ""))
        {
            Assert.That(host.Broker.Count().Subscriptions, Is.EqualTo(1));
        }

        Assert.That(() => host.Broker.Count().Subscriptions, Is.Zero.Soon());
        Assert.That(() => host.Logged, Has.One.EndsWith("closed: the reader left").Soon());
    }

    [Test]
    public async Task A_deletion_is_told_and_ends_the_stream(
        [Values("disconnect", "unsubscribe")] string deletion, [Values("1.0", "1.1")] string version)
    {
        using var host = Start(("TOPIC_DELETION", deletion));
        using var reader = await EventReader.OfAsync(host, "", version);
        await reader.BlockAsync();

        await host.Origin.AskAsync("DELETE", "/v1/topics/a");

        Assert.That(await reader.BlockAsync(), Does.Match("""^event: info\ndata: \{"type":"info","topic":"a","msg":"topic_deleted","""));
        Assert.That(await reader.BlockAsync(), Is.EqualTo("the end"));
    }

    [Test]
    public async Task Draining_ends_a_stream_behind_what_is_queued_and_refuses_a_new_one()
    {
        using var host = Start();
        using var reader = await EventReader.OfAsync(host, "");
        await reader.BlockAsync();
        await PublishAsync(host, 1, 1);

        await host.Sessions.StoppingAsync(CancellationToken.None);

        Assert.That(await reader.BlockAsync(), Does.StartWith("id: "));
        Assert.That(await reader.BlockAsync(), Is.EqualTo("the end"));
        using var late = await EventReader.OfAsync(host, "");
        Assert.That(late.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
    }

    [Test]
    public async Task Streams_and_WebSockets_share_the_bound_on_connections()
    {
        using var host = Start(("MAX_CONNECTIONS", "1"));
        using var peer = await Peer.OfAsync(host);

        using var reader = await EventReader.OfAsync(host, "");

        Assert.That(reader.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(host.Broker.Count().Subscriptions, Is.Zero);
    }

    [Test]
    public async Task A_stream_without_events_gets_a_comment_in_every_interval()
    {
        using var host = Start(("KEEPALIVE_INTERVAL", "30"), ("KEEPALIVE_TIMEOUT", "1"), ("LOG_LEVEL", "info"));
        using var reader = await EventReader.OfAsync(host, "");
        await reader.BlockAsync();
        Assert.That(() => host.Logged, Has.Some.Match("Session .* opened").Soon(), "from here on it is swept");

        for (var time = 0; time < 3; time++)
        {
            _clock.Advance(31);
            Assert.That(await reader.BlockAsync(), Is.EqualTo(":"), "although no comment is ever answered");
        }
    }

    [Test]
    public async Task A_reader_that_is_too_slow_is_told_and_no_one_waits_for_it()
    {
        const int bytes = 60_000;
        using var host = Start(("MAX_QUEUE_SIZE", "10"), ("LOG_LEVEL", "info"));
        using var reader = await EventReader.OfAsync(host, "");
        await reader.BlockAsync();
        var message = $$"""{"id":"1","payload":"{{new string('x', bytes)}}"}""";

        while (host.Broker.Count().Subscriptions > 0)
        {
            await PublishAsync(host, message);
        }

        var last = "";
        for (var block = ""; block != "the end"; block = await reader.BlockAsync())
        {
            last = block;
        }

        Assert.That(last, Does.StartWith("event: error\ndata: {\"type\":\"error\",\"error\":{\"code\":\"SLOW_CONSUMER\""));
        Assert.That(() => host.Logged, Has.One.EndsWith("closed as a slow consumer").Soon());
    }

    [Test]
    public async Task A_reader_that_reads_nothing_is_ended()
    {
        using var host = Start(("LOG_LEVEL", "info"));
        using var reader = await EventReader.OfAsync(host, "");
        byte[] header = [0x81, 127, 0, 0, 0, 0, 2, 0, 0, 0];
        host.Broker.Find("a")!.TryPublish(new Frame([.. header, .. "{\"type\":\"x\""u8, .. new byte[32 * 1024 * 1024]]));

        for (var waits = 0; host.Broker.Count().Subscriptions > 0; waits++)
        {
            Assert.That(waits, Is.LessThan(1_000), "the deadline");
            await Task.Delay(10); // the write begins on another thread
            _clock.Advance(0.5);
        }

        Assert.That(host.Logged, Has.Some.Contains("read nothing for 10 s and was ended"));
    }

    private RunningHost Start(params (string Name, string Value)[] settings)
    {
        var host = new RunningHost(_clock, settings);
        host.Broker.Create("a", new Origin(Stamps.Of(0), Epoch));
        return host;
    }

    /// <summary>The topic's event number <paramref name="n"/>, since the clock stands still.</summary>
    private static string Event(int n, string message) =>
        $$"""id: {{Epoch}}/{{Stamps.Text(n)}}""" + "\n"
        + $$"""data: {"type":"event","topic":"a","message":{{message}},"timestamp":"{{Stamps.Text(n)}}"}""";

    private static async Task PublishAsync(RunningHost host, int first, int count)
    {
        foreach (var number in Enumerable.Range(first, count))
        {
            await PublishAsync(host, $$"""{"id":"{{number}}","payload":1}""");
        }
    }

    private static async Task PublishAsync(RunningHost host, string message)
    {
        var answer = await host.Origin.AskAsync("POST", "/v1/topics/a/messages", message, "Content-Type: application/json");
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
    }
}
