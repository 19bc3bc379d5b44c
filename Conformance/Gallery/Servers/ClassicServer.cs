namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Speaks the classic variation, and is conformant to it: everything at the root, <c>ts</c> and <c>uptime_sec</c>, a heartbeat as the
/// very first message of each connection and then every 200 ms, UUIDs alone as <c>message.id</c>.
/// </summary>
/// <remarks>
/// Measured by v1 it has other paths (everything), no <c>timestamp</c> (PS-ENV-002, PS-ENV-003, PS-FAN-006, PS-PING-002,
/// PS-DEL-002), no <c>uptime_seconds</c> (PS-OBS-001 to PS-OBS-003) and refuses ids that are no UUIDs (PS-PUB-007, and whatever else
/// publishes with such an id). Dropping the oldest it never cuts a slow consumer (PS-BPR-001 to PS-BPR-003, PS-BPR-007) and leaves
/// gaps (PS-BPR-008); with 204 a deletion has no body (PS-REST-006, PS-REST-012, PS-DEL-009); with an API key, who does not send it
/// is answered with 401 at every door.
/// </remarks>
internal sealed class ClassicServer(ClassicOptions options) : SmallServer(new Variation
{
    Root = "",
    TimeMember = options.SaysTime ? "ts" : null,
    UptimeMember = "uptime_sec",
    UuidsOnly = true,
    Heartbeat = TimeSpan.FromMilliseconds(200),
    ApiKey = options.ApiKey,
    DropsOldest = options.DropsOldest,
    DeletionStatus = options.DeletionStatus,
})
{
    public ClassicServer()
        : this(new ClassicOptions())
    {
    }
}

/// <summary>What the dialect leaves open.</summary>
internal sealed record ClassicOptions
{
    /// <summary>False leaves <c>ts</c> out of every message.</summary>
    public bool SaysTime { get; init; } = true;

    public string? ApiKey { get; init; }

    /// <summary>Of a full queue, the oldest event goes instead of the subscriber.</summary>
    public bool DropsOldest { get; init; }

    /// <summary>200 with a body, or 204 without.</summary>
    public int DeletionStatus { get; init; } = 200;
}
