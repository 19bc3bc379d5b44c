using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// The recorded results of the self-test, one row for each server as it was last tested: which scenarios kill which mutant, which odd
/// servers pass, and what passes on null targets. <c>Conformance/KILLMATRIX.json</c> holds it, and
/// <c>Conformance/KILLMATRIX.md</c> sums it up.
/// </summary>
/// <remarks>
/// A self-test replaces the rows of the servers that it has tested, and no others. Each row holds the results of one self-test:
/// <list type="bullet">
/// <item>A mutant's row holds a hash of each requirement that the mutant is declared to break. A requirement that has changed makes those
/// rows stale, and no others.</item>
/// <item>A scenario is in the matrix when it kills the mutant of at least one row every time. So a new scenario needs one self-test of one
/// mutant that it kills.</item>
/// <item>A row says nothing about how later scenarios judge its server. For that, <c>ci/selftest</c> tests all servers.</item>
/// </list>
/// </remarks>
internal sealed record KillMatrix
{
    public const int CurrentSchemaVersion = 2;

    /// <summary>With fewer repetitions, the verdicts on a server may be chance.</summary>
    public const int EnoughRepetitions = 10;

    private const int ShownIds = 5;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required IReadOnlyList<MutantRow> Mutants { get; init; }
    public required IReadOnlyList<OtherRow> Benign { get; init; }
    public IReadOnlyList<OtherRow> Strangers { get; init => field = value ?? []; } = [];
    public required IReadOnlyList<OtherRow> NullTargets { get; init; }

    public static KillMatrix Empty { get; } = new() { Mutants = [], Benign = [], NullTargets = [] };

    /// <summary>Objections to the rows alone: servers with too few repetitions, and <see cref="Mistakes"/>.</summary>
    [JsonIgnore]
    public IEnumerable<string> Weaknesses =>
    [
        .. Rows.Where(row => row.Repetitions < EnoughRepetitions).GroupBy(row => row.Repetitions).OrderBy(group => group.Key)
            .Select(group => $"shown only {group.Key} of {EnoughRepetitions} times: {Some([.. group.Select(row => row.Id)])}"),
        .. Mistakes,
    ];

    /// <summary>Servers that were judged wrongly at least once.</summary>
    [JsonIgnore]
    public IEnumerable<string> Mistakes =>
    [
        .. Rows.Where(row => row.Misjudged > 0)
            .Select(row => $"{row.Id} was judged wrongly, {row.Misjudged} times out of {row.Repetitions}"),
        .. Mutants.SelectMany(row => row.Survived.Select(requirement => $"{row.Id} survived {requirement}")),
    ];

    [JsonIgnore]
    public IEnumerable<MatrixRow> Rows => [.. Mutants, .. Benign, .. Strangers, .. NullTargets];

    /// <summary>The same with new rows for the servers that were tested, and without rows of servers that are gone.</summary>
    public KillMatrix With(SelfTestResult shown, Collection collection, Catalogue catalogue)
    {
        var showings = shown.Showings.GroupBy(showing => showing.Id).ToDictionary(group => group.Key, group => group.ToList());
        var trials = shown.Trials.ToLookup(trial => trial.Mutant.Id);
        return new()
        {
            Mutants = Merge(
                Mutants, collection.Mutants, mutant => mutant.Id, mutant => MutantRow.Of(mutant, catalogue).Shown(trials[mutant.Id])),
            Benign = Merge(Benign, collection.Benign, server => server.Id, OtherRow.Of),
            Strangers = Merge(Strangers, collection.Strangers, server => server.Id, OtherRow.Of),
            NullTargets = Merge(NullTargets, collection.NullTargets, target => target.Id, OtherRow.Of),
        };

        IReadOnlyList<TRow> Merge<TRow, TServer>(
            IReadOnlyList<TRow> rows, IReadOnlyList<TServer> servers, Func<TServer, string> idOf, Func<TServer, TRow> rowOf)
            where TRow : MatrixRow =>
            [
                .. servers.Select(server => showings.TryGetValue(idOf(server), out var times)
                    ? rowOf(server) with { Repetitions = times.Count, Misjudged = times.Count(showing => showing.Objections.Count > 0) }
                    : rows.FirstOrDefault(row => row.Id == idOf(server))).OfType<TRow>(),
            ];
    }

    public static KillMatrix Parse(string json)
    {
        var matrix = JsonSerializer.Deserialize(json, KillMatrixJson.Default.KillMatrix)
            ?? throw new InvalidDataException("KILLMATRIX.json holds null");
        return matrix.SchemaVersion == CurrentSchemaVersion
            ? matrix
            : throw new InvalidDataException(
                $"KILLMATRIX.json has schema version {matrix.SchemaVersion}; this suite reads {CurrentSchemaVersion}");
    }

