using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Verdicts;

/// <summary>Combines the verdicts on scenarios into a status of each requirement and profile, and into the conclusion.</summary>
public static class Rollup
{
    public const string Strict = "strict";

    /// <summary>The worst of several verdicts on one scenario, for repetitions.</summary>
    public static Verdict Worst(IEnumerable<Verdict> verdicts) => verdicts.MaxBy(Weight);

    /// <summary>
    /// The requirements that a scenario counts for. A fail or a warning that blames another requirement counts for that one; the scenario's
    /// own requirement is then not evaluated.
    /// </summary>
    public static IEnumerable<(string Requirement, Verdict Verdict)> Counts(ScenarioResult scenario) =>
        scenario.CountsFor == scenario.Requirement
            ? [(scenario.Requirement, scenario.Verdict)]
            : [(scenario.CountsFor, scenario.Verdict), (scenario.Requirement, Verdict.NotEvaluated)];

    public static RequirementStatus Status(IReadOnlyCollection<Verdict> verdicts)
    {
        if (verdicts.Contains(Verdict.Error))
        {
            return RequirementStatus.Error;
        }

        if (verdicts.Contains(Verdict.Fail))
        {
            return RequirementStatus.Violated;
        }

        if (verdicts.Contains(Verdict.Warn))
        {
            return RequirementStatus.Warned;
        }

        if (!verdicts.Any(verdict => verdict is Verdict.Pass or Verdict.Observed))
        {
            return RequirementStatus.NotEvaluated;
        }

        return verdicts switch
        {
            _ when verdicts.Any(verdict => verdict is not (Verdict.Pass or Verdict.Observed)) => RequirementStatus.PartlyEvaluated,
            _ when verdicts.Contains(Verdict.Pass) => RequirementStatus.Satisfied,
            _ => RequirementStatus.LeftOpen,
        };
    }

    /// <summary>One line for each profile that has requirements, and one for all of them taken strictly.</summary>
    /// <param name="isAccommodated">The target needs requests that differ from SPEC.md, so no profile is conformant.</param>
    public static IReadOnlyList<ProfileResult> Profiles(IReadOnlyList<RequirementResult> requirements, bool isAccommodated = false) =>
    [
        .. Enum.GetValues<Profile>()
            .Select(profile => (profile, Members: requirements.Where(requirement => requirement.Profile == profile).ToList()))
            .Where(row => row.Members.Count > 0)
            .Select(row => Profile(row.profile.ToString().ToLowerInvariant(), row.Members, strict: false))
            .Append(Profile(Strict, requirements, strict: true))
            .Select(profile => isAccommodated && profile.Conformity is (Conformity.Conformant or Conformity.ConformantWithWarnings)
                ? profile with { Conformity = Conformity.Partial }
                : profile),
    ];

    /// <summary>
    /// The conclusion of the run. An error of the suite takes precedence over a violation, a violation over an early end of the run (the
    /// message then names both), an early end over stale expectations, and these over undecided scenarios.
    /// </summary>
    /// <param name="deaths">Deaths by the probe, the clean-up or no known culprit fail no scenario, so they count separately.</param>
    public static Conclusion Conclude(
        Ending ending,
        IReadOnlyList<ScenarioResult> scenarios,
        Catalogue catalogue,
        IReadOnlyList<string> stale,
        bool strict,
        IReadOnlyList<DeathResult>? deaths = null)
    {
        deaths ??= [];
        var unexpected = scenarios.Where(scenario => scenario.KnownFailing is null).ToList();
        var errors = scenarios.Count(scenario => scenario.Verdict == Verdict.Error);
        var failures = unexpected.Count(scenario => scenario.Verdict == Verdict.Fail);
        var warnings = unexpected.Count(scenario => scenario.Verdict == Verdict.Warn);
        var undecided = unexpected.Count(scenario =>
            scenario.Verdict == Verdict.Inconclusive && catalogue.Find(scenario.Requirement) is { Binding: true });
        var decided = scenarios.Count(scenario => scenario.Verdict is Verdict.Pass or Verdict.Observed or Verdict.Warn or Verdict.Fail);
        var known = scenarios.Count(scenario => scenario is { KnownFailing: not null, Verdict: Verdict.Fail or Verdict.Warn });

        if (ending.Kind == EndingKind.Cancelled)
        {
            return new(ConclusionKind.Cancelled, ExitCode.Cancelled, "The run was cancelled before its end.");
        }

        if (errors > 0)
        {
            return new(
                ConclusionKind.Error,
                ExitCode.SuiteError,
                $"{Count(errors, "scenario")} erred: the suite itself is wrong there, not the target.");
        }

        var own = deaths.Count(death => death.Culprits.All(culprit => culprit is DeathResult.Probe or DeathResult.CleanUp));
        if (failures > 0 || own > 0 || (strict && warnings > 0))
        {
            var also = warnings > 0 && strict
                ? $", and {Count(warnings, "recommendation")} not followed, which is as bad in a strict run"
                : "";
            var died = deaths.Count == 0 ? "" : $" The target died {Times(deaths.Sum(death => death.Times))}.";
            var rest = scenarios.Count(scenario => scenario.Verdict == Verdict.NotEvaluated);
            var unfinished = ending.Kind == EndingKind.Completed ? "" : $" {Count(rest, "scenario")} not evaluated: {ending.Message}";
            var failed = failures > 0 || own == 0 ? $"{Count(failures, "scenario")} failed{also}.{died}" : died.TrimStart();
            return new(ConclusionKind.Violation, ExitCode.Violation, $"{failed}{unfinished}");
        }

        if (ending.Kind != EndingKind.Completed)
        {
            return new(ConclusionKind.NotEvaluated, ExitCode.NotEvaluated, ending.Message);
        }

        if (stale.Count > 0)
        {
            return new(ConclusionKind.Stale, ExitCode.Stale, $"{Count(stale.Count, "expectation")} went stale: {stale[0]}.");
        }

        if (undecided > 0 || decided == 0)
        {
            return new(ConclusionKind.NotEvaluated, ExitCode.NotEvaluated, decided == 0
                ? $"Nothing was decided{Unsupported(scenarios)}."
                : $"{Count(undecided, "scenario")} of binding requirements could not be decided.");
        }

        return new(ConclusionKind.Conformant, ExitCode.Conformant,
            $"Nothing that was evaluated is violated{(warnings > 0 ? $"; {Count(warnings, "scenario")} warned" : "")}"
            + $"{(known > 0 ? $"; {Count(known, "known failure")}" : "")}.");
    }

