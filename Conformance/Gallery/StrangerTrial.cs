using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Gallery;

/// <summary>The results of the suite against one stranger, and the objections to them.</summary>
/// <param name="Objections">One sentence each; none when every declared verdict was given, and no other.</param>
internal sealed record StrangerTrial(Stranger Server, Results Results, IReadOnlyList<string> Objections)
{
    private static readonly TimeSpan Down = TimeSpan.FromMilliseconds(300);

    /// <summary>Probes the server and runs the scenarios, with only what <see cref="Stranger.Probing"/> declares about it.</summary>
    /// <exception cref="Unreachable">The probe does not find it.</exception>
    public static async Task<StrangerTrial> ExecuteAsync(
        Stranger server, Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options, CancellationToken cancellation)
    {
        var change = server.Offers.Change() + server.Change;
        await using var inner = new StartedServer(server.Keeper == Keeper.Supervisor ? change + Crash.Supervised(Down) : change);
        await using var front = server.Front?.Invoke(inner.Origin);
        var probing = server.Probing(front ?? inner.Now);
        var restart = server.Keeper == Keeper.Suite ? inner : null;
        options = server.Options(server.Keeper == Keeper.None ? options with { SupervisorPatience = TimeSpan.Zero } : options);
        var started = TimeProvider.System.GetUtcNow();
        var probe = new GuardedProbe((found, token) => Probe.ExecuteAsync(found, cancellation: token), restart, options.SupervisorPatience);
        var setup = new RunSetup
        {
            Catalogue = catalogue,
            Scenarios = scenarios,
            Probed = await probe.ExecuteAsync(probing, cancellation: cancellation),
            Options = options,
            Redaction = new Redaction(probing.Headers),
            Restart = restart,
            EarlierDeaths = probe.Deaths,
        };
        var results = probe.Ending is { } ending ? Run.Unbegun(setup, ending, started) : await new Run(setup).ExecuteAsync(cancellation);
        return new(server, results, [.. Judge(server, scenarios, results)]);
    }

    /// <summary>The objections to these results.</summary>
    public static IEnumerable<string> Judge(Stranger server, IReadOnlyList<Scenario> scenarios, Results results)
    {
        var launched = scenarios.Where(scenario => scenario.IsLaunched).Select(scenario => scenario.Id).ToHashSet(StringComparer.Ordinal);
        var played = results.Scenarios.Where(scenario => scenario.Verdict != Verdict.Disabled && !launched.Contains(scenario.Id)).ToList();
        var given = played.ToLookup(scenario => (scenario.Verdict, scenario.CountsFor));
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

        // Scenarios run in the order of danger. After the death only those as dangerous as the killer, or more, may stay undecided.
        var staysDead = server is { Keeper: Keeper.None, Killers.Count: > 0 };
        var dangers = scenarios.ToDictionary(scenario => scenario.Id, scenario => scenario.Danger);
        var least = server.Killers.Where(dangers.ContainsKey).Select(killer => dangers[killer]).DefaultIfEmpty().Min();
        var allowed = server.Verdicts.Select(declared => (declared.Verdict, declared.Requirement)).ToHashSet();
        foreach (var scenario in played.Where(scenario => scenario.Verdict is not (Verdict.Pass or Verdict.Observed)
            && !allowed.Contains((scenario.Verdict, scenario.CountsFor))
            && !(scenario.Verdict == Verdict.Unsupported && server.Offers.Lacks(scenario.Id))
            && !(scenario.Verdict == Verdict.NotEvaluated && staysDead && dangers[scenario.Id] >= least)))
        {
            yield return $"{scenario.Id} says {scenario.Verdict.ToString().ToLowerInvariant()}, which is not declared: {scenario.Message}";
        }

        foreach (var objection in Sentences.Objections(results.Scenarios))
        {
            yield return objection;
        }

        if (results.Ending.Kind != (staysDead ? EndingKind.TargetDied : EndingKind.Completed))
        {
            var mistake = staysDead ? "it did not die" : "the run did not reach its end";
            yield return $"{mistake}: {results.Ending.Message}";
        }

        var charged = results.Deaths.SelectMany(death => death.Culprits).ToHashSet(StringComparer.Ordinal);
        var names = played.Select(scenario => scenario.Id).Append(DeathResult.Probe).ToHashSet(StringComparer.Ordinal);
        foreach (var killer in server.Killers.Where(killer => names.Contains(killer) && !charged.Contains(killer)))
        {
            if (!staysDead)
            {
                yield return $"{killer} is not charged with its death";
            }
        }

        foreach (var innocent in charged.Except(server.Killers).Except(server.Dangers))
        {
            var death = results.Deaths.First(death => death.Culprits.Contains(innocent));
            yield return $"{innocent} is charged with its death: {death.Message}";
        }
    }
}

/// <summary>A small server that can be restarted, on another port.</summary>
internal sealed class StartedServer(Servers.Change change) : IRestart, IAsyncDisposable
{
    public SmallServer Now { get; private set; } = new(change);

    public Uri Origin => Now.Origin;

    public RestartedBy By => RestartedBy.Launcher;

    public string? Ended => Now.HasCrashed ? "its process ended with status 139" : null;

    public async Task<IReadOnlyList<Uri>?> StartAsync(CancellationToken cancellation)
    {
        await Now.DisposeAsync();
        Now = new SmallServer(change);
        return [Now.Origin];
    }

    public ValueTask DisposeAsync() => Now.DisposeAsync();
}
