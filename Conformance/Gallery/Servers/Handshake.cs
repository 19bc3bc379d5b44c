using System.Security.Cryptography;
using System.Text;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>The opening handshake of RFC 6455, section 4.2.</summary>
internal static class Handshake
{
    public static bool IsValid(HttpRequest request) =>
        request.Method == "GET"
        && request.Version == "HTTP/1.1"
        && request.HasOption("Upgrade", "websocket")
        && request.HasOption("Connection", "Upgrade")
        && request["Sec-WebSocket-Version"] == "13"
        && request["Sec-WebSocket-Key"] is { Length: 24 } key
        && Convert.TryFromBase64String(key, new byte[24], out var length)
        && length == 16;

    /// <summary>A request without Origin is not from a browser; otherwise the Origin must name the Host, with any scheme.</summary>
    public static bool IsOfSameOrigin(HttpRequest request) =>
        request["Origin"] is not { } origin
        || (Uri.TryCreate(origin, UriKind.Absolute, out var page)
            && Uri.TryCreate($"{page.Scheme}://{request["Host"]}", UriKind.Absolute, out var here)
            && page.Authority == here.Authority);

    /// <summary>The answer names no extension and no subprotocol, even if the client offers some.</summary>
    public static HttpResponse Accept(HttpRequest request)
    {
        // RFC 6455 prescribes SHA-1; no security depends on it.
#pragma warning disable CA5350
        var accept = SHA1.HashData(Encoding.ASCII.GetBytes($"{request["Sec-WebSocket-Key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
#pragma warning restore CA5350
        return new HttpResponse(101, null)
        {
            Headers = ["Upgrade: websocket", "Connection: Upgrade", $"Sec-WebSocket-Accept: {Convert.ToBase64String(accept)}"],
        };
    }
}
