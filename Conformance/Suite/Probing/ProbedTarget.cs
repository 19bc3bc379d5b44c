using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Probing;

/// <summary>A target that has answered, with everything that the probe found out.</summary>
public sealed record ProbedTarget(Target Target, Uri Url)
{
    public IReadOnlyList<Finding> Findings { get; init; } = [];
    public IReadOnlyDictionary<string, string> Fingerprint { get; init; } = new Dictionary<string, string>();
    public RoundTrips? RoundTrips { get; init; }

    /// <summary>The target for the results, without secrets.</summary>
    public TargetResult Describe(Redaction redaction) => new()
    {
        Url = redaction.Clean(Url.AbsoluteUri),
        Doors = Target.Others.Count == 0 ? null : [.. Target.Others.Prepend(Url).Select(door => redaction.Clean(door.AbsoluteUri))],
        Rest = redaction.Clean(Target.Rest.AbsoluteUri),
        WebSocket = redaction.Clean(Target.WebSocket.AbsoluteUri),
        Dialect = Target.Dialect.Name,
        Findings =
        [
            .. Findings.Select(finding => finding with
            {
                Value = redaction.Clean(finding.Value),
                Evidence = redaction.Clean(finding.Evidence),
            }),
        ],
        Fingerprint = Fingerprint.ToDictionary(entry => entry.Key, entry => redaction.Clean(entry.Value)),
        Limits = Target.Limits,
        RoundTrips = RoundTrips,
    };

    /// <summary>A target file that the owner can commit, so that the next run needs no guesses.</summary>
    public TargetFile ToFile() => new()
    {
        // A committed file must not hold credentials.
        Url = new UriBuilder(Url) { UserName = "", Password = "", Query = "", Fragment = "" }.Uri,
        Rest = Target.Rest,
        WebSocket = Target.WebSocket,
        Dialect = Target.Dialect.Name,
        MessageIds = Target.MessageIds.AreUuids ? "uuid" : "any",
        Limits = Target.Limits,
        Capabilities = [.. Capabilities.All.Except(Target.Lacks)],
        Timestamp = Other(dialect => dialect.Timestamp),
        Uptime = Other(dialect => dialect.Uptime),
        Overflow = Target.Dialect.Overflow is [var only] && Known is { Overflow.Count: > 1 } ? only : null,
        Health = Target.Health,
        Stats = Target.Stats,
        Metrics = Target.Metrics,
        Accommodations = Target.Accommodations.AreNone ? null : Target.Accommodations,
    };

    private Dialect? Known => Dialect.Known.FirstOrDefault(dialect => dialect.Name == Target.Dialect.Name);

    private string? Other(Func<Dialect, string> spelling) =>
        Known is { } known && spelling(known) == spelling(Target.Dialect) ? null : spelling(Target.Dialect);
}

/// <summary>There is nothing to test: no server answers, or none that speaks this protocol. The message says what was tried.</summary>
public sealed class Unreachable(string message) : Exception(message);
