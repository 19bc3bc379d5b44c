using System.Text.Json;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Messages;

/// <summary>Publishing and reading over HTTP (SPEC, section 18): the exact answers, and the bounds.</summary>
[Category("Wire")]
public sealed class MessagesTests : IDisposable
{
    private const string Json = "Content-Type: application/json";
    private const int Retained = 4, MaxMessage = 1024, MaxBatch = 4096;

    private readonly RunningHost _host = new(
        ("MAX_MESSAGES", Frames.Text(Retained)),
        ("MAX_MESSAGE_BYTES", Frames.Text(MaxMessage)),
        ("MAX_BATCH_BYTES", Frames.Text(MaxBatch)),
        ("MAX_QUEUE_SIZE", "2"),
        ("LOG_LEVEL", "debug"));

    [SetUp]
    public void BeginAnew()
    {
        _host.Broker.TryDelete("a", Frames.Of("notice"), disconnect: true);
        _host.Broker.Create("a", new Origin(0, "e1"));
    }

    public void Dispose() => _host.Dispose();

    [TestCase("""{"id":"m1","payload":[1,  "é"],"more":{}}""", "\"m1\"")]
    [TestCase("""{"payload":null,"id":"\u006d\"1"}""", "\"\\u006d\\\"1\"")]
    public async Task A_message_is_published_as_it_is_written(string message, string id)
    {
        using var peer = await SubscribedAsync();

        var answer = await PublishAsync(message);

        Assert.That(await peer.HearAsync(), Is.EqualTo($$"""{"type":"event","topic":"a","message":{{message}}}"""));
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        Assert.That(answer["Content-Type"], Is.EqualTo("application/json; charset=utf-8"));
        Assert.That(
            answer.Body,
            Is.EqualTo($$"""{"status":"ok","topic":"a","messages":[{"id":{{id}},"timestamp":"{{(await StampsAsync())[^1]}}"}]}"""));
        Assert.That(_host.Logged, Has.Some.Match(@"^Debug PubSub.Broker: Connection \S+ published 1 messages to a: \d+ bytes$"));
    }

    [Test]
    public async Task A_batch_is_published_in_its_order_and_delivered_whole()
    {
        using var peer = await SubscribedAsync();

        var answer = await PublishAsync(""" [{"id":"1","payload":1},""" + "\n" + """{"id":"2","payload":2},{"id":"3","payload":3}]""");

        foreach (var number in Enumerable.Range(1, 3))
        {
            Assert.That(await peer.HearAsync(), Does.Contain($$"""{"id":"{{number}}","payload":{{number}}}"""), "the queue holds 2");
        }

        using var document = JsonDocument.Parse(answer.Body);
        var messages = document.RootElement.GetProperty("messages").EnumerateArray().ToList();
        Assert.That(messages.Select(message => message.GetProperty("id").GetString()), Is.EqualTo(new[] { "1", "2", "3" }));
        Assert.That(messages.Select(message => message.GetProperty("timestamp").GetString()), Is.EqualTo(await StampsAsync()));
    }

    [TestCase("", "the body must be valid JSON, nested at most 512 levels deep; it is not at byte 0")]
    [TestCase("[{]", "the body must be valid JSON, nested at most 512 levels deep; it is not at byte 2")]
    [TestCase("""{"id":"1","payload":1}{}""", "the body must be valid JSON, nested at most 512 levels deep; it is not at byte 22")]
    [TestCase("[]", "the body must have at least one message")]
    [TestCase("5", "message must be an object")]
    [TestCase("""{"payload":1}""", "message.id is required")]
    [TestCase("""{"id":"1"}""", "message.payload is required; it may be any JSON value, null included")]
    [TestCase("""{"id":"","payload":1}""", "message.id must not be empty")]
    [TestCase("""{"id":"1","id":"1","payload":1}""", "message.id must not be given twice")]
    [TestCase("""[{"id":"1","payload":1},{"id":2,"payload":1},{"id":3}]""", "[1]: message.id must be a string")]
    [TestCase("""[{"id":"1","payload":1},[]]""", "[1]: message must be an object")]
    [TestCase("""[{"id":"1","payload":1},{"id":"2","payload":1,"payload":2}]""", "[1]: message.payload must not be given twice")]
    public async Task An_illegal_body_publishes_nothing(string body, string detail)
    {
        Refuses(await PublishAsync(body), 400, "BAD_REQUEST", detail);
        Assert.That(_host.Broker.Find("a")!.Count().Messages, Is.Zero);
    }

