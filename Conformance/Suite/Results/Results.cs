using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PubSub.Conformance;

/// <summary>
/// One whole run, complete enough that every report is rendered from it alone, on another machine and in another year. Its JSON form
/// is <c>results.json</c>; <c>Conformance/results.schema.json</c> is its law. A list that an older suite did not write is empty.
/// </summary>
public sealed record Results
{
    /// <summary>Grows when a member changes its meaning or goes away; a new member does not count.</summary>
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Eight hexadecimal digits that name this run, also in the topics that it made.</summary>
    public required string Run { get; init; }

    public required SuiteIdentity Suite { get; init; }
    public required DateTimeOffset Started { get; init; }
    public required double DurationSeconds { get; init; }
    public required TargetResult Target { get; init; }

    /// <summary>What was asked for, option by option, secrets redacted.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required Ending Ending { get; init; }

    /// <summary>Every way in which the target died, in the order in which they were seen.</summary>
    public IReadOnlyList<DeathResult> Deaths { get; init => field = value ?? []; } = [];

    /// <summary>How often the target was running again after a death, by whatever means; those for confirmation count.</summary>
    public int Restarts { get; init; }

    public required Conclusion Conclusion { get; init; }

    /// <summary>How many scenarios had each verdict, every verdict listed.</summary>
    public required IReadOnlyDictionary<Verdict, int> Totals { get; init; }

    public required IReadOnlyList<ProfileResult> Profiles { get; init; }
    public required IReadOnlyList<RequirementResult> Requirements { get; init; }
    public required IReadOnlyList<ScenarioResult> Scenarios { get; init; }

    /// <summary>Expectations of the user that did not come true, one sentence each.</summary>
    public IReadOnlyList<string> Stale { get; init => field = value ?? []; } = [];

    /// <summary>Topics that the run made and could not delete.</summary>
    public IReadOnlyList<string> Leftovers { get; init => field = value ?? []; } = [];

    public required TrafficResult Traffic { get; init; }

    public static Results Parse(string json)
    {
        var results = JsonSerializer.Deserialize(json, ResultsJson.Default.Results) ?? throw new InvalidDataException("results.json holds null");
        return results.SchemaVersion == CurrentSchemaVersion
            ? results
            : throw new InvalidDataException($"results.json has schema version {results.SchemaVersion}; this suite reads {CurrentSchemaVersion}");
    }

    public string ToJson() => JsonSerializer.Serialize(this, ResultsJson.Readable.Results);
}

/// <summary>Which suite judged, by which specification.</summary>
/// <param name="Catalogue">SHA-256 of the requirements as they were embedded, in hexadecimal.</param>
public sealed record SuiteIdentity(string Version, string Spec, string SpecVersion, string Catalogue);

/// <summary>What was tested, as far as it can be told apart from others.</summary>
public sealed record TargetResult
{
    private static readonly IReadOnlyDictionary<string, string> NothingKnown = new Dictionary<string, string>();

    /// <summary>As the user gave it, secrets redacted.</summary>
    public required string Url { get; init; }

    public required string Rest { get; init; }
    public required string WebSocket { get; init; }
    public required string Dialect { get; init; }

    /// <summary>What the probe found out or was told, with its evidence.</summary>
    public IReadOnlyList<Finding> Findings { get; init => field = value ?? []; } = [];

    /// <summary>Address, <c>Server</c> header, certificate and the like, by name.</summary>
    public IReadOnlyDictionary<string, string> Fingerprint { get; init => field = value ?? NothingKnown; } = NothingKnown;

    public required Limits Limits { get; init; }
    public RoundTrips? RoundTrips { get; init; }
}

/// <summary>Whether something about the target was found out, told by its owner, or taken for granted.</summary>
public enum FindingSource
{
    Probed,
    Declared,
    Assumed,

    /// <summary>Found out to be otherwise than specified; the suite speaks so, and one scenario reports it.</summary>
    Accommodated,
}

/// <summary>One thing known about the target, and why it is believed.</summary>
public sealed record Finding(string What, string Value, FindingSource Source, string Evidence);

