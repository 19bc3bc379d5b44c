using System.Text;
using System.Text.Json;
using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>
/// The REST interface, one connection per request; requests go to the doors of the server in turn. Request targets are sent byte for byte:
/// nothing collapses <c>%2F</c> or <c>..</c>. Only this class knows the members of the bodies.
/// </summary>
public sealed class Rest
{
    private readonly Turns _turns;
    private readonly Target _target;
    private readonly Transcript _transcript;
    private readonly CancellationToken _cancellation;

    /// <summary>For requests outside a run, without a transcript.</summary>
    public Rest(Target target, CancellationToken cancellation)
        : this(target, new Transcript(TimeProvider.System), cancellation)
    {
    }

    internal Rest(Target target, Transcript transcript, CancellationToken cancellation)
        : this([target], transcript, cancellation)
    {
    }

    /// <param name="doors">The server through each of its doors. A request that is written by hand goes to the first.</param>
    internal Rest(IReadOnlyList<Target> doors, Transcript transcript, CancellationToken cancellation)
    {
        _turns = new Turns(doors);
        _target = doors[0];
        _transcript = transcript;
        _cancellation = cancellation;
    }

    /// <summary>The path of a topic, with everything encoded that a path could misread.</summary>
    public static string TopicPath(string name) =>
        $"{RestPaths.Topics}/{(name is "." or ".." ? name.Replace(".", "%2E", StringComparison.Ordinal) : Uri.EscapeDataString(name))}";

    /// <exception cref="Unsupported">The name alone exceeds the message limit of the server.</exception>
    public async Task<HttpAnswer> CreateTopicAsync(string name)
    {
        var body = CreateBody(name);
        var answer = await OwedAsync(IsPlain(name) ? "PS-REST-001" : "PS-REST-021", SendAsync("POST", RestPaths.Topics, body));
        return answer.Status == 413 && Encoding.UTF8.GetByteCount(body) > _target.Limits.MessageBytes
            ? throw new Unsupported($"the target does not take messages over {_target.Limits.MessageBytes} bytes")
            : answer;
    }

    /// <summary>The body that creates a topic, for scenarios that spoil it or send it another way.</summary>
    public static string CreateBody(string name) => $"{{\"name\":{Json.Quote(name)}}}";

    public Task<HttpAnswer> DeleteTopicAsync(string name) =>
        OwedAsync(IsPlain(name) ? "PS-REST-006" : "PS-REST-023", SendAsync("DELETE", TopicPath(name)));

    public async Task<TopicsAnswer> ListTopicsAsync() =>
        new(await OwedAsync("PS-REST-004", SendAsync("GET", RestPaths.Topics)), _target.Dialect);

    public async Task<TopicAnswer> GetTopicAsync(string name) => new(await OwedAsync("PS-REST-014", SendAsync("GET", TopicPath(name))));

    public async Task<HealthAnswer> HealthAsync() =>
        new(await OwedAsync("PS-OBS-001", SendAsync("GET", RestPaths.Health)), _target.Dialect);

    public async Task<StatsAnswer> StatsAsync() => new(await OwedAsync("PS-OBS-006", SendAsync("GET", RestPaths.Stats)));

    public Task<HttpAnswer> LiveAsync() => ExchangeAsync("GET", AtRoot("/livez"), null, null, null);

    public Task<HttpAnswer> ReadyAsync() => ExchangeAsync("GET", AtRoot(RestPaths.Ready), null, null, null);

    /// <summary>The metrics of one door: each node has its own.</summary>
    public Task<HttpAnswer> MetricsAsync(Target door)
    {
        var place = door.Metrics is { } url ? door with { Rest = url } : door with { Rest = door.Root };
        var path = door.Metrics?.AbsolutePath ?? AtRoot(RestPaths.Metrics);
        var accept = new Dictionary<string, string?> { ["Accept"] = $"{OpenMetrics.MediaType}; version=1.0.0" };
        return new Rest(place, _transcript, _cancellation).ExchangeAsync("GET", path, null, null, accept);
    }

