using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NJsonSchema;
using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.WebSocket;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Description;

/// <summary>The description of the WebSocket and the streams says what the code accepts and sends.</summary>
public sealed class AsyncApiTests
{
    private static readonly JsonNode Document = JsonNode.Parse(Repository.Read("Host/Description/asyncapi.json"))!;
    private static readonly ServerMessage Say = new(TimeProvider.System);
    private static readonly byte[] RawTopic = "\"a\""u8.ToArray();
    private static readonly byte[] RawId = "\"r\""u8.ToArray();

    private static readonly string Long = new('x', 256);

    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":"a b/é*","client_id":"c","last_n":0,"request_id":"r","more":[1]}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","last_n":2147483647}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","since":"2026-01-01T00:00:00Z"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","since":"2026-01-01T00:00:00.1234567+01:00","epoch":"e"}""")]
    [TestCase("""{"type":"unsubscribe","topic":"a","client_id":"c","request_id":""}""")]
    [TestCase("""{"type":"publish","topic":"...","message":{"id":"1","payload":null},"request_id":"r"}""")]
    [TestCase("""{"type":"publish","topic":"a","message":{"payload":{"a":[]},"id":"1","more":0}}""")]
    [TestCase("""{"type":"ping"}""")]
    [TestCase("""{"type":"ping","request_id":"r"}""")]
    public async Task A_request_that_is_accepted_is_described(string request)
    {
        Assert.That(() => Request.Parse(Encoding.UTF8.GetBytes(request)), Throws.Nothing);
        Assert.That(await FaultsAsync(TypeOf(request), request), Is.Empty);
    }

    [TestCase("""{"type":"subscribe","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":"a"}""")]
    [TestCase("""{"type":"subscribe","topic":"","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":".","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":"..","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":"a\u0007","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":"a\u0085","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":"LONG","client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":5,"client_id":"c"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":""}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"LONG"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","last_n":-1}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","last_n":1.5}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","last_n":2147483648}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","last_n":"1"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","since":"yesterday"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","since":"2026-01-01T00:00:00"}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","since":"2026-01-01T00:00:00Z","last_n":1}""")]
    [TestCase("""{"type":"subscribe","topic":"a","client_id":"c","epoch":"e"}""")]
    [TestCase("""{"type":"unsubscribe","topic":"a"}""")]
    [TestCase("""{"type":"publish","topic":"a"}""")]
    [TestCase("""{"type":"publish","topic":"a","message":[]}""")]
    [TestCase("""{"type":"publish","topic":"a","message":{"id":"1"}}""")]
    [TestCase("""{"type":"publish","topic":"a","message":{"payload":1}}""")]
    [TestCase("""{"type":"publish","topic":"a","message":{"id":"","payload":1}}""")]
    [TestCase("""{"type":"publish","topic":"a","message":{"id":"LONG","payload":1}}""")]
    [TestCase("""{"type":"ping","request_id":5}""")]
    [TestCase("""{"type":"ping","request_id":"LONG"}""")]
    public async Task A_request_that_is_refused_is_not_described(string request)
    {
        request = request.Replace("LONG", Long, StringComparison.Ordinal);

        Assert.That(() => Request.Parse(Encoding.UTF8.GetBytes(request)), Throws.TypeOf<BadRequestException>());
        Assert.That(await FaultsAsync(TypeOf(request), request), Is.Not.Empty);
    }

    [Test]
    public async Task What_the_server_sends_is_described()
    {
        var refusals = typeof(Refusals).GetProperties(BindingFlags.Public | BindingFlags.Static)
            .Select(property => (Refusal)property.GetValue(null)!)
            .Where(refusal => refusal.Status is 0 or 404)
            .Where(refusal => refusal.Code != ErrorCode.NotFound)
            .Concat([Refusals.BadRequest("x"), Refusals.Forbidden("x"), Refusals.RateLimited("x", TimeSpan.FromSeconds(1))])
            .Concat([Refusals.Unavailable(true), Refusals.NoMemory(TestSettings.Read()), Refusals.Failed]);
        Frame[] frames =
        [
            Say.Event(RawTopic, "{\"id\":\"1\",\"payload\":[]}"u8.ToArray()).Frame,
            Say.Ack(RawId, RawTopic),
            Say.Ack(default, RawTopic),
            .. new bool?[] { null, true, false }.Select(whole => Say.Subscribed(RawId, RawTopic, "e", 1, whole).Frame),
            Say.Gap("a", "e", 1).Frame,
            Say.Pong(RawId),
            Say.Pong(default),
            Say.TopicDeleted("a"),
            .. refusals.Select(refusal => Say.Error(RawId, refusal)),
        ];
        var sent = frames.Select(frame => Encoding.UTF8.GetString(WebSocketFrame.Payload(frame))).ToList();

        foreach (var message in sent)
        {
            Assert.That(await FaultsAsync(TypeOf(message), message), Is.Empty, message);
            var more = message[..^1] + ",\"more\":1}";
            Assert.That(await FaultsAsync(TypeOf(message), more), Is.Not.Empty, "all that is sent is described");
        }

        string[] received = ["subscribe", "unsubscribe", "publish", "ping"];
        var described = Document["components"]!["messages"]!.AsObject().Select(message => message.Key);
        Assert.That(sent.Select(TypeOf).Distinct().Concat(received), Is.EquivalentTo(described));
        var codes = Document["components"]!["messages"]!["error"]!["payload"]!["properties"]!["error"]!["properties"]!["code"]!["enum"]!;
        Assert.That(
            sent.Where(message => TypeOf(message) == "error").Select(message => new Heard(message).Error).Distinct(),
            Is.EquivalentTo(codes.AsArray().Select(code => (string)code!)));
    }

    [Test]
    public async Task It_is_served()
    {
        using var host = new RunningHost();

        var answer = await host.Origin.AskAsync("GET", "/asyncapi.json");

        Assert.That((answer.Status, answer["Content-Type"]), Is.EqualTo((200, "application/json")));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(answer.Body), Document));
    }

    private static string TypeOf(string message) => JsonElement.Parse(message).GetProperty("type").GetString()!;

    private static async Task<IEnumerable<object>> FaultsAsync(string type, string message)
    {
        var schema = Document["components"]!["messages"]![type]!["payload"]!.DeepClone().AsObject();
        schema["definitions"] = Document["components"]!["schemas"]!.DeepClone();
        var text = schema.ToJsonString().Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal);
        return (await JsonSchema.FromJsonAsync(text)).Validate(message);
    }
}
