using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Gallery;

/// <summary>What became of one mutant: what the suite said of it, and what is wrong with that.</summary>
/// <param name="Objections">
/// One sentence each; none when every declared requirement killed it, for the declared reason, and no other requirement was blamed.
/// </param>
internal sealed record MutantTrial(Mutant Mutant, Results Results, IReadOnlyList<string> Objections)
{
    /// <summary>The scenarios that hold something against it: who failed or warned, and of one that dies, who saw it.</summary>
    public IEnumerable<ScenarioResult> Accused => Results.Scenarios.Where(scenario =>
        scenario.Verdict is Verdict.Fail or Verdict.Warn || (Mutant.Dies && scenario.Id == Results.Ending.Witness));

    /// <summary>Puts the mutant before the suite as a user puts a server before it.</summary>
    public static async Task<MutantTrial> ExecuteAsync(
        Mutant mutant, Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options, CancellationToken cancellation)
    {
        options = mutant.Alone || mutant.Dies ? options with { Parallel = 1 } : options;
        await using var server = new SmallServer(mutant.Change);
        Launch? launch = mutant.Launched
            ? (settings, _) => Task.FromResult<LaunchedServer>(new InProcessServer(mutant.Change, settings))
            : null;
        var run = new Run(new()
        {
            Catalogue = catalogue,
            Scenarios = scenarios,
            Probed = new ProbedTarget(Target.From(server.Origin), server.Origin),
            Options = options,
            Launch = launch,
        });
        var results = await run.ExecuteAsync(cancellation);
        return new(mutant, results, [.. Judge(mutant, results)]);
    }

    /// <summary>What is to be said against the suite's judgement, as a pure function of it.</summary>
    public static IEnumerable<string> Judge(Mutant mutant, Results results)
    {
        var accused = results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn).ToList();
        foreach (var objection in mutant.Dies ? JudgeDeath(mutant, results) : JudgeKills(mutant, accused))
        {
            yield return objection;
        }

        var declared = mutant.Kills.Select(kill => kill.Requirement).Concat(mutant.Also).ToHashSet(StringComparer.Ordinal);
        foreach (var scenario in accused.Where(scenario => !declared.Contains(scenario.Requirement)))
        {
            yield return $"{scenario.Id} blames it for what is not its fault: {scenario.Message}";
        }

        foreach (var scenario in results.Scenarios.Where(scenario => scenario.Verdict == Verdict.Error))
        {
            yield return $"{scenario.Id} erred: {scenario.Message}";
        }

        foreach (var objection in Sentences.Objections(results.Scenarios))
        {
            yield return objection;
        }

        if (results.Ending.Kind != EndingKind.Completed && !mutant.Dies)
        {
            yield return $"the run did not reach its end: {results.Ending.Message}";
        }
    }

    private static IEnumerable<string> JudgeKills(Mutant mutant, IReadOnlyList<ScenarioResult> accused)
    {
        foreach (var kill in mutant.Kills)
        {
            var killers = accused.Where(scenario => scenario.Requirement == kill.Requirement).ToList();
            if (killers.Count == 0)
            {
                yield return $"it survives {kill.Requirement}, which should have found it out";
            }
            else if (!killers.Any(scenario => scenario.Message.Contains(kill.Because, StringComparison.Ordinal)))
            {
                var (id, message) = (killers[0].Id, killers[0].Message);
                yield return $"{kill.Requirement} finds it out for another reason than '{kill.Because}': {id}: {message}";
            }
        }
    }

    /// <summary>A death is nobody's fail: the run ends with it, and the scenario that saw it first says what it saw.</summary>
    private static IEnumerable<string> JudgeDeath(Mutant mutant, Results results)
    {
        var ending = results.Ending;
        if (ending.Kind != EndingKind.TargetDied)
        {
            yield return $"it did not die of {string.Join(" or ", mutant.Kills.Select(kill => kill.Requirement))}: {ending.Message}";
        }
        else if (results.Scenarios.FirstOrDefault(scenario => scenario.Id == ending.Witness) is not { } witness)
        {
            yield return $"nobody saw it die: {ending.Message}";
        }
        else if (!mutant.Kills.Any(kill => kill.Requirement == witness.Requirement
            && $"{ending.Message}\n{witness.Message}".Contains(kill.Because, StringComparison.Ordinal)))
        {
            yield return $"{witness.Id} saw it die of something else: {ending.Message} {witness.Message}";
        }
    }
}
