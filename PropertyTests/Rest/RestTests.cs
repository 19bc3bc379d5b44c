using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using PubSub.Hosting.Rest;
using PubSub.Hosting.Sockets;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Rest;

/// <summary>The exact responses of the REST interface. The specification leaves much of them open, but clients rely on them.</summary>
[Category("Wire")]
public sealed class RestTests : IDisposable
{
    private const string Json = "Content-Type: application/json";
    private const int Largest = 1024;

    private readonly RunningHost _host = new(("MAX_TOPICS", "3"), ("MAX_MESSAGE_BYTES", Frames.Text(Largest)), ("LOG_LEVEL", "debug"));

    [SetUp]
    public void BeginAnew()
    {
        var broker = _host.Services.GetRequiredService<Broker>();
        foreach (var topic in broker.List())
        {
            broker.TryDelete(topic.Name, Frames.Of("notice"), disconnect: true);
        }

        _host.Otherwise = null;
    }

    public void Dispose() => _host.Dispose();

    [TestCase("/v1/topics", "topics/a%20b%2F%C3%A9")]
    [TestCase("/v1/topics/", "a%20b%2F%C3%A9")]
    public async Task A_creation_returns_the_name_and_the_location(string path, string location)
    {
        var created = await AskAsync("POST", path, """{"name":"a b/é","ignored":[{}]}""");

        Assert.That((created.Status, created.Body), Is.EqualTo((201, """{"status":"created","topic":"a b/é"}""")));
        Assert.That((created["Location"], created["Content-Type"]), Is.EqualTo((location, "application/json; charset=utf-8")));
        Assert.That(_host.Logged, Does.Contain("Information PubSub.Broker: Topic a b/é created"));
    }

    [Test]
    public async Task A_deletion_returns_the_name()
    {
        await CreateAsync("a b/é");

        var deleted = await AskAsync("DELETE", "/v1/topics/a%20b%2f%c3%a9");

        Assert.That((deleted.Status, deleted.Body), Is.EqualTo((200, """{"status":"deleted","topic":"a b/é"}""")));
        Assert.That(_host.Logged, Does.Contain("Information PubSub.Broker: Topic a b/é deleted"));
        Assert.That((await AskAsync("GET", "/v1/topics")).Body, Is.EqualTo("""{"topics":[]}"""));
    }

    [Test]
    public async Task Topics_are_listed_shown_and_counted()
    {
        await CreateAsync("b", "a");
        var broker = _host.Services.GetRequiredService<Broker>();
        broker.Find("b")!.Subscribe(broker.Admit());
        Shorthand.Publish(broker.Find("b")!, 1, 3);

        Assert.That(
            (await AskAsync("GET", "/v1/topics")).Body,
            Is.EqualTo("""{"topics":[{"name":"a","subscribers":0},{"name":"b","subscribers":1}]}"""));
        Assert.That((await AskAsync("GET", "/v1/topics/b?x=/a")).Body, Is.EqualTo("""{"name":"b","subscribers":1,"messages":3}"""));
        Assert.That(
            (await AskAsync("GET", "/v1/stats")).Body,
            Is.EqualTo("""{"topics":{"a":{"messages":0,"subscribers":0},"b":{"messages":3,"subscribers":1}}}"""));
        Assert.That((await AskAsync("GET", "/v1/health")).Body, Does.Match("""^\{"uptime_seconds":\d+,"topics":2,"subscribers":1\}$"""));
    }

    [TestCase("/livez")]
    [TestCase("/readyz")]
    public async Task A_probe_is_answered(string probe)
    {
        var answer = await AskAsync("GET", probe);

        Assert.That((answer.Status, answer.Body), Is.EqualTo((200, """{"status":"ok"}""")));
    }

    [Test]
    public async Task A_server_that_drains_is_alive_and_not_ready()
    {
        using var host = new RunningHost();
        await host.Services.GetRequiredService<Sessions>().StoppingAsync(CancellationToken.None);

        var (alive, ready) = (await host.Origin.AskAsync("GET", "/livez"), await host.Origin.AskAsync("GET", "/readyz"));

        Assert.That(alive.Status, Is.EqualTo(200));
        Refuses(ready, 503, "DRAINING", "the server is shutting down");
    }

