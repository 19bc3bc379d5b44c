using System.Text.Json;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Everything that is asked over plain HTTP.</summary>
internal class RestDoor(SmallServer server)
{
    private readonly long _started = TimeProvider.System.GetTimestamp();

    protected SmallServer Server => server;
    protected Topics Topics => server.Topics;
    protected Messages Messages => server.Messages;
    protected Variation Variation => server.Parts.Variation;

    /// <summary>The answer to what is no legal request, after which the connection ends.</summary>
    public virtual HttpResponse Refuse(HttpFault fault) => Messages.Problem(fault.Status, fault.Code, fault.Message);

    public virtual async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping)
    {
        var path = request.Path;
        var method = request.Method == "HEAD" ? "GET" : request.Method;
        if (path is "/livez" or "/readyz")
        {
            return method == "GET" ? Json("""{"status":"ok"}""") : NotAllowed("GET, HEAD");
        }

        var below = path.StartsWith($"{Variation.Root}/", StringComparison.Ordinal) ? path[Variation.Root.Length..] : "";
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
            _ => Messages.Problem(404, "NOT_FOUND", "there is nothing at this path"),
        };
    }

    protected static HttpResponse Json(string body) => new(200, body);

    protected virtual async Task<HttpResponse> CreateAsync(HttpRequest request, CancellationToken stopping)
    {
        if (!string.Equals(request["Content-Type"]?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase))
        {
            return Messages.Problem(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");
        }

        var name = NameIn(await request.ReadBodyAsync(server.Settings.MessageBytes, stopping));
        if (!Topics.TryCreate(name))
        {
            return Messages.Problem(409, "TOPIC_EXISTS", "name must not be that of an existing topic");
        }

        // Relative to the request, so that it holds behind a proxy with a prefix.
        return new HttpResponse(201, $$"""{"status":"created","topic":{{Servers.Messages.Quote(name)}}}""")
        {
            Headers = [$"Location: topics/{TopicName.Encode(name)}"],
        };
    }

    protected virtual string NameIn(byte[] body)
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

    protected virtual HttpResponse Named(string method, string segment)
    {
        if (TopicName.Decode(segment) is not { } name)
        {
            throw Bad("the topic name in the path must be percent-encoded UTF-8");
        }

        if (TopicName.Fault(name) is { } fault)
        {
            throw Bad($"the topic name in the path {fault}");
        }

        if (method == "GET" && Topics.Find(name)?.Count() is var (subscribers, messages))
        {
            return Json($$"""{"name":{{Servers.Messages.Quote(name)}},"subscribers":{{subscribers}},"messages":{{messages}}}""");
        }

        return method == "DELETE" && Topics.TryDelete(name)
            ? new HttpResponse(Variation.DeletionStatus, $$"""{"status":"deleted","topic":{{Servers.Messages.Quote(name)}}}""")
            : Messages.Problem(404, "TOPIC_NOT_FOUND", "topic not found");
    }

    protected virtual string List()
    {
        var entries = Topics.All.Select(topic => (topic.Name, topic.Count().Subscribers))
            .Select(topic => $$"""{"name":{{Servers.Messages.Quote(topic.Name)}},"subscribers":{{topic.Subscribers}}}""");
        var list = $"[{string.Join(',', entries)}]";
        return Variation.BareList ? list : $$"""{"topics":{{list}}}""";
    }

    protected virtual string Health()
    {
        var counts = Topics.All.Select(topic => topic.Count().Subscribers).ToList();
        var uptime = (long)TimeProvider.System.GetElapsedTime(_started).TotalSeconds;
        return $$"""{"{{Variation.UptimeMember}}":{{uptime}},"topics":{{counts.Count}},"subscribers":{{counts.Sum()}}}""";
    }

    protected virtual string Statistics()
    {
        var entries = Topics.All.Select(topic => (topic.Name, topic.Count().Messages, topic.Count().Subscribers))
            .Select(of => $$"""{{Servers.Messages.Quote(of.Name)}}:{"messages":{{of.Messages}},"subscribers":{{of.Subscribers}}}""");
        return $$$"""{"topics":{{{{string.Join(',', entries)}}}}}""";
    }

    protected virtual HttpResponse NotAllowed(string allowed) =>
        Messages.Problem(405, "METHOD_NOT_ALLOWED", $"the path takes {allowed} only") with { Headers = [$"Allow: {allowed}"] };

    protected static HttpFault Bad(string detail) => new(400, "BAD_REQUEST", detail);
}
