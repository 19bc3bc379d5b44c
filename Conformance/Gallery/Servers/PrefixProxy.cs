using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Puts another server below a path: <c>/some/prefix/x</c> is <c>/x</c> of that server, for HTTP and WebSocket; any other path is 404. It
/// rewrites the request line and leaves the answers alone; a connection carries one request.
/// </summary>
internal sealed class PrefixProxy : TcpServer
{
    private readonly Uri _inner;
    private readonly string _prefix;

    /// <param name="inner">The server's URL.</param>
    /// <param name="prefix">A path that begins with a slash and does not end with one.</param>
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
        // A second request on the connection would not be rewritten, so the connection is closed unless it becomes a WebSocket.
        var upgrades = request["Upgrade"] is not null;
        var headers = request.Headers.Where(header => upgrades || !header.Key.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            .Select(header => $"{header.Key}: {header.Value}\r\n");
        return Encoding.Latin1.GetBytes(
            $"{request.Method} {request.Target[_prefix.Length..]} {request.Version}\r\n"
            + $"{string.Concat(headers)}{(upgrades ? "" : "Connection: close\r\n")}\r\n");
    }
}
