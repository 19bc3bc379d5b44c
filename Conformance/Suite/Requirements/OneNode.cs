namespace PubSub.Conformance.Requirements;

/// <summary>
/// The requirements that describe one process. They are not judged when clients are spread over several nodes; every other requirement is.
/// At most five, and none that forbids loss, duplication, disorder or leaks.
/// </summary>
public static class OneNode
{
    /// <summary>The reason, by the id of the requirement.</summary>
    public static IReadOnlyDictionary<string, string> Reasons { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["PS-OBS-002"] = "each node has an uptime of its own",
        ["PS-BPR-013"] = "MAX_RETAINED_BYTES bounds the memory of one node",
        ["PS-BPR-014"] = "MAX_OUTSTANDING_BYTES bounds the memory of one node",
        ["PS-ROB-010"] = "MAX_CONNECTIONS bounds the connections of one node",
        ["PS-LIF-005"] = "topics and messages outlive a node, because the other nodes have them too",
    };
}
