using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

internal static class Lifecycle
{
    /// <summary>More than the network buffers for a peer that does not read, so that some of it stays queued.</summary>
    private const int Backlog = 200;

    /// <summary>Long enough for a machine under load, short enough to tell "at once" and "bounded" from "never".</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(17);

    private static readonly string LargePayload = Json.Quote(new string('x', 60_000));

    private static readonly string[] Numbers =
    [
        "PORT", "MAX_QUEUE_SIZE", "MAX_MESSAGES", "MAX_QUEUE_BYTES", "MAX_MESSAGE_BYTES", "MAX_TOPICS", "MAX_CONNECTIONS",
        "MAX_SUBSCRIPTIONS",
    ];

    private static readonly string[] Durations =
        ["WRITE_TIMEOUT", "DRAIN_TIMEOUT", "KEEPALIVE_INTERVAL", "KEEPALIVE_TIMEOUT", "HANDSHAKE_TIMEOUT"];

    public static IEnumerable<Scenario> Scenarios =>
    [
        new("PS-LIF-001", "sigterm-closes-with-1001-and-exits-0", async stage =>
        {
            var topic = await stage.TopicAsync("orders");
            var subscriber = await stage.SubscriberAsync("subscriber", topic);
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "m").Acked();
            var idle = await stage.ConnectAsync("idle");

            stage.Server.Terminate();

            foreach (var client in new[] { subscriber, publisher, idle })
            {
                stage.Expect.Equal(1001, (await client.ClosedAsync()).Code, "SIGTERM closes every WebSocket with 1001");
            }

            await ExitsWellAsync(stage, "the server exits with 0 after SIGTERM");
        })
        { Launch = Settings() },

        new("PS-LIF-001", "sigterm-without-connections", async stage =>
        {
            await stage.ListedTopicAsync();

            stage.Server.Terminate();
            await ExitsWellAsync(stage, "the server exits with 0 after SIGTERM");
        })
        { Launch = Settings() },

        new("PS-LIF-001", "sigint-closes-with-1001-and-exits-0", async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic);

            stage.Server.Interrupt();

