using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// What the galleries prove about the suite, as it was last seen: which scenario kills which mutant, which odd servers are spared, and
/// what passes where nothing is. <c>Conformance/KILLMATRIX.json</c> is this, <c>Conformance/KILLMATRIX.md</c> its readable form.
/// </summary>
internal sealed record KillMatrix
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>SHA-256 of the requirements by which was judged, as in <c>results.json</c>.</summary>
    public required string Catalogue { get; init; }

    /// <summary>How often every server was shown.</summary>
    public required int Repetitions { get; init; }

    /// <summary>Every scenario of the suite.</summary>
    public required IReadOnlyList<string> Scenarios { get; init; }

    public required IReadOnlyList<MutantRow> Mutants { get; init; }
    public required IReadOnlyList<BenignRow> Benign { get; init; }
    public required IReadOnlyList<NullRow> NullTargets { get; init; }

    /// <summary>Scenarios that killed nothing: a law that no server was ever found to break by them.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Toothless =>
        [.. Scenarios.Except(Mutants.SelectMany(mutant => mutant.Always), StringComparer.Ordinal)];

    /// <param name="trials">Every mutant the same number of times.</param>
    public static KillMatrix From(
        IReadOnlyList<MutantTrial> trials, Collection collection, Catalogue catalogue, IReadOnlyList<Scenario> scenarios) => new()
        {
            Catalogue = Run.Identity(catalogue).Catalogue,
            Repetitions = trials.GroupBy(trial => trial.Mutant).Select(group => group.Count()).DefaultIfEmpty(0).Min(),
            Scenarios = [.. scenarios.Select(scenario => scenario.Id)],
            Mutants = [.. trials.GroupBy(trial => trial.Mutant).Select(MutantRow.From)],
            Benign = [.. collection.Benign.Select(BenignRow.Of)],
            NullTargets = [.. collection.NullTargets.Select(NullRow.Of)],
        };

    /// <summary>The same with these rows in the place of those of the same mutants, all in the order of the collection.</summary>
    public KillMatrix With(IReadOnlyList<MutantTrial> trials, Collection collection, Catalogue catalogue, IReadOnlyList<Scenario> scenarios)
    {
        var fresh = From(trials, collection, catalogue, scenarios);
        var rows = Mutants.Concat(fresh.Mutants).GroupBy(row => row.Id).ToDictionary(group => group.Key, group => group.Last(), StringComparer.Ordinal);
        return fresh with
        {
            Repetitions = Math.Min(Repetitions, fresh.Repetitions),
            Mutants = [.. collection.Mutants.Where(mutant => rows.ContainsKey(mutant.Id)).Select(mutant => rows[mutant.Id])],
        };
    }

    public static KillMatrix Parse(string json)
    {
        var matrix = JsonSerializer.Deserialize(json, KillMatrixJson.Default.KillMatrix) ?? throw new InvalidDataException("KILLMATRIX.json holds null");
        return matrix.SchemaVersion == CurrentSchemaVersion
            ? matrix
            : throw new InvalidDataException($"KILLMATRIX.json has schema version {matrix.SchemaVersion}; this suite reads {CurrentSchemaVersion}");
    }

    public string ToJson() => JsonSerializer.Serialize(this, KillMatrixJson.Readable.KillMatrix) + "\n";

    /// <summary>
    /// What the matrix says otherwise than the collection, the catalogue and the scenarios of today do; none when it is up to date. What
    /// only a run can show is not among it.
    /// </summary>
    public IEnumerable<string> Stale(
        Collection collection, Catalogue catalogue, IReadOnlyList<Scenario> scenarios)
    {
        if (Catalogue != Run.Identity(catalogue).Catalogue)
        {
            yield return "the catalogue has changed";
        }

        foreach (var difference in Differences("scenario", Scenarios, [.. scenarios.Select(scenario => scenario.Id)])
            .Concat(Differences("mutant", [.. Mutants.Select(row => row.Declaration)], [.. collection.Mutants.Select(mutant => MutantRow.Of(mutant).Declaration)]))
            .Concat(Differences("benign server", [.. Benign.Select(row => row.Declaration)], [.. collection.Benign.Select(server => BenignRow.Of(server).Declaration)]))
            .Concat(Differences("null target", [.. NullTargets.Select(row => row.Declaration)], [.. collection.NullTargets.Select(target => NullRow.Of(target).Declaration)])))
        {
            yield return difference;
        }
    }

    /// <summary>What a new run shows otherwise than the matrix has it; a scenario that failed sometimes may, and need not.</summary>
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

    private static IEnumerable<string> Differences(string what, IReadOnlyList<string> recorded, IReadOnlyList<string> today) =>
    [
        .. today.Except(recorded, StringComparer.Ordinal).Select(one => $"{what} not in the matrix: {one}"),
        .. recorded.Except(today, StringComparer.Ordinal).Select(one => $"{what} only in the matrix: {one}"),
    ];
}

