using System.Collections.Concurrent;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Gallery;

/// <summary>The options of a self-test.</summary>
internal sealed record SelfTestOptions
{
    /// <summary>Whether the server of this id is tested.</summary>
    public Predicate<string> Shows { get; init; } = _ => true;

    /// <summary>Which scenarios run. A requirement is not missed when its scenarios are left out.</summary>
    public Selection Selection { get; init; } = new();

    public int Repeat { get; init; } = 1;

    /// <summary>Servers tested at one time: while one waits, another uses the processor.</summary>
    public int AtOnce { get; init; } = 8;

    /// <summary>Runs every scenario against every mutant, also lengthy ones and those outside of the mutant's areas.</summary>
    public bool Full { get; init; }

    /// <summary>Whether all servers and all scenarios are included. Only then can a scenario be reported that kills no mutant.</summary>
    public bool IsWhole { get; init; } = true;
}

/// <summary>The result of one server.</summary>
/// <param name="Objections">One sentence for each mistake of the suite; empty if there are none.</param>
internal sealed record Showing(string Id, TimeSpan Duration, IReadOnlyList<string> Objections, Results? Results = null);

/// <summary>The result of all servers.</summary>
internal sealed record SelfTestResult(
    IReadOnlyList<Showing> Showings, IReadOnlyList<MutantTrial> Trials, IReadOnlyList<string> Objections);

