using System.Diagnostics;
using System.Text;
using NUnit.Framework;
using PubSub.Conformance.Gallery.Null;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>If there is no server to test, the tool soon says what it tried and what might help.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class UnreachableTests
{
    private const int Longest = 20;

    // By name: the server, which may be a proxy of a correct one, the scheme of the URL, and what the message must contain.
    private static readonly Dictionary<string, (Func<SmallServer, TcpServer> Server, string Scheme, string[] Says)> Servers = new()
    {
        ["there is none"] = (_ => Crashed(), "http", ["127.0.0.1:{port} cannot be reached", "Is the server running"]),
        ["it says nothing"] = (_ => new SmallServer(NoBroker.Hangs), "http", ["GET ", "/v1/topics: none within 0.7 s", "another port"]),
        ["it speaks no HTTP"] =
            (_ => new SmallServer(NoBroker.SendsGarbage), "http", ["/v1/topics: something that is not HTTP", "https://"]),
        ["it talks and never answers"] =
            (_ => new SmallServer(NoBroker.Chatters(TimeSpan.Zero)), "http", ["200 with a body that lists no topics"]),
        ["it wants a key"] =
            (_ => new SmallServer(Variation.Classic with { ApiKey = "s3cr3t" }), "http",
                ["401, which asks for credentials", "--header 'Name: value'", "--header-env"]),
        ["its certificate is not trusted"] =
            (inner => new TlsServer(inner.Origin), "https", ["its certificate is not trusted", "--ca FILE", "--insecure"]),
        ["it speaks plain HTTP"] = (_ => new SmallServer(), "https", ["but not TLS", "http://"]),
        ["it speaks TLS"] = (inner => new TlsServer(inner.Origin), "http", ["/v1/topics: ", "https://"]),
    };

    private static IEnumerable<string> Names => Servers.Keys;

    [TestCaseSource(nameof(Names))]
    public async Task A_server_that_cannot_be_tested_is_reported_with_advice(string name)
    {
        var (open, scheme, says) = Servers[name];
        await using var inner = new SmallServer();
        await using var server = open(inner);
        var url = new UriBuilder(server.Origin) { Scheme = scheme }.Uri;
        string[] options = name == "it says nothing" ? ["--timeout-scale", "0.1"] : [];

        await IsUnreachableAsync(url, options, [.. says.Select(words => words.Replace("{port}", $"{url.Port}", StringComparison.Ordinal))]);
    }

    [Test]
    public Task A_host_that_does_not_exist_is_reported() =>
        IsUnreachableAsync(new Uri("http://no-such-host.invalid"), [], "no-such-host.invalid:80 cannot be reached");

    [Test]
    public async Task A_WebSocket_that_never_answers_is_reported_although_REST_lists_topics()
    {
        await using var chatty = new SmallServer(NoBroker.Chatters(TimeSpan.Zero));
        await using var listing = Answering(200, """{"topics":[]}""");
        string[] options = ["--timeout-scale", "0.1", "--ws-url", $"ws://{chatty.Origin.Authority}/ws"];

        await IsUnreachableAsync(listing.Target.Root, options, "no WebSocket of this protocol was found", "--ws-url");
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
    public async Task A_server_with_the_same_answer_to_every_request_is_reported_with_advice(
        int status, string body, string what, string advice)
    {
        await using var server = Answering(status, body);
        await IsUnreachableAsync(server.Target.Root, [], what, advice);
    }

    private static SmallServer Crashed()
    {
        var server = new SmallServer();
        server.Crash();
        return server;
    }

    private static TinyServer Answering(int status, string body)
    {
        var answer = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} Always\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");
        return new(async (_, stream, stopping) => await stream.WriteAsync(answer, stopping));
    }

    private static async Task IsUnreachableAsync(Uri url, string[] options, params string[] says)
    {
        using var folder = new Folder();
        var clock = Stopwatch.StartNew();

        var run = await Tool.ExitsAsync(ExitCode.Unreachable, ["run", "--url", $"{url}", "--out", folder.Root, .. options]);

        run.Complains(says);
        Assert.That(run.Out, Is.Empty);
        Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(Longest));
    }
}
