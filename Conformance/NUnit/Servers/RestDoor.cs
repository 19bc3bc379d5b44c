using System.Text.Json;

namespace PubSub.Conformance.Tests.Servers;

/// <summary>Everything that is asked over plain HTTP.</summary>
internal sealed class RestDoor(Topics topics, Variation variation)
{
    private readonly Messages _messages = new(variation);
    private readonly long _started = TimeProvider.System.GetTimestamp();

    public async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping)
    {
        var path = request.Path;
        var method = request.Method == "HEAD" ? "GET" : request.Method;
        if (path is "/livez" or "/readyz")
        {
            return method == "GET" ? Json("""{"status":"ok"}""") : NotAllowed("GET, HEAD");
        }

        var below = path.StartsWith($"{variation.Root}/", StringComparison.Ordinal) ? path[variation.Root.Length..] : "";
        return (method, below.Split('/')) switch
        {
            ("GET", ["", "health"]) => Json(Health()),
            ("GET", ["", "stats"]) => Json(Statistics()),
            (_, ["", "health" or "stats"]) => NotAllowed("GET, HEAD"),
            ("GET", ["", "topics"]) => Json(List()),
            ("POST", ["", "topics"]) => await CreateAsync(request, stopping),
            (_, ["", "topics"]) => NotAllowed("GET, HEAD, POST"),
            ("GET" or "DELETE", ["", "topics", { Length: > 0 } segment]) => Named(method, segment),
            (_, ["", "topics", { Length: > 0 }]) => NotAllowed("GET, HEAD, DELETE"),
            _ => _messages.Problem(404, "NOT_FOUND", "there is nothing at this path"),
        };
    }

    private static HttpResponse Json(string body) => new(200, body);

    private async Task<HttpResponse> CreateAsync(HttpRequest request, CancellationToken stopping)
    {
        if (!string.Equals(request["Content-Type"]?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase))
        {
            return _messages.Problem(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");
        }

        var name = NameIn(await request.ReadBodyAsync(SmallServer.MessageBytes, stopping));
        if (!topics.TryCreate(name))
        {
            return _messages.Problem(409, "TOPIC_EXISTS", "name must not be that of an existing topic");
        }

        // Relative to the request, so that it holds behind a proxy with a prefix.
        return new HttpResponse(201, $$"""{"status":"created","topic":{{Messages.Quote(name)}}}""")
        {
            Headers = [$"Location: topics/{TopicName.Encode(name)}"],
        };
    }

    private static string NameIn(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Bad("the body must be a JSON object with a name");
            }

            var name = json.RootElement.TryGetProperty("name", out var value)
                ? value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad("name must be a string")
                : throw Bad("name is required");
            return TopicName.Fault(name) is { } fault ? throw Bad($"name {fault}") : name;
        }
        catch (JsonException)
        {
            throw Bad("the body must be valid JSON with no member given twice");
        }
        catch (InvalidOperationException)
        {
            throw Bad("name must not contain an unpaired surrogate");
        }
    }

    private HttpResponse Named(string method, string segment)
    {
        if (TopicName.Decode(segment) is not { } name)
        {
            throw Bad("the topic name in the path must be percent-encoded UTF-8");
        }

        if (TopicName.Fault(name) is { } fault)
        {
            throw Bad($"the topic name in the path {fault}");
        }

        if (method == "GET" && topics.Find(name)?.Count() is var (subscribers, messages))
        {
            return Json($$"""{"name":{{Messages.Quote(name)}},"subscribers":{{subscribers}},"messages":{{messages}}}""");
        }

        return method == "DELETE" && topics.TryDelete(name, _messages.Deleted(name))
            ? new HttpResponse(variation.DeletionStatus, $$"""{"status":"deleted","topic":{{Messages.Quote(name)}}}""")
            : _messages.Problem(404, "TOPIC_NOT_FOUND", "topic not found");
    }

    private string List()
    {
        var entries = topics.All.Select(topic => (topic.Name, topic.Count().Subscribers))
            .Select(topic => $$"""{"name":{{Messages.Quote(topic.Name)}},"subscribers":{{topic.Subscribers}}}""");
        var list = $"[{string.Join(',', entries)}]";
        return variation.BareList ? list : $$"""{"topics":{{list}}}""";
    }

    private string Health()
    {
        var counts = topics.All.Select(topic => topic.Count().Subscribers).ToList();
        var uptime = (long)TimeProvider.System.GetElapsedTime(_started).TotalSeconds;
        return $$"""{"{{variation.UptimeMember}}":{{uptime}},"topics":{{counts.Count}},"subscribers":{{counts.Sum()}}}""";
    }

    private string Statistics()
    {
        var entries = topics.All.Select(topic => (topic.Name, topic.Count().Messages, topic.Count().Subscribers))
            .Select(of => $$"""{{Messages.Quote(of.Name)}}:{"messages":{{of.Messages}},"subscribers":{{of.Subscribers}}}""");
        return $$$"""{"topics":{{{{string.Join(',', entries)}}}}}""";
    }

    private HttpResponse NotAllowed(string allowed) =>
        _messages.Problem(405, "METHOD_NOT_ALLOWED", $"the path takes {allowed} only") with { Headers = [$"Allow: {allowed}"] };

    private static HttpFault Bad(string detail) => new(400, "BAD_REQUEST", detail);
}