/// <summary>
/// Runs the suite against every server of the collection. Mutants have to be killed for the right reason, odd but legal servers have to
/// pass, and on null targets nothing may pass.
/// </summary>
internal sealed class SelfTest(
    Collection collection,
    Catalogue catalogue,
    IReadOnlyList<Scenario> scenarios,
    SelfTestOptions options,
    IProgress<Showing>? progress = null)
{
    private const int NullTargetsAtOnce = 3;

    private readonly ConcurrentQueue<MutantTrial> _trials = [];
    private readonly ConcurrentQueue<Showing> _showings = [];

    public async Task<SelfTestResult> ExecuteAsync(CancellationToken cancellation)
    {
        for (var repetition = 0; repetition < options.Repeat; repetition++)
        {
            await ShowAsync(
                collection.Mutants.Where(mutant => options.Shows(mutant.Id))
                    .Select(mutant => new Turn(IsSlow(mutant), token => ShowAsync(mutant, token)))
                    .Concat(collection.Benign.Where(server => options.Shows(server.Id))
                        .Select(server => new Turn(true, token => ShowAsync(server, token))))
                    .Concat(collection.Strangers.Where(server => options.Shows(server.Id))
                        .Select(server => new Turn(true, token => ShowAsync(server, token)))),
                cancellation);

            // Null targets come last and few at a time: their timeouts are short, so a busy machine could hide a wrong pass.
            await Parallel.ForEachAsync(
                collection.NullTargets.Where(target => options.Shows(target.Id)),
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = Math.Min(options.AtOnce, NullTargetsAtOnce),
                    CancellationToken = cancellation,
                },
                async (target, over) => Report(await ShowAsync(target, over)));
        }

        var trials = InOrder(_trials);
        return new([.. _showings], trials, [.. Lint(trials)]);
    }

    /// <summary>Objections that need the results of all servers.</summary>
    private IEnumerable<string> Lint(IReadOnlyList<MutantTrial> trials)
    {
        if (!options.IsWhole)
        {
            yield break;
        }

        // A kill counts only if it happens in every repetition.
        var kills = trials.GroupBy(trial => trial.Mutant)
            .SelectMany(group => group.SelectMany(trial => trial.Accused.Select(scenario => scenario.Id)).CountBy(id => id)
                .Where(entry => entry.Value == group.Count()).Select(entry => entry.Key))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var scenario in scenarios.Where(scenario => !kills.Contains(scenario.Id)))
        {
            yield return $"{scenario.Id} proves nothing: it kills no mutant";
        }

        var declared = collection.Mutants.SelectMany(mutant => mutant.Kills)
            .Select(kill => kill.Requirement)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var requirement in catalogue.Requirements.Where(requirement =>
            requirement.Binding && scenarios.Any(scenario => scenario.Requirement == requirement.Id) && !declared.Contains(requirement.Id)))
        {
            yield return $"{requirement.Id} is declared to kill no mutant";
        }
    }

    /// <summary>
    /// Half of the workers prefer slow servers, whose scenarios mostly wait, and half prefer quick ones, so that the machine is neither
    /// idle nor overloaded.
    /// </summary>
    private async Task ShowAsync(IEnumerable<Turn> turns, CancellationToken cancellation)
    {
        var lanes = turns.ToLookup(turn => turn.IsSlow);
        ConcurrentQueue<Turn> slow = new(lanes[true]), quick = new(lanes[false]);
        await Task.WhenAll(Enumerable.Range(0, options.AtOnce)
            .Select(place => place % 2 == 0 ? WorkAsync(slow, quick) : WorkAsync(quick, slow)));

        async Task WorkAsync(ConcurrentQueue<Turn> first, ConcurrentQueue<Turn> second)
        {
            while (first.TryDequeue(out var turn) || second.TryDequeue(out turn))
            {
                Report(await turn.ShowAsync(cancellation));
            }
        }
    }

    private void Report(Showing showing)
    {
        progress?.Report(showing);
        _showings.Enqueue(showing with { Results = null });
    }

    private static bool IsSlow(Mutant mutant) => mutant.UnderLoad || mutant.Launched;

    private async Task<Showing> ShowAsync(Mutant mutant, CancellationToken cancellation)
    {
        var shown = options.Full ? mutant with { UnderLoad = true, Launched = true } : mutant;
        var trial = await MutantTrial.ExecuteAsync(shown, catalogue, MetBy(mutant), Options(shown.UnderLoad), cancellation);
        trial = trial with { Mutant = mutant };

        // Passed scenarios are dropped: those of ten repetitions would fill a gigabyte, and nothing reads them.
        _trials.Enqueue(trial with { Results = trial.Results with { Scenarios = [.. trial.Accused] } });
        return new(mutant.Id, TimeSpan.FromSeconds(trial.Results.DurationSeconds), trial.Objections, trial.Results);
    }

    private async Task<Showing> ShowAsync(BenignServer server, CancellationToken cancellation)
    {
        var trial = await BenignTrial.ExecuteAsync(server, catalogue, scenarios, Options(server.UnderLoad), cancellation);
        return new(server.Id, TimeSpan.FromSeconds(trial.Results.DurationSeconds), trial.Objections, trial.Results);
    }

    private async Task<Showing> ShowAsync(Stranger server, CancellationToken cancellation)
    {
        try
        {
            var trial = await StrangerTrial.ExecuteAsync(server, catalogue, scenarios, Options(underLoad: false), cancellation);
            return new(server.Id, TimeSpan.FromSeconds(trial.Results.DurationSeconds), trial.Objections, trial.Results);
        }
        catch (Unreachable unreachable)
        {
            return new(server.Id, TimeSpan.Zero, [$"the probe does not find it: {unreachable.Message}"]);
        }
    }

    private async Task<Showing> ShowAsync(NullTarget target, CancellationToken cancellation)
    {
        var clock = TimeProvider.System.GetTimestamp();
        var played = scenarios.Where(scenario => options.Selection.Includes(scenario, catalogue.Find(scenario.Requirement))).ToList();
        var sweep = await NullSweep.ExecuteAsync(target, catalogue, played, cancellation);
        return new(target.Id, TimeProvider.System.GetElapsedTime(clock), sweep.Objections);
    }

    /// <summary>
    /// The scenarios that run against a mutant. Scenarios under load, and those that launch servers, run only if the mutant is declared to
    /// break a requirement of their area; lengthy ones only if it is declared to break their requirement.
    /// </summary>
    private List<Scenario> MetBy(Mutant mutant)
    {
        var declared = mutant.Kills.Select(kill => kill.Requirement).Concat(mutant.Also).ToHashSet(StringComparer.Ordinal);
        var areas = declared.Select(requirement => requirement.Split('-')[1]).ToHashSet(StringComparer.Ordinal);
        return [.. scenarios.Where(scenario => options.Full || Meets(scenario))];

        bool Meets(Scenario scenario) => scenario switch
        {
            { IsLoad: true } or { IsLaunched: true } => areas.Contains(scenario.Area),
            _ => declared.Contains(scenario.Requirement) || !scenario.IsLengthy,
        };
    }

    private RunOptions Options(bool underLoad) => new()
    {
        Transcripts = KeptTranscripts.None,
        AllowLoad = underLoad,
        Exclusive = true,
        Selection = options.Selection,
    };

    // In the order of the collection, so that a matrix does not depend on which server was finished first.
    private List<MutantTrial> InOrder(IEnumerable<MutantTrial> trials)
    {
        var order = collection.Mutants.Select((mutant, index) => (mutant.Id, index)).ToDictionary(entry => entry.Id, entry => entry.index);
        return [.. trials.OrderBy(trial => order[trial.Mutant.Id])];
    }

    /// <summary>One server that is still to be tested.</summary>
    private sealed record Turn(bool IsSlow, Func<CancellationToken, Task<Showing>> ShowAsync);
}
