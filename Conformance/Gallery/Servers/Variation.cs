namespace PubSub.Conformance.Gallery.Servers;

/// <summary>What one server of the family does otherwise than another. The defaults are v1, as SPEC.md has it.</summary>
internal sealed record Variation
{
    /// <summary>What stands before <c>/ws</c>, <c>/topics</c>, <c>/health</c> and <c>/stats</c>.</summary>
    public string Root { get; init; } = "/v1";

    /// <summary>The member that holds the time of a server message; null leaves it out.</summary>
    public string? TimeMember { get; init; } = "timestamp";

    public string UptimeMember { get; init; } = "uptime_seconds";

    /// <summary>A <c>message.id</c> that is no UUID is refused.</summary>
    public bool UuidsOnly { get; init; }

    /// <summary>An info message of this interval, the first before anything else.</summary>
    public TimeSpan? Heartbeat { get; init; }

    /// <summary>Asked for in <c>X-API-Key</c> at every door.</summary>
    public string? ApiKey { get; init; }

    /// <summary>A full queue loses its oldest event instead of its subscriber.</summary>
    public bool DropsOldest { get; init; }

    /// <summary>An error is a plain string: the code on the WebSocket, a sentence over REST.</summary>
    public bool StringErrors { get; init; }

    /// <summary>Text that is no JSON ends the connection with 1003 and is not answered.</summary>
    public bool HangsUpOnBrokenJson { get; init; }

    /// <summary><c>GET /topics</c> is a bare array.</summary>
    public bool BareList { get; init; }

    /// <summary>204 has no body.</summary>
    public int DeletionStatus { get; init; } = 200;
}