    [TestCase("/v1/topics")]
    [TestCase("/v1/topics/a")]
    [TestCase("/v1/health")]
    [TestCase("/v1/stats")]
    [TestCase("/livez")]
    [TestCase("/readyz")]
    public async Task Every_path_with_GET_takes_HEAD(string path)
    {
        await CreateAsync("a");

        var head = await AskAsync("HEAD", path);

        Assert.That((head.Status, head.Body), Is.EqualTo((200, "")));
    }

    [TestCase("...")]
    [TestCase(".a")]
    [TestCase("%2e%2ea")]
    [TestCase("a%2Fb")]
    [TestCase("a%252Fb")]
    [TestCase("%25")]
    [TestCase("name")]
    public async Task Any_name_can_be_addressed_in_every_form_of_a_target(string segment)
    {
        var name = Uri.UnescapeDataString(segment);
        await CreateAsync(name);

        var got = await AskAsync("GET", "/v1/topics/" + segment);

        Assert.That((await AskAsync("GET", $"http://localhost/v1/topics/{segment}")).Body, Is.EqualTo(got.Body), "RFC 9112 section 3.2.2");
        Assert.That((got.Status, got.Body), Is.EqualTo((200, $$"""{"name":"{{name}}","subscribers":0,"messages":0}""")));
    }

    [TestCase("POST", "/v1/topics", "{", 400, "BAD_REQUEST", "the body must be valid JSON, nested at most 512 levels deep")]
    [TestCase(
        "POST", "/v1/topics", """{"name":"a"}{}""", 400, "BAD_REQUEST", "the body must be valid JSON, nested at most 512 levels deep")]
    [TestCase("POST", "/v1/topics", """{"name":"a","name":"b"}""", 400, "BAD_REQUEST", "name must not be given twice")]
    [TestCase("POST", "/v1/topics", """{"name":"a","n\u0061me":"a"}""", 400, "BAD_REQUEST", "name must not be given twice")]
    [TestCase("POST", "/v1/topics", """{"nam\ud800":1}""", 400, "BAD_REQUEST", "name is required")]
    [TestCase("POST", "/v1/topics", """{"name":{"\ud800":1}}""", 400, "BAD_REQUEST", "name must be a string")]
    [TestCase("POST", "/v1/topics", """{"name":["\ud800"]}""", 400, "BAD_REQUEST", "name must be a string")]
    [TestCase("GET", "/v1/topics/there/", "", 404, "NOT_FOUND", "there is nothing at this path")]
    [TestCase("DELETE", "/v1/topics/there/", "", 404, "NOT_FOUND", "there is nothing at this path")]
    [TestCase("POST", "/v1/topics", "[]", 400, "BAD_REQUEST", "the body must be a JSON object")]
    [TestCase("POST", "/v1/topics", "{}", 400, "BAD_REQUEST", "name is required")]
    [TestCase("POST", "/v1/topics", """{"name":5}""", 400, "BAD_REQUEST", "name must be a string")]
    [TestCase("POST", "/v1/topics", """{"name":"\ud800"}""", 400, "BAD_REQUEST", "name must not contain an unpaired surrogate")]
    [TestCase("POST", "/v1/topics", """{"name":""}""", 400, "BAD_REQUEST", "name must not be empty")]
    [TestCase("POST", "/v1/topics", """{"name":"there"}""", 409, "TOPIC_EXISTS", "name must not be that of an existing topic")]
    [TestCase("GET", "/v1/topics/other", "", 404, "TOPIC_NOT_FOUND", "topic not found")]
    [TestCase("DELETE", "/v1/topics/other", "", 404, "TOPIC_NOT_FOUND", "topic not found")]
    [TestCase("GET", "/v1/topics/%ff", "", 400, "BAD_REQUEST", "the topic name in the path must be percent-encoded UTF-8")]
    [TestCase("DELETE", "/v1/topics/%ff", "", 400, "BAD_REQUEST", "the topic name in the path must be percent-encoded UTF-8")]
    [TestCase("GET", "/v1/topics/%01", "", 400, "BAD_REQUEST", "the topic name in the path must not contain control characters")]
    [TestCase("DELETE", "/v1/topics/%01", "", 400, "BAD_REQUEST", "the topic name in the path must not contain control characters")]
    [TestCase("GET", "/v1/topics/there/more", "", 404, "NOT_FOUND", "there is nothing at this path")]
    [TestCase("GET", "/v1/topicsthere", "", 404, "NOT_FOUND", "there is nothing at this path")]
    [TestCase("GET", "/", "", 404, "NOT_FOUND", "there is nothing at this path")]
    [TestCase("PUT", "/v1/topics", "", 405, "METHOD_NOT_ALLOWED", "the path takes GET, HEAD, POST only")]
    [TestCase("PUT", "/v1/topics/there", "", 405, "METHOD_NOT_ALLOWED", "the path takes DELETE, GET, HEAD only")]
    [TestCase("POST", "/v1/health", "", 405, "METHOD_NOT_ALLOWED", "the path takes GET, HEAD only")]
    [TestCase("POST", "/readyz", "", 405, "METHOD_NOT_ALLOWED", "the path takes GET, HEAD only")]
    public async Task A_refusal_names_the_rule(string method, string target, string body, int status, string code, string detail)
    {
        await CreateAsync("there");

        var refusal = await AskAsync(method, target, body);

        Refuses(refusal, status, code, detail);
        Assert.That(
            (await AskAsync("GET", "/v1/topics")).Body,
            Is.EqualTo("""{"topics":[{"name":"there","subscribers":0}]}"""),
            "the topics have not changed");
    }

