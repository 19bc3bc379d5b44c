using System.Net.Http.Json;
using System.Text.Json;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>Reads and creates the topics of a v1 server without the tool.</summary>
internal static class TopicsOf
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    public static Task<IReadOnlyList<string>> TopicsAsync(this TcpServer server) => TopicsAsync(server.Origin);

    public static async Task<IReadOnlyList<string>> TopicsAsync(Uri origin)
    {
        using var http = new HttpClient { BaseAddress = origin, Timeout = Longest };
        var listing = await http.GetFromJsonAsync<JsonElement>("/v1/topics");
        return [.. listing.GetProperty("topics").EnumerateArray().Select(topic => topic.GetProperty("name").GetString()!)];
    }

    public static async Task CreateAsync(this TcpServer server, string topic)
    {
        using var http = new HttpClient { BaseAddress = server.Origin, Timeout = Longest };
        using var created = await http.PostAsJsonAsync("/v1/topics", new { name = topic });
        created.EnsureSuccessStatusCode();
    }

    /// <summary>Waits, at most 20 s, until the server has a topic with this part in its name.</summary>
    public static Task HasTopicAsync(this TcpServer server, string part) => HasTopicAsync(server.Origin, part);

    /// <inheritdoc cref="HasTopicAsync(TcpServer, string)"/>
    public static async Task HasTopicAsync(Uri origin, string part)
    {
        using var limit = new CancellationTokenSource(Longest);
        while (!(await TopicsAsync(origin)).Any(topic => topic.Contains(part, StringComparison.Ordinal)))
        {
            limit.Token.ThrowIfCancellationRequested();
        }
    }
}
