using System.Text.Json;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Answers all HTTP requests except handshakes.</summary>
internal sealed class RestDoor(SmallServer server)
{
    private long _started = TimeProvider.System.GetTimestamp();

    /// <summary>The answer to a request that is not valid HTTP; the connection ends after it.</summary>
    public Seam<Func<HttpFault, HttpResponse>> Refuse =>
        field ??= new(fault => server.Messages.Problem.Call(fault.Status, fault.Code, fault.Message));

    public Seam<Func<HttpRequest, CancellationToken, Task<HttpResponse>>> AnswerAsync => field ??= new(async (request, stopping) =>
    {
        var path = PathOf.Call(request);
        var method = request.Method == "HEAD" ? "GET" : request.Method;
        if (path is "/livez" or "/readyz")
        {
            return method != "GET" ? NotAllowed.Call("GET, HEAD")
                : path == "/readyz" && IsClosing.Call() ? server.Messages.Problem.Call(503, "DRAINING", "the server is about to end")
                : Json("""{"status":"ok"}""");
        }

        var root = server.Variation.Root;
        var below = path.StartsWith($"{root}/", StringComparison.Ordinal) ? path[root.Length..] : "";
        if (server.Guard.IsOn && below.Split('/') is ["", "topics", { Length: > 0 } segment, .. var rest]
            && server.Guard.Refuse.Call(request, method, string.Join('/', rest), NameOf.Call(segment)) is { } refusal)
        {
            return refusal;
        }

        return (method, below.Split('/')) switch
        {
            ("GET", ["", "health"]) => Json(Health.Call()),
            ("GET", ["", "stats"]) => Json(Statistics.Call()),
            (_, ["", "health" or "stats"]) => NotAllowed.Call("GET, HEAD"),
            ("GET", ["", "topics"]) => Json(List.Call()),
            ("POST", ["", "topics"]) => await CreateAsync.Call(request, stopping),
            (_, ["", "topics"]) => NotAllowed.Call("GET, HEAD, POST"),
            ("GET", ["", "topics", { Length: > 0 } named]) when !server.Guard.IsDescribed.Call(request.Caller, NameOf.Call(named)) =>
                NoSuchTopic.Call(method, NameOf.Call(named)),
            ("GET" or "DELETE", ["", "topics", { Length: > 0 } named]) => Named.Call(method, named),
            (_, ["", "topics", { Length: > 0 }]) => NotAllowed.Call("GET, HEAD, DELETE"),
            (_, ["", "topics", { Length: > 0 } named, "messages"]) when server.Offers.Contains(Capability.Http) =>
                method == "POST" ? await server.Http.PublishAsync.Call(request, NameOf.Call(named), stopping)
                : method == "GET" ? server.Http.Read.Call(request, NameOf.Call(named))
                : NotAllowed.Call("GET, HEAD, POST"),
            (_, ["", "topics", { Length: > 0 } named, "events"]) when server.Offers.Contains(Capability.Sse) =>
                method == "GET" ? server.Stream.Answer.Call(request, NameOf.Call(named)) : NotAllowed.Call("GET, HEAD"),
            _ => NothingThere.Call(),
        };
    });

    public Seam<Func<bool>> IsClosing => field ??= new(() => server.IsDraining);

    /// <summary>The path that selects the answer; names in it are still encoded.</summary>
    public Seam<Func<HttpRequest, string>> PathOf => field ??= new(request => request.Path);

    public Seam<Func<HttpResponse>> NothingThere =>
        field ??= new(() => server.Messages.Problem.Call(404, "NOT_FOUND", "there is nothing at this path"));

