namespace PubSub.Conformance.Reports;

/// <summary>How much a scenario weighs in a report, the heaviest first.</summary>
internal enum Standing
{
    /// <summary>Fails the run: a violated duty or an error, and in a strict run a violated recommendation.</summary>
    Failed,

    /// <summary>A failure that the user announced.</summary>
    KnownFailing,

    Warned,

    /// <summary>Nothing is known about it.</summary>
    Undecided,

    Fine,
}

/// <summary>Scenarios of one verdict that all give the same reason.</summary>
internal sealed record Reason(Verdict Verdict, string Message, IReadOnlyList<ScenarioResult> Scenarios);

/// <summary>The run as all reports look at it: what failed, what is only a warning, and what nobody knows.</summary>
internal sealed class Digest
{
    private readonly Dictionary<string, RequirementResult> _requirements;
    private readonly Dictionary<string, int> _areas;
    private readonly bool _strict; // recommendations were taken as duties

    public Digest(Results results)
    {
        Results = results;
        _requirements = results.Requirements.DistinctBy(requirement => requirement.Id).ToDictionary(requirement => requirement.Id);
        _strict = results.Options.GetValueOrDefault("strict") == "true";
        _areas = results.Requirements.Select(requirement => requirement.Area)
            .Concat(results.Scenarios.Select(AreaOf))
            .Distinct().Select((area, place) => (area, place)).ToDictionary(pair => pair.area, pair => pair.place);
    }

    public Results Results { get; }

    public IEnumerable<ScenarioResult> Failures => Of(Standing.Failed);
    public IEnumerable<ScenarioResult> Known => Of(Standing.KnownFailing);
    public IEnumerable<ScenarioResult> Warnings => Of(Standing.Warned);

    /// <summary>What was not decided, by verdict and reason; the most frequent first.</summary>
    public IEnumerable<Reason> Undecided => Of(Standing.Undecided)
        .GroupBy(scenario => (scenario.Verdict, scenario.Message))
        .Select(group => new Reason(group.Key.Verdict, group.Key.Message, [.. group]))
        .OrderBy(reason => reason.Verdict).ThenByDescending(reason => reason.Scenarios.Count);

    public Standing Weigh(ScenarioResult scenario) => scenario.Verdict switch
    {
        Verdict.Error => Standing.Failed,
        Verdict.Warn when !_strict => Standing.Warned,
        Verdict.Fail or Verdict.Warn => scenario.KnownFailing is null ? Standing.Failed : Standing.KnownFailing,
        Verdict.Pass or Verdict.Observed => Standing.Fine,
        _ => Standing.Undecided,
    };

    public RequirementResult? RequirementOf(ScenarioResult scenario) => _requirements.GetValueOrDefault(scenario.Requirement);

    public string AreaOf(ScenarioResult scenario) =>
        RequirementOf(scenario)?.Area ?? (scenario.Requirement.Split('-') is [_, var area, ..] ? area : scenario.Requirement);

    /// <summary>Area by area, in the order of the specification.</summary>
    public IEnumerable<IGrouping<string, ScenarioResult>> ByArea(IEnumerable<ScenarioResult> scenarios) =>
        scenarios.GroupBy(AreaOf).OrderBy(group => _areas[group.Key]);

    public IEnumerable<(string Label, string Text)> Facts(ScenarioResult scenario) => Facts(scenario, RequirementOf(scenario));

    /// <summary>What there is to tell about one scenario, in the order in which it is told.</summary>
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
            yield return ("repetitions", Words.Counts(scenario.Repetitions));
        }

        if (scenario.KnownFailing is { } pattern)
        {
            yield return ("known", $"expected to fail by {pattern}");
        }
    }

    /// <summary>Facts as lines of fixed width: each label, and beside it its text, in its own column also where it breaks.</summary>
    public static string Lines(IEnumerable<(string Label, string Text)> facts, int indent, int cap)
    {
        const int LabelWidth = 12;
        var margin = new string(' ', indent);
        var lineBreak = $"\n{margin}{"",LabelWidth} ";
        return string.Concat(facts.Select(fact =>
            $"{margin}{fact.Label,-LabelWidth} {Visible.Text(fact.Text, cap).Replace("\n", lineBreak, StringComparison.Ordinal)}\n"));
    }

    /// <summary>"transcript: 40 lines, the last 25", and then those lines.</summary>
    public static (string Heading, IEnumerable<string> Frames) LastFrames(ScenarioResult scenario, int count, int cap)
    {
        var all = scenario.Transcript.Count + scenario.TranscriptDropped;
        var heading = Words.Count(all, "line") + (all > count ? $", the last {Math.Min(count, scenario.Transcript.Count)}" : "");
        return (heading, scenario.Transcript.TakeLast(count).Select(line => Frame(line, cap)));
    }

    private static string Frame(TranscriptLine line, int cap) =>
        $"{Words.Number(line.AtMs, 1),9} ms  {Visible.Line(line.Connection, 24),-12} {Visible.Line(line.Direction, 4)} "
        + $"{Visible.Line(line.Kind, 24),-9} {Visible.Line(line.Data, cap)}";

    private IEnumerable<ScenarioResult> Of(Standing standing) => Results.Scenarios.Where(scenario => Weigh(scenario) == standing);
}
