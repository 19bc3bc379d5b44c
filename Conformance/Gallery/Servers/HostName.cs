using System.Net;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>The name in a Host header, and which names belong to the server.</summary>
internal static class HostName
{
    /// <summary>In lower case, without port, final dot and brackets.</summary>
    public static string Of(string host)
    {
        var name = host[(host.LastIndexOf(']') + 1)..].Contains(':') ? host[..host.LastIndexOf(':')] : host;
        return name.Trim('[', ']').TrimEnd('.').ToLowerInvariant();
    }

    /// <summary>Whether the name always means the local machine (RFC 6761, section 6.3).</summary>
    public static bool IsLocal(string name) => name is "" or "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)
        || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));

    public static bool Fits(string listed, string name) =>
        listed == "*"
        || listed == name
        || (listed.StartsWith("*.", StringComparison.Ordinal) && name.EndsWith(listed[1..], StringComparison.Ordinal));
}
