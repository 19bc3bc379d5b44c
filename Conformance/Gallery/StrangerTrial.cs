using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Gallery;

/// <summary>What the suite said of one stranger, and what is wrong with that.</summary>
/// <param name="Objections">One sentence each; none when every declared verdict was given, and no other.</param>
internal sealed record StrangerTrial(Stranger Server, Results Results, IReadOnlyList<string> Objections)
{
    /// <summary>Probes the server and runs the scenarios, as a user does who knows nothing about it.</summary>
    /// <exception cref="Unreachable">The probe does not find it.</exception>
    public static async Task<StrangerTrial> ExecuteAsync(
        Stranger server, Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options, CancellationToken cancellation)
    {
        await using var inner = new SmallServer(server.Change);
        await using var front = server.Front?.Invoke(inner.Origin);
        var probing = server.Probing(front ?? inner);
        var run = new Run(new()
        {
            Catalogue = catalogue,
            Scenarios = scenarios,
            Probed = await Probe.ExecuteAsync(probing, cancellation: cancellation),
            Options = server.Options(options),
            Redaction = new Redaction(probing.Headers),
        });
        var results = await run.ExecuteAsync(cancellation);
        return new(server, results, [.. Judge(server, scenarios, results)]);
    }

    /// <summary>The objections to the suite's verdict, as a pure function of it.</summary>
    public static IEnumerable<string> Judge(Stranger server, IReadOnlyList<Scenario> scenarios, Results results)
    {
        var launched = scenarios.Where(scenario => scenario.IsLaunched).Select(scenario => scenario.Id).ToHashSet(StringComparer.Ordinal);
        var played = results.Scenarios.Where(scenario => scenario.Verdict != Verdict.Disabled && !launched.Contains(scenario.Id)).ToList();
        var given = played.ToLookup(scenario => (scenario.Verdict, scenario.Requirement));
        foreach (var declared in server.Verdicts)
        {
            var found = given[(declared.Verdict, declared.Requirement)].ToList();
            if (found.Count == 0)
            {
                if (played.Any(scenario => scenario.Requirement == declared.Requirement))
                {
                    yield return $"no scenario gives the declared verdict: {declared}";
                }
            }
            else if (!found.Any(scenario => scenario.Message.Contains(declared.Because, StringComparison.Ordinal)))
            {
                yield return $"{declared} has another reason than '{declared.Because}': {found[0].Id}: {found[0].Message}";
            }
        }

        var allowed = server.Verdicts.Select(declared => (declared.Verdict, declared.Requirement)).ToHashSet();
        foreach (var scenario in played.Where(scenario => scenario.Verdict is not (Verdict.Pass or Verdict.Observed)
            && !allowed.Contains((scenario.Verdict, scenario.Requirement))))
        {
            yield return $"{scenario.Id} says {scenario.Verdict.ToString().ToLowerInvariant()}, which is not declared: {scenario.Message}";
        }

        foreach (var objection in Sentences.Objections(results.Scenarios))
        {
            yield return objection;
        }

        if (results.Ending.Kind != EndingKind.Completed)
        {
            yield return $"the run did not reach its end: {results.Ending.Message}";
        }
    }
}