    /// <summary>Publishes these messages in one request: an object for one, an array for several.</summary>
    public async Task<PublishAnswer> PublishAsync(string topic, params IReadOnlyList<(string Id, string Payload)> messages)
    {
        string[] written = [.. messages.Select(message => MessageBody(message.Id, message.Payload))];
        return new(
            await OwedAsync("PS-HTTP-001", PostAsync(topic, written is [var only] ? only : $"[{string.Join(',', written)}]")), _target);
    }

    /// <summary>Sends any body to publish.</summary>
    public Task<HttpAnswer> PostAsync(string topic, string body, string? contentType = "application/json") =>
        SendAsync("POST", TopicPath(topic) + RestPaths.Messages, body, contentType);

    /// <summary>The body that publishes one message, with the id as the target accepts it.</summary>
    public string MessageBody(string id, string payload) =>
        $"{{\"id\":{Json.Quote(_target.MessageIds.Spell(id))},\"payload\":{payload}}}";

    /// <summary>Reads the retained messages of the topic.</summary>
    /// <param name="query">Begins with a question mark, or is empty.</param>
    public async Task<ReadAnswer> ReadAsync(string topic, string query = "") =>
        new(await OwedAsync("PS-HTTP-008", SendAsync("GET", TopicPath(topic) + RestPaths.Messages + query)), _target);

    /// <summary>Asks for a stream of the topic, as an <c>EventSource</c> does. Any answer is returned.</summary>
    internal Task<RawStreamClient> StreamAsync(string name, string topic, string query, ConnectOptions options)
    {
        var usual = new Dictionary<string, string?> { ["Accept"] = "text/event-stream", ["Connection"] = "keep-alive" };
        var door = _turns.Next();
        var head = Head("GET", RequestTarget(TopicPath(topic) + RestPaths.Events) + query, [.. usual, .. options.Headers], door);
        return RawStreamClient.OpenAsync(name, head, door, _transcript, options, _cancellation);
    }

    /// <summary>A query of these parameters; those without a value are left out.</summary>
    public static string Query(params (string Name, string? Value)[] parameters) =>
        string.Join('&', parameters.Where(one => one.Value is not null).Select(one => $"{one.Name}={Uri.EscapeDataString(one.Value!)}"))
            is { Length: > 0 } query ? $"?{query}" : "";

    /// <summary>Any request below the root of the interface; a null content type, like a null header, leaves the header out.</summary>
    public Task<HttpAnswer> SendAsync(
        string method,
        string path,
        string? body = null,
        string? contentType = "application/json",
        IReadOnlyDictionary<string, string?>? headers = null) =>
        ExchangeAsync(method, RequestTarget(path), body is null ? null : Encoding.UTF8.GetBytes(body), contentType, headers);

    /// <inheritdoc cref="SendAsync"/>
    public Task<HttpAnswer> SendBytesAsync(string method, string path, byte[] body, string? contentType = "application/json") =>
        ExchangeAsync(method, RequestTarget(path), body, contentType, null);

