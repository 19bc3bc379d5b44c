using System.Text.RegularExpressions;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>
/// Findings that one fix of the server would probably resolve: those of one requirement, of requirements whose scenarios quote the same
/// answer of the server, or of one reason why nothing was decided.
/// </summary>
/// <param name="Scenarios">The most important first; never empty.</param>
/// <param name="Holds">The scenarios that it keeps undecided.</param>
internal sealed partial record Cause(Standing Standing, IReadOnlyList<ScenarioResult> Scenarios, IReadOnlyList<ScenarioResult> Holds)
{
    /// <summary>More causes than this are merged by area, the least important first.</summary>
    public const int Most = 12;

    /// <summary>The length of the list of what to fix first.</summary>
    public const int MostToFix = 10;

    private const int ShownRequirements = 4;
    private const int LongMessage = 160; // characters

    /// <summary>A reason without a requirement that keeps this many scenarios undecided is fixed before single violations.</summary>
    private const int ManyUndecided = 5;

    /// <summary>How many of the most frequent reasons of undecided scenarios are never merged.</summary>
    private const int LargestReasons = 2;

    /// <summary>The scenario whose message represents the cause.</summary>
    public ScenarioResult Worst => Scenarios[0];

    /// <summary>The broken requirements, or the one that keeps these scenarios undecided; empty if none is known to be broken.</summary>
    public IReadOnlyList<string> Requirements { get; } =
    [
        .. Scenarios.Select(scenario => scenario.Blames ?? (Standing == Standing.Undecided ? null : scenario.Requirement))
            .OfType<string>()
            .Distinct(),
    ];

    public bool Kills => Standing == Standing.Failed && Requirements.Contains(DeathResult.Requirement);

    public bool Loses => Standing == Standing.Failed
        && Scenarios.Any(scenario => scenario.Observed?.Contains("; lost [", StringComparison.Ordinal) == true);

    /// <summary>Several causes merged because there are too many.</summary>
    public bool IsMixed { get; private init; }

    /// <summary>The requirements, a long list cut; empty if none is known to be broken.</summary>
    public string Title
    {
        get
        {
            var shown = string.Join(", ", Requirements.Take(ShownRequirements));
            var list = Requirements.Count <= ShownRequirements ? shown : $"{shown} and {Requirements.Count - ShownRequirements} more";
            return !IsMixed ? list : list.Length == 0 ? "several reasons" : $"several requirements: {list}";
        }
    }

    /// <summary>"7 scenarios, keeps 12 others undecided".</summary>
    public string Extent => Words.Count(Scenarios.Count, "scenario")
        + (Holds.Count == 0 ? "" : $", keeps {Words.Count(Holds.Count, "other", "others")} undecided");

    /// <summary>
    /// The message of the worst scenario, and how many of its repetitions had that verdict. A long message is reduced to the expectation
    /// and the observation.
    /// </summary>
    public string Message =>
        (Worst is { Expectation: { } expectation, Observed: { } observed } && Worst.Message.Length > LongMessage
            ? $"{expectation}; seen: {Gist(observed)}"
            : Worst.Message)
        + Words.Times(Worst);

    /// <summary>What to fix, in one line: the requirement, the number of scenarios, and the message.</summary>
    public string Advice
    {
        get
        {
            var what = Requirements.Count switch
            {
                0 => $"{Words.Count(Scenarios.Count, "scenario")} undecided",
                1 => Requirements[0],
                var several => $"{Requirements[0]} and {several - 1} more",
            };
            var extent = Requirements.Count == 0 || (Scenarios.Count == 1 && Holds.Count == 0) ? "" : $" ({Extent})";
            return $"{what}{extent}: {Message}";
        }
    }

