using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using PubSub.Conformance.Targets;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>A server of the protocol of SPEC.md, in one of its dialects.</summary>
internal sealed class PubSubContender : IContender
{
    // Makes a UUID of the twelve digits of a message's number, for servers whose ids must be UUIDs.
    private const string UuidHead = "00000000-0000-4000-8000-";

    private readonly HttpClient _http;
    private readonly Dialect _dialect;
    private Endpoint _endpoint;
    private readonly IDisposable? _owned;
    private readonly ConcurrentDictionary<int, PubSubSpelling> _spellings = [];

    /// <param name="name">The name in the report.</param>
    /// <param name="version">Program, version and settings, for the report.</param>
    /// <param name="url">The URL the server listens on.</param>
    /// <param name="dialect">The dialect of the protocol.</param>
    /// <param name="pid">The server's process; null if it cannot be observed.</param>
    /// <param name="owned">Disposed of with this object.</param>
    public PubSubContender(string name, string version, Uri url, Dialect dialect, int? pid, IDisposable? owned = null)
    {
        (Name, Version, _dialect, _owned) = (name, version, dialect, owned);
        Cost = pid is { } id ? new ProcessCost(id) : null;
        _http = new HttpClient { Timeout = TimeSpan.FromSeconds(10), BaseAddress = url };
        _endpoint = Endpoint.Of(url, url.AbsolutePath.TrimEnd('/') + dialect.Prefix + "/ws");
    }

    public string Name { get; }

    public string Version { get; }

    public ProcessCost? Cost { get; }

    public string? Death => (_owned as ServerProcess)?.Death;

    /// <summary>Reads the server's log or leaves it unread. Fails if the server was not started here.</summary>
    public void ReadLog(bool reads)
    {
        var process = _owned as ServerProcess ?? throw new RunFailed("the log can be left unread only if this tool starts the server");
        process.ReadLog(reads);
    }

    /// <summary>Sends an API key with every request from here on.</summary>
    public void Authenticate(string key)
    {
        _http.DefaultRequestHeaders.Add("X-API-Key", key);
        _endpoint = _endpoint with { Headers = $"X-API-Key: {key}\r\n" };
    }

    /// <summary>Where it takes WebSockets.</summary>
    public Endpoint Sockets => _endpoint;

    /// <summary>Where it takes HTTP.</summary>
    public Endpoint Http => _endpoint with { Path = null };

    /// <summary>The path of a topic's <c>messages</c> or <c>events</c>.</summary>
    public string PathOf(string topic, string door) => $"{Url.AbsolutePath.TrimEnd('/')}{_dialect.Prefix}/topics/{topic}/{door}";

    public StreamAddress StreamOf(string topic) => new(Http, PathOf(topic, "events"));

    public Uri Url => _http.BaseAddress!;

    /// <summary>How many messages a topic retains; null if that is not known.</summary>
    public int? Retained { get; init; }

    public void CreateTopic(string topic) => Send(HttpMethod.Post, "/topics", Named(topic), _dialect.Created);

    public void DeleteTopic(string topic) => Send(HttpMethod.Delete, $"/topics/{topic}", null, _dialect.Deleted);

    /// <summary>Creates or deletes a topic while a load runs.</summary>
    /// <returns>False if the server answered 404 or 409.</returns>
    public async Task<bool> ChangeTopic(string topic, bool create)
    {
        try
        {
            using var request = create
                ? Request(HttpMethod.Post, "/topics", Named(topic))
                : Request(HttpMethod.Delete, $"/topics/{topic}", null);
            using var answer = await _http.SendAsync(request).ConfigureAwait(false);
            var status = (int)answer.StatusCode;
            return (create ? _dialect.Created : _dialect.Deleted).Contains(status)
                || (answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.NotFound
                    ? false
                    : throw new RunFailed($"{request.Method} {topic}: {status}"));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            throw new RunFailed($"{(create ? "POST" : "DELETE")} of a topic: {e.Message}");
        }
    }

    /// <summary>The number of subscribers that the server reports for a topic.</summary>
    public async Task<int> CountSubscribers(string topic)
    {
        using var answer = await Get("/topics").ConfigureAwait(false);
        var root = answer.RootElement;
        return Understood("/topics", () =>
        {
            var list = root.ValueKind == JsonValueKind.Array ? root : root.GetProperty("topics");
            foreach (var entry in list.EnumerateArray())
            {
                if (entry.GetProperty("name").GetString() == topic)
                {
                    return entry.GetProperty("subscribers").GetInt32();
                }
            }

            throw new RunFailed($"GET /topics does not list {topic}");
        });
    }

    /// <summary>By topic, the number of published messages that the server reports.</summary>
    public async Task<Dictionary<string, long>> CountMessages()
    {
        using var answer = await Get("/stats").ConfigureAwait(false);
        var root = answer.RootElement;
        return Understood("/stats", () => root.GetProperty("topics")
            .EnumerateObject()
            .ToDictionary(t => t.Name, t => t.Value.GetProperty("messages").GetInt64()));
    }

    public PubSubConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        new(loop, _endpoint, _spellings.GetOrAdd(payloadBytes, Spelling), receiveBuffer);

    /// <summary>Begins to connect a subscriber by Server-Sent Events.</summary>
    public EventStreamSubscriber BeginStream(Loop loop, int payloadBytes) =>
        new(loop, Http, StreamOf, _spellings.GetOrAdd(payloadBytes, Spelling), receiveBuffer: 0);

    BrokerConnection IContender.Begin(Loop loop, int payloadBytes, int receiveBuffer) => Begin(loop, payloadBytes, receiveBuffer);

    /// <summary>Connects, and waits until the connection is open.</summary>
    public PubSubConnection Open(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        (PubSubConnection)((IContender)this).Open(loop, payloadBytes, receiveBuffer);

    public void Dispose()
    {
        _http.Dispose();
        _owned?.Dispose();
    }

    private static StringContent Named(string topic) => new($$"""{"name":"{{topic}}"}""", Encoding.UTF8, "application/json");

    private PubSubSpelling Spelling(int payloadBytes) => new(
        _dialect.LeavesOpen.ContainsKey("PS-PUB-007") ? UuidHead : "",
        Encoding.ASCII.GetBytes($"\"{new string('x', payloadBytes)}\""),
        []);

    // JSON of another shape makes JsonElement throw one of several exceptions.
    private static T Understood<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new RunFailed($"GET {path} is answered with other JSON than the protocol's: {e.Message}");
        }
    }

    private async Task<JsonDocument> Get(string path)
    {
        try
        {
            return JsonDocument.Parse(await _http.GetByteArrayAsync(Target(path)).ConfigureAwait(false));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or JsonException)
        {
            throw new RunFailed($"GET {path}: {e.Message}");
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? body) => new(method, Target(path)) { Content = body };

    private Uri Target(string path) => new(_http.BaseAddress!.AbsoluteUri.TrimEnd('/') + _dialect.Prefix + path);

    private void Send(HttpMethod method, string path, HttpContent? body, IReadOnlyList<int> expected)
    {
        try
        {
            using var request = Request(method, path, body);
            using var answer = _http.Send(request);
            if (!expected.Contains((int)answer.StatusCode))
            {
                throw new RunFailed($"{method} {path}: {(int)answer.StatusCode}");
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            throw new RunFailed($"{method} {path}: {e.Message}");
        }
    }
}
