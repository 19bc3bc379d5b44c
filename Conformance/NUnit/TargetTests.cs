using System.Net;
using NUnit.Framework;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>The addresses of a target follow from one URL, and its timeouts from its round-trip time.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class TargetTests
{
    private static readonly Timeouts Usual = new();

    [TestCase("http://h", "http://h/v1", "ws://h/v1/ws", "http://h/")]
    [TestCase("http://h/", "http://h/v1", "ws://h/v1/ws", "http://h/")]
    [TestCase("http://h:8080", "http://h:8080/v1", "ws://h:8080/v1/ws", "http://h:8080/")]
    [TestCase("http://h:80", "http://h/v1", "ws://h/v1/ws", "http://h/")]
    [TestCase("http://h:443", "http://h:443/v1", "ws://h:443/v1/ws", "http://h:443/")]
    [TestCase("https://h", "https://h/v1", "wss://h/v1/ws", "https://h/")]
    [TestCase("https://h:80", "https://h:80/v1", "wss://h:80/v1/ws", "https://h:80/")]
    [TestCase("https://h/a/b/", "https://h/a/b/v1", "wss://h/a/b/v1/ws", "https://h/a/b")]
    [TestCase("http://h/a%20b%2Fc", "http://h/a%20b%2Fc/v1", "ws://h/a%20b%2Fc/v1/ws", "http://h/a%20b%2Fc")]
    [TestCase("http://h/p?x=1#y", "http://h/p/v1", "ws://h/p/v1/ws", "http://h/p")]
    [TestCase("http://[::1]:8080", "http://[::1]:8080/v1", "ws://[::1]:8080/v1/ws", "http://[::1]:8080/")]
    [TestCase("https://[2001:db8::1]/p", "https://[2001:db8::1]/p/v1", "wss://[2001:db8::1]/p/v1/ws", "https://[2001:db8::1]/p")]
    public void All_addresses_follow_from_one_URL(string url, string rest, string socket, string root)
    {
        var target = Target.From(new Uri(url));

        Assert.That((target.Rest.AbsoluteUri, target.WebSocket.AbsoluteUri, target.Root.AbsoluteUri), Is.EqualTo((rest, socket, root)));
    }

    [Test]
    public void The_dialect_gives_the_prefix_of_the_paths()
    {
        var classic = Target.From(new Uri("http://h/p"), Dialect.Classic);
        var deep = Target.From(new Uri("http://h/p"), Dialect.V1 with { Prefix = "/api/v2" });

        Assert.That((classic.Rest.AbsoluteUri, classic.WebSocket.AbsoluteUri), Is.EqualTo(("http://h/p", "ws://h/p/ws")));
        Assert.That(
            (deep.Rest.AbsoluteUri, deep.WebSocket.AbsoluteUri, deep.Root.AbsoluteUri),
            Is.EqualTo(("http://h/p/api/v2", "ws://h/p/api/v2/ws", "http://h/p")));
    }

    [TestCase("http://other:81", "http://other:81/a/v1", "ws://other:81/b/socket", "http://other:81/a")]
    [TestCase("https://other", "https://other/a/v1", "wss://other/b/socket", "https://other/a")]
    [TestCase("http://[::1]:9", "http://[::1]:9/a/v1", "ws://[::1]:9/b/socket", "http://[::1]:9/a")]
    public void A_target_at_another_origin_keeps_its_paths_and_options(string origin, string rest, string socket, string root)
    {
        var target = Target.From(new Uri("https://h:8443/a")) with
        {
            WebSocket = new Uri("wss://h:8444/b/socket"),
            Headers = new Dictionary<string, string> { ["X-A"] = "1" },
            Query = "q=1",
            MessageIds = MessageIds.Uuids(),
            Limits = new Limits { Ring = 7 },
        };

        var like = target.At(new Uri(origin));

        Assert.That((like.Rest.AbsoluteUri, like.WebSocket.AbsoluteUri, like.Root.AbsoluteUri), Is.EqualTo((rest, socket, root)));
        Assert.That(
            (like.Headers, like.Query, like.MessageIds, like.Limits, like.Dialect),
            Is.EqualTo((target.Headers, target.Query, target.MessageIds, target.Limits, target.Dialect)));
    }

    [Test]
    public async Task A_target_on_IPv6_behind_a_path_is_reached()
    {
        MortalServer server;
        try
        {
            server = new MortalServer(IPAddress.IPv6Loopback) { RestPrefixes = ["/p/v1"], Sockets = ["/p/v1/ws"] };
            _ = server.Origin; // it starts here
        }
        catch (System.Net.Sockets.SocketException)
        {
            Assert.Ignore("this machine has no IPv6");
            return;
        }

        await using var owned = server;
        var target = Target.From(new Uri(server.Origin, "/p/"));

        var outcome = await new Runner(Script.Catalogue, target).RunAsync(Script.Scene("both", async stage =>
        {
            await Script.AskAsync(stage);
            stage.Expect.True((await (await stage.ConnectAsync("client")).PingAsync()).IsPong, "a ping is answered");
        }));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.ToStory());
        Assert.That(outcome.Traffic?.Connections, Is.EqualTo(2));
    }

    // How long -------------------------------------------------------------------------------------------------------

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(50)]
    [TestCase(249)]
    [TestCase(251)]
    [TestCase(1_000)]
    [TestCase(30_000)]
    public void A_slow_target_gets_more_time_and_no_target_gets_less(int roundTrip)
    {
        var slow = TimeSpan.FromMilliseconds(roundTrip);

        var timeouts = Usual.For(slow);

        foreach (var (given, usual) in Waits(timeouts).Zip(Waits(Usual)))
        {
            Assert.That(given, Is.GreaterThanOrEqualTo(usual));
        }

        Assert.That(timeouts.Wait, Is.GreaterThanOrEqualTo(20 * slow).And.LessThanOrEqualTo(Usual.Wait + (20 * slow)));
        Assert.That(timeouts.Scenario, Is.EqualTo(Usual.Scenario + (1_000 * slow)));
        Assert.That(timeouts.Scenario, Is.GreaterThan(10 * timeouts.Wait), "a scenario survives a few waits that time out");
    }

    [TestCase(0.1)]
    [TestCase(1)]
    [TestCase(3)]
    public void The_scale_multiplies_every_wait(double scale)
    {
        var slow = TimeSpan.FromMilliseconds(400);

        foreach (var (scaled, plain) in Waits(Usual.For(slow, scale)).Zip(Waits(Usual.For(slow))))
        {
            Assert.That(scaled, Is.EqualTo(plain * scale));
        }
    }

    [Test]
    public void A_fast_target_gets_the_usual_timeout() => Assert.That(Usual.For(TimeSpan.FromMilliseconds(1)).Wait, Is.EqualTo(Usual.Wait));

    [Test]
    public void Limits_follow_the_settings_that_a_server_was_started_with()
    {
        var settings = new Dictionary<string, string>
        {
            ["MAX_QUEUE_SIZE"] = "5",
            ["MAX_QUEUE_BYTES"] = "6",
            ["MAX_MESSAGES"] = "7",
            ["MAX_MESSAGE_BYTES"] = "8",
            ["PORT"] = "9",
        };

        Assert.That(
            new Limits { NameLength = 10 }.Under(settings),
            Is.EqualTo(new Limits { QueueSize = 5, QueueBytes = 6, Ring = 7, MessageBytes = 8, NameLength = 10 }));
        Assert.That(new Limits { Ring = 3 }.Under(new Dictionary<string, string> { ["MAX_MESSAGES"] = "many" }).Ring, Is.EqualTo(3));
    }

    private static TimeSpan[] Waits(Timeouts timeouts) =>
        [timeouts.Connect, timeouts.Wait, timeouts.Start, timeouts.Exit, timeouts.Scenario, timeouts.Cleanup];
}