    /// <summary>At most <see cref="Most"/> causes, the worst first.</summary>
    public static IReadOnlyList<Cause> Few(IReadOnlyList<Cause> all, Func<ScenarioResult, string> area)
    {
        var causes = all.ToList();
        Merge(Standing.Warned, 0, cause => area(cause.Worst));
        Merge(Standing.Undecided, LargestReasons, cause => Words.Of(cause.Worst.Verdict));
        Merge(Standing.KnownFailing, 0, _ => "");
        Merge(Standing.Warned, 0, _ => "");
        Merge(Standing.Failed, Room() / 2, cause => area(cause.Worst));
        Merge(Standing.Failed, Room() - 1, _ => "");
        return causes;

        int Room() => Most - causes.Count(cause => cause.Standing != Standing.Failed);

        void Merge(Standing standing, int kept, Func<Cause, string> key)
        {
            if (causes.Count > Most)
            {
                var equal = causes.Where(cause => cause.Standing == standing).ToList();
                var others = causes.Where(cause => cause.Standing != standing);
                var groups = equal.Skip(kept).GroupBy(key).Select(group => Merged([.. group]));
                causes = Sorted([.. others, .. equal.Take(kept), .. groups]);
            }
        }
    }

    /// <summary>
    /// At most <see cref="MostToFix"/> causes: first those that keep most scenarios undecided, then failures (deaths and lost messages
    /// first), then recommendations.
    /// </summary>
    public static IReadOnlyList<Cause> ToFix(IEnumerable<Cause> all) =>
    [
        .. all.Where(cause => cause.Standing is Standing.Failed or Standing.Warned || cause.Unlocks > 0)
            .Where(cause => cause.Worst.Verdict != Verdict.Error)
            .OrderByDescending(cause => cause.Unlocks).ThenBy(cause => cause.Standing)
            .ThenByDescending(cause => cause.Kills).ThenByDescending(cause => cause.Loses).ThenByDescending(cause => cause.Scenarios.Count)
            .Take(MostToFix),
    ];

    /// <summary>Every cause on its own, the worst first.</summary>
    public static IReadOnlyList<Cause> All(IEnumerable<ScenarioResult> scenarios, Func<ScenarioResult, Standing> weigh)
    {
        var found = scenarios.Select(scenario => (Scenario: scenario, Standing: weigh(scenario)))
            .Where(one => one.Standing != Standing.Fine)
            .ToList();
        var accused = found.Where(one => one.Standing != Standing.Undecided).ToList();

        // Requirements are linked by the answers that their scenarios quote.
        var links = new Links();
        foreach (var (scenario, standing) in accused)
        {
            var shared = Answer(scenario) is { } answer && standing != Standing.KnownFailing ? $"answer {answer}" : null;
            links.Join(Broken(scenario, standing), shared);
        }

        var groups = accused.GroupBy(one => links.Find(Broken(one.Scenario, one.Standing))).ToDictionary(group => group.Key);
        var undecided = found.Where(one => one.Standing == Standing.Undecided)
            .ToLookup(one => Reason(one.Scenario, links, groups.ContainsKey), one => one.Scenario);
        var causes = groups.Select(group => new Cause(
            group.Value.Min(one => one.Standing),
            [
                .. group.Value.OrderBy(one => one.Standing)
                    .ThenByDescending(one => one.Scenario.Observed?.Contains("; lost [", StringComparison.Ordinal) == true)
                    .Select(one => one.Scenario),
            ],
            [.. undecided[group.Key]]));
        var reasons = undecided.Where(reason => !groups.ContainsKey(reason.Key))
            .Select(reason => new Cause(Standing.Undecided, [.. reason], []));
        return Sorted([.. causes, .. reasons]);
    }

    private int Unlocks => Standing switch
    {
        Standing.Failed => Holds.Count,
        Standing.Warned when Holds.Count >= ManyUndecided => Holds.Count,
        Standing.Undecided when Worst.Verdict == Verdict.Inconclusive && Scenarios.Count >= ManyUndecided => Scenarios.Count,
        _ => 0,
    };

    /// <summary>
    /// The worst first: by standing, then errors of the suite, causes that keep most scenarios undecided, deaths, lost messages, and the
    /// number of scenarios.
    /// </summary>
    private static List<Cause> Sorted(IEnumerable<Cause> causes) =>
    [
        .. causes.OrderBy(cause => cause.Standing)
            .ThenByDescending(cause => cause.Worst.Verdict == Verdict.Error)
            .ThenBy(cause => cause.Standing == Standing.Undecided && cause.Worst.Verdict != Verdict.Inconclusive)
            .ThenBy(cause => cause.IsMixed)
            .ThenByDescending(cause => cause.Holds.Count)
            .ThenByDescending(cause => cause.Kills)
            .ThenByDescending(cause => cause.Loses)
            .ThenByDescending(cause => cause.Scenarios.Count),
    ];

