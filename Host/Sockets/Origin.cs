namespace PubSub.Hosting.Sockets;

/// <summary>Who may connect from a browser (PS-WS-014, PS-LIF-014; RFC 6455 §10.2).</summary>
internal static class Origin
{
    /// <summary>
    /// A request without an Origin is no browser's and is allowed. Otherwise the Origin's host and port must be those of the Host header
    /// (the scheme is not compared: a proxy may have ended TLS), or the Origin must be listed, or the list be <c>*</c>.
    /// </summary>
    public static bool IsAllowed(HttpRequest request, string allowedOrigins)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0)
        {
            return true;
        }

        var allowed = allowedOrigins.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return allowed.Contains("*")
            || allowed.Contains(origin, StringComparer.OrdinalIgnoreCase)
            || (Uri.TryCreate(origin, UriKind.Absolute, out var uri)
                && string.Equals(uri.Authority, WithoutDefaultPort(request.Host, uri.Scheme), StringComparison.OrdinalIgnoreCase));
    }

    private static string WithoutDefaultPort(HostString host, string scheme) =>
        (scheme, host.Port) is ("http", 80) or ("https", 443) ? host.Host : host.ToString();
}