    [TestCase("""{"name":"a","\ud800":1}""")]
    [TestCase("""{"\udc00":{"\ud800":[]},"name":"a"}""")]
    [TestCase("""{"n\u0061me":"\u0061","x":1,"x":2}""")]
    public async Task Unknown_members_of_the_body_are_ignored(string body)
    {
        Assert.That((await AskAsync("POST", "/v1/topics", body)).Status, Is.EqualTo(201));
        Assert.That((await AskAsync("GET", "/v1/topics/a")).Status, Is.EqualTo(200));
    }

    [Test]
    public void A_body_that_is_not_UTF_8_is_refused() => Assert.That(
        CreationBody.Fault([.. """{"name":"a","x":" """u8, 0xff, .. "\"}"u8], out _),
        Is.EqualTo("the body must be UTF-8"));

    [Test]
    public async Task Only_pages_of_allowed_origins_may_use_REST()
    {
        using var host = new RunningHost(("ALLOWED_ORIGINS", "https://app.example"));
        Task<RawResponse> Preflight(string origin) => host.Origin.AskAsync(
            "OPTIONS",
            "/v1/topics/a",
            "",
            $"Origin: {origin}",
            "Access-Control-Request-Method: DELETE",
            "Access-Control-Request-Headers: content-type");

        var allowed = await Preflight("https://app.example");
        var got = await host.Origin.AskAsync("GET", "/v1/topics", "", "Origin: https://app.example");

        Assert.That((allowed.Status, allowed["Access-Control-Allow-Origin"]), Is.EqualTo((204, "https://app.example")));
        Assert.That(
            (allowed["Access-Control-Allow-Methods"], allowed["Access-Control-Allow-Headers"]),
            Is.EqualTo(("DELETE", "content-type")));
        Assert.That((got.Status, got["Access-Control-Allow-Origin"]), Is.EqualTo((200, "https://app.example")));
        Assert.That((await Preflight("https://evil.example"))["Access-Control-Allow-Origin"], Is.Null);
        Assert.That((await AskAsync("OPTIONS", "/v1/topics")).Status, Is.EqualTo(405), "CORS is off if no origin is allowed");
    }

