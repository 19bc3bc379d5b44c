using System.Net.Sockets;
using System.Text;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Wire;

internal static class RawHttp
{
    /// <summary>
    /// Sends a request over HTTP/1.0: the server gets the target exactly as it is written, and the response ends with the connection.
    /// </summary>
    public static Task<RawResponse> AskAsync(this Uri origin, string method, string target, string body = "", params string[] headers)
    {
        var length = Encoding.UTF8.GetByteCount(body);
        string[] lines = [$"{method} {target} HTTP/1.0", "Host: localhost", $"Content-Length: {length}", .. headers, "", body];
        return origin.AskAsync(string.Join("\r\n", lines));
    }

    /// <summary>Sends a request and reads the response until the server closes the connection.</summary>
    public static async Task<RawResponse> AskAsync(this Uri origin, string request)
    {
        using var client = new TcpClient();
        using var limit = new CancellationTokenSource(Threads.Patience);
        await client.ConnectAsync(origin.Host, origin.Port, limit.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request), limit.Token);

        using var reader = new StreamReader(stream, Encoding.UTF8);
        var answer = (await reader.ReadToEndAsync(limit.Token)).Split("\r\n\r\n", 2);
        var head = answer[0].Split("\r\n");
        return new RawResponse(int.Parse(head[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), head[1..], answer[1]);
    }
}

/// <summary>An HTTP response.</summary>
internal sealed record RawResponse(int Status, string[] Headers, string Body)
{
    /// <summary>The value of a header; null when there is none.</summary>
    public string? this[string header] =>
        Headers.FirstOrDefault(line => line.StartsWith(header + ": ", StringComparison.OrdinalIgnoreCase))?[(header.Length + 2)..];
}
