using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PubSub.Conformance.Probing;
using static PubSub.Conformance.Tests.Probing;

namespace PubSub.Conformance.Tests;

/// <summary>If the probe finds no server of the protocol, its message says what to do about it.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ProbeRefusalTests
{
    private const string NoRest = "No REST interface of this protocol";
    private const string NoSocket = "no WebSocket of this protocol";

    /// <summary>Servers that cannot be a target, by name, each with what the message must contain.</summary>
    private static readonly Dictionary<string, (Func<MortalServer> Open, string[] Told)> NoTargets = new()
    {
        ["401"] = (() => new() { Answer = _ => new(401, "") }, ["--header", "401", "/v1/topics"]),
        ["403"] = (() => new() { Answer = _ => new(403, "") }, ["--header", "403", "/v1/topics"]),
        ["401_for_the_WebSocket_alone"] = (() => new() { Turnstile = 401 }, ["--header", "401", "/v1/ws"]),
        ["403_for_the_WebSocket_alone"] = (() => new() { Turnstile = 403 }, ["--header", "403", "/v1/ws"]),
        ["nothing"] = (() => new() { RestPrefixes = [], Sockets = [] }, [NoRest, "/v1/topics: 404", "--rest-url", "--prefix"]),
        ["everything"] = (() => new() { Answer = _ => new(200, "{}"), Sockets = [] }, [NoRest, "200 with a body that lists no topics"]),
        ["no_WebSocket"] = (() => new() { Sockets = [] }, [NoSocket, "/v1/ws: 404", "--ws-url"]),
        ["no_REST"] = (() => new() { RestPrefixes = [] }, [NoRest, "--rest-url"]),
        ["a_WebSocket_that_echoes"] = (() => new() { Reply = request => request }, [NoSocket, "nothing of the kind"]),
        ["a_silent_WebSocket"] = (() => new() { Reply = _ => "" }, [NoSocket, "nothing else arrived"]),
    };

    private static IEnumerable<string> NamesOfNoTargets => NoTargets.Keys;

    [TestCaseSource(nameof(NamesOfNoTargets))]
    public async Task A_server_that_cannot_be_a_target_is_reported_with_advice(string name)
    {
        var (open, told) = NoTargets[name];
        await using var server = open();

        var message = await MessageAsync(server, scale: 0.3);

        Assert.That(told.Where(part => !message.Contains(part, StringComparison.Ordinal)), Is.Empty, message);
    }

    [Test]
    public async Task A_port_without_a_listener_is_reported()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();

        Assert.That(
            await MessageAsync(new ProbeOptions { Url = new Uri($"http://127.0.0.1:{port}") }),
            Does.Contain($"127.0.0.1:{port}").And.Contain("refused").And.Contain("running"));
    }

    [Test]
    public async Task An_unknown_host_name_is_reported() =>
        Assert.That(
            await MessageAsync(new ProbeOptions { Url = new Uri("http://no-such-host.invalid") }),
            Does.Contain("no-such-host.invalid:80 cannot be reached"));

    [Test]
    public async Task A_silent_port_times_out([Values] bool tls)
    {
        await using var silent = new TinyServer((_, _, stopping) => Task.Delay(Timeout.Infinite, stopping));
        var url = new UriBuilder(silent.Target.Root) { Scheme = tls ? "https" : "http" }.Uri;

        var message = await MessageAsync(new ProbeOptions { Url = url, TimeoutScale = 0.1 }).WaitAsync(TimeSpan.FromSeconds(15));

        Assert.That(message, tls ? Does.Contain("TLS").And.Contain("0.7 s") : Does.Contain("none within 0.7 s"));
    }

    [Test]
    public async Task A_server_that_never_stops_sending_is_rejected_in_bounded_time_and_memory()
    {
        var padding = new string('x', 2_000);
        await using var chatty = new MortalServer();
        await using var tap = TinyServer.Speaking(async (socket, stopping) =>
        {
            while (true)
            {
                await TinyServer.SayAsync(socket, $$"""{"type":"info","msg":"{{padding}}"}""", stopping);
            }
        });
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var message = await MessageAsync(new ProbeOptions
        {
            Url = chatty.Origin,
            WebSocket = new Uri($"ws://{tap.Target.Root.Authority}/ws"),
            TimeoutScale = 0.2,
        }).WaitAsync(TimeSpan.FromSeconds(15));

        Assert.That(message, Does.Contain("no WebSocket of this protocol"));
        Assert.That(message, Has.Length.LessThan(10_000));
        Assert.That(GC.GetTotalMemory(forceFullCollection: true) - before, Is.LessThan(200 * 1024 * 1024));
    }

    [Test]
    public async Task A_server_that_sends_notices_is_found_and_its_notices_are_recorded()
    {
        await using var server = new MortalServer();
        await using var tap = TinyServer.Speaking(async (socket, stopping) =>
        {
            while (await TinyServer.HearAsync(socket, stopping) is not null)
            {
                for (var n = 0; n < 100; n++)
                {
                    await TinyServer.SayAsync(socket, $$"""{"type":"info","msg":"news {{n}}"}""", stopping);
                }

                await TinyServer.SayAsync(socket, """{"type":"pong","timestamp":"2025-08-28T10:00:00Z"}""", stopping);
            }
        });

        var probed = await FindAsync(server, options => options with { WebSocket = new Uri($"ws://{tap.Target.Root.Authority}/ws") });

        Assert.That(Evidence(probed, "notices"), Does.Contain("news 0"));
        Assert.That(probed.RoundTrips!.Samples, Is.EqualTo(20));
    }

    [TestCase("SSH-2.0-OpenSSH_9.6\r\n")]
    [TestCase("\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007")]
    [TestCase("HTTP/1.1 twohundred OK\r\n\r\n")]
    [TestCase("HTTP/1.1")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{\"topics\":7}")]
    [TestCase("HTTP/1.1 200 OK\r\n\r\n{\"topics\":")]
    [TestCase("HTTP/1.1 200 OK\r\n\r\n{\"\\ud800\":1,\"topic\\u0073\":{}}")]
    [TestCase("")]
    public async Task Garbage_is_no_REST_interface(string garbage)
    {
        await using var server = new TinyServer(
            (_, stream, stopping) => stream.WriteAsync(Encoding.Latin1.GetBytes(garbage), stopping).AsTask());

        Assert.That(await MessageAsync(new ProbeOptions { Url = server.Target.Root }), Does.Contain("No REST interface of this protocol"));
    }

    [TestCase("HTTP/1.1 100 Continue\r\n\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\n\r\n")]
    [TestCase("x")]
    public async Task Endless_garbage_is_rejected_in_bounded_time_and_memory(string beginning)
    {
        var filling = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(beginning.Length > 1 ? beginning : "xxxxxxxx", 8_000)));
        await using var server = new TinyServer(async (_, stream, stopping) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(beginning), stopping);
            while (true)
            {
                await stream.WriteAsync(filling, stopping);
            }
        });
        var before = GC.GetTotalAllocatedBytes();

        var message = await MessageAsync(new ProbeOptions { Url = server.Target.Root, TimeoutScale = 0.1 })
            .WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(message, Does.Contain("No REST interface of this protocol"));
        Assert.That(message, Has.Length.LessThan(10_000));
        Assert.That(GC.GetTotalMemory(forceFullCollection: true), Is.LessThan(before + (1024L * 1024 * 1024)));
    }
}
