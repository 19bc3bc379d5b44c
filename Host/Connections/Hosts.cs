using System.Diagnostics.CodeAnalysis;
using System.Net;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Connections;

/// <summary>
/// The host names that requests may be for (PS-LIF-015, PS-LIF-016). With DNS rebinding, a foreign page reaches this machine under the
/// page's own name. So a server that is bound to this machine alone answers only to the machine's own names.
/// </summary>
internal sealed class Hosts
{
    private readonly List<string> _listed = [];
    private bool _all;

    public override string ToString() => _all ? "*" : string.Join(", ", _listed);

    /// <summary>
    /// Reads a list: host names without ports, separated by commas; <c>*.example.com</c> for all below one, <c>*</c> for all.
    /// </summary>
    public static bool TryParse(string list, [NotNullWhen(true)] out Hosts? hosts)
    {
        hosts = new Hosts();
        foreach (var entry in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (entry == "*")
            {
                hosts._all = true;
            }
            else if (Ascii(entry.StartsWith("*.", StringComparison.Ordinal) ? entry[2..] : entry) is { Length: > 0 } name
                && (IsAddress(name) || !entry.Contains(':', StringComparison.Ordinal)))
            {
                hosts._listed.Add(entry[0] == '*' ? $"*.{name}" : name);
            }
            else
            {
                hosts = null;
                return false;
            }
        }

        return true;
    }

    /// <param name="host">The Host header, with or without a port.</param>
    /// <param name="bind">The address that the server is bound to. If it is local, an empty list allows no foreign name.</param>
    public bool Allow(string host, string bind)
    {
        if (_all || (_listed.Count == 0 && !IsLocal(bind)))
        {
            return true;
        }

        return Ascii(WithoutPort(host)) is { } name && (IsLocal(name) || name == bind || _listed.Exists(listed => Matches(listed, name)));
    }

    /// <summary>The names that every machine has for itself (RFC 6761 §6.3). A request without a name comes from no page.</summary>
    private static bool IsLocal(string name) =>
        name is "" or "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)
        || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));

    private static bool Matches(string listed, string name) =>
        listed[0] == '*' ? name.EndsWith(listed[1..], StringComparison.Ordinal) : listed == name;

    private static bool IsAddress(string name) => IPAddress.TryParse(name, out _);

    private static string WithoutPort(string host)
    {
        var colon = host.LastIndexOf(':');
        return colon > host.LastIndexOf(']') ? host[..colon] : host;
    }

    /// <summary>The one spelling of a name: in lower case, in ASCII, without the root's dot or brackets. Null for what is none.</summary>
    private static string? Ascii(string name)
    {
        name = name is ['[', .. var address, ']'] ? address : name.EndsWith('.') ? name[..^1] : name;
        try
        {
            return name.Length == 0 || IsAddress(name) ? name
                : Uri.TryCreate($"http://{name}", UriKind.Absolute, out var uri) && uri.AbsolutePath == "/" && uri.UserInfo.Length == 0
                    ? uri.IdnHost.ToLowerInvariant()
                : null;
        }
        catch (Exception e) when (e is UriFormatException or ArgumentException)
        {
            return null;
        }
    }
}

internal static class HostsExtensions
{
    /// <summary>Refuses requests for other hosts, the handshake's included.</summary>
    public static void UseAllowedHosts(this IApplicationBuilder app, Settings settings) => app.Use((context, next) =>
        settings.AllowedHosts.Allow(context.Request.Headers.Host.ToString(), settings.Bind)
            ? next(context)
            : Problem.WriteAsync(context, Refusals.ForeignHost));
}
