using System.Diagnostics.CodeAnalysis;

namespace PubSub.Hosting.Connections;

/// <summary>Which pages may connect from a browser (PS-WS-014, PS-LIF-014; RFC 6455 §10.2).</summary>
internal sealed class Origins
{
    private readonly HashSet<string> _listed = new(StringComparer.Ordinal);
    private bool _all;

    public override string ToString() => _all ? "*" : string.Join(", ", _listed);

    /// <summary>Whether any page of another host is allowed.</summary>
    public bool AllowOthers => _all || _listed.Count > 0;

    /// <summary>
    /// Reads a list: origins as browsers send them, separated by commas, <c>null</c> among them, or <c>*</c> for all. A slash at the end,
    /// the default port and a host in Unicode say the same as without.
    /// </summary>
    public static bool TryParse(string list, [NotNullWhen(true)] out Origins? origins)
    {
        origins = new Origins();
        foreach (var entry in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (entry == "*")
            {
                origins._all = true;
            }
            else if (Normal(entry.EndsWith('/') ? entry[..^1] : entry) is { } origin)
            {
                origins._listed.Add(origin);
            }
            else
            {
                origins = null;
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the list has this origin.</summary>
    public bool Has(string origin) => _all || (Normal(origin) is { } normal && _listed.Contains(normal));

    /// <summary>
    /// Whether the request's origin is allowed. A request without an Origin is not from a page, and is allowed. Otherwise the Origin's host
    /// and port must be those of the Host header (the scheme is not compared: a proxy may have ended TLS), or the Origin must be listed.
    /// </summary>
    public bool Allow(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || Has(origin) || IsOfHost(origin, request.Headers.Host.ToString());
    }

    // Not the framework's HostString, which throws at some names and translates others.
    private static bool IsOfHost(string origin, string host)
    {
        var scheme = origin.Split("://")[0];
        return Normal(origin) is { } normal && normal == Normal($"{scheme}://{host}");
    }

    /// <summary>The one spelling of an origin: in lower case, with its port, its host in ASCII. Null for what is none.</summary>
    private static string? Normal(string origin)
    {
        if (origin == "null")
        {
            return origin;
        }

        try
        {
            return Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.IdnHost.Length > 0 && IsBare(origin)
                ? $"{uri.Scheme}://{uri.IdnHost.ToLowerInvariant()}:{uri.Port}"
                : null;
        }
        catch (Exception e) when (e is UriFormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Nothing but a scheme, a host and a port: what else there may be, or Uri reads as something else, is left out.</summary>
    private static bool IsBare(string origin) =>
        origin.Split("://") is [_, { Length: > 0 } authority]
        && authority.All(c => c > '\u007f' || char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '[' or ']');
}