    /// <summary>One line for each row, so that a diff in version control shows the servers that changed.</summary>
    public string ToJson()
    {
        return $$"""
            {
            "schemaVersion": {{SchemaVersion}},
            "mutants": [
            {{Lines(Mutants)}}
            ],
            "benign": [
            {{Lines(Benign)}}
            ],
            "strangers": [
            {{Lines(Strangers)}}
            ],
            "nullTargets": [
            {{Lines(NullTargets)}}
            ]
            }

            """;

        static string Lines(IEnumerable<MatrixRow> rows) => string.Join(",\n", rows.Select(Line));
    }

    /// <summary>Ids of the rows that differ between the two matrices, or are in one of them only.</summary>
    public IReadOnlyList<string> Changed(KillMatrix other)
    {
        var lines = Rows.Select(row => (row.Id, Line(row))).ToHashSet();
        lines.SymmetricExceptWith(other.Rows.Select(row => (row.Id, Line(row))));
        return [.. lines.Select(row => row.Id).Distinct()];
    }

    /// <summary>
    /// How the matrix differs from the present collection, catalogue and scenarios; empty when it is up to date. Differences that only a
    /// self-test can find are not included.
    /// </summary>
    public IEnumerable<string> Stale(Collection collection, Catalogue catalogue, IReadOnlyList<Scenario> scenarios)
    {
        var today = Empty with
        {
            Mutants = [.. collection.Mutants.Select(mutant => MutantRow.Of(mutant, catalogue))],
            Benign = [.. collection.Benign.Select(OtherRow.Of)],
            Strangers = [.. collection.Strangers.Select(OtherRow.Of)],
            NullTargets = [.. collection.NullTargets.Select(OtherRow.Of)],
        };
        var known = scenarios.Select(scenario => scenario.Id).ToList();
        return
        [
            .. Differences("mutant", Mutants, today.Mutants),
            .. Differences("benign server", Benign, today.Benign),
            .. Differences("stranger", Strangers, today.Strangers),
            .. Differences("null target", NullTargets, today.NullTargets),
            .. known.Except(Mutants.SelectMany(row => row.Always)).Select(id => $"scenario not in the matrix: {id} kills no mutant"),
            .. Mutants.SelectMany(row => row.Always.Concat(row.Sometimes).Except(known)
                .Select(id => $"scenario only in the matrix: {id}, shown to {row.Id}")),
            .. Mutants.SelectMany(row => row.Changed(catalogue), (row, requirement) => (row.Id, Requirement: requirement))
                .GroupBy(change => change.Requirement, change => change.Id)
                .Select(change => $"{change.Key} has changed since it was shown {string.Join(", ", change)}"),
        ];
    }

    /// <summary>How new results differ from the matrix; a scenario that failed only sometimes may fail or pass.</summary>
    public IEnumerable<string> Differences(IEnumerable<MutantTrial> trials)
    {
        var rows = Mutants.ToDictionary(row => row.Id, StringComparer.Ordinal);
        foreach (var trial in trials.Where(trial => rows.ContainsKey(trial.Mutant.Id)))
        {
            var accused = trial.Accused.Select(scenario => scenario.Requirement).ToHashSet(StringComparer.Ordinal);
            foreach (var missing in rows[trial.Mutant.Id].AlwaysBy.Where(requirement => !accused.Contains(requirement)))
            {
                yield return $"{trial.Mutant.Id}: {missing} always found it out, but not now";
            }
        }
    }

    private static string Some(IReadOnlyList<string> ids) =>
        ids.Count <= ShownIds ? string.Join(", ", ids) : $"{string.Join(", ", ids.Take(ShownIds))} and {ids.Count - ShownIds} more";

    private static string Line(MatrixRow row) => row is MutantRow mutant
        ? JsonSerializer.Serialize(mutant, KillMatrixJson.OneLine.MutantRow)
        : JsonSerializer.Serialize((OtherRow)row, KillMatrixJson.OneLine.OtherRow);

    private static IEnumerable<string> Differences(string what, IEnumerable<MatrixRow> recorded, IEnumerable<MatrixRow> today)
    {
        List<string> before = [.. recorded.Select(row => row.Declaration)], now = [.. today.Select(row => row.Declaration)];
        return
        [
            .. now.Except(before, StringComparer.Ordinal).Select(one => $"{what} not in the matrix: {one}"),
            .. before.Except(now, StringComparer.Ordinal).Select(one => $"{what} only in the matrix: {one}"),
        ];
    }
}

/// <summary>One server, as it was last tested.</summary>
internal abstract record MatrixRow([property: JsonPropertyOrder(-2)] string Id)
{
    /// <summary>How often it was tested then.</summary>
    [JsonPropertyOrder(-1)]
    public int Repetitions { get; init; }

    /// <summary>In how many of these repetitions the suite judged it wrongly.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Misjudged { get; init; }

    /// <summary>The declared, not measured, part of the row in one line.</summary>
    [JsonIgnore]
    public abstract string Declaration { get; }
}

