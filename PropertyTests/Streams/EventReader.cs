using System.Net;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Streams;

/// <summary>A reader of the stream of a topic, block by block. It reads only when a test asks it to.</summary>
internal sealed class EventReader : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });
    private HttpResponseMessage? _answer;
    private StreamReader? _lines;

    private EventReader()
    {
    }

    public HttpStatusCode Status => _answer!.StatusCode;

    public string? Type => _answer!.Content.Headers.ContentType?.ToString();

    /// <summary>Reads topic <c>a</c>.</summary>
    public static Task<EventReader> OfAsync(RunningHost host, string query, string version = "1.1", string id = "") =>
        OfAsync(host.Origin, "a", query, version, id);

    public static async Task<EventReader> OfAsync(Uri origin, string topic, string query, string version = "1.1", string id = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(origin, $"/v1/topics/{topic}/events{query}"))
        {
            Version = Version.Parse(version),
        };
        request.Headers.TryAddWithoutValidation("Last-Event-ID", id);
        using var limit = new CancellationTokenSource(Threads.Patience);
        var reader = new EventReader();
        reader._answer = await reader._client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        reader._lines = new StreamReader(await reader._answer.Content.ReadAsStreamAsync(limit.Token));
        return reader;
    }

    /// <summary>Receives the lines up to the next empty one.</summary>
    /// <returns>The lines; "the end" if there are none.</returns>
    public async Task<string> BlockAsync()
    {
        using var limit = new CancellationTokenSource(Threads.Patience);
        var lines = new List<string>();
        while (await _lines!.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Length == 0)
            {
                return string.Join('\n', lines);
            }

            lines.Add(line);
        }

        return lines.Count == 0 ? "the end" : $"cut off: {string.Join('\n', lines)}";
    }

    /// <summary>Receives events up to the one with this number, and shortens each to its number, or its name.</summary>
    public async Task<string> ShortAsync(int until)
    {
        var heard = new List<string>();
        while (heard.LastOrDefault() != Frames.Text(until))
        {
            var block = await BlockAsync();
            if (block.StartsWith("event: ", StringComparison.Ordinal))
            {
                heard.Add(block["event: ".Length..].Split('\n')[0]);
            }
            else if (block.Contains("\"id\":\"", StringComparison.Ordinal))
            {
                heard.Add(block.Split("\"id\":\"")[1].Split('"')[0]);
            }
            else if (!block.StartsWith(':'))
            {
                return $"{string.Join(',', heard)}, then {block}";
            }
        }

        return string.Join(',', heard);
    }

    public void Dispose()
    {
        _lines?.Dispose();
        _answer?.Dispose();
        _client.Dispose();
    }
}
