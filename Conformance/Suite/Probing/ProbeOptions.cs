using PubSub.Conformance.Network;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Probing;

/// <summary>What is known about the target; the probe finds out the rest.</summary>
public sealed record ProbeOptions
{
    /// <summary>An origin, an origin with a path prefix, or the URL of the WebSocket.</summary>
    public required Uri Url { get; init; }

    /// <summary>The root of the REST interface; if given, no other is tried.</summary>
    public Uri? Rest { get; init; }

    /// <summary>The URL of the WebSocket; if given, no other is tried.</summary>
    public Uri? WebSocket { get; init; }

    /// <summary>Further prefixes to try before <c>/topics</c> and <c>/ws</c>.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>Null lets the evidence decide.</summary>
    public Dialect? Dialect { get; init; }

    /// <summary>Null lets a publish decide.</summary>
    public bool? UuidsOnly { get; init; }

    public Limits? Limits { get; init; }

    /// <summary>The capabilities that the server has; null lets the probe find out.</summary>
    public IReadOnlyList<Capability>? Capabilities { get; init; }

    /// <summary>Where the server needs requests that differ from SPEC.md; null lets the probe find out.</summary>
    public Accommodations? Accommodations { get; init; }

    /// <summary>The member that holds the time of a message; null lets the evidence decide.</summary>
    public string? Timestamp { get; init; }

    /// <summary>The member of <c>/health</c> that holds the seconds since the start; null lets the evidence decide.</summary>
    public string? Uptime { get; init; }

    /// <summary>What happens to a subscriber whose queue overflows; null keeps the dialect's answer.</summary>
    public Overflow? Overflow { get; init; }

    /// <summary>The URL of <c>/health</c>; null searches for it.</summary>
    public Uri? Health { get; init; }

    /// <summary>The URL of <c>/stats</c>; null searches for it.</summary>
    public Uri? Stats { get; init; }

    /// <summary>The URL of the metrics; null for <c>/metrics</c> at the root.</summary>
    public Uri? Metrics { get; init; }

    /// <summary>The credentials of several identities; null if there are none.</summary>
    public Credentials? Credentials { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    public string Query { get; init; } = "";
    public string? Origin { get; init; }
    public Tls Tls { get; init; } = new();

    /// <summary>Leaves out the questions that are known to kill some servers.</summary>
    public bool IsCautious { get; init; }

    /// <summary>Records the requests of the probe and the last answer, in case the target dies of the probe.</summary>
    public Traffic? Traffic { get; init; }

    /// <summary>Multiplies every wait.</summary>
    public double TimeoutScale { get; init; } = 1;
}
