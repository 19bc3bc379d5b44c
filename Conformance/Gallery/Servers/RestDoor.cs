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
        var path = PathOf(request);
        var method = request.Method == "HEAD" ? "GET" : request.Method;
        if (path is "/livez" or "/readyz")
        {
            return method != "GET" ? NotAllowed("GET, HEAD")
                : path == "/readyz" && IsClosing ? Messages.Problem(503, "DRAINING", "the server is about to end")
                : Json("""{"status":"ok"}""");
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
            _ => NothingThere(),
        };
    }

    protected virtual bool IsClosing => server.IsDraining;

    protected static HttpResponse Json(string body) => new(200, body);

    /// <summary>The path by which a request finds its answer, names in it still encoded.</summary>
    protected virtual string PathOf(HttpRequest request) => request.Path;

    protected virtual HttpResponse NothingThere() => Messages.Problem(404, "NOT_FOUND", "there is nothing at this path");

    protected virtual async Task<HttpResponse> CreateAsync(HttpRequest request, CancellationToken stopping)
    {
        if (!IsJson(request["Content-Type"]))
        {
            return Messages.Problem(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");
        }

        var name = NameIn(await ReadBodyAsync(request, stopping));
        if (!await TryCreateAsync(name))
        {
            return Messages.Problem(409, "TOPIC_EXISTS", "name must not be that of an existing topic");
        }

        return Created(name);
    }

    protected virtual bool IsJson(string? contentType) =>
        string.Equals(contentType?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase);

    protected virtual Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken stopping) =>
        request.ReadBodyAsync(server.Settings.MessageBytes, stopping);

    /// <summary>False when there is a topic of this name.</summary>
    protected virtual Task<bool> TryCreateAsync(string name) => Task.FromResult(Topics.TryCreate(name));

    protected virtual HttpResponse Created(string name) =>
        new(201, $$"""{"status":"created","topic":{{Servers.Messages.Quote(name)}}}""") { Headers = [$"Location: {Location(name)}"] };

    /// <summary>Relative to the request, so that it holds behind a proxy with a prefix.</summary>
    protected virtual string Location(string name) => $"topics/{TopicName.Encode(name)}";

    protected virtual string NameIn(byte[] body)
    {
        try
        {
            using var json = Parse(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Bad("the body must be a JSON object with a name");
            }

            var name = Text(Find(json.RootElement) ?? throw Bad("name is required"));
            return Fault(name) is { } fault ? throw Bad($"name {fault}") : name;
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

    protected virtual JsonDocument Parse(byte[] body) => JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });

    /// <summary>The member of a creation that is to be the name.</summary>
    protected virtual JsonElement? Find(JsonElement body) => body.TryGetProperty("name", out var value) ? value : null;

    protected virtual string Text(JsonElement name) =>
        name.ValueKind == JsonValueKind.String ? name.GetString()! : throw Bad("name must be a string");

    /// <summary>The rule that a name breaks, or null when it is legal.</summary>
    protected virtual string? Fault(string name) => TopicName.Fault(name);

    protected virtual HttpResponse Named(string method, string segment)
    {
        var name = NameOf(segment);
        if (method == "GET" && Topics.Find(name)?.Count() is var (subscribers, messages))
        {
            return Json(One(name, subscribers, messages));
        }

        return method == "DELETE" && Topics.TryDelete(name) ? Deleted(name) : NoSuchTopic(method, name);
    }

    /// <summary>The legal name that a path segment encodes.</summary>
    protected virtual string NameOf(string segment)
    {
        var name = Decode(segment) ?? throw Bad("the topic name in the path must be percent-encoded UTF-8");
        return Fault(name) is { } fault ? throw Bad($"the topic name in the path {fault}") : name;
    }

    /// <summary>What a path segment encodes; null when it is no percent-encoded UTF-8.</summary>
    protected virtual string? Decode(string segment) => TopicName.Decode(segment);

    protected virtual string One(string name, int subscribers, long messages) =>
        $$"""{"name":{{Servers.Messages.Quote(name)}},"subscribers":{{subscribers}},"messages":{{messages}}}""";

    protected virtual HttpResponse Deleted(string name) =>
        new(Variation.DeletionStatus, $$"""{"status":"deleted","topic":{{Servers.Messages.Quote(name)}}}""");

    protected virtual HttpResponse NoSuchTopic(string method, string name) => Messages.Problem(404, "TOPIC_NOT_FOUND", "topic not found");

    /// <summary>The topics of the listing, in its order.</summary>
    protected virtual IEnumerable<Topic> Listed => Topics.All;

    protected virtual string Entry(string name, int subscribers) =>
        $$"""{"name":{{Servers.Messages.Quote(name)}},"subscribers":{{subscribers}}}""";

    /// <summary>What the listing says of a topic's subscriptions.</summary>
    protected virtual int Subscribers(Topic topic) => topic.Count().Subscribers;

    protected virtual string List()
    {
        var entries = Listed.Select(topic => Entry(topic.Name, Subscribers(topic)));
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