    /// <summary>As <see cref="SendBytesAsync"/>, in chunks of this many bytes and without <c>Content-Length</c>.</summary>
    public Task<HttpAnswer> SendChunkedAsync(string method, string path, byte[] body, int size, string contentType = "application/json")
    {
        var chunks = body.Chunk(size).SelectMany(chunk =>
            (byte[])[.. Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), .. chunk, .. "\r\n"u8]);
        byte[] whole = [.. chunks, .. "0\r\n\r\n"u8];
        var headers = new Dictionary<string, string?> { ["Transfer-Encoding"] = "chunked", ["Content-Length"] = null };
        return ExchangeAsync(method, RequestTarget(path), whole, contentType, headers);
    }

    /// <summary>Fetches the URL of a <c>Location</c> header; a relative one is made absolute.</summary>
    public Task<HttpAnswer> FollowAsync(string location)
    {
        var authority = location.IndexOf("://", StringComparison.Ordinal);
        var path = authority < 0 ? -1 : location.IndexOf('/', authority + 3);
        var requestTarget = path >= 0 ? location[path..] : location.StartsWith('/') ? location : RequestTarget($"/{location}");
        return ExchangeAsync("GET", requestTarget, null, null, null);
    }

    /// <summary>Sends the same request on this many connections, all open before the first byte is sent, to provoke races.</summary>
    public Task<HttpAnswer[]> RaceAsync(int contenders, string method, string path, string? body = null)
    {
        var start = new StartingLine(contenders);
        var bytes = body is null ? null : Encoding.UTF8.GetBytes(body);
        return Task.WhenAll(Enumerable.Range(0, contenders).Select(_ =>
            ExchangeAsync(method, RequestTarget(path), bytes, "application/json", null, start)));
    }

    /// <summary>Sends exactly these bytes, on a connection of their own.</summary>
    public Task<HttpAnswer> SendRawAsync(ReadOnlyMemory<byte> request) =>
        Http.ExchangeAsync(request, "a raw request", _target, _transcript, _cancellation);

    /// <summary>The request target for a path of the interface.</summary>
    internal string RequestTarget(string path) => path switch
    {
        RestPaths.Health when _target.Health is { } health => health.AbsolutePath,
        RestPaths.Stats when _target.Stats is { } stats => stats.AbsolutePath,
        _ => _target.Rest.AbsolutePath.TrimEnd('/') + Spelling.Path(path, _target),
    };

    // Health and statistics may be at another origin.
    private static Target At(Target door, string requestTarget) =>
        new[] { door.Health, door.Stats }
            .FirstOrDefault(place => place is not null && place.AbsolutePath == requestTarget) is { } other
        && other.Authority != door.Rest.Authority ? door with { Rest = other } : door;

    /// <summary>The answer that this requirement promises for a request as specified.</summary>
    private static async Task<HttpAnswer> OwedAsync(string requirement, Task<HttpAnswer> answer) =>
        await answer.Breaking(requirement) with { Requirement = requirement };

    // Accepting other names is only a recommendation.
    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= 255 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_');

    private string AtRoot(string path) => _target.Root.AbsolutePath.TrimEnd('/') + path;

    private async Task<HttpAnswer> ExchangeAsync(
        string method,
        string requestTarget,
        byte[]? body,
        string? contentType,
        IReadOnlyDictionary<string, string?>? headers,
        StartingLine? start = null)
    {
        body = body is not null && IsCreation(method, requestTarget) && headers?.ContainsKey("Transfer-Encoding") != true
            ? Spelling.Creation(body, _target)
            : body;
        var lines = new Dictionary<string, string?>();
        if (body is not null || method is "POST" or "PUT" or "PATCH")
        {
            lines["Content-Length"] = $"{body?.Length ?? 0}";
        }

        if (body is not null && contentType is not null)
        {
            lines["Content-Type"] = contentType;
        }

        var door = At(_turns.Next(), requestTarget);
        byte[] request = [.. Encoding.UTF8.GetBytes(Head(method, requestTarget, [.. lines, .. headers ?? lines], door)), .. body ?? []];
        var label = $"{method} {requestTarget}";
        return Read(method, requestTarget, await Http.ExchangeAsync(request, label, door, _transcript, _cancellation, start));
    }

    /// <summary>The request line and the headers; of those with one name the last counts, and null leaves it out.</summary>
    private string Head(string method, string requestTarget, IEnumerable<KeyValuePair<string, string?>> headers, Target door)
    {
        var lines = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["Host"] = door.Rest.Authority,
            ["Connection"] = "close",
            ["Accept"] = "*/*",
        };
        foreach (var (name, value) in _target.Headers.Select(header => KeyValuePair.Create(header.Key, (string?)header.Value))
            .Concat(headers))
        {
            lines[name] = value;
        }

        var fields = string.Concat(lines.Where(line => line.Value is not null).Select(line => $"{line.Key}: {line.Value}\r\n"));
        return $"{method} {Http.WithQuery(requestTarget, _target.Query)} HTTP/1.1\r\n{fields}\r\n";
    }

    private static bool IsCreation(string method, string requestTarget) =>
        method == "POST" && !requestTarget.TrimEnd('/').EndsWith(RestPaths.Messages, StringComparison.Ordinal);

    // Scenarios use the statuses of the specification; the transcript keeps the received one.
    private HttpAnswer Read(string method, string requestTarget, HttpAnswer answer) => method switch
    {
        "POST" when !IsCreation(method, requestTarget) => answer,
        "POST" when _target.Dialect.Created.Contains(answer.Status) || answer.Status == _target.Accommodations.Created =>
            answer with { Status = 201 },
        "DELETE" when _target.Dialect.Deleted.Contains(answer.Status) || answer.Status == _target.Accommodations.Deleted =>
            answer with { Status = 200 },
        _ => answer,
    };
}