/// <summary>One mutant, and who found it out.</summary>
/// <param name="Kills">By requirement, the fragment that the message has to contain.</param>
/// <param name="Also">Requirements that it may break as well.</param>
/// <param name="Always">Scenarios that failed or warned every time.</param>
/// <param name="Sometimes">Scenarios that did so at least once.</param>
internal sealed record MutantRow(
    string Id, string Fault, IReadOnlyDictionary<string, string> Kills, IReadOnlyList<string> Also, IReadOnlyList<string> Always, IReadOnlyList<string> Sometimes)
{
    /// <summary>What is declared and not measured, in one line.</summary>
    [JsonIgnore]
    public string Declaration =>
        $"{Id}: {Fault} {string.Join(", ", Kills.Select(kill => $"{kill.Key} ('{kill.Value}')"))}; also {string.Join(", ", Also)}";

    /// <summary>Requirements that at least one of the scenarios that always fail belongs to.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> AlwaysBy => RequirementsOf(Always);

    [JsonIgnore]
    public IReadOnlyList<string> SometimesBy => [.. RequirementsOf(Sometimes).Except(AlwaysBy, StringComparer.Ordinal)];

    public static MutantRow Of(Mutant mutant) => new(
        mutant.Id, mutant.Fault, mutant.Kills.GroupBy(kill => kill.Requirement).ToDictionary(group => group.Key, group => string.Join("”, “", group.Select(kill => kill.Because))), mutant.Also, [], []);

    public static MutantRow From(IEnumerable<MutantTrial> trials)
    {
        var shown = trials.ToList();
        var times = shown.SelectMany(trial => trial.Accused.Select(scenario => scenario.Id)).CountBy(id => id).ToList();
        return Of(shown[0].Mutant) with
        {
            Always = Sorted(times.Where(entry => entry.Value == shown.Count)),
            Sometimes = Sorted(times.Where(entry => entry.Value < shown.Count)),
        };

        static string[] Sorted(IEnumerable<KeyValuePair<string, int>> entries) =>
            [.. entries.Select(entry => entry.Key).Order(StringComparer.Ordinal)];
    }

    private static string[] RequirementsOf(IEnumerable<string> scenarios) => [.. scenarios.Select(id => id.Split('/')[0]).Distinct(StringComparer.Ordinal)];
}

/// <summary>One legal but odd server.</summary>
/// <param name="Unsupported">Scenarios that its oddity leaves nothing to decide, each with the reason.</param>
internal sealed record BenignRow(string Id, string Oddity, IReadOnlyDictionary<string, string> Unsupported)
{
    [JsonIgnore]
    public string Declaration => $"{Id}: {Oddity} {string.Join(", ", Unsupported.Select(one => $"{one.Key} ({one.Value})"))}";

    public static BenignRow Of(BenignServer server) => new(server.Id, server.Oddity, server.Unsupported);
}

/// <summary>One target that does nothing that it should.</summary>
/// <param name="Earns">Scenarios that it passes nevertheless, each with the reason why it may.</param>
internal sealed record NullRow(string Id, string Nature, IReadOnlyDictionary<string, string> Earns)
{
    [JsonIgnore]
    public string Declaration => $"{Id}: {Nature} {string.Join(", ", Earns.Select(one => $"{one.Key} ({one.Value})"))}";

    public static NullRow Of(NullTarget target) => new(target.Id, target.Nature, target.Earns);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(KillMatrix))]
internal sealed partial class KillMatrixJson : JsonSerializerContext
{
    /// <summary>For people and for differences in version control.</summary>
    public static KillMatrixJson Readable =>
        field ??= new(new JsonSerializerOptions(Default.Options!) { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
