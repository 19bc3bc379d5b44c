using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using PubSub.PropertyTests.Wire;

namespace PubSub.PropertyTests.Nodes;

/// <summary>The URL of one node.</summary>
internal sealed class Door(Uri origin)
{
    private static readonly HttpClient Http = new() { Timeout = Threads.Patience };

    public Uri Origin => origin;

    public Task<Line> ConnectAsync() => Line.ToAsync(origin);

    /// <summary>Sends a request; the status and the JSON of the answer.</summary>
    public async Task<(int Status, JsonElement Body)> AskAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(origin, path));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, JsonElement.Parse(text));
    }

    public Task<(int Status, JsonElement Body)> GetAsync(string path) => AskAsync(HttpMethod.Get, path);

    public Task<(int Status, JsonElement Body)> CreateAsync(string topic) =>
        AskAsync(HttpMethod.Post, "/v1/topics", $$"""{"name":"{{topic}}"}""");

    public Task<(int Status, JsonElement Body)> DeleteAsync(string topic) => AskAsync(HttpMethod.Delete, $"/v1/topics/{topic}");

    /// <summary>Publishes messages with these ids in one request.</summary>
    public Task<(int Status, JsonElement Body)> PublishAsync(string topic, params string[] ids) => AskAsync(
        HttpMethod.Post,
        $"/v1/topics/{topic}/messages",
        $"[{string.Join(',', ids.Select(id => $$"""{"id":"{{id}}","payload":0}"""))}]");

    /// <summary>The ids of retained messages, oldest first.</summary>
    public async Task<string[]> ReadAsync(string topic, string query = "?last_n=1000000")
    {
        var (status, body) = await GetAsync($"/v1/topics/{topic}/messages{query}");
        return status == 200
            ? [.. body.GetProperty("events").EnumerateArray().Select(Line.IdOf)]
            : throw new IOException($"{status} {body}");
    }

    /// <summary>What the node says of a topic: subscribers and messages; null if it knows none.</summary>
    public async Task<(int Subscribers, long Messages)?> CountAsync(string topic) =>
        (await GetAsync("/v1/stats")).Body.GetProperty("topics").TryGetProperty(topic, out var counts)
            ? (counts.GetProperty("subscribers").GetInt32(), counts.GetProperty("messages").GetInt64())
            : null;

    public async Task<int> StatusAsync(string path) => (await GetAsync(path)).Status;

    /// <summary>Waits until the node is ready.</summary>
    public Task ReadyAsync() => IsReadyAsync(200);

    /// <summary>Waits until the node says that it is not ready.</summary>
    public Task UnreadyAsync() => IsReadyAsync(503);

    private async Task IsReadyAsync(int status) => await Eventually.IsAsync(
        async () =>
        {
            try
            {
                return await StatusAsync("/readyz");
            }
            catch (HttpRequestException)
            {
                return 0; // it does not listen yet
            }
        },
        Is.EqualTo(status));
}