/// <summary>The answer to a publish over HTTP.</summary>
public sealed record PublishAnswer(HttpAnswer Http, Target Target) : HttpAnswer(Http)
{
    /// <summary>The id and the timestamp of each event, in the order of the answer; null without a list.</summary>
    public IReadOnlyList<(string? Id, string? Timestamp)>? Messages { get; } =
        Http.Json.Member("messages") is { ValueKind: JsonValueKind.Array } list
            ? [.. list.EnumerateArray().Select(entry => (
                Target.MessageIds.Meant(((JsonElement?)entry).Member("id").Text()), ((JsonElement?)entry).Member("timestamp").Text()))]
            : null;
}

/// <summary>The answer to a read over HTTP.</summary>
public sealed record ReadAnswer(HttpAnswer Http, Target Target) : HttpAnswer(Http)
{
    public string? Epoch { get; } = Http.Json.Member("epoch").Text();

    public bool? Complete { get; } = Http.Json.Member("complete") switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => null,
    };

    /// <summary>In the order of the answer; null without a list.</summary>
    public IReadOnlyList<ServerMessage>? Events { get; } = Http.Json.Member("events") is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Select((entry, place) => new ServerMessage(place, entry.GetRawText(), isText: true, Target))]
        : null;
}

/// <summary>The counts that a server reports for one topic; null for those that it did not report.</summary>
public sealed record TopicCounts(string? Name, long? Subscribers, long? Messages)
{
    public override string ToString() => $"{Name ?? "no name"} with {Words(Subscribers)} subscribers and {Words(Messages)} messages";

    private static string Words(long? count) => count is { } known ? $"{known}" : "no number of";
}

/// <summary>The listing of topics.</summary>
public sealed record TopicsAnswer(HttpAnswer Http, Dialect Dialect) : HttpAnswer(Http)
{
    /// <summary>The listing has one of the forms that the dialect knows.</summary>
    public bool IsLegal => Topics is not null
        && Dialect.List.Contains(Json is { ValueKind: JsonValueKind.Array } ? ListShape.Bare : ListShape.Wrapped);

    /// <summary>In the order of the answer; null when the body is no listing.</summary>
    public IReadOnlyList<TopicCounts>? Topics { get; } = Read(Http);

    public TopicCounts? Of(string topic) => Topics?.FirstOrDefault(entry => entry.Name == topic);

    private static List<TopicCounts>? Read(HttpAnswer http)
    {
        // Some servers answer with a bare array.
        var list = http.Json is { ValueKind: JsonValueKind.Array } bare ? bare : http.Json.Member("topics");
        return list is { ValueKind: JsonValueKind.Array } entries
            ? [.. entries.EnumerateArray().Select(entry => TopicAnswer.Read(entry))]
            : null;
    }
}

public sealed record TopicAnswer(HttpAnswer Http) : HttpAnswer(Http)
{
    public TopicCounts Counts { get; } = Read(Http.Json);

    internal static TopicCounts Read(JsonElement? entry) =>
        new(entry.Member("name").Text(), entry.Member("subscribers").Integer(), entry.Member("messages").Integer());
}

public sealed record HealthAnswer(HttpAnswer Http, Dialect Dialect) : HttpAnswer(Http)
{
    public double? UptimeSeconds => Json.Member(Dialect.Uptime).Number();
    public long? Topics => Json.Member("topics").Integer();
    public long? Subscribers => Json.Member("subscribers").Integer();
}

public sealed record StatsAnswer(HttpAnswer Http) : HttpAnswer(Http)
{
    /// <summary>The topic's entry, or null when it has none.</summary>
    public TopicCounts? Of(string topic) =>
        Json.Member("topics").Member(topic) is { } entry ? TopicAnswer.Read(entry) with { Name = topic } : null;
}
