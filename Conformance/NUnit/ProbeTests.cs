using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using NUnit.Framework;

namespace PubSub.Conformance.Tests;

/// <summary>Wherever a server of the protocol is, it is found; where there is none, one sentence says what to do about it.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ProbeTests
{
    private static readonly Lazy<Chain> Certificates = new(() => new Chain());

    // Where it is ----------------------------------------------------------------------------------------------------

    [Test]
    public async Task Our_own_Host_is_found_with_evidence_for_everything()
    {
        using var host = new WatchedHost();

        var probed = await FindAsync(host.Origin);

        Assert.That(probed.Target.Rest, Is.EqualTo(new Uri(host.Origin, "/v1")));
        Assert.That(probed.Target.WebSocket.AbsoluteUri, Is.EqualTo($"ws://{host.Origin.Authority}/v1/ws"));
        Assert.That((probed.Target.Dialect.Name, probed.Target.MessageIds.AreUuids, probed.Target.Root.AbsolutePath), Is.EqualTo(("v1", false, "/")));
        Assert.That(probed.Findings, Is.All.Matches<Finding>(finding => finding is { Evidence.Length: > 0, Value.Length: > 0 }));
        Assert.That(Evidence(probed, "message ids"), Does.Contain("acked"));
        Assert.That(Evidence(probed, "dialect"), Does.Contain("'timestamp'").And.Contain("'uptime_seconds'").And.Contain("/v1"));
        Assert.That(Found(probed, "limits").Source, Is.EqualTo(FindingSource.Assumed));
        Assert.That(probed.RoundTrips!.Samples, Is.EqualTo(20));
        Assert.That(probed.RoundTrips.MedianMs, Is.LessThanOrEqualTo(probed.RoundTrips.P95Ms).And.GreaterThan(0));
        Assert.That(probed.RoundTrips.P95Ms, Is.LessThanOrEqualTo(probed.RoundTrips.MaxMs));
        Assert.That(probed.Fingerprint["address"], Is.EqualTo(host.Origin.Authority));
        Assert.That((await new Rest(probed.Target, CancellationToken.None).ListTopicsAsync()).Topics, Is.Empty, "its own topic is gone again");
    }

    [Test]
    public async Task The_classic_form_is_found_and_told_apart()
    {
        await using var server = Classic();

        var probed = await FindAsync(server);

        Assert.That((probed.Target.Rest.AbsolutePath, probed.Target.WebSocket.AbsolutePath, probed.Target.Dialect.Name), Is.EqualTo(("/", "/ws", "classic")));
        Assert.That(Evidence(probed, "dialect"), Does.Contain("'ts'").And.Contain("'uptime_sec'"));
        Assert.That(server.Topics, Is.Empty);
        Assert.That(server.Asked.Single(), Does.StartWith("conformance-"));
    }

    [TestCase("/api/pubsub", "/api/pubsub/v1", "/api/pubsub/v1/ws", "/api/pubsub")]
    [TestCase("/api/pubsub/", "/api/pubsub/v1", "/api/pubsub/v1/ws", "/api/pubsub")]
    [TestCase("/api/pubsub/v1", "/api/pubsub/v1", "/api/pubsub/v1/ws", "/api/pubsub")]
    public async Task A_path_in_front_of_everything_is_taken_as_given_or_with_the_version_behind(string given, string rest, string socket, string root)
    {
        await using var server = new MortalServer { RestPrefixes = [rest], Sockets = [socket] };

        var probed = await FindAsync(server, options => options with { Url = new Uri(server.Origin, given) });

        Assert.That((probed.Target.Rest.AbsolutePath, probed.Target.WebSocket.AbsolutePath, probed.Target.Root.AbsolutePath), Is.EqualTo((rest, socket, root)));
    }

    [TestCase("/ws", "", "/ws")]
    [TestCase("/v1/ws", "/v1", "/v1/ws")]
    [TestCase("/api/ws", "/api", "/api/ws")]
    [TestCase("/api/ws/", "/api", "/api/ws/")]
    [TestCase("/api", "/api/v1", "/api/v1/ws")]
    [TestCase("/stream", "/v1", "/stream")]
    [TestCase("/v1/stream", "/v1", "/v1/stream")]
    [TestCase("/stream", "", "/stream")]
    public async Task The_URL_of_a_WebSocket_leads_to_its_REST_interface(string given, string rest, string socket)
    {
        await using var server = new MortalServer { RestPrefixes = [rest], Sockets = [socket] };

        var probed = await FindAsync(server, options => options with { Url = new Uri($"ws://{server.Origin.Authority}{given}") });

        Assert.That((probed.Target.Rest.AbsolutePath.TrimEnd('/'), probed.Target.WebSocket.AbsolutePath), Is.EqualTo((rest, socket)));
    }

    [Test]
    public async Task Of_several_WebSockets_the_one_below_the_REST_interface_is_used_and_the_others_are_named()
    {
        await using var server = new MortalServer { RestPrefixes = ["/v1"], Sockets = ["/ws", "/v1/ws"] };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.WebSocket.AbsolutePath, Is.EqualTo("/v1/ws"));
        Assert.That(Evidence(probed, "WebSocket"), Does.Contain("/ws answered too").And.Contain("below the REST interface first"));
    }

    [Test]
    public async Task Of_several_REST_interfaces_the_first_is_used_and_the_others_are_named()
    {
        await using var server = new MortalServer { RestPrefixes = ["", "/v1"], Sockets = ["/v1/ws"] };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.Rest.AbsolutePath, Is.EqualTo("/v1"));
        Assert.That(Evidence(probed, "REST"), Does.Contain("answered too").And.Contain("in the order tried"));
    }

    [Test]
    public async Task Where_two_forms_are_served_the_WebSocket_that_was_named_is_the_one_that_is_tested()
    {
        await using var server = new MortalServer { RestPrefixes = ["", "/v1"], Sockets = ["/ws", "/v1/ws"] };

        var old = await FindAsync(server, options => options with { Url = new Uri($"ws://{server.Origin.Authority}/ws") });
        var @new = await FindAsync(server, options => options with { Url = new Uri($"ws://{server.Origin.Authority}/v1/ws") });

        Assert.That((old.Target.Rest.AbsolutePath, old.Target.WebSocket.AbsolutePath), Is.EqualTo(("/", "/ws")));
        Assert.That((@new.Target.Rest.AbsolutePath, @new.Target.WebSocket.AbsolutePath), Is.EqualTo(("/v1", "/v1/ws")));
    }

    [Test]
    public async Task What_is_named_is_used_and_nothing_else_is_tried()
    {
        await using var server = new MortalServer { RestPrefixes = ["/v1", "/rest"], Sockets = ["/v1/ws", "/socket"] };
        var rest = new Uri(server.Origin, "/rest");
        var socket = new Uri($"ws://{server.Origin.Authority}/socket");

        var probed = await FindAsync(server, options => options with { Rest = rest, WebSocket = socket });

        Assert.That((probed.Target.Rest, probed.Target.WebSocket), Is.EqualTo((rest, socket)));
        Assert.That((Found(probed, "REST").Source, Found(probed, "WebSocket").Source), Is.EqualTo((FindingSource.Declared, FindingSource.Declared)));
        Assert.That(await MessageAsync(server, options => options with { Rest = new Uri(server.Origin, "/nowhere") }), Does.Contain("/nowhere/topics: 404").And.Not.Contain("/v1"));
        Assert.That(await MessageAsync(server, options => options with { WebSocket = new Uri($"ws://{server.Origin.Authority}/nows") }), Does.Contain("/nows: 404").And.Not.Contain("/v1/ws"));
    }

    [Test]
    public async Task The_two_interfaces_may_be_at_two_ports()
    {
        await using var rest = new MortalServer { Sockets = [] };
        await using var socket = new MortalServer { RestPrefixes = [] };

        var probed = await FindAsync(rest, options => options with { WebSocket = new Uri($"ws://{socket.Origin.Authority}/v1/ws") });

        Assert.That((probed.Target.Rest.Authority, probed.Target.WebSocket.Authority), Is.EqualTo((rest.Origin.Authority, socket.Origin.Authority)));
    }

    [TestCase("/deep/path")]
    [TestCase("deep/path")]
    [TestCase("/deep/path/")]
    public async Task A_further_prefix_is_looked_under(string prefix)
    {
        await using var server = new MortalServer { RestPrefixes = ["/deep/path"], Sockets = ["/deep/path/ws"] };

        Assert.That(await MessageAsync(server), Does.Contain("--prefix"));
        Assert.That((await FindAsync(server, options => options with { Prefixes = ["/other", prefix] })).Target.Rest.AbsolutePath, Is.EqualTo("/deep/path"));
    }

    [Test]
    public async Task The_prefix_of_a_declared_dialect_is_looked_under_first()
    {
        var own = Dialect.V1 with { Name = "ours", Prefix = "/api/v2", Timestamp = "at" };
        await using var server = new MortalServer { RestPrefixes = ["/api/v2", "/v1"], Sockets = ["/api/v2/ws"], Dialect = own };

        var probed = await FindAsync(server, options => options with { Dialect = own });

        Assert.That((probed.Target.Rest.AbsolutePath, probed.Target.WebSocket.AbsolutePath, probed.Target.Root.AbsolutePath), Is.EqualTo(("/api/v2", "/api/v2/ws", "/")));
        Assert.That((probed.Target.Dialect.Name, Found(probed, "dialect").Source), Is.EqualTo(("ours", FindingSource.Declared)));
    }

    // What it is like ------------------------------------------------------------------------------------------------

    [Test]
    public async Task A_server_that_takes_only_UUIDs_is_found_out()
    {
        await using var server = new MortalServer { UuidsOnly = true };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.MessageIds.AreUuids, Is.True);
        Assert.That(Found(probed, "message ids"), Is.EqualTo(new Finding("message ids", "uuid", FindingSource.Probed, Evidence(probed, "message ids"))));
        Assert.That(Evidence(probed, "message ids"), Does.Contain("must be a valid UUID"));
        Assert.That(server.Topics, Is.Empty);
    }

    [Test]
    public async Task What_the_owner_declares_is_believed()
    {
        await using var server = new MortalServer { UuidsOnly = true };

        var probed = await FindAsync(server, options => options with { UuidsOnly = false, Dialect = Dialect.Classic, Limits = new Limits { Ring = 7 } });

        Assert.That((probed.Target.MessageIds.AreUuids, probed.Target.Dialect.Name, probed.Target.Limits.Ring), Is.EqualTo((false, "classic", 7)));
        Assert.That(
            (Found(probed, "message ids").Source, Found(probed, "dialect").Source, Found(probed, "limits").Source),
            Is.EqualTo((FindingSource.Declared, FindingSource.Declared, FindingSource.Declared)));
    }

    [Test]
    public async Task A_server_that_refuses_every_publish_is_not_taken_for_one_that_wants_UUIDs()
    {
        await using var server = new MortalServer
        {
            Reply = request => request.Contains("publish", StringComparison.Ordinal) ? """{"type":"error","error":{"code":"NO","message":"no"}}""" : null,
        };

        var probed = await FindAsync(server);

        Assert.That(probed.Target.MessageIds.AreUuids, Is.False);
        Assert.That(Found(probed, "message ids").Source, Is.EqualTo(FindingSource.Assumed));
    }

    [Test]
    public async Task A_server_that_answers_only_one_kind_of_message_is_found_all_the_same([Values("ping", "probe")] string kind)
    {
        await using var server = new MortalServer { Reply = request => request.Contains($"\"type\":\"{kind}\"", StringComparison.Ordinal) ? null : "" };

        var probed = await FindAsync(server, options => options with { TimeoutScale = 0.2 });

        Assert.That(Found(probed, "reply to a ping").Value, Is.EqualTo(kind == "ping" ? "pong" : "error"));
        Assert.That(probed.RoundTrips!.Samples, Is.EqualTo(20));
    }

    [Test]
    public async Task What_the_user_wants_sent_is_sent_with_everything()
    {
        var seen = 0;
        var bare = 0;
        await using var server = new MortalServer
        {
            Answer = heard =>
            {
                Interlocked.Increment(ref seen);
                bare += heard.Head.Contains("X-Door: 1", StringComparison.Ordinal) && heard.Head.Contains("?room=7", StringComparison.Ordinal) ? 0 : 1;
                return null;
            },
        };

        var probed = await FindAsync(server, options => options with { Headers = new Dictionary<string, string> { ["X-Door"] = "1" }, Query = "room=7", Origin = "http://page" });

        Assert.That((seen > 3, bare), Is.EqualTo((true, 0)));
        Assert.That((probed.Target.Query, probed.Target.Origin, probed.Target.Headers["X-Door"]), Is.EqualTo(("room=7", "http://page", "1")));
    }

    // What it is not -------------------------------------------------------------------------------------------------

    [TestCase(401)]
    [TestCase(403)]
    public async Task A_server_that_asks_for_credentials_is_met_with_the_option_for_them(int status)
    {
        await using var closed = new MortalServer { Answer = _ => new(status, "") };
        await using var half = new MortalServer { Turnstile = status };

        Assert.That(await MessageAsync(closed), Does.Contain("--header").And.Contain($"{status}").And.Contain("/v1/topics"));
        Assert.That(await MessageAsync(half), Does.Contain("--header").And.Contain($"{status}").And.Contain("/v1/ws"), "the WebSocket alone may ask for them, too");
    }

    [Test]
    public async Task Another_web_server_is_told_from_this_protocol()
    {
        await using var nothing = new MortalServer { RestPrefixes = [], Sockets = [] };
        await using var everything = new MortalServer { Answer = _ => new(200, "{}"), Sockets = [] };

        Assert.That(await MessageAsync(nothing), Does.Contain("No REST interface of this protocol").And.Contain("/v1/topics: 404").And.Contain("--rest-url").And.Contain("--prefix"));
        Assert.That(await MessageAsync(everything), Does.Contain("No REST interface of this protocol").And.Contain("200 with a body that lists no topics"));
    }

    [Test]
    public async Task Half_a_server_is_told_which_half_is_missing()
    {
        await using var mute = new MortalServer { Sockets = [] };
        await using var restless = new MortalServer { RestPrefixes = [] };

        Assert.That(await MessageAsync(mute), Does.Contain("no WebSocket of this protocol").And.Contain("/v1/ws: 404").And.Contain("--ws-url"));
        Assert.That(await MessageAsync(restless), Does.Contain("No REST interface of this protocol").And.Contain("--rest-url"));
    }

    [Test]
    public async Task A_WebSocket_of_another_protocol_is_told_from_this_one()
    {
        await using var echo = new MortalServer { Reply = request => request };
        await using var silent = new MortalServer { Reply = _ => "" };

        Assert.That(await MessageAsync(echo, scale: 0.1), Does.Contain("no WebSocket of this protocol").And.Contain("nothing of the kind"));
        Assert.That(await MessageAsync(silent, scale: 0.1), Does.Contain("no WebSocket of this protocol").And.Contain("nothing else arrived"));
    }

    [Test]
    public async Task A_port_where_nobody_listens_is_said_to_be_one()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();

        Assert.That(await MessageAsync(new ProbeOptions { Url = new Uri($"http://127.0.0.1:{port}") }), Does.Contain($"127.0.0.1:{port}").And.Contain("refused").And.Contain("running"));
    }

    [Test]
    public async Task A_name_that_nobody_has_is_said_to_be_one() =>
        Assert.That(await MessageAsync(new ProbeOptions { Url = new Uri("http://no-such-host.invalid") }), Does.Contain("no-such-host.invalid:80 cannot be reached"));

    [Test]
    public async Task A_port_that_says_nothing_is_given_up_in_time([Values] bool tls)
    {
        await using var silent = new TinyServer((_, _, stopping) => Task.Delay(Timeout.Infinite, stopping));
        var url = new UriBuilder(silent.Target.Root) { Scheme = tls ? "https" : "http" }.Uri;

        var message = await MessageAsync(new ProbeOptions { Url = url, TimeoutScale = 0.1 }).WaitAsync(TimeSpan.FromSeconds(15));

        Assert.That(message, tls ? Does.Contain("TLS").And.Contain("0.5 s") : Does.Contain("none within 0.5 s"));
    }

    [Test]
    public async Task A_server_that_never_stops_talking_is_heard_out_in_bounded_time_and_memory()
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
    public async Task A_server_that_talks_unasked_is_found_and_its_notices_are_noted()
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
        await using var server = new TinyServer((_, stream, stopping) => stream.WriteAsync(Encoding.Latin1.GetBytes(garbage), stopping).AsTask());

        Assert.That(await MessageAsync(new ProbeOptions { Url = server.Target.Root }), Does.Contain("No REST interface of this protocol"));
    }

    [TestCase("HTTP/1.1 100 Continue\r\n\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\n\r\n")]
    [TestCase("x")]
    public async Task Endless_garbage_ends_in_bounded_time_and_memory(string beginning)
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

        var message = await MessageAsync(new ProbeOptions { Url = server.Target.Root, TimeoutScale = 0.1 }).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(message, Does.Contain("No REST interface of this protocol"));
        Assert.That(message, Has.Length.LessThan(10_000));
        Assert.That(GC.GetTotalMemory(forceFullCollection: true), Is.LessThan(before + (1024L * 1024 * 1024)));
    }

    // TLS ------------------------------------------------------------------------------------------------------------

    [Test]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_unless_it_is_vouched_for_or_nobody_cares()
    {
        var chain = Certificates.Value;
        await using var server = new MortalServer { Certificate = SslStreamCertificateContext.Create(chain.Direct, null, offline: true) };

        Assert.That(await MessageAsync(server), Does.Contain("not trusted").And.Contain("--ca").And.Contain("--insecure").And.Contain(server.Origin.Authority));
        Assert.That(await MessageAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Stranger] } }), Does.Contain("not trusted"));
        var vouched = await FindAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Stranger, chain.Root] } });
        var careless = await FindAsync(server, options => options with { Tls = new Tls { Insecure = true } });

        Assert.That((vouched.Target.Rest.Scheme, vouched.Target.WebSocket.Scheme), Is.EqualTo(("https", "wss")));
        Assert.That(vouched.Fingerprint["certificate"], Does.Contain("CN=127.0.0.1").And.Contain("SHA-256"));
        Assert.That(careless.Target.Tls.Insecure, Is.True);
    }

    [Test]
    public async Task An_authority_vouches_through_the_intermediate_that_the_server_shows()
    {
        var chain = Certificates.Value;
        await using var server = new MortalServer { Certificate = SslStreamCertificateContext.Create(chain.Indirect, [chain.Intermediate], offline: true) };

        var probed = await FindAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Root] } });

        Assert.That(probed.Target.Rest.Scheme, Is.EqualTo("https"));
    }

    [Test]
    public async Task An_authority_vouches_for_no_other_name()
    {
        var chain = Certificates.Value;
        await using var server = new MortalServer { Certificate = SslStreamCertificateContext.Create(chain.Elsewhere, null, offline: true) };

        Assert.That(await MessageAsync(server, options => options with { Tls = new Tls { Authorities = [chain.Root] } }), Does.Contain("not trusted").And.Contain("NameMismatch"));
    }

    [Test]
    public async Task TLS_where_none_is_spoken_is_not_blamed_on_the_certificate()
    {
        await using var plain = new MortalServer();
        var url = new Uri($"https://{plain.Origin.Authority}");
        await using var abrupt = new TinyServer((_, _, _) => Task.CompletedTask);
        await using var loud = new TinyServer((_, stream, stopping) => stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), stopping).AsTask());

        foreach (var options in new[] { new ProbeOptions { Url = url, Tls = new Tls { Insecure = true } }, new ProbeOptions { Url = url, TimeoutScale = 0.1 } })
        {
            Assert.That(await MessageAsync(options with { TimeoutScale = 0.1 }), Does.Contain("TLS").And.Contain("http://").And.Not.Contain("--ca"));
        }

        await using var greeting = new Greeter("HTTP/1.1 400 Bad Request\r\n\r\n");
        Assert.That(await MessageAsync(new ProbeOptions { Url = greeting.Secure }), Does.Contain("TLS").And.Contain("http://").And.Not.Contain("--ca"));
    }

    [Test]
    public async Task A_TLS_port_that_is_spoken_to_without_is_recognised()
    {
        await using var server = new MortalServer { Certificate = SslStreamCertificateContext.Create(Certificates.Value.Direct, null, offline: true) };

        Assert.That(
            await MessageAsync(new ProbeOptions { Url = new Uri($"http://{server.Origin.Authority}") }),
            Does.Contain("No REST interface of this protocol").And.Contain("https://"));
    }

    private static MortalServer Classic() => new() { Dialect = Dialect.Classic, RestPrefixes = [""], Sockets = ["/ws"] };

    private static Task<ProbedTarget> FindAsync(MortalServer server, Func<ProbeOptions, ProbeOptions>? change = null)
    {
        var options = new ProbeOptions { Url = server.Origin };
        return Probe.ExecuteAsync(change?.Invoke(options) ?? options, cancellation: TestContext.CurrentContext.CancellationToken);
    }

    private static Task<ProbedTarget> FindAsync(Uri url) => Probe.ExecuteAsync(new ProbeOptions { Url = url });

    private static Task<string> MessageAsync(MortalServer server, Func<ProbeOptions, ProbeOptions>? change = null, double scale = 1)
    {
        var options = new ProbeOptions { Url = server.Origin, TimeoutScale = scale };
        return MessageAsync(change?.Invoke(options) ?? options);
    }

    /// <summary>What the user is told; a sentence or several, whatever went wrong.</summary>
    private static async Task<string> MessageAsync(ProbeOptions options)
    {
        var message = "";
        try
        {
            await Probe.ExecuteAsync(options, cancellation: TestContext.CurrentContext.CancellationToken);
            Assert.Fail("the probe found a target");
        }
        catch (Unreachable unreachable)
        {
            message = unreachable.Message;
        }

        Assert.That(message, Does.Match(@"[.?]\z").And.Not.Contain("\n   at "));
        return message;
    }

    private static Finding Found(ProbedTarget probed, string what) => probed.Findings.Single(finding => finding.What == what);

    private static string Evidence(ProbedTarget probed, string what) => Found(probed, what).Evidence;

    /// <summary>Says its piece to whoever connects, without listening first.</summary>
    private sealed class Greeter : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _greeting;

        public Greeter(string words)
        {
            _listener.Start();
            _greeting = GreetAsync(Encoding.ASCII.GetBytes(words));
        }

        public Uri Secure => new($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _greeting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task GreetAsync(byte[] words)
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync(words);
                await client.GetStream().CopyToAsync(Stream.Null);
            }
        }
    }

    /// <summary>A root, what it vouches for directly and through an intermediate, and somebody else.</summary>
    private sealed class Chain
    {
        private static readonly DateTimeOffset Past = DateTimeOffset.UnixEpoch.AddYears(50);
        private static readonly DateTimeOffset Future = DateTimeOffset.UnixEpoch.AddYears(130);

        public Chain()
        {
            Root = Authority("CN=Root", null);
            Intermediate = Authority("CN=Intermediate", Root);
            Stranger = Authority("CN=Stranger", null);
            Direct = Server(Root, IPAddress.Loopback);
            Indirect = Server(Intermediate, IPAddress.Loopback);
            Elsewhere = Server(Root, IPAddress.Parse("192.0.2.1"));
        }

        public X509Certificate2 Root { get; }
        public X509Certificate2 Intermediate { get; }
        public X509Certificate2 Stranger { get; }
        public X509Certificate2 Direct { get; }
        public X509Certificate2 Indirect { get; }
        public X509Certificate2 Elsewhere { get; }

        private static X509Certificate2 Authority(string name, X509Certificate2? issuer)
        {
            var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
            return issuer is null ? request.CreateSelfSigned(Past, Future) : request.Create(issuer, Past, Future, Serial()).CopyWithPrivateKey(key);
        }

        private static X509Certificate2 Server(X509Certificate2 issuer, IPAddress address)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={address}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(address);
            request.CertificateExtensions.Add(names.Build());
            using var signed = request.Create(issuer, Past, Future, Serial());
            using var whole = signed.CopyWithPrivateKey(key);
            return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
        }

        private static byte[] Serial() => [1, .. RandomNumberGenerator.GetBytes(8)];
    }
}