/// <summary>The target's own round trips, in milliseconds, and the waits that follow from them, in seconds.</summary>
public sealed record RoundTrips(int Samples, double MedianMs, double P95Ms, double MaxMs, double WaitSeconds, double ScenarioSeconds);

public enum EndingKind
{
    /// <summary>Every scenario had its turn.</summary>
    Completed,

    /// <summary>The target stopped answering; what came later was not evaluated.</summary>
    TargetDied,

    /// <summary>The user stopped it.</summary>
    Cancelled,

    /// <summary>The run's own bound of time was reached.</summary>
    Deadline,
}

/// <summary>How the run came to its end.</summary>
/// <param name="LastRequests">What the target was sent last, newest last, when it died.</param>
/// <param name="Witness">The scenario that saw it first.</param>
public sealed record Ending(EndingKind Kind, string Message, string? Witness = null)
{
    public IReadOnlyList<LastRequest> LastRequests { get; init => field = value ?? []; } = [];
}

/// <summary>Something the target was sent shortly before it fell silent.</summary>
/// <param name="AtSeconds">Since the start of the run.</param>
public sealed record LastRequest(double AtSeconds, string Scenario, string Connection, string Kind, string Data)
{
    internal static LastRequest Of(Traffic.Request sent) => new(sent.At.TotalSeconds, sent.Scenario, sent.Connection, sent.Kind, sent.Data);
}

/// <summary>How well it is known what the target died of.</summary>
public enum DeathProof
{
    /// <summary>It was seen once; playing the suspects again was not possible, or did not kill the target.</summary>
    SeenOnce,

    /// <summary>The target died again when the culprits ran at one time, but of none of them alone.</summary>
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

    /// <summary>It came back by itself; a supervisor restarts it.</summary>
    Itself,
}

/// <summary>
/// The target died: its process ended, it was restarted, or it answered no connection any more. Each is a violation of
/// <see cref="Requirement"/>, by the culprits.
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

    /// <summary>What was seen of it: "it accepts no connections any more (...)", "it exited with status 139", "it was restarted (...)".</summary>
    public required string How { get; init; }

    /// <summary>Ids of scenarios, <see cref="Probe"/> or <see cref="CleanUp"/>; several only if they kill it together.</summary>
    public required IReadOnlyList<string> Culprits { get; init; }

    public required DeathProof Proof { get; init; }

    /// <summary>The scenarios that were under way or had sent the last requests, the culprits among them.</summary>
    public IReadOnlyList<string> Suspects { get; init => field = value ?? []; } = [];

    /// <summary>How often the target died of it in this run; the confirmation is one of them.</summary>
    public required int Times { get; init; }

    public required RestartedBy RestartedBy { get; init; }

    /// <summary>From the notice of the death until the target answered again; null if it did not.</summary>
    public double? BackAfterSeconds { get; init; }

    /// <summary>What the target was sent last before it died, newest last.</summary>
    public IReadOnlyList<LastRequest> LastRequests { get; init => field = value ?? []; } = [];
}

/// <summary>The verdict on the whole, the status that the process exits with, and a sentence that says why.</summary>
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

/// <summary>What a profile comes to.</summary>
public enum Conformity
{
    Conformant,

    /// <summary>Every requirement of the first level holds; some recommendation does not.</summary>
    ConformantWithWarnings,

    /// <summary>Nothing is violated, but something was not decided.</summary>
    Partial,

    NonConformant,

    /// <summary>Nothing was decided at all.</summary>
    NotEvaluated,
}

/// <summary>One profile, or <c>strict</c>, which is all of them with every recommendation taken as a duty.</summary>
public sealed record ProfileResult(string Name, Conformity Conformity, int Satisfied, int Violated, int Warned, int NotEvaluated, int Requirements);

/// <summary>What all scenarios of a requirement together say about it.</summary>
public enum RequirementStatus
{
    Satisfied,
    Violated,

    /// <summary>A recommendation that is not followed.</summary>
    Warned,

