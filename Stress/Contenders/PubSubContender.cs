using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using PubSub.Conformance;

namespace PubSub.Stress;

/// <summary>A server of the protocol of SPEC.md, in one of its dialects, wherever it comes from.</summary>
internal sealed class PubSubContender : IContender
{
    // Ends in the twelve digits of a message's number, so that it is one where ids have to be UUIDs.
    private const string UuidHead = "00000000-0000-4000-8000-";

    private readonly HttpClient _http;
    private readonly Dialect _dialect;
    private readonly Endpoint _endpoint;
    private readonly IDisposable? _owned;
    private readonly ConcurrentDictionary<int, PubSubSpelling> _spellings = [];

    /// <param name="name">What it is called in the report.</param>
    /// <param name="version">What exactly it is.</param>
    /// <param name="url">Where it listens.</param>
    /// <param name="dialect">How it spells the protocol.</param>
    /// <param name="pid">Its process, if that can be observed.</param>
    /// <param name="owned">Ends with this object.</param>
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

    /// <summary>Reads the log, or leaves it unread; fails where the server was not started here.</summary>
    public void ReadLog(bool reads) => (_owned as ServerProcess ?? throw new RunFailed("the log is that of a server that was not started here")).ReadLog(reads);

    public Uri Url => _http.BaseAddress!;

    /// <summary>Messages that a topic retains, where that is known.</summary>
    public int? Retained { get; init; }

    public void CreateTopic(string topic) => Send(HttpMethod.Post, "/topics", Named(topic), _dialect.Created);

    public void DeleteTopic(string topic) => Send(HttpMethod.Delete, $"/topics/{topic}", null, _dialect.Deleted);

    /// <summary>Creates or deletes a topic while a load goes on; returns whether the server accepted.</summary>
    public async Task<bool> ChangeTopic(string topic, bool create)
    {
        try
        {
            using var request = Request(create ? HttpMethod.Post : HttpMethod.Delete, create ? "/topics" : $"/topics/{topic}", create ? Named(topic) : null);
            using var answer = await _http.SendAsync(request).ConfigureAwait(false);
            var status = (int)answer.StatusCode;
            return (create ? _dialect.Created : _dialect.Deleted).Contains(status)
                || (answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.NotFound ? false : throw new RunFailed($"{request.Method} {topic}: {status}"));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            throw new RunFailed($"{(create ? "POST" : "DELETE")} of a topic: {e.Message}");
        }
    }

    /// <summary>The subscribers the server counts in a topic.</summary>
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

    /// <summary>By topic, the messages that the server says were published to it.</summary>
    public async Task<Dictionary<string, long>> CountMessages()
    {
        using var answer = await Get("/stats").ConfigureAwait(false);
        var root = answer.RootElement;
        return Understood(
            "/stats", () => root.GetProperty("topics").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.GetProperty("messages").GetInt64()));
    }

    public PubSubConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0) =>
        new(loop, _endpoint, _spellings.GetOrAdd(payloadBytes, Spelling), receiveBuffer);

    Connection IContender.Begin(Loop loop, int payloadBytes, int receiveBuffer) => Begin(loop, payloadBytes, receiveBuffer);

    /// <summary>A connection that is open.</summary>
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

    // What is JSON, and not what the protocol says, shows in many ways.
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
