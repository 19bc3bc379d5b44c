using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PubSub.Conformance.Network;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Verdicts;

/// <summary>
/// The results of a run, from which every report can be rendered, even later and on another machine. The JSON form is
/// <c>results.json</c>, defined by <c>Conformance/results.schema.json</c>. A list that an older suite did not write is empty.
/// </summary>
public sealed record Results
{
    /// <summary>Increased when a member changes its meaning or is removed, not when one is added.</summary>
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Eight hexadecimal digits that name this run, also in the topics that it made.</summary>
    public required string Run { get; init; }

    public required SuiteIdentity Suite { get; init; }
    public required DateTimeOffset Started { get; init; }
    public required double DurationSeconds { get; init; }
    public required TargetResult Target { get; init; }

    /// <summary>The options of the run, secrets redacted.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required Ending Ending { get; init; }

    /// <summary>Every way in which the target died, in the order in which they were seen.</summary>
    public IReadOnlyList<DeathResult> Deaths { get; init => field = value ?? []; } = [];

    /// <summary>How often the target ran again after a death, by any means, including deaths for confirmation.</summary>
    public int Restarts { get; init; }

    public required Conclusion Conclusion { get; init; }

    /// <summary>How many scenarios had each verdict, every verdict listed.</summary>
    public required IReadOnlyDictionary<Verdict, int> Totals { get; init; }

    public required IReadOnlyList<ProfileResult> Profiles { get; init; }
    public required IReadOnlyList<RequirementResult> Requirements { get; init; }
    public required IReadOnlyList<ScenarioResult> Scenarios { get; init; }

    /// <summary>Expectations of the user that did not hold, one sentence each.</summary>
    public IReadOnlyList<string> Stale { get; init => field = value ?? []; } = [];

    /// <summary>Topics that the run created and could not delete.</summary>
    public IReadOnlyList<string> Leftovers { get; init => field = value ?? []; } = [];

    public required TrafficResult Traffic { get; init; }

    public static Results Parse(string json)
    {
        var results = JsonSerializer.Deserialize(json, ResultsJson.Default.Results)
            ?? throw new InvalidDataException("results.json holds null");
        return results.SchemaVersion == CurrentSchemaVersion
            ? results
            : throw new InvalidDataException(
                $"results.json has schema version {results.SchemaVersion}; this suite reads {CurrentSchemaVersion}");
    }

    public string ToJson() => JsonSerializer.Serialize(this, ResultsJson.Readable.Results);
}

/// <summary>The suite and the specification that the results are based on.</summary>
/// <param name="Catalogue">SHA-256 of the requirements as they were embedded, in hexadecimal.</param>
public sealed record SuiteIdentity(string Version, string Spec, string SpecVersion, string Catalogue);

/// <summary>Identifies the tested server.</summary>
public sealed record TargetResult
{
    private static readonly IReadOnlyDictionary<string, string> NothingKnown = new Dictionary<string, string>();

    /// <summary>As the user gave it, secrets redacted.</summary>
    public required string Url { get; init; }

    /// <summary>The URL of each door, the first included; null if there is only one. A connection <c>alice@2</c> uses the second.</summary>
    public IReadOnlyList<string>? Doors { get; init; }

    /// <summary>The URL, or those of all doors, for people.</summary>
    [JsonIgnore]
    public string Place => Doors is null ? Url : string.Join(", ", Doors);

    public required string Rest { get; init; }
    public required string WebSocket { get; init; }
    public required string Dialect { get; init; }

    /// <summary>What the probe found out or was given, with the evidence.</summary>
    public IReadOnlyList<Finding> Findings { get; init => field = value ?? []; } = [];

    /// <summary>Address, <c>Server</c> header, certificate and the like, by name.</summary>
    public IReadOnlyDictionary<string, string> Fingerprint { get; init => field = value ?? NothingKnown; } = NothingKnown;

    public required Limits Limits { get; init; }
    public RoundTrips? RoundTrips { get; init; }
}

/// <summary>Whether a fact about the target was probed, declared by its owner, or assumed.</summary>
public enum FindingSource
{
    Probed,
    Declared,
    Assumed,

    /// <summary>Probed and different from the specification; the suite adapts, and one scenario reports it.</summary>
    Accommodated,
}

/// <summary>One fact about the target, with the evidence for it.</summary>
public sealed record Finding(string What, string Value, FindingSource Source, string Evidence);

/// <summary>The measured round trips of the target, in milliseconds, and the waits derived from them, in seconds.</summary>
public sealed record RoundTrips(int Samples, double MedianMs, double P95Ms, double MaxMs, double WaitSeconds, double ScenarioSeconds);

public enum EndingKind
{
    /// <summary>Every scenario ran.</summary>
    Completed,

    /// <summary>The target stopped answering; what came later was not evaluated.</summary>
    TargetDied,

    /// <summary>The user stopped it.</summary>
    Cancelled,

    /// <summary>The deadline of the run was reached.</summary>
    Deadline,
}

