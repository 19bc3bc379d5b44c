using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Gallery;

/// <summary>The results of the suite against one benign server, and the objections to them.</summary>
/// <param name="Objections">One sentence each; none when no scenario found a fault.</param>
internal sealed record BenignTrial(BenignServer Server, Results Results, IReadOnlyList<string> Objections)
{
    /// <summary>Probes the server and runs the suite against it, with what its owner declares about it.</summary>
    /// <exception cref="Unreachable">The probe does not find it.</exception>
    public static async Task<BenignTrial> ExecuteAsync(
        BenignServer server, Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options, CancellationToken cancellation)
    {
        await using var inner = new SmallServer(server.Offers.Change(), server.Change);
        await using var front = server.Front?.Invoke(inner.Origin);
        var probing = server.Probing(front ?? inner);
        var probed = await Probe.ExecuteAsync(probing, cancellation: cancellation);
        options = options with { AllowLoad = server.UnderLoad, Parallel = server.Parallel ?? options.Parallel };
        var run = new Run(new()
        {
            Catalogue = catalogue,
            Scenarios = scenarios,
            Probed = probed,
            Options = options,
            Redaction = new Redaction(probing.Headers),
        });
        var results = await run.ExecuteAsync(cancellation);
        var faults = inner.Faults.Concat(front?.Faults ?? []).Select(fault => $"it made a mistake of its own: {fault}");
        return new(server, results, [.. Judge(server, scenarios, results), .. faults]);
    }

    /// <summary>The objections to these results.</summary>
    public static IEnumerable<string> Judge(BenignServer server, IReadOnlyList<Scenario> scenarios, Results results)
    {
        var launched = scenarios.Where(scenario => scenario.IsLaunched).Select(scenario => scenario.Id).ToHashSet(StringComparer.Ordinal);
        var played = results.Scenarios.Where(scenario => scenario.Verdict != Verdict.Disabled && !launched.Contains(scenario.Id)).ToList();
        foreach (var scenario in played.Where(scenario => !IsRight(server, scenario)))
        {
            yield return $"{scenario.Id} says {scenario.Verdict.ToString().ToLowerInvariant()} of it: {scenario.Message}";
        }

        var decided = played.Where(scenario => scenario.Verdict != Verdict.Unsupported);
        foreach (var scenario in decided.Where(scenario => IsUnsupported(server, scenario)))
        {
            yield return $"{scenario.Id} has something to say of it after all: {scenario.Message}";
        }

        foreach (var requirement in server.Observed.Where(requirement => played.Any(scenario => scenario.Requirement == requirement)
            && !played.Any(scenario => scenario.Requirement == requirement && scenario.Verdict == Verdict.Observed)))
        {
            yield return $"no scenario observed that it does not keep {requirement}";
        }

        if (results.Ending.Kind != EndingKind.Completed)
        {
            yield return $"the run did not reach its end: {results.Ending.Message}";
        }

        if (results.Conclusion.ExitCode != ExitCode.Conformant)
        {
            yield return $"the run ended with the exit code {results.Conclusion.ExitCode}: {results.Conclusion.Message}";
        }
    }

    private static bool IsRight(BenignServer server, ScenarioResult scenario) => scenario.Verdict switch
    {
        Verdict.Pass or Verdict.Observed => true,
        Verdict.Unsupported => IsUnsupported(server, scenario),
        _ => false,
    };

    private static bool IsUnsupported(BenignServer server, ScenarioResult scenario) =>
        server.Unsupported.ContainsKey(scenario.Id) || server.Offers.Lacks(scenario.Id);
}