            stage.Expect.Equal(1001, (await subscriber.ClosedAsync()).Code, "SIGINT closes a WebSocket with 1001");
            await ExitsWellAsync(stage, "the server exits with 0 after SIGINT");
        })
        { Launch = Settings() },

        new("PS-LIF-001", "sigterm-delivers-what-is-queued", async stage =>
        {
            var topic = await stage.TopicAsync();
            var subscriber = await stage.SubscriberAsync("subscriber", topic, options: new ConnectOptions { ReceiveBuffer = 64 * 1024 });
            subscriber.StopReading();
            var sent = await FillAsync(stage, topic);

            stage.Server.Terminate();
            await DrainingAsync(stage);
            subscriber.ResumeReading();

            stage.Expect.Sequence(sent, (await subscriber.EventsAsync(sent.Length)).Ids(),
                "What is queued at SIGTERM is delivered to a peer that reads");
            stage.Expect.Equal(1001, (await subscriber.ClosedAsync()).Code, "Then its WebSocket is closed with 1001");
            await ExitsWellAsync(stage, "Then the server exits with 0");
        })
        { Launch = LongQueues(drainTimeout: "30") },

        new("PS-LIF-002", "draining-answers-503", async stage =>
        {
            stage.Require((await stage.Rest.ReadyAsync()).Status == 200, "the server is ready before");
            await StuckSubscriberAsync(stage);
            var late = await stage.RawAsync("late", new ConnectOptions { Handshake = false });

            stage.Server.Terminate();

            await stage.Expect.EventuallyAsync(503, async () => (await stage.Rest.ReadyAsync()).Status,
                "GET /readyz is answered with 503 while the server drains");
            stage.Expect.Status(503, await late.HandshakeAsync(),
                "A handshake on a connection made before is answered with 503 while the server drains");
            var later = await stage.RawAsync("later", new ConnectOptions { Handshake = false });
            stage.Expect.Status(503, await later.HandshakeAsync(),
                "A handshake on a new connection is answered with 503 while the server drains");
        })
        { Launch = LongQueues(drainTimeout: "60") },

        new("PS-LIF-003", "peer-that-does-not-read", async stage =>
        {
            await StuckSubscriberAsync(stage);

            stage.Server.Terminate();
            await DrainingAsync(stage);

            await EndsAsync(stage, "A peer that does not read cannot hold up the end beyond DRAIN_TIMEOUT");
        })
        { Launch = LongQueues(drainTimeout: "1.5") },

        new("PS-LIF-003", "peer-that-does-not-answer-the-close", async stage =>
        {
            var topic = await stage.TopicAsync();
            var silent = await stage.RawAsync("silent");
            await silent.SendAsync(Request.Subscribe(topic, stage.FreshClientId("silent")));
            await silent.ReadMessageAsync(message => message.IsAck, "the ack").Given("the subscribe is acked");

            stage.Server.Terminate();
            var close = await silent.ReadFrameAsync().Given("the server says goodbye");
            stage.Require(close?.Opcode == Opcode.Close, "the server sends a close frame");

            await EndsAsync(stage, "A peer that does not answer the close cannot hold up the end beyond DRAIN_TIMEOUT");
        })
        { Launch = LongQueues(drainTimeout: "1") },

        new("PS-LIF-004", "second-sigterm", stage => SecondSignalAsync(stage, server => server.Terminate()))
        {
            Launch = LongQueues(drainTimeout: "60"),
        },

        new("PS-LIF-004", "sigint-after-sigterm", stage => SecondSignalAsync(stage, server => server.Interrupt()))
        {
            Launch = LongQueues(drainTimeout: "60"),
        },

        new("PS-LIF-005", "restart", async stage =>
        {
            var first = await stage.LaunchAsync();
            var topic = await stage.TopicAsync("orders", first.Target);
            var subscriber = await stage.SubscriberAsync("subscriber", topic, options: new ConnectOptions { Target = first.Target });
            await subscriber.PublishAsync(topic, "before").Acked();
            await first.TerminateAsync().Given("the first server ends");

            var second = await stage.LaunchAsync();
            var rest = stage.RestAt(second.Target);
            var client = await stage.ConnectAsync("client", new ConnectOptions { Target = second.Target });
            var listing = await rest.ListTopicsAsync().Succeeded();
            stage.Require(listing.Topics is not null, "topics are listed", "PS-REST-004");
            stage.Expect.Sequence([], listing.Topics!.Select(entry => $"{entry.Name}"),
                "After a restart there is no topic");
            stage.Expect.Error(await client.SubscribeAsync(topic), "TOPIC_NOT_FOUND", "After a restart a topic of before is unknown");

            await stage.CreateAsync(topic, second.Target);
            stage.Expect.Equal(0, (await rest.StatsAsync().Succeeded()).Of(topic)?.Subscribers, "After a restart there is no subscription");
            await client.SubscribeAsync(topic, lastN: Math.Min(100, stage.Limits.Ring)).Acked();
            await client.ReceivesNothingAsync(client, topic, "After a restart there is no message");
        })
        { NeedsLauncher = true },

        new("PS-LIF-006", "silent-connection-is-pinged", async stage =>
        {
            var silent = await stage.RawAsync("silent");
            for (var i = 0; i < 3; i++)
            {
                var frame = await silent.ReadFrameAsync();
                stage.Expect.Equal(Opcode.Ping, frame?.Opcode, "A silent connection is sent a Ping, and another when it is silent again");
                await silent.SendAsync(Frame.Pong(frame!.Payload));
            }
        })
        { Launch = Settings(("KEEPALIVE_INTERVAL", "0.3"), ("KEEPALIVE_TIMEOUT", "5")) },

        new("PS-LIF-006", "silent-subscriber-is-pinged", async stage =>
        {
            var topic = await stage.TopicAsync();
            var silent = await stage.RawAsync("silent");
            await silent.SendAsync(Request.Subscribe(topic, stage.FreshClientId("silent")));
            await silent.ReadMessageAsync(message => message.IsAck, "the ack").Given("the subscribe is acked");

            stage.Expect.Equal(Opcode.Ping, (await silent.ReadFrameAsync())?.Opcode, "A silent subscriber is sent a Ping");
        })
        { Launch = Settings(("KEEPALIVE_INTERVAL", "0.3"), ("KEEPALIVE_TIMEOUT", "5")) },

        new("PS-LIF-007", "peer-that-answers-no-ping", async stage =>
        {
            var topic = await stage.TopicAsync();
            await stage.SubscriberAsync("mute", topic, options: new ConnectOptions { AnswersPings = false });

            await stage.Expect.EventuallyAsync(0, () => SubscribersAsync(stage, topic),
                "The subscription of a peer that answers no Ping is gone");
        })
        { Launch = Settings(("KEEPALIVE_INTERVAL", "0.5"), ("KEEPALIVE_TIMEOUT", "0.5")) },

        new("PS-LIF-007", "peer-that-vanished", async stage =>
        {
            var topic = await stage.TopicAsync();
            var vanished = await stage.RawAsync("vanished");
            await vanished.SendAsync(Request.Subscribe(topic, stage.FreshClientId("vanished")));
            await vanished.ReadMessageAsync(message => message.IsAck, "the ack").Given("the subscribe is acked");
            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "unread").Acked();

            await stage.Expect.EventuallyAsync(0, () => SubscribersAsync(stage, topic),
                "The subscription of a peer that neither reads nor answers is gone");
        })
        { Launch = Settings(("KEEPALIVE_INTERVAL", "0.5"), ("KEEPALIVE_TIMEOUT", "0.5")) },

        new("PS-LIF-008", "port", async stage =>
        {
            for (var i = 0; i < 2; i++)
            {
                var port = FreePort();
                var server = await ListeningAsync(stage, Settings(("PORT", port)));
                var health = await stage.RestAt(server.Target).HealthAsync();

                stage.Expect.Equal(port, server.Target.Rest.Port.ToString(CultureInfo.InvariantCulture),
                    "The server listens on the port that PORT names");
                stage.Expect.Status(200, health, "The server answers on the port that PORT names");
            }
        })
        { NeedsLauncher = true },

        new("PS-LIF-009", "each-level-says-no-more-than-the-one-before", async stage =>
        {
            var lines = new List<int>();
            var mentions = new List<bool>();
            string[] levels = ["debug", "info", "warn", "error"];
            foreach (var level in levels)
            {
                var (topic, log) = await LogOfADayAsync(stage, Settings(("LOG_LEVEL", level)));
                lines.Add(log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
                mentions.Add(log.Contains(topic, StringComparison.Ordinal));
                stage.Expect.Observe($"lines at {level}", lines[^1]);
            }

            stage.Expect.True(lines[0] > lines[3], "debug says more than error about the same actions", string.Join(", ", lines));
            stage.Expect.True(
                lines.SequenceEqual(lines.OrderDescending()), "No level says more than the one below it", string.Join(", ", lines));
            stage.Expect.True(mentions[0], "debug tells of the requests", "no line names the topic");
            stage.Expect.True(!mentions[3], "error does not tell of requests that went well", "a line names the topic");
        })
        { NeedsLauncher = true },

        new("PS-LIF-010", "legal-values", async stage =>
        {
            var settings = Settings([("LOG_LEVEL", "debug"), ("TOPIC_DELETION", "disconnect"), ("ALLOWED_ORIGINS", "https://app.example"),
                .. Numbers.Select(name => (name, name == "PORT" ? FreePort() : "65536")), .. Durations.Select(name => (name, "2.5"))]);

            var server = await ListeningAsync(stage, settings);

            stage.Expect.Status(200, await stage.RestAt(server.Target).HealthAsync(),
                "With every setting at a legal value the server starts");
            await stage.ListedTopicAsync(server.Target);
        })
        { NeedsLauncher = true },

        .. Numbers.Select(name => Illegal(
            name, name == "PORT" ? ["http", "-1", "65536", "1.5"] : ["many", "-1", "1.5", "99999999999999999999"])),
        .. Durations.Select(name => Illegal(name, ["soon", "-1", "NaN"])),
        Illegal("LOG_LEVEL", ["loud", "7"]),
        Illegal("TOPIC_DELETION", ["sometimes", "1"]),

        new("PS-LIF-010", "illegal-among-legal", async stage =>
        {
            var server = await stage.LaunchAsync(Settings(("MAX_MESSAGES", "10"), ("MAX_QUEUE_SIZE", "ten"), ("LOG_LEVEL", "error")));

            await RefusesToStartAsync(stage, server, "MAX_QUEUE_SIZE");
            stage.Expect.True(!Output(server).Contains("MAX_MESSAGES", StringComparison.Ordinal),
                "The message does not blame a legal setting", Output(server));
        })
        { NeedsLauncher = true },

        new("PS-LIF-011", "port-in-use", async stage =>
        {
            using var other = new TcpListener(IPAddress.Loopback, 0);
            other.Start();
            var port = $"{((IPEndPoint)other.LocalEndpoint).Port}";

            var server = await stage.LaunchAsync(Settings(("PORT", port)));
            var exit = await server.ExitedAsync(Soon);

            var lines = Output(server).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            stage.Expect.True(exit != 0, "A start on a port in use fails", "exit code 0");
            stage.Expect.True(lines is [var line] && line.Contains(port, StringComparison.Ordinal),
                "One line says that the port is in use", Output(server));
        })
        { NeedsLauncher = true },

        new("PS-LIF-012", "no-payload-in-the-log", async stage =>
        {
            const string Secret = "s3cr3t";
            var (topic, log) = await LogOfADayAsync(stage, Settings(("LOG_LEVEL", "debug")), Secret);
            stage.Require(log.Contains(topic, StringComparison.Ordinal), "the log tells of the requests");

            var telling = log.Split('\n').Where(line => line.Contains(Secret, StringComparison.Ordinal));
            stage.Expect.Sequence([], telling, "No line contains a payload");
        })
        { NeedsLauncher = true },

        new("PS-LIF-013", "quiet-subscriber-that-answers", async stage =>
        {
            var topic = await stage.TopicAsync();
            var quiet = await stage.RawAsync("quiet");
            await quiet.SendAsync(Request.Subscribe(topic, stage.FreshClientId("quiet")));
            await quiet.ReadMessageAsync(message => message.IsAck, "the ack").Given("the subscribe is acked");

            var answered = 0;
            var start = stage.Time.GetTimestamp();
            for (; answered < 5 || stage.Time.GetElapsedTime(start) < TimeSpan.FromSeconds(3); answered++)
            {
                var frame = await quiet.ReadFrameAsync().Given("the next Ping comes");
                stage.Expect.Equal(Opcode.Ping, frame?.Opcode, "A quiet connection that answers Pings is sent Pings, and no close");
                await quiet.SendAsync(Frame.Pong(frame!.Payload));
            }

            var publisher = await stage.ConnectAsync("publisher");
            await publisher.PublishAsync(topic, "m").Acked();
            var message = await quiet.ReadMessageAsync(message => message.IsEvent, "the event");
            stage.Expect.Equal("m", message.MessageId, "A quiet subscriber that answers Pings still receives");
            stage.Expect.Observe("pings answered", answered);
        })
        { Launch = Settings(("KEEPALIVE_INTERVAL", "0.3"), ("KEEPALIVE_TIMEOUT", "2")) },

        new("PS-LIF-014", "named-origins-are-accepted", async stage =>
        {
            stage.Require(await UpgradeAsync(stage, "https://elsewhere.example") != 101, "a handshake from another origin is refused");
            string[] named = ["https://app.example", "http://other.example:8443"];
            foreach (var origin in named)
            {
                stage.Expect.Equal(101, await UpgradeAsync(stage, origin), "A handshake from a named origin is accepted");
            }
        })
        { Launch = TwoOrigins },

        new("PS-LIF-014", "other-origins-are-refused", async stage =>
        {
            stage.Require(await UpgradeAsync(stage, "https://app.example") == 101, "a handshake from a named origin is accepted");
            string[] others =
            [
                "https://elsewhere.example", "https://app.example.evil.example", "https://evil-app.example", "https://app.example:8443",
                "http://app.example", "null",
            ];
            foreach (var origin in others)
            {
                stage.Expect.Equal(403, await UpgradeAsync(stage, origin),
                    "A handshake from a foreign origin that is not named is refused");
            }
        })
        { Launch = TwoOrigins },

        new("PS-LIF-014", "own-origin-needs-no-name", async stage =>
        {
            stage.Require(await UpgradeAsync(stage, "https://elsewhere.example") != 101, "a handshake from another origin is refused");
            var own = $"http://{stage.Target.WebSocket.Authority}";

            stage.Expect.Equal(101, await UpgradeAsync(stage, own), "A handshake from the server's own origin is accepted");
            stage.Expect.Equal(101, await UpgradeAsync(stage, null), "A handshake without an origin is accepted");
        })
        { Launch = TwoOrigins },

        new("PS-LIF-015", "foreign-hosts-are-refused", async stage =>
        {
            stage.Require(await HandshakeForAsync(stage, "127.0.0.1") == 101, "a handshake for the server's own address is accepted");
            foreach (var host in ForeignHosts)
            {
                var handshake = await HandshakeForAsync(stage, host);
                stage.Expect.True(handshake is >= 400 and < 500, "A handshake for a foreign host is refused", $"{handshake} for {host}");
                var request = await RequestForAsync(stage, host);
                stage.Expect.True(request is >= 400 and < 500, "A request for a foreign host is refused", $"{request} for {host}");
            }
        })
        { Launch = BoundToLoopback },

        new("PS-LIF-015", "own-names-are-served", async stage =>
        {
            await stage.ListedTopicAsync();
            await ServesAsync(stage, "the machine's own name", OwnHosts);
        })
        { Launch = BoundToLoopback },

        new("PS-LIF-016", "named-hosts-are-served", async stage =>
        {
            await stage.ListedTopicAsync();
            await ServesAsync(stage, "the named host", NamedHosts);
        })
        { Launch = TwoHosts },

        new("PS-LIF-016", "other-hosts-are-refused", async stage =>
        {
            stage.Require(await HandshakeForAsync(stage, "app.example") == 101, "a handshake for a named host is accepted");
            foreach (var host in UnnamedHosts)
            {
                var handshake = await HandshakeForAsync(stage, host);
                stage.Expect.True(
                    handshake is >= 400 and < 500, "A handshake for a host that is not named is refused", $"{handshake} for {host}");
            }
        })
        { Launch = TwoHosts },
    ];

    private static readonly string[] ForeignHosts =
        ["rebound.example", "localhost.rebound.example", "127.0.0.1.rebound.example", "notlocalhost"];

    private static readonly string[] OwnHosts = ["localhost", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1", "[::1]"];

    private static readonly string[] NamedHosts = ["app.example", "APP.example", "a.other.example", "a.b.other.example", "127.0.0.1"];

    private static readonly string[] UnnamedHosts =
        ["rebound.example", "x.app.example", "other.example", "notother.example", "app.example.rebound.example"];

    private static IReadOnlyDictionary<string, string> BoundToLoopback { get; } = Settings(("BIND", "127.0.0.1"));

    private static IReadOnlyDictionary<string, string> TwoHosts { get; } =
        Settings(("BIND", "127.0.0.1"), ("ALLOWED_HOSTS", "app.example, *.other.example"));

    private static IReadOnlyDictionary<string, string> TwoOrigins { get; } =
        Settings(("ALLOWED_ORIGINS", "https://app.example, http://other.example:8443"));

    private static Dictionary<string, string> Settings(params IEnumerable<(string Name, string Value)> settings) =>
        settings.ToDictionary(setting => setting.Name, setting => setting.Value);

    /// <summary>Settings with which only DRAIN_TIMEOUT bounds the drain, and queues exceed the buffers of the network.</summary>
    private static Dictionary<string, string> LongQueues(string drainTimeout) => Settings(
        ("MAX_QUEUE_SIZE", "1000"), ("MAX_QUEUE_BYTES", "67108864"), ("MAX_MESSAGES", "1"),
        ("WRITE_TIMEOUT", "60"), ("CLOSE_TIMEOUT", "60"), ("DRAIN_TIMEOUT", drainTimeout));

    private static Scenario Illegal(string name, string[] values)
    {
        var slug = name.ToLowerInvariant().Replace('_', '-');
        return new("PS-LIF-010", slug, async stage =>
        {
            foreach (var value in values)
            {
                await RefusesToStartAsync(stage, await stage.LaunchAsync(Settings((name, value))), name);
            }
        })
        { NeedsLauncher = true };
    }

    private static async Task ExitsWellAsync(Stage stage, string expectation)
    {
        var status = await stage.Server.ExitedAsync();
        stage.Expect.True(status == 0, expectation, $"{status}; it wrote last: {stage.Server.Tail()}");
    }

    private static async Task RefusesToStartAsync(Stage stage, LaunchedServer server, string name)
    {
        stage.Expect.True(!server.Listened, $"An illegal {name} keeps the server from starting", "an open port");
        stage.Expect.True(await server.ExitedAsync() != 0, $"An illegal {name} makes the start fail", "exit code 0");
        stage.Expect.True(Output(server).Contains(name, StringComparison.Ordinal), $"The message names {name}", server.Tail());
    }

    private static async Task SecondSignalAsync(Stage stage, Action<LaunchedServer> signal)
    {
        await StuckSubscriberAsync(stage);
        stage.Server.Terminate();
        await DrainingAsync(stage);

        signal(stage.Server);

        await EndsAsync(stage, "A second signal ends the process at once");
    }

    private static Task EndsAsync(Stage stage, string expectation) =>
        stage.Expect.EventuallyAsync(true, () => Task.FromResult(stage.Server.Exited.IsCompleted), expectation, Soon);

    /// <summary>A subscriber that never reads, with more queued for it than the network buffers, which keeps a drain open.</summary>
    private static async Task StuckSubscriberAsync(Stage stage)
    {
        var topic = await stage.TopicAsync();
        var stuck = await stage.RawAsync("stuck", new ConnectOptions { ReceiveBuffer = 4096 });
        await stuck.SendAsync(Request.Subscribe(topic, stage.FreshClientId("stuck")));
        await stuck.ReadMessageAsync(message => message.IsAck, "the ack").Given("the subscribe is acked");
        await FillAsync(stage, topic);
    }

    private static async Task<string[]> FillAsync(Stage stage, string topic)
    {
        string[] sent = [.. Enumerable.Range(0, Backlog).Select(i => $"m{i}")];
        var publisher = await stage.ConnectAsync("publisher");
        await publisher.PublishAllAsync(topic, sent, LargePayload);
        return sent;
    }

    /// <summary>As a precondition, a drain that has begun and not ended.</summary>
    private static async Task DrainingAsync(Stage stage)
    {
        await stage.Expect.EventuallyAsync(503, async () => (await stage.Rest.ReadyAsync()).Status, "the server drains")
            .Given("the server drains");
        stage.Require(!stage.Server.Exited.IsCompleted, "the drain goes on");
    }

    /// <summary>
    /// The output of a server with these settings for a few connections and requests, good and bad, from its start to its end. It is
    /// complete once the process has ended.
    /// </summary>
    private static async Task<(string Topic, string Log)> LogOfADayAsync(
        Stage stage, IReadOnlyDictionary<string, string> settings, string content = "content")
    {
        var server = await stage.LaunchAsync(settings);
        var options = new ConnectOptions { Target = server.Target };
        var payload = $$"""{"text":"{{content}}"}""";
        var topic = await stage.TopicAsync("orders", server.Target);
        var subscriber = await stage.SubscriberAsync("subscriber", topic, options: options);
        var publisher = await stage.ConnectAsync("publisher", options);

        await publisher.PublishAsync(topic, "m1", payload).Acked();
        await subscriber.EventsUntilAsync("m1").Given("the event is delivered");
        await publisher.RequestAsync(Request.Publish(topic, "m2", payload).Without("message.id")).Given("a bad publish is answered");
        await publisher.RequestAsync(Request.Publish(topic, "m3").With("message", payload)).Given("a bad message is answered");
        await publisher.RequestAsync(Request.Publish(topic, "m4").With("message", Json.Quote(content)))
            .Given("a wrong message is answered");
        await publisher.RequestAsync(Request.Publish(server.Target.Rest.Host, "m5", payload)).Given("a publish to nowhere is answered");
        await publisher.RequestAsync($"{content} {{").Given("broken JSON is answered");
        await subscriber.UnsubscribeAsync(topic).Acked();
        await subscriber.CloseAsync().Given("the subscriber leaves");
        (await stage.SubscriberAsync("leaver", topic, options: options)).Abort();
        await stage.RestAt(server.Target).SendAsync("POST", RestPaths.Topics, content).Given("a bad creation is answered");
        await stage.RestAt(server.Target).DeleteTopicAsync(topic).Succeeded();
        await server.TerminateAsync().Given("the server ends");
        return (topic, Output(server));
    }

    private static async Task<LaunchedServer> ListeningAsync(Stage stage, IReadOnlyDictionary<string, string> settings)
    {
        try
        {
            var server = await stage.LaunchAsync(settings);
            stage.Expect.True(server.Listened, "With legal settings the server starts", server.Tail());
            return server;
        }
        catch (Inconclusive undecided)
        {
            stage.Expect.Fail("The server listens on the port that PORT names", "an open port", undecided.Message);
            throw;
        }
    }

    private static async Task<int> UpgradeAsync(Stage stage, string? origin)
    {
        var raw = await stage.RawAsync($"from {origin ?? "nowhere"}", new ConnectOptions { Handshake = false });
        return (await raw.HandshakeAsync(new Dictionary<string, string?> { ["Origin"] = origin })).Status;
    }

    private static async Task ServesAsync(Stage stage, string what, string[] hosts)
    {
        foreach (var host in hosts)
        {
            stage.Expect.Equal(101, await HandshakeForAsync(stage, host), $"A handshake for {what} {host} is accepted");
            stage.Expect.Equal(200, await RequestForAsync(stage, host), $"A request for {what} {host} is answered");
        }
    }

    private static async Task<int> HandshakeForAsync(Stage stage, string host)
    {
        var raw = await stage.RawAsync($"for {host}", new ConnectOptions { Handshake = false });
        return (await raw.HandshakeAsync(new Dictionary<string, string?> { ["Host"] = $"{host}:{stage.Target.WebSocket.Port}" })).Status;
    }

    private static async Task<int> RequestForAsync(Stage stage, string host) => (await stage.Rest.SendAsync(
        "GET", RestPaths.Topics, headers: new Dictionary<string, string?> { ["Host"] = $"{host}:{stage.Target.Rest.Port}" })).Status;

    private static async Task<long?> SubscribersAsync(Stage stage, string topic) =>
        (await stage.Rest.StatsAsync().Succeeded()).Of(topic)?.Subscribers;

    private static string Output(LaunchedServer server) => server.StandardOutput + server.StandardError;

    /// <summary>A port below the ephemeral range, so that no other process gets it by chance before the server does.</summary>
    private static string FreePort()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(20_000, 32_000);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return $"{port}";
            }
            catch (SocketException)
            {
                // The port is in use; try another.
            }
        }
    }
}