/// <summary>How the run ended.</summary>
/// <param name="Witness">The scenario that noticed it first.</param>
public sealed record Ending(EndingKind Kind, string Message, string? Witness = null)
{
    /// <summary>The last requests before the target died, newest last.</summary>
    public IReadOnlyList<LastRequest> LastRequests { get; init => field = value ?? []; } = [];
}

/// <summary>A request to the target shortly before it stopped answering.</summary>
/// <param name="AtSeconds">Since the start of the run.</param>
public sealed record LastRequest(double AtSeconds, string Scenario, string Connection, string Kind, string Data)
{
    internal static LastRequest Of(Traffic.Request sent) => new(sent.At.TotalSeconds, sent.Scenario, sent.Connection, sent.Kind, sent.Data);
}

/// <summary>How certain the cause of a death is.</summary>
public enum DeathProof
{
    /// <summary>Seen once; running the suspects again was not possible, or did not kill the target.</summary>
    SeenOnce,

    /// <summary>The target died again when the culprits ran at the same time, but of none of them alone.</summary>
    ConfirmedTogether,

    /// <summary>The target died again of the culprit alone.</summary>
    Confirmed,
}

/// <summary>How the target came back after a death.</summary>
public enum RestartedBy
{
    /// <summary>It did not come back.</summary>
    Nothing,

    /// <summary>The suite started it again by <c>--launch</c>.</summary>
    Launcher,

    /// <summary>The suite ran the command of <c>--restart</c>.</summary>
    Command,

    /// <summary>The suite did not restart it; probably a supervisor did.</summary>
    Itself,
}

/// <summary>
/// A death of the target: its process ended, it was restarted, or it stopped answering. Each is a violation of <see cref="Requirement"/>
/// by the culprits.
/// </summary>
public sealed record DeathResult
{
    /// <summary>The requirement that every death violates.</summary>
    public const string Requirement = "PS-ROB-001";

    /// <summary>The name of the suite's own probe among the culprits.</summary>
    public const string Probe = "the probe";

    /// <summary>The name of the suite's own clean-up among the culprits.</summary>
    public const string CleanUp = "the clean-up";

    /// <summary>The last sign of life, since the start of the run.</summary>
    public required double AtSeconds { get; init; }

    /// <summary>One sentence: what killed it, how, how sure that is, and how it came back.</summary>
    public required string Message { get; init; }

    /// <summary>What was observed: "it accepts no connections any more (...)", "it exited with status 139", and the like.</summary>
    public required string How { get; init; }

    /// <summary>Ids of scenarios, <see cref="Probe"/> or <see cref="CleanUp"/>; several only if they kill it together.</summary>
    public required IReadOnlyList<string> Culprits { get; init; }

    public required DeathProof Proof { get; init; }

    /// <summary>The scenarios that were under way or had sent the last requests, the culprits among them.</summary>
    public IReadOnlyList<string> Suspects { get; init => field = value ?? []; } = [];

    /// <summary>How often the target died of the culprits in this run, including the confirmation.</summary>
    public required int Times { get; init; }

    public required RestartedBy RestartedBy { get; init; }

    /// <summary>Seconds from the detection of the death until the target answered again; null if it did not.</summary>
    public double? BackAfterSeconds { get; init; }

    /// <summary>The last requests before the target died, newest last.</summary>
    public IReadOnlyList<LastRequest> LastRequests { get; init => field = value ?? []; } = [];
}

/// <summary>The overall verdict, the exit code of the process, and a sentence that says why.</summary>
public sealed record Conclusion(ConclusionKind Kind, int ExitCode, string Message);

public enum ConclusionKind
{
    Conformant,
    Violation,
    Stale,
    NotEvaluated,
    Error,
    Cancelled,
}

/// <summary>The overall status of a profile.</summary>
public enum Conformity
{
    Conformant,

    /// <summary>Every binding requirement holds; some recommendation does not.</summary>
    ConformantWithWarnings,

    /// <summary>Nothing is violated, but something was not decided.</summary>
    Partial,

    NonConformant,

    /// <summary>Nothing was decided at all.</summary>
    NotEvaluated,

    /// <summary>The target does not have this capability.</summary>
    Unsupported,
}

/// <summary>One profile, or <c>strict</c>: all profiles, with every recommendation treated as binding.</summary>
public sealed record ProfileResult(
    string Name, Conformity Conformity, int Satisfied, int Violated, int Warned, int NotEvaluated, int Requirements);

/// <summary>The combined result of all scenarios of a requirement.</summary>
public enum RequirementStatus
{
    Satisfied,
    Violated,

    /// <summary>A recommendation that is not followed.</summary>
    Warned,

    /// <summary>The dialect, or the specification itself, allows several answers; the observed one is recorded.</summary>
    LeftOpen,

    /// <summary>All decided scenarios hold, but some could not be decided.</summary>
    PartlyEvaluated,

    NotEvaluated,
    Error,