/// <summary>One mutant, and the scenarios that killed it.</summary>
/// <param name="Kills">By requirement, the fragments that its message has to contain.</param>
/// <param name="Requirements">The requirements that it is declared to break, each with its hash; those that have to kill it first.</param>
/// <param name="Always">Scenarios that failed or warned every time.</param>
/// <param name="Sometimes">Scenarios that did so at least once.</param>
internal sealed record MutantRow(
    string Id,
    string Fault,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Kills,
    IReadOnlyDictionary<string, string> Requirements,
    IReadOnlyList<string> Always,
    IReadOnlyList<string> Sometimes) : MatrixRow(Id)
{
    private const int HashDigits = 12;

    [JsonIgnore]
    public override string Declaration =>
        $"{Id}: {Fault} {string.Join(", ", Kills.Select(kill => $"{kill.Key} ('{string.Join("', '", kill.Value)}')"))}; "
        + $"also {string.Join(", ", Requirements.Keys.Except(Kills.Keys))}";

    /// <summary>Requirements that scenarios of other requirements found violated every time; null when there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Charged { get; init; }

    /// <summary>Requirements that the mutant was always found to break.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> AlwaysBy =>
        [.. Always.Select(id => id.Split('/')[0]).Concat(Charged ?? []).Distinct(StringComparer.Ordinal)];

    /// <summary>Requirements that had to kill it and did not, or not every time.</summary>
    [JsonIgnore]
    public IEnumerable<string> Survived => Kills.Keys.Except(AlwaysBy, StringComparer.Ordinal);

    /// <summary>The requirements whose text has changed since the mutant was tested.</summary>
    public IEnumerable<string> Changed(Catalogue catalogue) =>
        Requirements.Where(requirement => requirement.Value != HashOf(catalogue, requirement.Key)).Select(requirement => requirement.Key);

    /// <summary>The row of a mutant that has not been tested: only what is declared.</summary>
    public static MutantRow Of(Mutant mutant, Catalogue catalogue)
    {
        var kills = mutant.Kills.GroupBy(kill => kill.Requirement)
            .ToDictionary(group => group.Key, IReadOnlyList<string> (group) => [.. group.Select(kill => kill.Because)]);
        var requirements = kills.Keys.Union(mutant.Also).ToDictionary(id => id, id => HashOf(catalogue, id));
        return new(mutant.Id, mutant.Fault, kills, requirements, [], []);
    }

    /// <summary>The same with the results of these trials, all of its mutant.</summary>
    public MutantRow Shown(IEnumerable<MutantTrial> trials)
    {
        var shown = trials.ToList();
        var times = shown.SelectMany(trial => trial.Accused.Select(scenario => scenario.Id)).CountBy(id => id).ToList();
        var charged = Sorted(shown.SelectMany(Charges).CountBy(id => id).Where(entry => entry.Value == shown.Count));
        return this with
        {
            Always = Sorted(times.Where(entry => entry.Value == shown.Count)),
            Sometimes = Sorted(times.Where(entry => entry.Value < shown.Count)),
            Charged = charged.Length > 0 ? charged : null,
        };

        static IEnumerable<string> Charges(MutantTrial trial) =>
            trial.Accused.Where(scenario => scenario.CountsFor != scenario.Requirement).Select(scenario => scenario.CountsFor)
                .Distinct(StringComparer.Ordinal);

        static string[] Sorted(IEnumerable<KeyValuePair<string, int>> entries) =>
            [.. entries.Select(entry => entry.Key).Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// The first digits of the SHA-256 of a requirement's id, sentence, level, profile and testability. Empty when there is no such
    /// requirement.
    /// </summary>
    private static string HashOf(Catalogue catalogue, string requirement) => catalogue.Find(requirement) is { } found
        ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{found.Id}\n{found.Text}\n{found.Level}\n{found.Profile}\n{found.Testability}")))[..HashDigits]
        : "";
}

/// <summary>
/// One server that is not a mutant: an odd but legal server, on which everything passes; a stranger, with its exact verdicts; or a null
/// target, on which nothing may pass.
/// </summary>
/// <param name="Nature">What is odd about it, or what it does.</param>
/// <param name="Excused">
/// What is declared, each with its reason: scenarios that do not apply to an odd server, or pass on a null target; verdicts on a stranger.
/// </param>
internal sealed record OtherRow(string Id, string Nature, IReadOnlyDictionary<string, string> Excused) : MatrixRow(Id)
{
    [JsonIgnore]
    public override string Declaration => $"{Id}: {Nature} {string.Join(", ", Excused.Select(one => $"{one.Key} ({one.Value})"))}";

    public static OtherRow Of(BenignServer server) => new(server.Id, server.Oddity, server.Unsupported);

    public static OtherRow Of(Stranger server) => new(
        server.Id,
        server.Habits,
        server.Verdicts.GroupBy(declared => $"{declared}")
            .ToDictionary(group => group.Key, group => string.Join("; ", group.Select(one => one.Because))));

    public static OtherRow Of(NullTarget target) => new(target.Id, target.Nature, target.Earns);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(KillMatrix))]
internal sealed partial class KillMatrixJson : JsonSerializerContext
{
    /// <summary>Without line breaks and needless escapes, for readers and for diffs in version control.</summary>
    public static KillMatrixJson OneLine =>
        field ??= new(new JsonSerializerOptions(Default.Options!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
