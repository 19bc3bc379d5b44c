using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NJsonSchema;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Description;

/// <summary>The description of REST is what the endpoints say, and the answers are what it says.</summary>
public sealed class OpenApiTests
{
    private const string Json = "Content-Type: application/json";
    private const string Described = "Host/Description/openapi.json";

    private static readonly JsonNode Document = JsonNode.Parse(Repository.Read(Described))!;

    /// <summary>With PUBSUB_WRITE_DESCRIPTION=1 it writes the file anew: do so after a change of an endpoint.</summary>
    [Test]
    public async Task The_description_is_that_of_the_endpoints()
    {
        using var host = Start();
        var description = await OpenApiWriter.WriteAsync(host.Services.GetRequiredService<EndpointDataSource>().Endpoints);
        if (Environment.GetEnvironmentVariable("PUBSUB_WRITE_DESCRIPTION") is not null)
        {
            await File.WriteAllTextAsync(Repository.PathOf(Described), description);
        }

        Assert.That(Repository.Read(Described).ReplaceLineEndings("\n"), Is.EqualTo(description));
    }

    [Test]
    public async Task It_is_served()
    {
        using var host = Start();

        var answer = await host.Origin.AskAsync("GET", "/openapi.json");

        Assert.That((answer.Status, answer["Content-Type"]), Is.EqualTo((200, "application/json")));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(answer.Body), Document));
    }

    [TestCase("POST", "/v1/topics", "/v1/topics", 201, """{"name":"b"}""")]
    [TestCase("POST", "/v1/topics", "/v1/topics", 400, """{"name":""}""")]
    [TestCase("POST", "/v1/topics", "/v1/topics", 409, """{"name":"a"}""")]
    [TestCase("POST", "/v1/topics", "/v1/topics", 415, """{"name":"b"}""", "Content-Type: text/plain")]
    [TestCase("GET", "/v1/topics", "/v1/topics", 200)]
    [TestCase("GET", "/v1/topics/{name}", "/v1/topics/a", 200)]
    [TestCase("GET", "/v1/topics/{name}", "/v1/topics/none", 404)]
    [TestCase("GET", "/v1/topics/{name}", "/v1/topics/%FF", 400)]
    [TestCase("DELETE", "/v1/topics/{name}", "/v1/topics/a", 200)]
    [TestCase("DELETE", "/v1/topics/{name}", "/v1/topics/none", 404)]
    [TestCase("POST", "/v1/topics/{name}/messages", "/v1/topics/a/messages", 200, """{"id":"2","payload":{}}""")]
    [TestCase("POST", "/v1/topics/{name}/messages", "/v1/topics/a/messages", 200, """[{"id":"2","payload":null,"more":1}]""")]
    [TestCase("POST", "/v1/topics/{name}/messages", "/v1/topics/a/messages", 400, """[{"id":"2"}]""")]
    [TestCase("POST", "/v1/topics/{name}/messages", "/v1/topics/none/messages", 404, """{"id":"2","payload":{}}""")]
    [TestCase("GET", "/v1/topics/{name}/messages", "/v1/topics/a/messages", 200)]
    [TestCase("GET", "/v1/topics/{name}/messages", "/v1/topics/a/messages?last_n=x", 400)]
    [TestCase("GET", "/v1/topics/{name}/messages", "/v1/topics/none/messages", 404)]
    [TestCase("GET", "/v1/topics/{name}/events", "/v1/topics/none/events", 404)]
    [TestCase("GET", "/v1/topics/{name}/events", "/v1/topics/a/events?since=x", 400)]
    [TestCase("GET", "/v1/ws", "/v1/ws", 426)]
    [TestCase("GET", "/v1/health", "/v1/health", 200)]
    [TestCase("GET", "/v1/stats", "/v1/stats", 200)]
    [TestCase("GET", "/livez", "/livez", 200)]
    [TestCase("GET", "/readyz", "/readyz", 200)]
    public async Task An_answer_is_as_described(string method, string path, string target, int status, string body = "", string type = Json)
    {
        using var host = Start();
        await host.Origin.AskAsync("POST", "/v1/topics", """{"name":"a"}""", Json);
        await host.Origin.AskAsync("POST", "/v1/topics/a/messages", """{"id":"1","payload":[1]}""", Json);

        var answer = await host.Origin.AskAsync(method, target, body, type);

        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
        var operation = Document["paths"]![path]![method.ToLowerInvariant()]!;
        var content = operation["responses"]![$"{status}"]!["content"]!.AsObject().Single();
        Assert.That(answer["Content-Type"]!.Split(';')[0], Is.EqualTo(content.Key));
        Assert.That(await FaultsAsync(content.Value!["schema"]!, answer.Body), Is.Empty, answer.Body);
        if (body.Length > 0 && status < 300)
        {
            Assert.That(await FaultsAsync(operation["requestBody"]!["content"]!["application/json"]!["schema"]!, body), Is.Empty);
        }
    }

    /// <summary>With what is off by default.</summary>
    private static RunningHost Start() => new(("CONSOLE", "on"));

    private static async Task<IEnumerable<object>> FaultsAsync(JsonNode schema, string json)
    {
        var root = schema.DeepClone().AsObject();
        var outer = new JsonObject
        {
            ["allOf"] = new JsonArray(root),
            ["definitions"] = Document["components"]!["schemas"]!.DeepClone(),
        };
        var text = outer.ToJsonString().Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal);
        return (await JsonSchema.FromJsonAsync(text)).Validate(json);
    }
}
