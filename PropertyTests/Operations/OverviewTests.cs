using System.Text.Json;
using NUnit.Framework;
using PubSub.PropertyTests.Nodes;
using PubSub.PropertyTests.Sockets;
using PubSub.PropertyTests.Streams;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Operations;

/// <summary>The paths that only the console needs.</summary>
[Category("Wire")]
public sealed class OverviewTests
{
    private const string Subscribe = """{"type":"subscribe","topic":"a","client_id":"c","last_n":0}""";

    [Test]
    public async Task Unless_CONSOLE_is_on_there_is_nothing([Values("/console", "/v1/connections", "/v1/nodes")] string path)
    {
        using var host = new RunningHost();

        Assert.That((await host.Origin.AskAsync("GET", path)).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task The_page_may_run_its_own_script_alone_and_no_cache_keeps_it()
    {
        using var host = Start();

        var page = await host.Origin.AskAsync("GET", "/console");

        Assert.That((page.Status, page["Content-Type"], page["Cache-Control"]), Is.EqualTo((200, "text/html; charset=utf-8", "no-store")));
        Assert.That(page["Content-Security-Policy"], Does.Match(
            "^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'; img-src data:; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$"));
    }

    [Test]
    public async Task Connections_are_listed_with_their_subscriptions()
    {
        using var host = Start();
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Subscribe);
        using var reader = await EventReader.OfAsync(host, "");
        await reader.BlockAsync();

        Assert.That(async () => (await ConnectionsAsync(host)).GetProperty("total").GetInt32(), Is.EqualTo(2).Soon());
        var answer = await ConnectionsAsync(host);
        Assert.That(answer.GetProperty("backlog_limit").GetRawText(), Is.EqualTo("""{"events":100,"bytes":1048576}"""));
        var connections = answer.GetProperty("connections").EnumerateArray().ToList();
        Assert.That(connections.Select(one => Text(one, "transport")), Is.EquivalentTo(["websocket", "sse"]));
        foreach (var connection in connections)
        {
            Assert.That((Text(connection, "state"), Text(connection, "subscriptions")), Is.EqualTo(("open", "1")));
            Assert.That(connection.GetProperty("topics").GetRawText(), Is.EqualTo("""["a"]"""));
            Assert.That(connection.GetProperty("backlog").GetRawText(), Is.EqualTo("""{"events":0,"bytes":0}"""));
            Assert.That(Text(connection, "remote"), Does.Match(@"^127\.0\.0\.1:\d+$"));
            Assert.That(connection.GetProperty("opened_at").GetDateTime().Kind, Is.EqualTo(DateTimeKind.Utc));
        }
    }

    [Test]
    public async Task The_connection_with_the_largest_backlog_comes_first_and_is_shown_as_cut_at_the_end()
    {
        using var host = Start();
        using var stuck = await Peer.OfAsync(host, window: 4096);
        await stuck.AskAsync(Subscribe);
        using var idle = await Peer.OfAsync(host);
        await idle.AskAsync("""{"type":"ping"}""");
        var topic = host.Broker.Find("a")!;

        await Eventually.IsAsync(PublishOne, Is.EqualTo("waiting"));
        var first = (await ConnectionsAsync(host)).GetProperty("connections")[0];
        Assert.That(first.GetProperty("backlog").GetProperty("events").GetInt32(), Is.Positive);
        Assert.That(first.GetProperty("backlog").GetProperty("bytes").GetInt64(), Is.GreaterThanOrEqualTo(64 * 1024));

        await Eventually.IsAsync(PublishOne, Is.EqualTo("closing"));
        stuck.BreakOff();
        await EndsAsync(host, "slow consumer", cut: true);

        async Task<string> PublishOne()
        {
            topic.TryPublish(Frames.Of(1, 64 * 1024));
            return Text((await ConnectionsAsync(host)).GetProperty("connections")[0], "state");
        }
    }

    [Test]
    public async Task A_connection_that_its_client_ends_is_not_cut()
    {
        using var host = Start();
        using var polite = await Peer.OfAsync(host);
        await polite.CloseAsync(1001);
        await EndsAsync(host, "closed by the client with 1001", cut: false);

        using var rude = await Peer.OfAsync(host);
        rude.BreakOff();
        await EndsAsync(host, "connection lost", cut: false);

        (await EventReader.OfAsync(host, "")).Dispose();
        await EndsAsync(host, "the reader left", cut: false);
    }

    [Test]
    public async Task The_deletion_of_a_topic_cuts_no_connection()
    {
        using var host = Start();
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync(Subscribe);

        await host.Origin.AskAsync("DELETE", "/v1/topics/a");
        peer.BreakOff();

        await EndsAsync(host, "topic deleted", cut: false);
    }

    [Test]
    public async Task A_client_that_breaks_the_protocol_is_cut()
    {
        using var host = Start();
        using var peer = await Peer.OfAsync(host);

        await peer.SendAsync(0x8F, 0x80, 0, 0, 0, 0);
        await peer.HearAsync();
        peer.BreakOff();

        await EndsAsync(host, "the client broke the protocol", cut: true);
    }

    [Test]
    public async Task A_client_that_answers_no_Ping_is_cut()
    {
        var clock = new SteppingClock();
        using var host = new RunningHost(clock, ("CONSOLE", "on"));
        using var peer = await Peer.OfAsync(host);
        await peer.AskAsync("""{"type":"ping"}""");

        clock.Advance(31.0);
        await peer.HearAsync();
        clock.Advance(11.0);

        await EndsAsync(host, "ping unanswered", cut: true);
    }

    [Test]
    public async Task The_last_100_ended_connections_are_remembered_the_latest_first()
    {
        using var host = Start();
        for (var came = 0; came < 103; came++)
        {
            using var peer = await Peer.OfAsync(host);
            await peer.CloseAsync(3000 + came);
            await peer.HearAllAsync();
        }

        await EndsAsync(host, "closed by the client with 3102", cut: false);
        var closed = (await ConnectionsAsync(host)).GetProperty("closed").EnumerateArray().ToList();
        Assert.That(closed, Has.Count.EqualTo(100));
        Assert.That(Text(closed[^1], "reason"), Is.EqualTo("closed by the client with 3003"));
    }

    [Test]
    public async Task A_node_alone_names_itself()
    {
        using var host = new RunningHost(("CONSOLE", "on"), ("NODE_NAME", "one"));

        var answer = await AskAsync(host.Origin, "/v1/nodes");

        Assert.That(answer.GetProperty("nodes").GetRawText(), Is.EqualTo("""["one"]"""));
        Assert.That(
            answer.GetProperty("node").GetRawText(),
            Does.Match(
                """^\{"name":"one","version":"[\d.]+","uptime_seconds":\d+,"engine":"memory","available":true,"draining":false\}$"""));
    }

    [Test]
    public async Task Nodes_that_share_topics_know_each_other()
    {
        await using var cluster = await Cluster.StartAsync(Cluster.Garnet, ("CONSOLE", "on"));

        var own = new List<string>();
        foreach (var door in cluster.Doors)
        {
            own.Add(Text((await door.GetAsync("/v1/nodes")).Body.GetProperty("node"), "name"));
        }

        Assert.That(own, Is.Unique.And.Count.EqualTo(2));
        foreach (var door in cluster.Doors)
        {
            await Eventually.IsAsync(
                async () => (await door.GetAsync("/v1/nodes")).Body.GetProperty("nodes").EnumerateArray().Select(name => $"{name}"),
                Is.EquivalentTo(own));
        }
    }

    private static RunningHost Start()
    {
        var host = new RunningHost(("CONSOLE", "on"));
        host.Broker.Create("a");
        return host;
    }

    private static async Task<JsonElement> AskAsync(Uri origin, string path)
    {
        using var answer = JsonDocument.Parse((await origin.AskAsync("GET", path)).Body);
        return answer.RootElement.Clone();
    }

    private static Task<JsonElement> ConnectionsAsync(RunningHost host) => AskAsync(host.Origin, "/v1/connections");

    /// <summary>Waits until the latest connection that ended has this reason.</summary>
    private static async Task EndsAsync(RunningHost host, string reason, bool cut)
    {
        await Eventually.IsAsync(LatestAsync, Is.EqualTo(reason));
        var ended = (await ConnectionsAsync(host)).GetProperty("closed")[0];
        Assert.That(ended.GetProperty("cut").GetBoolean(), Is.EqualTo(cut));
        Assert.That(ended.GetProperty("closed_at").GetDateTime(), Is.GreaterThanOrEqualTo(ended.GetProperty("opened_at").GetDateTime()));

        async Task<string> LatestAsync()
        {
            var closed = (await ConnectionsAsync(host)).GetProperty("closed");
            return closed.GetArrayLength() > 0 ? Text(closed[0], "reason") : "";
        }
    }

    private static string Text(JsonElement element, string member) => element.GetProperty(member).ToString();
}