    [Test]
    public async Task A_body_that_is_not_UTF_8_publishes_nothing()
    {
        using var client = new HttpClient();
        using var body = new ByteArrayContent([.. """{"id":"1","payload":" """u8, 0xff, .. "\"}"u8]);
        body.Headers.ContentType = new("application/json");

        var answer = await client.PostAsync(new Uri(_host.Origin, "/v1/topics/a/messages"), body);

        Assert.That((int)answer.StatusCode, Is.EqualTo(400));
        Assert.That(_host.Broker.Find("a")!.Count().Messages, Is.Zero);
    }

    [Test]
    public async Task A_batch_may_have_1000_messages([Values(1_000, 1_001)] int count)
    {
        using var host = new RunningHost();
        host.Broker.Create("a");
        var body = $"[{string.Join(',', Enumerable.Repeat("""{"id":"1","payload":1}""", count))}]";

        var answer = await host.Origin.AskAsync("POST", "/v1/topics/a/messages", body, Json);

        Assert.That(answer.Status, Is.EqualTo(count == 1_000 ? 200 : 400), answer.Body);
        Assert.That(host.Broker.Find("a")!.Count().Messages, Is.EqualTo(count == 1_000 ? 1_000 : 0));
    }

    [Test]
    public async Task Each_message_and_each_batch_has_a_bound()
    {
        string Message(int bytes) => """{"id":"1","payload":1}""".PadRight(bytes - 1).Replace("1} ", "1  ", StringComparison.Ordinal) + "}";
        string Batch(int bytes) => $"[{Message(MaxMessage)}]".PadRight(bytes);

        Assert.That((await PublishAsync(Message(MaxMessage))).Status, Is.EqualTo(200));
        Assert.That((await PublishAsync(Batch(MaxBatch))).Status, Is.EqualTo(200));
        Refuses(
            await PublishAsync(Message(MaxMessage + 1)),
            413, "CONTENT_TOO_LARGE", "the body must be at most 1024 bytes long (MAX_MESSAGE_BYTES)");
        Refuses(
            await PublishAsync($"[{Message(10 + MaxMessage)}]"),
            400, "BAD_REQUEST", "[0]: message must be at most 1024 bytes long (MAX_MESSAGE_BYTES)");
        Refuses(
            await PublishAsync(Batch(MaxBatch + 1)),
            413, "CONTENT_TOO_LARGE", "the body must be at most 4096 bytes long (MAX_BATCH_BYTES)");
    }

    [TestCase("POST", "/v1/topics/b/messages", 404, "TOPIC_NOT_FOUND", "topic not found")]
    [TestCase("GET", "/v1/topics/b/messages", 404, "TOPIC_NOT_FOUND", "topic not found")]
    [TestCase("POST", "/v1/topics/%01/messages", 400, "BAD_REQUEST", "the topic name in the path must not contain control characters")]
    [TestCase("GET", "/v1/topics/%ff/messages", 400, "BAD_REQUEST", "the topic name in the path must be percent-encoded UTF-8")]
    [TestCase("GET", "/v1/topics/a/messages/", 404, "NOT_FOUND", "there is nothing at this path")]
    [TestCase("GET", "/v1/topics/a/b/messages", 404, "NOT_FOUND", "there is nothing at this path")]
    [TestCase("PUT", "/v1/topics/a/messages", 405, "METHOD_NOT_ALLOWED", "the path takes GET, HEAD, POST only")]
    [TestCase("GET", "/v1/topics/a/messages?last_n=-1", 400, "BAD_REQUEST", LastN)]
    [TestCase("GET", "/v1/topics/a/messages?last_n=", 400, "BAD_REQUEST", LastN)]
    [TestCase("GET", "/v1/topics/a/messages?last_n=1.0", 400, "BAD_REQUEST", LastN)]
    [TestCase("GET", "/v1/topics/a/messages?last_n=2147483648", 400, "BAD_REQUEST", LastN)]
    [TestCase("GET", "/v1/topics/a/messages?last_n=1&last_n=1", 400, "BAD_REQUEST", "last_n must not be given twice")]
    [TestCase("GET", "/v1/topics/a/messages?since=yesterday", 400, "BAD_REQUEST", Since)]
    [TestCase("GET", "/v1/topics/a/messages?since=", 400, "BAD_REQUEST", Since)]
    [TestCase("GET", "/v1/topics/a/messages?epoch=e1", 400, "BAD_REQUEST", "epoch must stand beside since")]
    [TestCase("GET", "/v1/topics/a/messages?last_n=1&since=2025-08-28T10:00:00Z", 400, "BAD_REQUEST", Both)]
    public async Task A_refusal_names_the_rule(string method, string target, int status, string code, string detail) =>
        Refuses(
            await _host.Origin.AskAsync(method, target, method == "POST" ? """{"id":"1","payload":1}""" : "", Json), status, code, detail);

    [Test]
    public async Task A_publish_that_is_not_JSON_is_refused() => Refuses(
        await _host.Origin.AskAsync("POST", "/v1/topics/a/messages", """{"id":"1","payload":1}""", "Content-Type: text/plain"),
        415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");

    [TestCase("messages")]
    [TestCase("events")]
    [TestCase("a%2Fmessages")]
    public async Task A_topic_may_have_the_name_of_a_part(string segment)
    {
        _host.Broker.Create(Uri.UnescapeDataString(segment));

        var published = await _host.Origin.AskAsync("POST", $"/v1/topics/{segment}/messages", """{"id":"1","payload":1}""", Json);
        var shown = await _host.Origin.AskAsync("GET", $"/v1/topics/{segment}");

        Assert.That(published.Status, Is.EqualTo(200), published.Body);
        Assert.That(shown.Body, Does.EndWith(""","subscribers":0,"messages":1}"""));
        _host.Broker.TryDelete(Uri.UnescapeDataString(segment), Frames.Of("notice"), disconnect: true);
    }

    [TestCase("", 6, "2,3,4,5", false)]
    [TestCase("", 4, "0,1,2,3", true)]
    [TestCase("?last_n=0", 6, "", true)]
    [TestCase("?last_n=2", 6, "4,5", true)]
    [TestCase("?last_n=4", 6, "2,3,4,5", true)]
    [TestCase("?last_n=5", 6, "2,3,4,5", false)]
    [TestCase("?last_n=9", 3, "0,1,2", true)]
    public async Task A_read_has_the_newest_and_says_whether_older_ones_are_missing(string query, int published, string read, bool complete)
    {
        await PublishAsync(published);

        Assert.That(await ReadAsync(query), Is.EqualTo((read, complete)));
    }

    [TestCase(6, 5, "", true)]
    [TestCase(6, 4, "5", true)]
    [TestCase(6, 1, "2,3,4,5", true)]
    [TestCase(6, 0, "2,3,4,5", false)]
    public async Task A_read_from_a_position_has_what_is_later(int published, int seen, string read, bool complete)
    {
        var stamps = await PublishAsync(published);

        Assert.That(await ReadAsync($"?since={stamps[seen]}&epoch=e1"), Is.EqualTo((read, complete)));
        Assert.That(await ReadAsync($"?since={stamps[seen]}"), Is.EqualTo((read, complete)), "the epoch may be left out");
        Assert.That(await ReadAsync($"?since={stamps[seen]}&epoch=e0"), Is.EqualTo((read, false)), "another life of the topic");
    }

    [Test]
    public async Task A_read_from_the_future_is_not_complete()
    {
        await PublishAsync(1);

        Assert.That(await ReadAsync("?since=9999-01-01T00:00:00Z"), Is.EqualTo(("", false)));
    }

    [Test]
    public async Task A_read_has_the_events_as_a_subscriber_gets_them()
    {
        await PublishAsync("""{"id":"1","payload":"é"}""");

        var answer = await _host.Origin.AskAsync("GET", "/v1/topics/a/messages");

        Assert.That(answer.Body, Does.Match(
            """^\{"topic":"a","epoch":"e1","complete":true,"events":\["""
            + """\{"type":"event","topic":"a","message":\{"id":"1","payload":"é"\},"timestamp":"[^"]{28}"\}\]\}$"""));
        Assert.That((await _host.Origin.AskAsync("HEAD", "/v1/topics/a/messages")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task What_is_retained_has_a_bound()
    {
        using var host = new RunningHost(("MAX_RETAINED_BYTES", Frames.Text(1024 * 1024)), ("MAX_MESSAGES", "10000"));
        host.Broker.Create("a");
        var body = $"[{string.Join(',', Enumerable.Repeat("""{"id":"1","payload":1}""", 1_000))}]";

        RawResponse answer;
        var published = 0;
        while ((answer = await host.Origin.AskAsync("POST", "/v1/topics/a/messages", body, Json)).Status == 200)
        {
            published += 1_000;
        }

        Refuses(
            answer, 507, "LIMIT_EXCEEDED",
            "there is no room for it in the 1048576 bytes of topics, subscriptions and messages (MAX_RETAINED_BYTES)");
        Assert.That(host.Broker.Find("a")!.Count().Messages, Is.EqualTo(published), "all of a batch or nothing");
    }

    [Test]
    public async Task What_is_under_way_has_a_bound()
    {
        const int most = 1024 * 1024;
        using var host = new RunningHost(("MAX_OUTSTANDING_BYTES", Frames.Text(most)), ("MAX_BATCH_BYTES", Frames.Text(2 * most)));
        host.Broker.Create("a");
        var (half, whole) = (most / 2, most + (64 * 1024));
        const string refused = "there is no room for it in the 1048576 bytes that clients have under way (MAX_OUTSTANDING_BYTES)";

        var small = await host.Origin.AskAsync("POST", "/v1/topics/a/messages", """[{"id":"1","payload":1}]""".PadRight(half), Json);
        var large = await host.Origin.AskAsync("POST", "/v1/topics/a/messages", """[{"id":"1","payload":1}]""".PadRight(whole), Json);
        host.Broker.Find("a")!.TryPublish(new Frame([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0, .. new byte[whole]]));
        var read = await host.Origin.AskAsync("GET", "/v1/topics/a/messages");

        Assert.That(small.Status, Is.EqualTo(200));
        Refuses(large, 503, "LIMIT_EXCEEDED", refused);
        Refuses(read, 503, "LIMIT_EXCEEDED", refused);
        Assert.That((await host.Origin.AskAsync("GET", "/v1/topics/a/messages?last_n=0")).Status, Is.EqualTo(200), "nothing is kept");
    }

    private const string LastN = "last_n must be an integer from 0 to 2147483647, without fraction or exponent";
    private const string Since = "since must be a time as RFC 3339 writes it, such as the timestamp of an event";
    private const string Both = "since and last_n must not be given together";

    private static void Refuses(RawResponse refusal, int status, string code, string detail)
    {
        Assert.That((refusal.Status, refusal["Content-Type"]), Is.EqualTo((status, "application/problem+json")), refusal.Body);
        using var problem = JsonDocument.Parse(refusal.Body);
        string? Of(string member) => problem.RootElement.GetProperty(member).GetString();

        Assert.That((Of("code"), Of("detail")), Is.EqualTo((code, detail)));
    }

    private async Task<Peer> SubscribedAsync()
    {
        var peer = await Peer.OfAsync(_host);
        await peer.AskAsync("""{"type":"subscribe","topic":"a","client_id":"me"}""");
        return peer;
    }

    private Task<RawResponse> PublishAsync(string body) => _host.Origin.AskAsync("POST", "/v1/topics/a/messages", body, Json);

    /// <summary>Publishes messages with the ids 0, 1, 2…</summary>
    /// <returns>The timestamps of their events.</returns>
    private async Task<List<string>> PublishAsync(int count)
    {
        var stamps = new List<string>();
        foreach (var number in Enumerable.Range(0, count))
        {
            using var answer = JsonDocument.Parse((await PublishAsync($$"""{"id":"{{number}}","payload":1}""")).Body);
            stamps.Add(answer.RootElement.GetProperty("messages")[0].GetProperty("timestamp").GetString()!);
        }

        return stamps;
    }

    private async Task<(string Ids, bool Complete)> ReadAsync(string query)
    {
        var answer = await _host.Origin.AskAsync("GET", "/v1/topics/a/messages" + query);
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        using var read = JsonDocument.Parse(answer.Body);
        var events = read.RootElement.GetProperty("events").EnumerateArray();
        var ids = events.Select(one => one.GetProperty("message").GetProperty("id").GetString());
        return (string.Join(',', ids), read.RootElement.GetProperty("complete").GetBoolean());
    }

    private async Task<List<string?>> StampsAsync()
    {
        using var read = JsonDocument.Parse((await _host.Origin.AskAsync("GET", "/v1/topics/a/messages")).Body);
        return [.. read.RootElement.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("timestamp").GetString())];
    }
}
