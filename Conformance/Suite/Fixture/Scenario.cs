namespace PubSub.Conformance.Fixture;

/// <summary>What a scenario may do to a server that is not robust. More dangerous scenarios run later.</summary>
public enum Danger
{
    /// <summary>It does what any client does.</summary>
    None,

    /// <summary>It sends requests that have to be refused: a careless server may crash.</summary>
    Refusal,

    /// <summary>It may leave something behind that spoils other scenarios, such as a topic that breaks every listing.</summary>
    Poison,

    /// <summary>It sends what no correct client sends, or breaks connections: a fragile server may crash.</summary>
    Hostile,

    /// <summary>It puts the server under load.</summary>
    Flood,
}

/// <summary>
/// One test case as data: a primary requirement, a slug that never changes, and the body that runs.
/// </summary>
public sealed record Scenario(string Requirement, string Slug, Func<Stage, Task> Body)
{
    /// <summary>Frames, UTF-8, JSON and handshakes that are wrong, and resets.</summary>
    private static readonly HashSet<string> HostileRequirements = new(StringComparer.Ordinal)
    {
        "PS-WS-003", "PS-WS-008", "PS-WS-009", "PS-WS-010", "PS-WS-011", "PS-WS-012", "PS-WS-013",
        "PS-ERR-001", "PS-ERR-002", "PS-ERR-007", "PS-ERR-010", "PS-OBS-011",
    };

    /// <summary>
    /// Members that are missing or of the wrong type, topics and subscriptions that do not exist, and requests that the protocol does not
    /// know.
    /// </summary>
    private static readonly HashSet<string> RefusalRequirements = new(StringComparer.Ordinal)
    {
        "PS-REST-007", "PS-REST-015", "PS-REST-016", "PS-REST-017", "PS-REST-018", "PS-REST-019", "PS-REST-020", "PS-REST-026",
        "PS-REST-028", "PS-ENV-004", "PS-ENV-007", "PS-ENV-010", "PS-ENV-011", "PS-ENV-013", "PS-SUB-002", "PS-SUB-003", "PS-SUB-010",
        "PS-PUB-002", "PS-PUB-003", "PS-PUB-009", "PS-UNS-004", "PS-UNS-005", "PS-UNS-006", "PS-UNS-007", "PS-RPL-006", "PS-PING-003",
        "PS-ACC-001", "PS-ACC-002", "PS-ACC-003", "PS-ACC-004", "PS-ACC-005", "PS-ACC-009", "PS-ACC-010", "PS-ACC-011", "PS-ACC-015",
        "PS-ACC-016", "PS-ACC-017", "PS-ACC-018", "PS-ACC-019", "PS-ACC-020", "PS-ACC-021", "PS-ACC-022", "PS-ACC-023", "PS-ACC-025",
        "PS-ACC-026", "PS-ACC-027", "PS-ACC-028", "PS-ACC-029", "PS-ACC-030", "PS-ACC-032",
        "PS-RES-004", "PS-HTTP-004", "PS-HTTP-005", "PS-HTTP-010", "PS-HTTP-011", "PS-HTTP-012", "PS-SSE-011", "PS-SSE-012",
        "PS-DEL-005", "PS-ERR-003", "PS-ERR-004", "PS-ERR-005", "PS-ERR-006", "PS-ERR-008", "PS-ERR-009",
    };

    /// <summary>Topic names that are odd or illegal, and bodies that are no request to create a topic.</summary>
    private static readonly HashSet<string> PoisonRequirements = new(StringComparer.Ordinal)
    {
        "PS-REST-008", "PS-REST-009", "PS-REST-021", "PS-REST-022", "PS-REST-023", "PS-REST-027", "PS-REST-032", "PS-SUB-011",
        "PS-ISO-002", "PS-ISO-003", "PS-ISO-004",
    };

    private readonly Danger? _danger;

    public string Id => $"{Requirement}/{Slug}";

    /// <summary>The middle of the requirement id: FAN of PS-FAN-001.</summary>
    public string Area => Requirement.Split('-') is [_, var area, ..] ? area : "";

    /// <summary>Other requirements whose violation this scenario also detects.</summary>
    public IReadOnlyList<string> Also { get; init; } = [];

    /// <summary>Settings of a server launched for this scenario; null if any server will do.</summary>
    public IReadOnlyDictionary<string, string>? Launch { get; init; }

    /// <summary>True when the body starts its servers itself, so that it needs a launcher.</summary>
    public bool NeedsLauncher { get; init; }

    /// <summary>True when the scenario cannot run without a launcher.</summary>
    public bool IsLaunched => Launch is not null || NeedsLauncher;

    /// <summary>
    /// True when it may exceed <see cref="UsualBytes"/> or <see cref="UsualConnections"/>, which needs the permission of the user.
    /// </summary>
    public bool IsLoad { get; init; }

    /// <summary>
    /// True for an endurance test. All of these together take as long as all other scenarios, so the self-test runs them only against
    /// mutants that are declared to break their requirement.
    /// </summary>
    public bool IsLengthy { get; init; }

    /// <summary>True when no other scenario may run meanwhile: it runs before the others, or after them if it is a load.</summary>
    public bool IsAlone { get; init; }

    /// <summary>True when it uses topic names without a unique prefix: no two of these run at the same time.</summary>
    public bool UsesPlainNames { get; init; }

    /// <summary>True when it asserts totals of the whole target, which no other client may use meanwhile.</summary>
    public bool IsExclusive { get; init; }

    /// <summary>By default derived from the requirement.</summary>
    public Danger Danger { get => _danger ?? UsualDanger; init => _danger = value; }

    /// <summary>The most that any other scenario sends and receives together, in bytes.</summary>
    public const long UsualBytes = 8 * 1024 * 1024;

    /// <summary>The most connections that any other scenario holds open at one time.</summary>
    public const int UsualConnections = 64;

    public override string ToString() => Id;

    private Danger UsualDanger => this switch
    {
        { IsLoad: true } => Danger.Flood,
        { Area: "ROB" } => Danger.Hostile,
        _ when HostileRequirements.Contains(Requirement) => Danger.Hostile,
        _ when RefusalRequirements.Contains(Requirement) => Danger.Refusal,
        _ when PoisonRequirements.Contains(Requirement) => Danger.Poison,
        _ => Danger.None,
    };
}