    [TestCase("")]
    [TestCase("Content-Type: text/plain")]
    public async Task A_creation_that_is_not_JSON_is_refused(string type) =>
        Refuses(
            await _host.Origin.AskAsync("POST", "/v1/topics", """{"name":"a"}""", type.Length > 0 ? [type] : []),
            415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");

    [Test]
    public async Task A_body_may_be_as_large_as_a_message_and_no_larger()
    {
        string Body(int bytes) => """{"name":"a"}""".PadRight(bytes);

        Assert.That((await AskAsync("POST", "/v1/topics", Body(Largest))).Status, Is.EqualTo(201));
        Refuses(
            await AskAsync("POST", "/v1/topics", Body(Largest + 1)),
            413, "CONTENT_TOO_LARGE", $"the body must be at most {Largest} bytes long (MAX_MESSAGE_BYTES)");
    }

    [Test]
    public async Task A_topic_over_the_limit_is_refused()
    {
        await CreateAsync("a", "b", "c");

        Refuses(
            await AskAsync("POST", "/v1/topics", """{"name":"d"}"""),
            507, "LIMIT_EXCEEDED", "there are 3 topics, which is the most there may be (MAX_TOPICS)");
    }

    [Test]
    public async Task A_deletion_disconnects_or_unsubscribes_as_is_set([Values] bool disconnects)
    {
        using var host = new RunningHost(("TOPIC_DELETION", disconnects ? "disconnect" : "unsubscribe"));
        var broker = host.Services.GetRequiredService<Broker>();
        var subscriber = broker.Admit();
        Shorthand.Create(broker, "a").Subscribe(subscriber);

        await host.Origin.AskAsync("DELETE", "/v1/topics/a");

        Assert.That(subscriber.Closed, Is.EqualTo(disconnects ? CloseReason.TopicDeleted : CloseReason.None));
        Assert.That(subscriber.TakeAll(), Has.Length.EqualTo(1).And.One.Contains("\"topic_deleted\""));
    }

    [TestCase(400)]
    [TestCase(418)]
    public async Task A_refusal_by_the_framework_gets_a_problem_as_its_body(int status)
    {
        _host.Otherwise = context => context.Response.StatusCode = status;

        Refuses(await AskAsync("GET", "/elsewhere"), status, "BAD_REQUEST", "the request was refused");
    }

    [Test]
    public async Task A_success_without_a_body_stays_without_one()
    {
        _host.Otherwise = context => context.Response.StatusCode = 399;

        var answer = await AskAsync("GET", "/elsewhere");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((399, "")));
    }

    [Test]
    public async Task A_request_that_the_web_server_refuses_gets_its_message()
    {
        _host.Otherwise = _ => throw new BadHttpRequestException("too odd", 431);

        Refuses(await AskAsync("GET", "/elsewhere"), 431, "BAD_REQUEST", "too odd");
    }

    [Test]
    public async Task An_exception_is_answered_with_500_and_logged_in_full()
    {
        _host.Otherwise = _ => throw new InvalidOperationException("ours");

        Refuses(await AskAsync("GET", "/elsewhere?x"), 500, "INTERNAL", "the server failed to handle the request");
        Assert.That(_host.Logged, Has.One.StartsWith("Error PubSub.Host: GET /elsewhere?x failed unexpectedly"));
    }

    [Test]
    public async Task An_exception_amid_a_response_adds_nothing_to_it()
    {
        _host.Otherwise = context =>
        {
            context.Response.StatusCode = 200;
            context.Response.Body.WriteAsync("begun"u8.ToArray()).AsTask().Wait(Threads.Patience);
            throw new InvalidOperationException("ours");
        };

        var answer = await AskAsync("GET", "/elsewhere");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((200, "begun")));
        Assert.That(_host.Logged, Has.None.Contains("/elsewhere failed unexpectedly"));
    }

    [Test]
    public async Task Every_response_has_a_line_in_the_log()
    {
        await AskAsync("GET", "/v1/topics/a%20b?x");

        Assert.That(
            () => _host.Logged,
            Has.One.Match(@"^Debug PubSub.Host: GET /v1/topics/a%20b\?x answered 404 in \d+\.\d ms$").After(5_000, 10));
    }

    [Test]
    public async Task A_response_has_no_Server_header() => Assert.That((await AskAsync("GET", "/livez"))["Server"], Is.Null);

    private static void Refuses(RawResponse refusal, int status, string code, string detail)
    {
        Assert.That((refusal.Status, refusal["Content-Type"]), Is.EqualTo((status, "application/problem+json")));
        using var problem = JsonDocument.Parse(refusal.Body);
        string? Of(string member) => problem.RootElement.GetProperty(member).ToString();

        Assert.That((Of("status"), Of("code"), Of("detail")), Is.EqualTo((Frames.Text(status), code, detail)));
    }

    private Task<RawResponse> AskAsync(string method, string target, string body = "") =>
        body.Length == 0 ? _host.Origin.AskAsync(method, target) : _host.Origin.AskAsync(method, target, body, Json);

    private async Task CreateAsync(params string[] names)
    {
        foreach (var name in names)
        {
            Assert.That((await AskAsync("POST", "/v1/topics", JsonSerializer.Serialize(new { name }))).Status, Is.EqualTo(201));
        }
    }
}