    /// <summary>The dialect, or the specification itself, allows several answers; which one was seen is noted.</summary>
    LeftOpen,

    /// <summary>What was decided holds, but not everything could be.</summary>
    PartlyEvaluated,

    NotEvaluated,
    Error,
}

/// <summary>One requirement, with its words, so that a report can be read without the specification.</summary>
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

/// <summary>One scenario; of several repetitions the worst, with all their verdicts listed.</summary>
public sealed record ScenarioResult
{
    public required string Id { get; init; }
    public required string Requirement { get; init; }
    public IReadOnlyList<string> Also { get; init => field = value ?? []; } = [];
    public required Verdict Verdict { get; init; }

    /// <summary>One sentence on why.</summary>
    public required string Message { get; init; }

    /// <summary>The sentence that was checked when it failed.</summary>
    public string? Expectation { get; init; }

    public string? Expected { get; init; }
    public string? Observed { get; init; }

    /// <summary>
    /// The requirement that is violated, where it is not the scenario's own. A fail or a warning counts for it and for nothing else;
    /// any other verdict says that its violation kept the scenario from being decided.
    /// </summary>
    public string? Blames { get; init; }

    /// <summary>Which of the legal alternatives were seen.</summary>
    public IReadOnlyList<Observation> Observations { get; init => field = value ?? []; } = [];

    /// <summary>How many decisive checks were made.</summary>
    public int Checks { get; init; }

    public double DurationMs { get; init; }

    /// <summary>The pattern of the user's list by which it was expected to fail.</summary>
    public string? KnownFailing { get; init; }

    /// <summary>Every verdict in order, when it ran more than once.</summary>
    public IReadOnlyList<Verdict> Repetitions { get; init => field = value ?? []; } = [];

    /// <summary>What crossed the wire; empty where the run was told not to keep it.</summary>
    public IReadOnlyList<TranscriptLine> Transcript { get; init => field = value ?? []; } = [];

    /// <summary>Earlier lines that were left out.</summary>
    public long TranscriptDropped { get; init; }
}

public sealed record Observation(string What, string Value);

/// <summary>One thing that crossed the wire, or a note about it.</summary>
/// <param name="AtMs">Since the start of the scenario.</param>
/// <param name="Connection">The client's name in the scenario; <c>rest</c> for HTTP exchanges.</param>
/// <param name="Direction"><c>&gt;</c> sent by the suite, <c>&lt;</c> received, <c>-</c> a note.</param>
/// <param name="Kind">text, ping, close, http, handshake, note, and the like.</param>
/// <param name="Length">Bytes on the wire, also where <paramref name="Data"/> is cut.</param>
public sealed record TranscriptLine(double AtMs, string Connection, string Direction, string Kind, long Length, string Data);

/// <summary>What the run cost the target.</summary>
public sealed record TrafficResult(long Connections, long MostConnectionsAtOnce, long BytesSent, long BytesReceived);

/// <summary>camelCase members and kebab-case verdicts. Members of a newer suite are passed over.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    WriteIndented = true,
    Converters =
    [
        typeof(Kebab<Verdict>), typeof(Kebab<FindingSource>), typeof(Kebab<EndingKind>), typeof(Kebab<ConclusionKind>), typeof(Kebab<Conformity>),
        typeof(Kebab<RequirementStatus>), typeof(Kebab<DeathProof>), typeof(Kebab<RestartedBy>),
    ],
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Results))]
[JsonSerializable(typeof(TranscriptLine))]
internal sealed partial class ResultsJson : JsonSerializerContext
{
    /// <summary>Escapes no more than JSON must: most of a transcript is JSON in JSON. Whoever puts it into HTML escapes it again.</summary>
    public static ResultsJson Readable =>
        field ??= new(new JsonSerializerOptions(Default.Options!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

/// <summary>An enum value as the reports spell it: <c>NotEvaluated</c> is <c>not-evaluated</c>.</summary>
internal sealed class Kebab<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) where T : struct, Enum;
