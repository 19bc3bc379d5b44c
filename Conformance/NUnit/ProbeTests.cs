using NUnit.Framework;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;
using static PubSub.Conformance.Tests.Probing;

namespace PubSub.Conformance.Tests;

/// <summary>The probe finds a server of the protocol at any path, and finds out its dialect, message ids and limits.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ProbeTests
{
    // Where it is ----------------------------------------------------------------------------------------------------

    [Test]
    public async Task Our_own_Host_is_found_with_evidence_for_each_finding()
    {
        using var host = new WatchedHost();

        var probed = await FindAsync(host.Origin);

        Assert.That(probed.Target.Rest, Is.EqualTo(new Uri(host.Origin, "/v1")));
        Assert.That(probed.Target.WebSocket.AbsoluteUri, Is.EqualTo($"ws://{host.Origin.Authority}/v1/ws"));
        Assert.That(
            (probed.Target.Dialect.Name, probed.Target.MessageIds.AreUuids, probed.Target.Root.AbsolutePath),
            Is.EqualTo(("v1", false, "/")));
        Assert.That(probed.Findings, Is.All.Matches<Finding>(finding => finding is { Evidence.Length: > 0, Value.Length: > 0 }));
        Assert.That(Evidence(probed, "message ids"), Does.Contain("acked"));
        Assert.That(Evidence(probed, "dialect"), Does.Contain("'timestamp'").And.Contain("'uptime_seconds'").And.Contain("/v1"));
        Assert.That(Found(probed, "limits").Source, Is.EqualTo(FindingSource.Assumed));
        Assert.That(probed.RoundTrips!.Samples, Is.EqualTo(20));
        Assert.That(probed.RoundTrips.MedianMs, Is.LessThanOrEqualTo(probed.RoundTrips.P95Ms).And.GreaterThan(0));
        Assert.That(probed.RoundTrips.P95Ms, Is.LessThanOrEqualTo(probed.RoundTrips.MaxMs));
        Assert.That(probed.Fingerprint["address"], Is.EqualTo(host.Origin.Authority));
        Assert.That(
            (await new Rest(probed.Target, CancellationToken.None).ListTopicsAsync()).Topics,
            Is.Empty,
            "the probe deletes its topic");
    }

    [Test]
    public async Task The_classic_dialect_is_found()
    {
        await using var server = Classic();

        var probed = await FindAsync(server);

        Assert.That(
            (probed.Target.Rest.AbsolutePath, probed.Target.WebSocket.AbsolutePath, probed.Target.Dialect.Name),
            Is.EqualTo(("/", "/ws", "classic")));
        Assert.That(Evidence(probed, "dialect"), Does.Contain("'ts'").And.Contain("'uptime_sec'"));
        Assert.That(server.Topics, Is.Empty);
        Assert.That(server.Asked.Single(), Does.StartWith("conformance-"));
    }

    [TestCase("http", "/api/pubsub", "/api/pubsub/v1", "/api/pubsub/v1/ws", "/api/pubsub")]
    [TestCase("http", "/api/pubsub/", "/api/pubsub/v1", "/api/pubsub/v1/ws", "/api/pubsub")]
    [TestCase("http", "/api/pubsub/v1", "/api/pubsub/v1", "/api/pubsub/v1/ws", "/api/pubsub")]
    [TestCase("ws", "/ws", "", "/ws", "/")]
    [TestCase("ws", "/v1/ws", "/v1", "/v1/ws", "/")]
    [TestCase("ws", "/api/ws", "/api", "/api/ws", "/api")]
    [TestCase("ws", "/api/ws/", "/api", "/api/ws/", "/api")]
    [TestCase("ws", "/api", "/api/v1", "/api/v1/ws", "/api")]
    [TestCase("ws", "/stream", "/v1", "/stream", "/")]
    [TestCase("ws", "/v1/stream", "/v1", "/v1/stream", "/")]
    [TestCase("ws", "/stream", "", "/stream", "/")]
    public async Task Both_interfaces_are_found_from_a_URL_with_a_path(string scheme, string given, string rest, string socket, string root)
    {
        await using var server = new MortalServer { RestPrefixes = [rest], Sockets = [socket] };

        var url = new Uri($"{scheme}://{server.Origin.Authority}{given}");

        var target = (await FindAsync(server, options => options with { Url = url })).Target;

        Assert.That((target.Rest.AbsolutePath.TrimEnd('/'), target.WebSocket.AbsolutePath), Is.EqualTo((rest, socket)));
        Assert.That(target.Root.AbsolutePath, Is.EqualTo(root));
    }

    [Test]
    public async Task The_WebSocket_below_the_REST_interface_is_used_and_the_others_are_named()
    {
        await using var server = new MortalServer { RestPrefixes = ["/v1"], Sockets = ["/ws", "/v1/ws"] };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.WebSocket.AbsolutePath, Is.EqualTo("/v1/ws"));
        Assert.That(Evidence(probed, "WebSocket"), Does.Contain("/ws answered too").And.Contain("below the REST interface first"));
    }

    [Test]
    public async Task The_first_REST_interface_is_used_and_the_others_are_named()
    {
        await using var server = new MortalServer { RestPrefixes = ["", "/v1"], Sockets = ["/v1/ws"] };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.Rest.AbsolutePath, Is.EqualTo("/v1"));
        Assert.That(Evidence(probed, "REST"), Does.Contain("answered too").And.Contain("in the order tried"));
    }

    [Test]
    public async Task The_WebSocket_that_the_user_named_is_tested_where_a_server_has_two()
    {
        await using var server = new MortalServer { RestPrefixes = ["", "/v1"], Sockets = ["/ws", "/v1/ws"] };

        var old = await FindAsync(server, options => options with { Url = new Uri($"ws://{server.Origin.Authority}/ws") });
        var @new = await FindAsync(server, options => options with { Url = new Uri($"ws://{server.Origin.Authority}/v1/ws") });

        Assert.That((old.Target.Rest.AbsolutePath, old.Target.WebSocket.AbsolutePath), Is.EqualTo(("/", "/ws")));
        Assert.That((@new.Target.Rest.AbsolutePath, @new.Target.WebSocket.AbsolutePath), Is.EqualTo(("/v1", "/v1/ws")));
    }

    [Test]
    public async Task URLs_that_the_user_named_are_used_and_no_others_are_tried()
    {
        await using var server = new MortalServer { RestPrefixes = ["/v1", "/rest"], Sockets = ["/v1/ws", "/socket"] };
        var rest = new Uri(server.Origin, "/rest");
        var socket = new Uri($"ws://{server.Origin.Authority}/socket");

        var probed = await FindAsync(server, options => options with { Rest = rest, WebSocket = socket });

        Assert.That((probed.Target.Rest, probed.Target.WebSocket), Is.EqualTo((rest, socket)));
        Assert.That(
            (Found(probed, "REST").Source, Found(probed, "WebSocket").Source),
            Is.EqualTo((FindingSource.Declared, FindingSource.Declared)));
        Assert.That(
            await MessageAsync(server, options => options with { Rest = new Uri(server.Origin, "/nowhere") }),
            Does.Contain("/nowhere/topics: 404").And.Not.Contain("/v1"));
        Assert.That(
            await MessageAsync(server, options => options with { WebSocket = new Uri($"ws://{server.Origin.Authority}/nows") }),
            Does.Contain("/nows: 404").And.Not.Contain("/v1/ws"));
    }

    [Test]
    public async Task The_two_interfaces_may_be_at_two_ports()
    {
        await using var rest = new MortalServer { Sockets = [] };
        await using var socket = new MortalServer { RestPrefixes = [] };

        var probed = await FindAsync(rest, options => options with { WebSocket = new Uri($"ws://{socket.Origin.Authority}/v1/ws") });

        Assert.That(
            (probed.Target.Rest.Authority, probed.Target.WebSocket.Authority),
            Is.EqualTo((rest.Origin.Authority, socket.Origin.Authority)));
    }

    [TestCase("/deep/path")]
    [TestCase("deep/path")]
    [TestCase("/deep/path/")]
    public async Task A_prefix_that_the_user_named_is_tried(string prefix)
    {
        await using var server = new MortalServer { RestPrefixes = ["/deep/path"], Sockets = ["/deep/path/ws"] };

        Assert.That(await MessageAsync(server), Does.Contain("--prefix"));
        Assert.That(
            (await FindAsync(server, options => options with { Prefixes = ["/other", prefix] })).Target.Rest.AbsolutePath,
            Is.EqualTo("/deep/path"));
    }

    [Test]
    public async Task The_prefix_of_a_declared_dialect_is_tried_first()
    {
        var own = Dialect.V1 with { Name = "ours", Prefix = "/api/v2", Timestamp = "at" };
        await using var server = new MortalServer { RestPrefixes = ["/api/v2", "/v1"], Sockets = ["/api/v2/ws"], Dialect = own };

        var probed = await FindAsync(server, options => options with { Dialect = own });

        Assert.That(
            (probed.Target.Rest.AbsolutePath, probed.Target.WebSocket.AbsolutePath, probed.Target.Root.AbsolutePath),
            Is.EqualTo(("/api/v2", "/api/v2/ws", "/")));
        Assert.That((probed.Target.Dialect.Name, Found(probed, "dialect").Source), Is.EqualTo(("ours", FindingSource.Declared)));
    }

    // What it is like ------------------------------------------------------------------------------------------------

    [Test]
    public async Task A_server_that_accepts_only_UUIDs_is_recognised()
    {
        await using var server = new MortalServer { UuidsOnly = true };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.MessageIds.AreUuids, Is.True);
        Assert.That(
            Found(probed, "message ids"),
            Is.EqualTo(new Finding("message ids", "uuid", FindingSource.Probed, Evidence(probed, "message ids"))));
        Assert.That(Evidence(probed, "message ids"), Does.Contain("must be a valid UUID"));
        Assert.That(server.Topics, Is.Empty);
    }

    [Test]
    public async Task Declared_values_are_used_as_they_are()
    {
        await using var server = new MortalServer { UuidsOnly = true };

        var probed = await FindAsync(
            server, options => options with { UuidsOnly = false, Dialect = Dialect.Classic, Limits = new Limits { Ring = 7 } });

        Assert.That(
            (probed.Target.MessageIds.AreUuids, probed.Target.Dialect.Name, probed.Target.Limits.Ring),
            Is.EqualTo((false, "classic", 7)));
        Assert.That(
            (Found(probed, "message ids").Source, Found(probed, "dialect").Source, Found(probed, "limits").Source),
            Is.EqualTo((FindingSource.Declared, FindingSource.Declared, FindingSource.Declared)));
    }

    [Test]
    public async Task A_server_that_refuses_every_publish_is_not_taken_for_one_that_wants_UUIDs()
    {
        await using var server = new MortalServer
        {
            Reply = request => request.Contains("publish", StringComparison.Ordinal)
                ? """{"type":"error","error":{"code":"NO","message":"no"}}"""
                : null,
        };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.MessageIds.AreUuids, Is.False);
        Assert.That(Found(probed, "message ids").Source, Is.EqualTo(FindingSource.Assumed));
    }

    [Test]
    public async Task A_server_that_answers_only_one_type_of_message_is_found([Values("ping", "subscribe")] string kind)
    {
        await using var server = new MortalServer
        {
            Reply = request => request.Contains($"\"type\":\"{kind}\"", StringComparison.Ordinal) ? null : "",
        };

        var probed = await FindAsync(server, options => options with { TimeoutScale = 0.2 });

        Assert.That(Found(probed, "reply to a ping").Value, Is.EqualTo(kind == "ping" ? "pong" : "error"));
        Assert.That(probed.RoundTrips!.Samples, Is.EqualTo(20));
    }

    [Test]
    public async Task Headers_and_query_of_the_user_are_sent_with_every_request()
    {
        var seen = 0;
        var bare = 0;
        await using var server = new MortalServer
        {
            Answer = heard =>
            {
                Interlocked.Increment(ref seen);
                bare += heard.Head.Contains("X-Door: 1", StringComparison.Ordinal)
                    && heard.Head.Contains("?room=7", StringComparison.Ordinal)
                    ? 0
                    : 1;
                return null;
            },
        };

        var probed = await FindAsync(server, options => options with
        {
            Headers = new Dictionary<string, string> { ["X-Door"] = "1" },
            Query = "room=7",
            Origin = "http://page",
        });

        Assert.That((seen > 3, bare), Is.EqualTo((true, 0)));
        Assert.That(
            (probed.Target.Query, probed.Target.Origin, probed.Target.Headers["X-Door"]),
            Is.EqualTo(("room=7", "http://page", "1")));
    }

    private static MortalServer Classic() => new() { Dialect = Dialect.Classic, RestPrefixes = [""], Sockets = ["/ws"] };
}
