using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Another server below a path: <c>/some/prefix/x</c> is <c>/x</c> there, byte for byte, HTTP and WebSocket alike, and everything else
/// is 404. It rewrites the request line and nothing of the answers; a connection carries one request.
/// </summary>
internal sealed class PrefixProxy : TcpServer
{
    private readonly Uri _inner;
    private readonly string _prefix;

    /// <param name="inner">Where the server is.</param>
    /// <param name="prefix">With a slash at its beginning and none at its end.</param>
    public PrefixProxy(Uri inner, string prefix)
    {
        _inner = inner;
        _prefix = prefix;
        Start();
    }

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        if (await HttpRequest.ReadAsync(connection, stopping) is not { } request)
        {
            return;
        }

        if (!request.Target.StartsWith($"{_prefix}/", StringComparison.Ordinal))
        {
            var nothing = new HttpResponse(404, "nothing is here\n", "text/plain");
            await nothing.WriteAsync(connection, keepsAlive: false, request.Method == "HEAD", stopping);
            return;
        }

        var server = await Connection.OpenAsync(_inner, stopping);
        await server.WriteAsync(Rewritten(request), stopping);
        await Relay.CarryAsync(connection, connection.EndOutput.Call, server, stopping);
    }

    private byte[] Rewritten(HttpRequest request)
    {
        // A second request on the connection would not be rewritten; so there is none, unless it becomes a WebSocket.
        var upgrades = request["Upgrade"] is not null;
        var headers = request.Headers.Where(header => upgrades || !header.Key.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            .Select(header => $"{header.Key}: {header.Value}\r\n");
        return Encoding.Latin1.GetBytes(
            $"{request.Method} {request.Target[_prefix.Length..]} {request.Version}\r\n"
            + $"{string.Concat(headers)}{(upgrades ? "" : "Connection: close\r\n")}\r\n");
    }
}
