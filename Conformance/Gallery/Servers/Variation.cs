namespace PubSub.Conformance.Gallery.Servers;

/// <summary>How implementations of the protocol differ from each other. The defaults are v1, as in SPEC.md.</summary>
internal sealed record Variation
{
    /// <summary>
    /// The classic dialect, and conformant to it: paths at the root, <c>ts</c> and <c>uptime_sec</c>, a heartbeat as the first message of
    /// each connection and then every 200 ms, and only UUIDs as <c>message.id</c>.
    /// </summary>
    /// <remarks>
    /// Tested as v1 it has other paths (every scenario), no <c>timestamp</c> (PS-ENV-002, PS-ENV-003, PS-FAN-006, PS-PING-002,
    /// PS-DEL-002), no <c>uptime_seconds</c> (PS-OBS-001 to PS-OBS-003) and refuses ids that are not UUIDs (PS-PUB-007, and every scenario
    /// that publishes with such an id).
    /// </remarks>
    public static Variation Classic { get; } = new()
    {
        Root = "",
        TimeMember = "ts",
        UptimeMember = "uptime_sec",
        UuidsOnly = true,
        Heartbeat = TimeSpan.FromMilliseconds(200),
    };

    /// <summary>
    /// v1, except that DELETE is answered with 204 and no body (PS-REST-006, PS-REST-012, PS-DEL-009) and that the listing is a bare
    /// array (PS-REST-004).
    /// </summary>
    public static Variation Bare { get; } = new() { BareList = true, DeletionStatus = 204 };

    /// <summary>
    /// v1, except that an error is a plain string: the code on the WebSocket (PS-ERR-004, and so no sentence for PS-ERR-005), a sentence
    /// in plain JSON over REST (PS-REST-018, PS-REST-019, PS-REST-026, PS-REST-028). Text that is not JSON, or nested too deep, ends the
    /// connection with 1003 and is not answered (PS-ERR-001, PS-ERR-002, PS-ENV-007, PS-ROB-002).
    /// </summary>
    public static Variation PlainErrors { get; } = new() { StringErrors = true, HangsUpOnBrokenJson = true };

    /// <summary>The path before <c>/ws</c>, <c>/topics</c>, <c>/health</c> and <c>/stats</c>.</summary>
    public string Root { get; init; } = "/v1";

    /// <summary>The member that holds the time of a server message; null leaves it out.</summary>
    public string? TimeMember { get; init; } = "timestamp";

    public string UptimeMember { get; init; } = "uptime_seconds";

    /// <summary>A <c>message.id</c> that is not a UUID is refused.</summary>
    public bool UuidsOnly { get; init; }

    /// <summary>The interval of info messages, the first of which is the first message of a connection; null for none.</summary>
    public TimeSpan? Heartbeat { get; init; }

    /// <summary>Required in <c>X-API-Key</c> of every request and handshake; null for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>
    /// A full queue drops its oldest event instead of closing the subscriber: a slow consumer is never cut (PS-BPR-001 to PS-BPR-003,
    /// PS-BPR-007) and misses events (PS-BPR-008).
    /// </summary>
    public bool DropsOldest { get; init; }

    /// <summary>An error is a plain string: the code on the WebSocket, a sentence over REST.</summary>
    public bool StringErrors { get; init; }

    /// <summary>Text that is not JSON ends the connection with 1003 and is not answered.</summary>
    public bool HangsUpOnBrokenJson { get; init; }

    /// <summary><c>GET /topics</c> is a bare array.</summary>
    public bool BareList { get; init; }

    /// <summary>The status of a deletion; an answer with 204 has no body.</summary>
    public int DeletionStatus { get; init; } = 200;
}
