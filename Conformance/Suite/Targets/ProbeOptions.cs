namespace PubSub.Conformance;

/// <summary>How to find the target, where it is not to be guessed.</summary>
public sealed record ProbeOptions
{
    /// <summary>An origin, an origin with a path in front of everything, or the URL of the WebSocket.</summary>
    public required Uri Url { get; init; }

    /// <summary>The root of the REST interface: where it is given, nothing else is tried.</summary>
    public Uri? Rest { get; init; }

    /// <summary>The WebSocket: where it is given, nothing else is tried.</summary>
    public Uri? WebSocket { get; init; }

    /// <summary>Further paths that may stand before <c>/topics</c> and <c>/ws</c>.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>Null lets the evidence decide.</summary>
    public Dialect? Dialect { get; init; }

    /// <summary>Null lets a publish decide.</summary>
    public bool? UuidsOnly { get; init; }

    public Limits? Limits { get; init; }

    /// <summary>What the server wants otherwise; null lets the probe find out.</summary>
    public Accommodations? Accommodations { get; init; }

    /// <summary>The member that holds the time of a message; null lets the evidence decide.</summary>
    public string? Timestamp { get; init; }

    /// <summary>The member of <c>/health</c> that holds the seconds since the start; null lets the evidence decide.</summary>
    public string? Uptime { get; init; }

    /// <summary>What becomes of a queue that overflows; null leaves what the dialect says.</summary>
    public Overflow? Overflow { get; init; }

    /// <summary>Where <c>/health</c> is; null looks for it.</summary>
    public Uri? Health { get; init; }

    /// <summary>Where <c>/stats</c> is; null looks for it.</summary>
    public Uri? Stats { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    public string Query { get; init; } = "";
    public string? Origin { get; init; }
    public Tls Tls { get; init; } = new();

    /// <summary>Leaves out the questions of which servers have been seen to die.</summary>
    public bool IsCautious { get; init; }

    /// <summary>Remembers what the probe sends and when the target answered, for a target that dies of it.</summary>
    public Traffic? Traffic { get; init; }

    /// <summary>Multiplies every wait.</summary>
    public double TimeoutScale { get; init; } = 1;
}
