using System.Collections.Concurrent;

namespace PubSub.Conformance.Gallery;

/// <summary>How a self-test is to be done.</summary>
internal sealed record SelfTestOptions
{
    /// <summary>Whether a server of this id is shown.</summary>
    public Predicate<string> Shows { get; init; } = _ => true;

    /// <summary>Which scenarios are played; those that no pattern names are not missed.</summary>
    public Selection Selection { get; init; } = new();

    public int Repeat { get; init; } = 1;

    /// <summary>Servers at one time: what one waits for, another has the machine for.</summary>
    public int AtOnce { get; init; } = 8;

    /// <summary>Every mutant meets every scenario, however long it takes and whatever the mutant declares.</summary>
    public bool Full { get; init; }

    /// <summary>Everything is shown to everything: only then can be said what no server is killed by.</summary>
    public bool IsWhole { get; init; } = true;
}

/// <summary>One server has been shown.</summary>
/// <param name="Objections">One sentence each on what the suite got wrong; none is as it should be.</param>
internal sealed record Showing(string Id, TimeSpan Duration, IReadOnlyList<string> Objections, Results? Results = null);

/// <summary>All servers have been shown.</summary>
internal sealed record SelfTestResult(IReadOnlyList<Showing> Showings, IReadOnlyList<MutantTrial> Trials, IReadOnlyList<string> Objections);

/// <summary>
/// Shows the suite every server of the collection: the wrong ones have to be found out for the right reason, the odd ones have to be
/// spared, and on those that do nothing, nothing may pass.
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
                collection.Mutants.Where(mutant => options.Shows(mutant.Id)).Select(mutant => new Turn(IsSlow(mutant), token => ShowAsync(mutant, token)))
                    .Concat(collection.Benign.Where(server => options.Shows(server.Id)).Select(server => new Turn(true, token => ShowAsync(server, token))))
                    .Concat(collection.Strangers.Where(server => options.Shows(server.Id)).Select(server => new Turn(true, token => ShowAsync(server, token)))),
                cancellation);

            // Waits are short there, and a machine that is busy elsewhere must not be why nothing passes; a few of them leave it idle.
            await Parallel.ForEachAsync(
                collection.NullTargets.Where(target => options.Shows(target.Id)),
                new ParallelOptions { MaxDegreeOfParallelism = Math.Min(options.AtOnce, NullTargetsAtOnce), CancellationToken = cancellation },
                async (target, over) => Report(await ShowAsync(target, over)));
        }

        var trials = InOrder(_trials);
        return new([.. _showings], trials, [.. Lint(trials)]);
    }

    /// <summary>What no single showing can tell.</summary>
    private IEnumerable<string> Lint(IReadOnlyList<MutantTrial> trials)
    {
        if (!options.IsWhole)
        {
            yield break;
        }

        // Killed once out of several times is no proof.
        var kills = trials.GroupBy(trial => trial.Mutant)
            .SelectMany(group => group.SelectMany(trial => trial.Accused.Select(scenario => scenario.Id)).CountBy(id => id)
                .Where(entry => entry.Value == group.Count()).Select(entry => entry.Key))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var scenario in scenarios.Where(scenario => !kills.Contains(scenario.Id)))
        {
            yield return $"{scenario.Id} has no teeth: it kills no mutant";
        }

        var declared = collection.Mutants.SelectMany(mutant => mutant.Kills).Select(kill => kill.Requirement).ToHashSet(StringComparer.Ordinal);
        foreach (var requirement in catalogue.Requirements.Where(requirement =>
            requirement.Binding && scenarios.Any(scenario => scenario.Requirement == requirement.Id) && !declared.Contains(requirement.Id)))
        {
            yield return $"{requirement.Id} is declared to kill no mutant";
        }
    }

    /// <summary>
    /// Half of the places are for those that wait more than they work, as long as there are such, so that the machine is neither idle nor
    /// crowded.
    /// </summary>
    private async Task ShowAsync(IEnumerable<Turn> turns, CancellationToken cancellation)
    {
        var lanes = turns.ToLookup(turn => turn.IsSlow);
        ConcurrentQueue<Turn> slow = new(lanes[true]), quick = new(lanes[false]);
        await Task.WhenAll(Enumerable.Range(0, options.AtOnce).Select(place => place % 2 == 0 ? WorkAsync(slow, quick) : WorkAsync(quick, slow)));

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

        // Of what ten repetitions come to, the passes alone would fill a gigabyte, and nobody asks for them again.
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
    /// All scenarios, except that those under load and those that launch servers are met only by mutants that are declared to break
    /// something in their area, and lengthy ones only by mutants that are declared to break their requirement.
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

    private RunOptions Options(bool underLoad) => new() { Transcripts = KeptTranscripts.None, AllowLoad = underLoad, Exclusive = true, Selection = options.Selection };

    // In the order of the collection, so that a matrix does not depend on who was done first.
    private List<MutantTrial> InOrder(IEnumerable<MutantTrial> trials)
    {
        var order = collection.Mutants.Select((mutant, index) => (mutant.Id, index)).ToDictionary(entry => entry.Id, entry => entry.index);
        return [.. trials.OrderBy(trial => order[trial.Mutant.Id])];
    }

    /// <summary>One server is to be shown.</summary>
    private sealed record Turn(bool IsSlow, Func<CancellationToken, Task<Showing>> ShowAsync);
}