    // What the target does not claim counts for nothing, also strictly.
    private static ProfileResult Profile(string name, IReadOnlyList<RequirementResult> all, bool strict)
    {
        var members = all.Where(member => member.Status != RequirementStatus.Unsupported).ToList();
        if (members.Count == 0 && all.Count > 0)
        {
            return new(name, Conformity.Unsupported, 0, 0, 0, 0, all.Count);
        }

        int Having(params RequirementStatus[] statuses) => members.Count(member => statuses.Contains(member.Status));

        var satisfied = Having(RequirementStatus.Satisfied, RequirementStatus.LeftOpen);
        var violated = Having(RequirementStatus.Violated);
        var warned = Having(RequirementStatus.Warned);
        var open = Having(RequirementStatus.NotEvaluated, RequirementStatus.PartlyEvaluated, RequirementStatus.Error);
        var conformity = (violated, warned, open) switch
        {
            ( > 0, _, _) => Conformity.NonConformant,
            (_, > 0, _) when strict => Conformity.NonConformant,
            _ when Having(RequirementStatus.NotEvaluated, RequirementStatus.Error) == members.Count => Conformity.NotEvaluated,
            (_, _, > 0) => Conformity.Partial,
            (_, > 0, _) => Conformity.ConformantWithWarnings,
            _ => Conformity.Conformant,
        };
        return new(name, conformity, satisfied, violated, warned, open, members.Count);
    }

    /// <summary>The reason, if it is the same for all scenarios that were not left out.</summary>
    private static string Unsupported(IReadOnlyList<ScenarioResult> scenarios) =>
        scenarios.Where(scenario => scenario.Verdict != Verdict.Disabled).ToList() is { Count: > 0 } chosen
        && chosen.All(scenario => scenario.Verdict == Verdict.Unsupported)
        && chosen.Select(scenario => scenario.Message).Distinct().ToList() is [var reason]
            ? $": {reason}"
            : "";

    private static int Weight(Verdict verdict) => verdict switch
    {
        Verdict.Error => 8,
        Verdict.Fail => 7,
        Verdict.Warn => 6,
        Verdict.Inconclusive => 5,
        Verdict.NotEvaluated => 4,
        Verdict.Observed => 3,
        Verdict.Pass => 2,
        Verdict.Unsupported => 1,
        _ => 0,
    };

    private static string Times(int count) => count switch
    {
        1 => "once",
        2 => "twice",
        _ => $"{count} times",
    };

    private static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}

/// <summary>The exit codes of the process, for scripts.</summary>
public static class ExitCode
{
    public const int Conformant = 0;
    public const int Violation = 1;

    /// <summary>The command line, or a file that it names, is wrong.</summary>
    public const int Usage = 2;

    /// <summary>No server answers at the URL, or none that speaks this protocol.</summary>
    public const int Unreachable = 3;

    /// <summary>The suite itself is wrong.</summary>
    public const int SuiteError = 4;

    /// <summary>A known failure that passed, or a pattern that fits nothing.</summary>
    public const int Stale = 5;

    /// <summary>The target died, time ran out, or a binding requirement could not be decided.</summary>
    public const int NotEvaluated = 6;

    /// <summary>The shell's exit code for a process ended by Ctrl-C.</summary>
    public const int Cancelled = 130;
}