    private static Cause Merged(IReadOnlyList<Cause> causes) => causes.Count == 1 ? causes[0] : new(
        causes[0].Standing, [.. causes.SelectMany(cause => cause.Scenarios)], [.. causes.SelectMany(cause => cause.Holds)])
    {
        IsMixed = true,
    };

    /// <summary>The key of the cause: the broken requirement, or one of its own for known failures and for errors of the suite.</summary>
    private static string Broken(ScenarioResult scenario, Standing standing) => standing switch
    {
        Standing.KnownFailing => $"known {scenario.KnownFailing}",
        _ when scenario.Verdict == Verdict.Error => $"error {Alike(scenario.Message.Split('\n')[0])}",
        _ => scenario.Blames ?? scenario.Requirement,
    };

    private static string Reason(ScenarioResult scenario, Links links, Func<string, bool> isAccused)
    {
        if (scenario.Blames is { } blamed)
        {
            return links.Find(blamed);
        }

        if (scenario.Verdict == Verdict.Inconclusive
            && Answer(scenario) is { } answer
            && links.Find($"answer {answer}") is var same
            && isAccused(same))
        {
            return same;
        }

        return $"{Words.Of(scenario.Verdict)} {Alike(scenario.Message.Split(". ")[0])}";
    }

    /// <summary>
    /// The answer of the server, if it helps to tell causes apart: the sentence of an error, or the code and reason of a Close. Null for
    /// silence, acks, and everything else that many different faults have in common.
    /// </summary>
    private static string? Answer(ScenarioResult scenario)
    {
        var text = scenario.Observed ?? scenario.Message;
        if (CloseFrame().Match(text) is { Success: true } close)
        {
            return close.Value;
        }

        return SaidInError().Match(OtherMessages().Replace(text, "")) is { Success: true } said ? Alike(said.Groups[1].Value) : null;
    }

    /// <summary>Only the difference of two lists; for anything else, the text without the other messages that arrived.</summary>
    private static string Gist(string observed) =>
        Difference().Match(observed) is { Success: true } found ? found.Groups[1].Value : OtherMessages().Replace(observed, "");

    /// <summary>A text without what differs between scenarios: names of topics, ids, numbers, quoted words.</summary>
    private static string Alike(string text) => Particular().Replace(text, "#");

    [GeneratedRegex(@"\bclose frame (?!1000|1001|1005|1006)\d{4} '[^']*'")]
    private static partial Regex CloseFrame();

    [GeneratedRegex(
        """(?:"type":"error".*"message"|"type":"error".*"error"|"detail"|^[45]\d\d .*"(?:error|message)"):"([^"]* [^"]*)""" + "\"")]
    private static partial Regex SaidInError();

    [GeneratedRegex(@"^\[.*?; ((?:lost|duplicated|unexpected|out of order) .*)", RegexOptions.Singleline)]
    private static partial Regex Difference();

    [GeneratedRegex(@"; \d+ other message\(s\) arrived.*", RegexOptions.Singleline)]
    private static partial Regex OtherMessages();

    [GeneratedRegex("""conformance-[0-9a-f]{8}-[^\s"',;]*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|"[^"]*"|'[^']*'|\d+""")]
    private static partial Regex Particular();

    /// <summary>Groups of keys that belong together, directly or through others (union-find).</summary>
    private sealed class Links
    {
        private readonly Dictionary<string, string> _next = [];

        public string Find(string key)
        {
            while (_next.TryGetValue(key, out var next) && next != key)
            {
                key = next;
            }

            return key;
        }

        public void Join(string key, string? other)
        {
            _next.TryAdd(key, key);
            if (other is not null)
            {
                _next[Find(other)] = Find(key);
            }
        }
    }
}
