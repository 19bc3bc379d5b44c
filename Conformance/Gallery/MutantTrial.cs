using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Gallery;

/// <summary>The results of the suite against one mutant, and the objections to them.</summary>
/// <param name="Objections">
/// One sentence each; none when every declared requirement killed it, for the declared reason, and no other requirement was blamed.
/// </param>
internal sealed record MutantTrial(Mutant Mutant, Results Results, IReadOnlyList<string> Objections)
{
    /// <summary>The scenarios that failed or warned.</summary>
    public IEnumerable<ScenarioResult> Accused => Results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn);

    /// <summary>Runs the suite against the mutant as a user runs it against a server.</summary>
    public static async Task<MutantTrial> ExecuteAsync(
        Mutant mutant, Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options, CancellationToken cancellation)
    {
        options = mutant.Alone || mutant.Dies ? options with { Parallel = 1, SupervisorPatience = TimeSpan.Zero } : options;
        var change = mutant.Offers.Change() + mutant.Change;
        await using var server = new SmallServer(change);
        Launch? launch = mutant.Launched
            ? (settings, _) => Task.FromResult<LaunchedServer>(new InProcessServer(change, settings))
            : null;
        var run = new Run(new()
        {
            Catalogue = catalogue,
            Scenarios = scenarios,
            Probed = new ProbedTarget(mutant.Offers.TargetAt(server.Origin), server.Origin),
            Options = options,
            Launch = launch,
        });
        var results = await run.ExecuteAsync(cancellation);
        return new(mutant, results, [.. Judge(mutant, results)]);
    }

    /// <summary>The objections to these results.</summary>
    public static IEnumerable<string> Judge(Mutant mutant, Results results)
    {
        var accused = results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn).ToList();
        foreach (var objection in JudgeKills(mutant, accused))
        {
            yield return objection;
        }

        var declared = mutant.Kills.Select(kill => kill.Requirement).Concat(mutant.Also).ToHashSet(StringComparer.Ordinal);
        foreach (var scenario in accused.Where(scenario => !declared.Contains(scenario.CountsFor)))
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

        if (results.Ending.Kind != (mutant.Dies ? EndingKind.TargetDied : EndingKind.Completed))
        {
            var mistake = mutant.Dies ? "it did not die" : "the run did not reach its end";
            yield return $"{mistake}: {results.Ending.Message}";
        }
    }

    private static IEnumerable<string> JudgeKills(Mutant mutant, IReadOnlyList<ScenarioResult> accused)
    {
        foreach (var kill in mutant.Kills)
        {
            var killers = accused.Where(scenario => scenario.CountsFor == kill.Requirement).ToList();
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
}
