using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>How important a scenario is in a report, the most important first.</summary>
internal enum Standing
{
    /// <summary>Fails the run: a failure or an error, and in a strict run a violated recommendation.</summary>
    Failed,

    /// <summary>A failure that the user announced.</summary>
    KnownFailing,

    Warned,

    /// <summary>Nothing is known about it.</summary>
    Undecided,

    Fine,
}

/// <summary>The view of a run that all reports share: the standing of each scenario, and the causes.</summary>
internal sealed class Digest
{
    private readonly Dictionary<string, RequirementResult> _requirements;
    private readonly Dictionary<string, int> _areas;
    private readonly bool _strict; // a violated recommendation fails the run

    public Digest(Results results)
    {
        Results = results;
        _requirements = results.Requirements.DistinctBy(requirement => requirement.Id).ToDictionary(requirement => requirement.Id);
        _strict = results.Options.GetValueOrDefault("strict") == "true";
        _areas = results.Requirements.Select(requirement => requirement.Area)
            .Concat(results.Scenarios.Select(AreaOf))
            .Distinct().Select((area, place) => (area, place)).ToDictionary(pair => pair.area, pair => pair.place);
        var causes = Cause.All(results.Scenarios, Weigh);
        Causes = Cause.Few(causes, AreaOf);
        ToFix = Cause.ToFix(causes);
    }

    public Results Results { get; }

    /// <summary>At most <see cref="Cause.Most"/> causes, the worst first.</summary>
    public IReadOnlyList<Cause> Causes { get; }

    /// <summary>What to fix first, at most <see cref="Cause.MostToFix"/>.</summary>
    public IReadOnlyList<Cause> ToFix { get; }

    public Standing Weigh(ScenarioResult scenario) => scenario.Verdict switch
    {
        Verdict.Error => Standing.Failed,
        Verdict.Warn when !_strict => Standing.Warned,
        Verdict.Fail or Verdict.Warn => scenario.KnownFailing is null ? Standing.Failed : Standing.KnownFailing,
        Verdict.Pass or Verdict.Observed => Standing.Fine,

        // Its profile says so in one line.
        Verdict.Unsupported when RequirementOf(scenario)?.Status == RequirementStatus.Unsupported => Standing.Fine,
        _ => Standing.Undecided,
    };

    public RequirementResult? RequirementOf(ScenarioResult scenario) => _requirements.GetValueOrDefault(scenario.Requirement);

    public string AreaOf(ScenarioResult scenario) =>
        RequirementOf(scenario)?.Area ?? (scenario.Requirement.Split('-') is [_, var area, ..] ? area : scenario.Requirement);

    /// <summary>Area by area, in the order of the specification.</summary>
    public IEnumerable<IGrouping<string, ScenarioResult>> ByArea(IEnumerable<ScenarioResult> scenarios) =>
        scenarios.GroupBy(AreaOf).OrderBy(group => _areas[group.Key]);

    public IEnumerable<(string Label, string Text)> Facts(ScenarioResult scenario)
    {
        var blamed = scenario.Blames is { } id && id != scenario.Requirement ? id : null;
        var broken = blamed is null ? null
            : _requirements.TryGetValue(blamed, out var requirement) ? $"{blamed}: {requirement.Text}"
            : blamed;
        return Facts(scenario, RequirementOf(scenario)).Concat(broken is null ? [] : [("broken", broken)]);
    }

    /// <summary>The facts about one scenario, in the order of the report.</summary>
    public static IEnumerable<(string Label, string Text)> Facts(ScenarioResult scenario, RequirementResult? requirement)
    {
        if (requirement is not null)
        {
            yield return ("requirement", $"{requirement.Text} ({Words.Of(requirement.Level)}, {Words.Of(requirement.Profile)})");
        }

        if (scenario.Expectation is { } expectation)
        {
            yield return ("expectation", expectation);
            yield return ("expected", scenario.Expected ?? "");
            yield return ("observed", scenario.Observed ?? "");
        }
        else
        {
            yield return ("because", scenario.Message);
        }

        foreach (var (what, value) in scenario.Observations)
        {
            yield return ("noted", $"{what}: {value}");
        }

        if (scenario.Repetitions.Count > 1)
        {
            yield return ("repetitions", $"{Words.Times(scenario).Trim()} {Words.Counts(scenario.Repetitions)}".Trim());
        }

        if (scenario.KnownFailing is { } pattern)
        {
            yield return ("known", $"expected to fail by {pattern}");
        }
    }

    /// <summary>Facts as lines: each label in a column of fixed width and its text beside it, with continuation lines indented.</summary>
    public static string Lines(IEnumerable<(string Label, string Text)> facts, int indent, int cap)
    {
        const int LabelWidth = 12;
        var margin = new string(' ', indent);
        var lineBreak = $"\n{margin}{"",LabelWidth} ";
        return string.Concat(facts.Select(fact =>
            $"{margin}{fact.Label,-LabelWidth} {Visible.Text(fact.Text, cap).Replace("\n", lineBreak, StringComparison.Ordinal)}\n"));
    }

    /// <summary>"40 lines, the first 6 and the last 19", and those lines, with a line of dots for the others.</summary>
    public static (string Heading, IEnumerable<string> Frames) Frames(ScenarioResult scenario, int count, int cap)
    {
        var lines = scenario.Transcript;
        var heading = Words.Count(lines.Count, "line");
        if (lines.Count <= count)
        {
            return (heading, lines.Select(line => Frame(line, cap)));
        }

        var first = count / 4;
        var last = count - first;
        return ($"{heading}, the first {first} and the last {last}",
        [
            .. lines.Take(first).Select(line => Frame(line, cap)),
            $"{"...",9}",
            .. lines.TakeLast(last).Select(line => Frame(line, cap)),
        ]);
    }

    private static string Frame(TranscriptLine line, int cap) =>
        $"{Words.Number(line.AtMs, 1),9} ms  {Visible.Line(line.Connection, 24),-12} {Visible.Line(line.Direction, 4)} "
        + $"{Visible.Line(line.Kind, 24),-9} {Visible.Line(line.Data, cap)}";
}