    public Seam<Func<HttpRequest, CancellationToken, Task<HttpResponse>>> CreateAsync => field ??= new(async (request, stopping) =>
    {
        if (!IsJson.Call(request["Content-Type"]))
        {
            return server.Messages.Problem.Call(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");
        }

        var name = NameIn.Call(await ReadBodyAsync.Call(request, stopping));
        if (!server.Guard.May.Call(request.Caller, Permission.Manage, name))
        {
            return server.Guard.Forbidden.Call(name);
        }

        return await TryCreateAsync.Call(name)
            ? Created.Call(name)
            : server.Messages.Problem.Call(409, "TOPIC_EXISTS", "name must not be that of an existing topic");
    });

    /// <summary>Whether a Content-Type, null if there is none, is that of JSON.</summary>
    public Seam<Func<string?, bool>> IsJson => field ??= new(contentType =>
        string.Equals(contentType?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase));

    public Seam<Func<HttpRequest, CancellationToken, Task<byte[]>>> ReadBodyAsync =>
        field ??= new((request, stopping) => request.ReadBodyAsync(server.Settings.MessageBytes, stopping));

    /// <summary>False when there is a topic of this name.</summary>
    public Seam<Func<string, Task<bool>>> TryCreateAsync => field ??= new(name => Task.FromResult(server.Topics.TryCreate.Call(name)));

    public Seam<Func<string, HttpResponse>> Created => field ??= new(name =>
        new(201, $$"""{"status":"created","topic":{{Messages.Quote(name)}}}""") { Headers = [$"Location: {Location.Call(name)}"] });

    /// <summary>Relative to the request, so that it is right behind a proxy with a prefix.</summary>
    public Seam<Func<string, string>> Location => field ??= new(name => $"topics/{TopicName.Encode(name)}");

    /// <summary>The legal name in the body of a creation; an <see cref="HttpFault"/> when there is none.</summary>
    public Seam<Func<byte[], string>> NameIn => field ??= new(body =>
    {
        try
        {
            using var json = Parse.Call(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Bad("the body must be a JSON object with a name");
            }

            var name = Text.Call(Find.Call(json.RootElement) ?? throw Bad("name is required"));
            return Fault.Call(name) is { } fault ? throw Bad($"name {fault}") : name;
        }
        catch (JsonException)
        {
            throw Bad("the body must be valid JSON with no member given twice");
        }
        catch (InvalidOperationException)
        {
            throw Bad("name must not contain an unpaired surrogate");
        }
    });

    public Seam<Func<byte[], JsonDocument>> Parse =>
        field ??= new(body => JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false }));

    /// <summary>The member of a creation that holds the name.</summary>
    public Seam<Func<JsonElement, JsonElement?>> Find =>
        field ??= new(body => body.TryGetProperty("name", out var value) ? value : null);

    /// <summary>The text of that member.</summary>
    public Seam<Func<JsonElement, string>> Text => field ??= new(name =>
        name.ValueKind == JsonValueKind.String ? name.GetString()! : throw Bad("name must be a string"));

    /// <summary>The rule that a name breaks, or null when it is legal.</summary>
    public Seam<Func<string, string?>> Fault => field ??= new(TopicName.Fault);

    /// <summary>Method, path segment: the answer to a GET or DELETE of one topic.</summary>
    public Seam<Func<string, string, HttpResponse>> Named => field ??= new((method, segment) =>
    {
        var name = NameOf.Call(segment);
        if (method == "GET" && server.Topics.Find.Call(name)?.Count.Call() is var (subscribers, messages))
        {
            return Json(One.Call(name, subscribers, messages));
        }

        return method == "DELETE" && server.Topics.TryDelete.Call(name) ? Deleted.Call(name) : NoSuchTopic.Call(method, name);
    });

    /// <summary>The legal name that a path segment encodes; an <see cref="HttpFault"/> when there is none.</summary>
    public Seam<Func<string, string>> NameOf => field ??= new(segment =>
    {
        var name = Decode.Call(segment) ?? throw Bad("the topic name in the path must be percent-encoded UTF-8");
        return Fault.Call(name) is { } fault ? throw Bad($"the topic name in the path {fault}") : name;
    });

    /// <summary>The text that a path segment encodes; null when it is not percent-encoded UTF-8.</summary>
    public Seam<Func<string, string?>> Decode => field ??= new(TopicName.Decode);

    /// <summary>Name, subscribers, messages: the body about one topic.</summary>
    public Seam<Func<string, int, long, string>> One => field ??= new((name, subscribers, messages) =>
        $$"""{"name":{{Messages.Quote(name)}},"subscribers":{{subscribers}},"messages":{{messages}}}""");

    public Seam<Func<string, HttpResponse>> Deleted => field ??= new(name =>
        new(server.Variation.DeletionStatus, $$"""{"status":"deleted","topic":{{Messages.Quote(name)}}}"""));

    /// <summary>Method, name.</summary>
    public Seam<Func<string, string, HttpResponse>> NoSuchTopic =>
        field ??= new((_, _) => server.Messages.Problem.Call(404, "TOPIC_NOT_FOUND", "topic not found"));

    /// <summary>The topics of the listing, in its order.</summary>
    public Seam<Func<IEnumerable<Topic>>> Listed => field ??= new(() => server.Topics.All.Call());

    /// <summary>Name, subscribers: one entry of the listing.</summary>
    public Seam<Func<string, int, string>> Entry => field ??= new((name, subscribers) =>
        $$"""{"name":{{Messages.Quote(name)}},"subscribers":{{subscribers}}}""");

    /// <summary>The number of a topic's subscriptions in the listing.</summary>
    public Seam<Func<Topic, int>> Subscribers => field ??= new(topic => topic.Count.Call().Subscribers);

    public Seam<Func<string>> List => field ??= new(() =>
    {
        var entries = Listed.Call().Where(topic => server.Guard.IsListed.Call(topic.Name))
            .Select(topic => Entry.Call(topic.Name, Subscribers.Call(topic)));
        var list = $"[{string.Join(',', entries)}]";
        return server.Variation.BareList ? list : $$"""{"topics":{{list}}}""";
    });

    public Seam<Func<string>> Health => field ??= new(() =>
    {
        var counts = server.Topics.All.Call().Select(topic => topic.Count.Call().Subscribers).ToList();
        var uptime = (long)TimeProvider.System.GetElapsedTime(_started).TotalSeconds;
        return $$"""{"{{server.Variation.UptimeMember}}":{{uptime}},"topics":{{counts.Count}},"subscribers":{{counts.Sum()}}}""";
    });

    public Seam<Func<string>> Statistics => field ??= new(() =>
    {
        var entries = server.Topics.All.Call()
            .Where(topic => server.Guard.IsCounted.Call(topic.Name))
            .Select(topic => (topic.Name, topic.Count.Call().Messages, topic.Count.Call().Subscribers))
            .Select(of => $$"""{{Messages.Quote(of.Name)}}:{"messages":{{of.Messages}},"subscribers":{{of.Subscribers}}}""");
        return $$$"""{"topics":{{{{string.Join(',', entries)}}}}}""";
    });

    /// <summary>Methods that the path supports: the answer to any other.</summary>
    public Seam<Func<string, HttpResponse>> NotAllowed => field ??= new(allowed =>
        server.Messages.Problem.Call(405, "METHOD_NOT_ALLOWED", $"the path takes {allowed} only") with { Headers = [$"Allow: {allowed}"] });

    /// <summary>Resets the uptime.</summary>
    public void Restarted() => _started = TimeProvider.System.GetTimestamp();

    public static HttpResponse Json(string body) => new(200, body);

    public static HttpFault Bad(string detail) => new(400, "BAD_REQUEST", detail);
}