    /// <summary>It describes a capability that the target does not have.</summary>
    Unsupported,
}

/// <summary>One requirement with its text, so that a report can be read without the specification.</summary>
public sealed record RequirementResult
{
    public required string Id { get; init; }
    public required Level Level { get; init; }
    public required string Area { get; init; }
    public required Profile Profile { get; init; }
    public required string Text { get; init; }
    public required string Intent { get; init; }
    public string? Source { get; init; }
    public string? Decision { get; init; }
    public required RequirementStatus Status { get; init; }

    public static RequirementResult Of(Requirement requirement, RequirementStatus status) => new()
    {
        Id = requirement.Id,
        Level = requirement.Level,
        Area = requirement.Area,
        Profile = requirement.Profile,
        Text = requirement.Text,
        Intent = requirement.Intent,
        Source = requirement.Source,
        Decision = requirement.Decision,
        Status = status,
    };
}

/// <summary>One scenario: its worst repetition, with the verdicts of all of them.</summary>
public sealed record ScenarioResult
{
    public required string Id { get; init; }
    public required string Requirement { get; init; }
    public IReadOnlyList<string> Also { get; init => field = value ?? []; } = [];
    public required Verdict Verdict { get; init; }

    /// <summary>One sentence on why.</summary>
    public required string Message { get; init; }

    /// <summary>The expectation that was violated.</summary>
    public string? Expectation { get; init; }

    public string? Expected { get; init; }
    public string? Observed { get; init; }

    /// <summary>
    /// The violated requirement, if it is not the scenario's own. A fail or a warning counts only for it; with any other verdict, its
    /// violation kept the scenario from being decided.
    /// </summary>
    public string? Blames { get; init; }

    /// <summary>The requirement that the verdict is about.</summary>
    [JsonIgnore]
    public string CountsFor => Verdict is Verdict.Fail or Verdict.Warn ? Blames ?? Requirement : Requirement;

    /// <summary>Which of the legal alternatives were seen.</summary>
    public IReadOnlyList<Observation> Observations { get; init => field = value ?? []; } = [];

    /// <summary>How many decisive checks were made.</summary>
    public int Checks { get; init; }

    public double DurationMs { get; init; }

    /// <summary>The user's pattern by which it was expected to fail.</summary>
    public string? KnownFailing { get; init; }

    /// <summary>Every verdict in order, when it ran more than once.</summary>
    public IReadOnlyList<Verdict> Repetitions { get; init => field = value ?? []; } = [];

    /// <summary>Everything sent and received; empty if the run was told not to keep it.</summary>
    public IReadOnlyList<TranscriptLine> Transcript { get; init => field = value ?? []; } = [];

    /// <summary>Lines that were left out; a line of the kind <c>dropped</c> says where.</summary>
    public long TranscriptDropped { get; init; }
}

public sealed record Observation(string What, string Value);

/// <summary>One message, request or response on the wire, or a note.</summary>
/// <param name="AtMs">Since the start of the scenario.</param>
/// <param name="Connection">
/// The client's name in the scenario; <c>rest</c> for HTTP exchanges. With several doors, <c>@</c> and the number of the door follow.
/// </param>
/// <param name="Direction"><c>&gt;</c> sent by the suite, <c>&lt;</c> received, <c>-</c> a note.</param>
/// <param name="Kind">text, ping, close, http, handshake, note, and the like.</param>
/// <param name="Length">Bytes on the wire, even if <paramref name="Data"/> is cut.</param>
public sealed record TranscriptLine(double AtMs, string Connection, string Direction, string Kind, long Length, string Data)
{
    /// <summary>Stands for lines that were left out there.</summary>
    internal static TranscriptLine Dropped(double atMs, long lines, string note) =>
        new(atMs, "suite", "-", Transcript.DroppedKind, lines, note);
}

/// <summary>The load of the run on the target.</summary>
public sealed record TrafficResult(long Connections, long MostConnectionsAtOnce, long BytesSent, long BytesReceived);

/// <summary>camelCase members and kebab-case verdicts. Members of a newer suite are ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    WriteIndented = true,
    Converters =
    [
        typeof(Kebab<Verdict>), typeof(Kebab<FindingSource>), typeof(Kebab<EndingKind>), typeof(Kebab<ConclusionKind>),
        typeof(Kebab<Conformity>), typeof(Kebab<RequirementStatus>), typeof(Kebab<DeathProof>), typeof(Kebab<RestartedBy>),
    ],
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Results))]
[JsonSerializable(typeof(TranscriptLine))]
internal sealed partial class ResultsJson : JsonSerializerContext
{
    /// <summary>Escapes no more than JSON requires: most of a transcript is JSON in JSON. HTML reports escape it again.</summary>
    public static ResultsJson Readable =>
        field ??= new(new JsonSerializerOptions(Default.Options!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

/// <summary>An enum value as the reports spell it: <c>NotEvaluated</c> is <c>not-evaluated</c>.</summary>
internal sealed class Kebab<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
