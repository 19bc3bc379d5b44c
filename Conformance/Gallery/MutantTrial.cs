using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery;

/// <summary>What became of one mutant: what the suite said of it, and what is wrong with that.</summary>
/// <param name="Objections">One sentence each; none when it was killed by what it should be, for the reason it should, and nothing else was blamed.</param>
internal sealed record MutantTrial(Mutant Mutant, Results Results, IReadOnlyList<string> Objections)
{
    /// <summary>Puts the mutant before the suite as a user puts a server before it.</summary>
    public static async Task<MutantTrial> ExecuteAsync(
        Mutant mutant, Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options, CancellationToken cancellation)
    {
        await using var server = new SmallServer(mutant.Change(new Parts()));
        var run = new Run(catalogue, scenarios, new ProbedTarget(Target.From(server.Origin), server.Origin), options);
        var results = await run.ExecuteAsync(cancellation);
        return new(mutant, results, [.. Judge(mutant, results)]);
    }

    /// <summary>What is to be said against the suite's judgement, as a pure function of it.</summary>
    public static IEnumerable<string> Judge(Mutant mutant, Results results)
    {
        var accused = results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn).ToList();
        foreach (var kill in mutant.Kills)
        {
            var killers = accused.Where(scenario => scenario.Requirement == kill.Requirement).ToList();
            if (killers.Count == 0)
            {
                yield return $"it survives {kill.Requirement}, which should have found it out";
            }
            else if (!killers.Any(scenario => scenario.Message.Contains(kill.Because, StringComparison.Ordinal)))
            {
                yield return $"{kill.Requirement} finds it out for another reason than '{kill.Because}': {killers[0].Id}: {killers[0].Message}";
            }
        }

        foreach (var scenario in accused.Where(scenario => !mutant.Kills.Any(kill => kill.Requirement == scenario.Requirement) && !mutant.Also.Contains(scenario.Requirement)))
        {
            yield return $"{scenario.Id} blames it for what is not its fault: {scenario.Message}";
        }

        foreach (var scenario in results.Scenarios.Where(scenario => scenario.Verdict == Verdict.Error))
        {
            yield return $"{scenario.Id} erred: {scenario.Message}";
        }

        if (results.Ending.Kind != EndingKind.Completed)
        {
            yield return $"the run did not reach its end: {results.Ending.Message}";
        }
    }
}
