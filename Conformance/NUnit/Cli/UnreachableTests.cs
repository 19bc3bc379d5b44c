using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PubSub.Conformance.Gallery.Null;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>Where there is nothing to test, the tool says soon what it tried and what might help, and blames nobody.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class UnreachableTests
{
    private const int Longest = 20;

    [Test]
    public async Task A_port_where_nobody_listens()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();

        await IsUnreachableAsync(new Uri($"http://127.0.0.1:{port}"), $"127.0.0.1:{port} cannot be reached", "Is the server running");
    }

    [Test]
    public Task A_host_that_does_not_exist() => IsUnreachableAsync(new Uri("http://no-such-host.invalid"), "no-such-host.invalid:80 cannot be reached");

    [Test]
    public async Task A_server_that_says_nothing()
    {
        await using var server = new SmallServer(NoBroker.Hangs);
        await IsUnreachableAsync(server.Origin, ["--timeout-scale", "0.1"], "GET ", "/v1/topics: none within 0.5 s", "another port");
    }

    [Test]
    public async Task A_server_that_speaks_no_HTTP()
    {
        await using var server = new SmallServer(NoBroker.SendsGarbage);
        await IsUnreachableAsync(server.Origin, "/v1/topics: something that is not HTTP", "https://");
    }

    [Test]
    public async Task A_server_that_talks_and_never_answers()
    {
        await using var server = new SmallServer(NoBroker.Chatters(TimeSpan.Zero));
        await IsUnreachableAsync(server.Origin, "200 with a body that lists no topics");
    }

    [Test]
    public async Task A_server_that_talks_and_never_answers_behind_a_listing()
    {
        await using var chatty = new SmallServer(NoBroker.Chatters(TimeSpan.Zero));
        await using var listing = Answering(200, """{"topics":[]}""");

        await IsUnreachableAsync(listing.Target.Root, ["--timeout-scale", "0.1", "--ws-url", $"ws://{chatty.Origin.Authority}/ws"], "no WebSocket of this protocol was found", "--ws-url");
    }

    [TestCase(404, "nothing is here", "/v1/topics: 404", "--prefix")]
    [TestCase(200, "{}", "200 with a body that lists no topics", "--prefix")]
    [TestCase(200, "", "200 with a body that lists no topics", "--prefix")]
    [TestCase(200, """{"topics":{}}""", "200 with a body that lists no topics", "--prefix")]
    [TestCase(301, "", "/v1/topics: 301", "--prefix")]
    [TestCase(502, "", "/v1/topics: 502", "--prefix")]
    [TestCase(401, "", "asks for credentials", "--header-env")]
    [TestCase(403, "", "asks for credentials", "--header-env")]
    [TestCase(200, """{"topics":[]}""", "The REST interface answers, but no WebSocket of this protocol was found", "--ws-url")]
    public async Task A_server_that_says_the_same_to_everybody(int status, string body, string what, string advice)
    {
        await using var server = Answering(status, body);
        await IsUnreachableAsync(server.Target.Root, what, advice);
    }

    [Test]
    public async Task A_server_that_wants_a_key()
    {
        await using var server = new SmallServer(Variation.Classic with { ApiKey = "s3cr3t" });
        await IsUnreachableAsync(server.Origin, "401, which asks for credentials", "--header 'Name: value'", "--header-env");
    }

    [Test]
    public async Task A_certificate_that_nobody_trusts()
    {
        await using var inner = new SmallServer();
        await using var server = new TlsServer(inner.Origin);
        await IsUnreachableAsync(server.Origin, "its certificate is not trusted", "--ca FILE", "--insecure");
    }

    [Test]
    public async Task TLS_where_plain_HTTP_is_spoken()
    {
        await using var server = new SmallServer();
        await IsUnreachableAsync(new UriBuilder(server.Origin) { Scheme = "https" }.Uri, "but not TLS", "http://");
    }

    [Test]
    public async Task Plain_HTTP_where_TLS_is_spoken()
    {
        await using var inner = new SmallServer();
        await using var server = new TlsServer(inner.Origin);
        await IsUnreachableAsync(new UriBuilder(server.Origin) { Scheme = "http" }.Uri, "/v1/topics: ", "https://");
    }

    private static TinyServer Answering(int status, string body) => new(async (_, stream, stopping) =>
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} Always\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"), stopping));

    private static Task IsUnreachableAsync(Uri url, params string[] said) => IsUnreachableAsync(url, [], said);

    private static async Task IsUnreachableAsync(Uri url, IEnumerable<string> options, params string[] said)
    {
        using var folder = new Folder();
        var clock = Stopwatch.StartNew();

        var run = await Tool.RunAsync(["run", "--url", url.AbsoluteUri, "--out", folder.Root, .. options]);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Unreachable), run.ToString());
        foreach (var words in said)
        {
            Assert.That(run.Errors, Does.Contain(words));
        }

        Assert.That(run.Errors, Does.Not.Contain("   at "), "a message and no stack trace");
        Assert.That(run.Out, Is.Empty);
        Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(Longest));
    }
}
