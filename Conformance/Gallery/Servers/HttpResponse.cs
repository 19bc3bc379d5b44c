using System.Globalization;
using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>One HTTP response, sent in one write unless it has a stream.</summary>
internal sealed record HttpResponse(int Status, string? Body, string ContentType = "application/json")
{
    private static readonly Dictionary<int, string> Titles = new()
    {
        [101] = "Switching Protocols",
        [200] = "OK",
        [201] = "Created",
        [202] = "Accepted",
        [204] = "No Content",
        [400] = "Bad Request",
        [401] = "Unauthorized",
        [403] = "Forbidden",
        [404] = "Not Found",
        [405] = "Method Not Allowed",
        [409] = "Conflict",
        [413] = "Content Too Large",
        [415] = "Unsupported Media Type",
        [429] = "Too Many Requests",
        [426] = "Upgrade Required",
        [431] = "Request Header Fields Too Large",
        [500] = "Internal Server Error",
        [501] = "Not Implemented",
        [502] = "Bad Gateway",
        [503] = "Service Unavailable",
        [505] = "HTTP Version Not Supported",
        [507] = "Insufficient Storage",
    };

    /// <summary>False ends the connection after the response.</summary>
    public bool KeepsAlive { get; init; } = true;

    /// <summary>Further header lines, without line breaks.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    public static string TitleOf(int status) => Titles.GetValueOrDefault(status, "Unknown");

    /// <summary>Text sent before the status line.</summary>
    public string Interim { get; init; } = "";

    /// <summary>Changes the status line and the headers, all without line breaks.</summary>
    public Func<IReadOnlyList<string>, IEnumerable<string>> Head { get; init; } = lines => lines;

    /// <summary>Encodes the body for sending.</summary>
    public Func<byte[], byte[]> Coding { get; init; } = body => body;

    /// <summary>Connection, head: writes the head and then a body whose end is the end of the connection.</summary>
    public Func<Connection, byte[], CancellationToken, Task>? Stream { get; init; }

    /// <summary>Whether the answer to HEAD has a body too, as no correct server sends.</summary>
    public bool HeadHasBody { get; init; }

    public async Task WriteAsync(Connection connection, bool keepsAlive, bool isHead, CancellationToken stopping)
    {
        var body = Encoding.UTF8.GetBytes(Body ?? "");
        byte[] head = Encoding.ASCII.GetBytes($"{Interim}{string.Join("\r\n", Head(Lines(body.Length, keepsAlive)))}\r\n\r\n");
        if (Stream is { } stream)
        {
            await stream(connection, head, stopping);
            return;
        }

        await connection.WriteAsync((isHead && !HeadHasBody) || Status is 101 or 204 ? head : [.. head, .. Coding(body)], stopping);
    }

    private List<string> Lines(int length, bool keepsAlive)
    {
        var now = TimeProvider.System.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        var lines = new List<string> { $"HTTP/1.1 {Status} {TitleOf(Status)}", $"Date: {now}" };
        if (Status is not (101 or 204))
        {
            lines.Add($"Content-Type: {ContentType}");
            if (Stream is null)
            {
                lines.Add($"Content-Length: {length}");
            }
        }

        if (Status != 101)
        {
            lines.Add($"Connection: {(keepsAlive ? "keep-alive" : "close")}");
        }

        lines.AddRange(Headers);
        return lines;
    }
}
