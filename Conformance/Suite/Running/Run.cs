using System.Security.Cryptography;
using System.Text;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>
/// Runs all scenarios against one target, the dangerous ones last, and builds the results. A death of the target is a violation by the
/// scenario that killed it. If the target can be restarted, the suspects run alone to find that scenario, and the run goes on without it.
/// Otherwise the run ends, and no scenario that ended after the target's last sign of life counts.
/// </summary>
public sealed class Run
{
    /// <summary>A target that dies more often than this is not restarted.</summary>
    public const int MostRestarts = 128;

    /// <summary>How long no other scenario starts after a dangerous one, unless that one ends first.</summary>
    private static readonly TimeSpan Head = TimeSpan.FromMilliseconds(500);

    private readonly RunSetup _setup;
    private readonly Liveness _liveness;
    private readonly ResultsBuilder _results;
    private readonly Deaths _deaths;
    private readonly HashSet<string> _quarantined = new(StringComparer.Ordinal);

    private readonly Lock _gate = new();
    private readonly List<Outcome> _earlier = []; // guarded by _gate: of earlier repetitions
    private readonly List<Outcome> _outcomes = []; // guarded by _gate: of this repetition
    private Runner _runner;
    private Ending? _ending;
    private int _done;
    private int _total;

    public Run(RunSetup setup)
    {
        _setup = setup;
        _runner = new Runner(
            setup.Catalogue, setup.Probed.Target, setup.Launch, setup.Time, setup.Names, launchNodes: setup.LaunchNodes);
        _liveness = new Liveness(setup, _runner.Traffic);
        _results = new ResultsBuilder(setup);
        _deaths = new Deaths(setup.EarlierDeaths);
    }

    private RunOptions Options => _setup.Options;

    private Traffic Traffic => _runner.Traffic;

    /// <summary>Scenarios that a run with these options would run.</summary>
    public static IReadOnlyList<Scenario> Chosen(Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options) =>
        [.. scenarios.Where(scenario => options.Refusal(scenario, catalogue.Find(scenario.Requirement)) is null)];

    /// <summary>The version of the suite and of its catalogue.</summary>
    public static SuiteIdentity Identity(Catalogue catalogue)
    {
        var version = typeof(Run).Assembly.GetName().Version is { } number ? $"{number.Major}.{number.Minor}.{number.Build}" : "0";
        var requirements = string.Join('\n', catalogue.Requirements.Select(requirement => requirement.ToString()));
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(requirements));
        return new SuiteIdentity(version, catalogue.Spec, catalogue.Version, Convert.ToHexStringLower(hash));
    }

    /// <summary>The results of a run that could not begin, because the target did not survive the probe.</summary>
    public static Results Unbegun(RunSetup setup, Ending ending, DateTimeOffset started)
    {
        var traffic = new Traffic(setup.Probed.Target, setup.Time);
        return new ResultsBuilder(setup)
            .Build(started, setup.Time.GetUtcNow() - started, [], ending, new Deaths(setup.EarlierDeaths), traffic);
    }

    /// <summary>Never throws because of the target. When cancelled, it cleans up and returns the results so far.</summary>
    public async Task<Results> ExecuteAsync(CancellationToken cancellation)
    {
        var started = _setup.Time.GetUtcNow();
        var clock = _setup.Time.GetTimestamp();
        using (var deadline = new CancellationTokenSource(Options.Deadline, _setup.Time))
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token))
        {
            await PlayAllAsync(over);
            _ending ??= EndingAsItIs(cancellation, deadline.Token);
        }

        await CleanUpAsync(cancellation);
        await _liveness.EndAsync();
        return _results.Build(started, _setup.Time.GetElapsedTime(clock), [.. _earlier, .. _outcomes], _ending, _deaths, Traffic);
    }

    private async Task PlayAllAsync(CancellationTokenSource over)
    {
        var chosen = Chosen(_setup.Catalogue, _setup.Scenarios, Options);
        _total = chosen.Count * Options.Repeat;
        if (chosen.Count > 0 && !over.IsCancellationRequested)
        {
            await _liveness.BeginAsync(over.Token);
        }

        for (var repetition = 0; repetition < Options.Repeat; repetition++)
        {
            // Phases run one after the other: loads, scenarios that have to be alone and, if the suite cannot restart the target, dangerous
            // ones have a phase of their own. Within a phase, each scenario starts as soon as there is room.
            foreach (var phase in Ordered(chosen, repetition).GroupBy(scenario => (
                scenario.IsLoad, Waits: _setup.Restart is null && BeginsAlone(scenario), Alone: scenario.IsAlone ? scenario.Id : "")))
            {
                await PlayAsync([.. phase], phase.Key.IsLoad, over);
            }

            _earlier.AddRange(_outcomes);
            _outcomes.Clear();
        }
    }

    /// <summary>
    /// Loads last, before them the others by rising danger. Among equals first those that must be alone, then core areas before replay,
    /// backpressure and lifecycle, then the lengthy ones; otherwise in the order of the specification, or shuffled.
    /// </summary>
    private Scenario[] Ordered(IReadOnlyList<Scenario> scenarios, int repetition)
    {
        Scenario[] order = [.. scenarios];
        if (Options.Seed is { } seed)
        {
            // The same seed has to give the same order; it need not be hard to guess.
            new Random(unchecked(seed + repetition)).Shuffle(order);
        }

        return
        [
            .. order.OrderBy(scenario => scenario.IsLoad)
                .ThenBy(scenario => scenario.Danger)
                .ThenByDescending(scenario => scenario.IsAlone)
                .ThenBy(scenario => scenario.Area switch
                {
                    "RPL" => 1,
                    "BPR" => 2,
                    "LIF" => 3,
                    _ => 0,
                })
                .ThenByDescending(scenario => scenario.IsLengthy),
        ];
    }

    /// <summary>Runs these scenarios. If the target dies, finds the culprit and goes on.</summary>
    private async Task PlayAsync(IReadOnlyList<Scenario> scenarios, bool isLoad, CancellationTokenSource over)
    {
        var waiting = new Queue<Scenario>(scenarios);
        do
        {
            var distance = _liveness.Target.Distance;
            using var round = new Round(isLoad ? Options.LoadAtOnce(distance) : Options.AtOnce(distance));
            await PlayAsync(waiting, round, over);
            if (over.IsCancellationRequested)
            {
                return;
            }

            // The target may have died while the last scenario passed.
            if ((round.Death ?? await _liveness.CheckAsync(Traffic.Now, over.Token)) is { } death)
            {
                await ResolveAsync(death, round.UnderWay, over);
            }
        }
        while (waiting.Count > 0 && !over.IsCancellationRequested);
    }

    private async Task PlayAsync(Queue<Scenario> waiting, Round round, CancellationTokenSource over)
    {
        using var life = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
        await Task.WhenAll(Enumerable.Range(0, round.AtOnce).Select(async _ =>
        {
            while (await PlayNextAsync(waiting, round, life, over.Token))
            {
                // The next one.
            }
        }));
    }

    /// <summary>Runs the next waiting scenario; false when none is left, or the target has died.</summary>
    private async Task<bool> PlayNextAsync(Queue<Scenario> waiting, Round round, CancellationTokenSource life, CancellationToken over)
    {
        Task playing;
        await round.Turn.WaitAsync(CancellationToken.None);
        try
        {
            if (life.IsCancellationRequested || !waiting.TryDequeue(out var next))
            {
                return false;
            }

            playing = _quarantined.Contains(next.Id) ? Task.CompletedTask : PlayAsync(next, round, life, over);
            if (BeginsAlone(next))
            {
                // If the target dies now, this scenario is the culprit.
                await Task.WhenAny(playing, Task.Delay(Head, _setup.Time, CancellationToken.None));
            }
        }
        finally
        {
            round.Turn.Release();
        }

        await playing;
        return true;
    }

    private async Task PlayAsync(Scenario scenario, Round round, CancellationTokenSource life, CancellationToken over)
    {
        var outcome = _results.Shortened(await PlayAsync(scenario, round, life.Token));
        var death = life.IsCancellationRequested || !IsSuspicious(outcome) ? null : await _liveness.CheckAsync(outcome.Ended, life.Token);
        if (over.IsCancellationRequested)
        {
            // Whether the target broke the requirement or had died is unknown.
            return;
        }

        if (death is not null || life.IsCancellationRequested)
        {
            round.EndWith(death, outcome);
            await life.CancelAsync();
        }
        else
        {
            Count(outcome);
        }
    }

    private async Task<Outcome> PlayAsync(Scenario scenario, Round round, CancellationToken life)
    {
        if (!scenario.UsesPlainNames)
        {
            return await _runner.RunAsync(scenario, life);
        }

        await round.PlainNames.WaitAsync(CancellationToken.None);
        try
        {
            return await _runner.RunAsync(scenario, life);
        }
        finally
        {
            round.PlainNames.Release();
        }
    }

    private bool BeginsAlone(Scenario scenario) =>
        scenario.Danger != Danger.None && Options.Parallel is null && !_liveness.Target.IsFar;

    private static bool IsSuspicious(Outcome outcome) =>
        outcome.Verdict is not (Verdict.Pass or Verdict.Unsupported) || outcome.Scenario.Danger >= Danger.Hostile;

    private void Count(Outcome outcome)
    {
        lock (_gate)
        {
            _outcomes.RemoveAll(earlier => earlier.Scenario.Id == outcome.Scenario.Id);
            _outcomes.Add(outcome);
        }

        _setup.Progress?.Report(new(Interlocked.Increment(ref _done), _total, _results.Of([outcome])));
    }

    /// <summary>Restarts the target and runs the suspects alone, or ends the run if it cannot.</summary>
    private async Task ResolveAsync(Death death, IReadOnlyList<Outcome> underWay, CancellationTokenSource over)
    {
        var suspects = Suspects.Of(death, underWay, [.. _outcomes.Where(outcome => !_quarantined.Contains(outcome.Scenario.Id))]);
        var back = await ReviveAsync(death, over.Token);
        if (over.IsCancellationRequested)
        {
            return;
        }

        if (back is null)
        {
            await EndWithAsync(death, suspects, underWay, over);
            return;
        }

        Forget(suspects.Concat(underWay));
        if (death.IsViolation)
        {
            await ConfirmAsync(death, back.Value, suspects, over);
        }

        // These were interrupted by the death and are not suspects: run them again.
        foreach (var other in underWay.Where(outcome => !death.IsViolation || !suspects.Contains(outcome)))
        {
            await PlayAloneAsync(other.Scenario, over);
        }
    }

    private async Task ConfirmAsync(
        Death death, (RestartedBy By, TimeSpan After) back, IReadOnlyList<Outcome> suspects, CancellationTokenSource over)
    {
        var killed = _deaths.Results.Count;
        var ids = suspects.Select(suspect => suspect.Scenario.Id).ToList();
        foreach (var suspect in suspects)
        {
            // The first suspect that kills the target again also caused the first death.
            await PlayAloneAsync(suspect.Scenario, over, ids, seen: _deaths.Results.Count == killed ? 1 : 0);
        }

        if (over.IsCancellationRequested || _deaths.Results.Count > killed)
        {
            return;
        }

        var first = suspects.Count == 0 ? null : suspects[0];
        if (first is null)
        {
            _deaths.Add(death, [], [], DeathProof.SeenOnce, times: 1, back);
        }
        else if (suspects.Count > 1 && await DiesOfAllAsync(suspects, over) is { } again)
        {
            var returned = await ReviveAsync(again, over.Token);
            Charge(first, _deaths.Add(again, ids, ids, DeathProof.ConfirmedTogether, times: 2, returned));
            await EndUnlessAsync(returned, again, over);
        }
        else if (!over.IsCancellationRequested)
        {
            Charge(first, _deaths.Add(death, [first.Scenario.Id], ids, DeathProof.SeenOnce, times: 1, back));
        }
    }

    /// <summary>Runs one scenario while no other uses the target. If the target dies, the scenario is quarantined.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="over">The end of the run.</param>
    /// <param name="suspects">All suspects of the same death.</param>
    /// <param name="seen">How often the target died of the scenario before.</param>
    private async Task PlayAloneAsync(Scenario scenario, CancellationTokenSource over, IReadOnlyList<string>? suspects = null, int seen = 0)
    {
        if (over.IsCancellationRequested)
        {
            return;
        }

        var outcome = _results.Shortened(await _runner.RunAsync(scenario, over.Token));
        var death = await _liveness.CheckTwiceAsync(over.Token);
        if (over.IsCancellationRequested)
        {
            return;
        }

        if (death is null)
        {
            Count(outcome);
            return;
        }

        var back = await ReviveAsync(death, over.Token);
        if (!over.IsCancellationRequested)
        {
            if (!death.IsViolation)
            {
                Count(Undecided(outcome, death));
                await EndUnlessAsync(back, death, over);
                return;
            }

            Charge(outcome, _deaths.Add(death, [scenario.Id], suspects ?? [scenario.Id], DeathProof.Confirmed, seen + 1, back));
            await EndUnlessAsync(back, death, over);
        }
    }

    private async Task<Death?> DiesOfAllAsync(IReadOnlyList<Outcome> suspects, CancellationTokenSource over)
    {
        await Task.WhenAll(suspects.Select(suspect => _runner.RunAsync(suspect.Scenario, over.Token)));
        return await _liveness.CheckTwiceAsync(over.Token);
    }

    private static Outcome Undecided(Outcome outcome, Death death) => outcome with
    {
        Verdict = Verdict.Inconclusive,
        Message = $"the target stopped answering while this ran: {death.How}. What this scenario saw: {outcome.Message}",
    };

    private void Charge(Outcome outcome, DeathResult death)
    {
        _quarantined.Add(outcome.Scenario.Id);
        Count(outcome with
        {
            Verdict = Verdict.Fail,
            Blames = DeathResult.Requirement,
            Expectation = "The server survives what this scenario does",
            Expected = "a server that goes on answering",
            Observed = death.How,
            Message = $"{death.Message} What this scenario saw: {outcome.Message}",
        });
    }

    /// <summary>How the target came back and after how long; null if it did not.</summary>
    private async Task<(RestartedBy By, TimeSpan After)?> ReviveAsync(Death death, CancellationToken cancellation)
    {
        if (_deaths.Restarts >= MostRestarts)
        {
            return null;
        }

        try
        {
            var (by, after, failure) = await _liveness.ReviveAsync(death, cancellation);
            if (failure is not null)
            {
                return null;
            }

            _deaths.Restarts++;
            _runner = new Runner(
                _setup.Catalogue, _liveness.Target, _setup.Launch, _setup.Time, _setup.Names, Traffic, _setup.LaunchNodes);
            return (by, after);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Ends the run if the target does not come back: the first suspect fails, and the rest is not evaluated.</summary>
    private async Task EndWithAsync(
        Death death, IReadOnlyList<Outcome> suspects, IReadOnlyList<Outcome> underWay, CancellationTokenSource over)
    {
        var late = _outcomes.Where(outcome => outcome.Ended > death.LastHeard).ToList();
        Forget(late);
        var witness = underWay.Count > 0 ? underWay[0] : null;
        if (!death.IsViolation)
        {
            if (witness is not null)
            {
                Count(Undecided(witness, death));
            }
        }
        else
        {
            var ids = suspects.Select(suspect => suspect.Scenario.Id).ToList();
            var result = _deaths.Add(death, [.. ids.Take(1)], ids, DeathProof.SeenOnce, times: 1, back: null);
            if (suspects.Count > 0)
            {
                Charge(suspects[0], result);
            }
        }

        foreach (var outcome in late.Where(outcome => _outcomes.All(counted => counted.Scenario.Id != outcome.Scenario.Id)))
        {
            _outcomes.Add(new Outcome(
                outcome.Scenario, outcome.Requirement, Verdict.NotEvaluated, "the target was gone before this was over"));
        }

        await EndAsync(death, witness?.Scenario, over);
    }

    private Task EndUnlessAsync((RestartedBy By, TimeSpan After)? back, Death death, CancellationTokenSource over) =>
        back is null && !over.IsCancellationRequested ? EndAsync(death, null, over) : Task.CompletedTask;

    private async Task EndAsync(Death death, Scenario? witness, CancellationTokenSource over)
    {
        var often = _deaths.Restarts >= MostRestarts ? $" It has come back {MostRestarts} times, and is not started again." : "";
        var saw = witness is null ? "" : $"; {witness.Id} saw it first";
        var message = $"The target stopped answering: {death.How}. "
            + $"It was last heard {death.LastHeard.TotalSeconds:F1} s into the run{saw}.{often}";
        _ending = new(EndingKind.TargetDied, message, witness?.Id) { LastRequests = death.LastRequests };
        await over.CancelAsync();
    }

    private void Forget(IEnumerable<Outcome> outcomes)
    {
        var ids = outcomes.Select(outcome => outcome.Scenario.Id).ToHashSet(StringComparer.Ordinal);
        _done -= _outcomes.RemoveAll(outcome => ids.Contains(outcome.Scenario.Id));
    }

    private Ending EndingAsItIs(CancellationToken cancelled, CancellationToken deadline)
    {
        if (cancelled.IsCancellationRequested)
        {
            return new(EndingKind.Cancelled, "The run was cancelled.");
        }

        return deadline.IsCancellationRequested
            ? new(EndingKind.Deadline, $"The run was not over after {Options.Deadline.TotalMinutes:0.##} minutes.")
            : new(EndingKind.Completed, "Every scenario had its turn.");
    }

    /// <summary>Deletes the topics that are left. If the target dies of that, it counts as a death.</summary>
    private async Task CleanUpAsync(CancellationToken cancellation)
    {
        if (_ending!.Kind != EndingKind.TargetDied)
        {
            await _liveness.DeleteTopicAsync();
        }

        await Cleanup.DeleteLeftoversAsync(_setup.Names.Journal, _liveness.Target, _setup.Time);
        if (_ending.Kind == EndingKind.Completed && Traffic.Connections > 0
            && await _liveness.CheckAsync(Traffic.Now, cancellation) is { IsViolation: true } death)
        {
            _deaths.Add(death, [DeathResult.CleanUp], [], DeathProof.SeenOnce, times: 1, back: null);
        }
    }

    /// <summary>One round of scenarios in parallel, until none is left or the target dies.</summary>
    private sealed class Round(int atOnce) : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly List<Outcome> _underWay = []; // guarded by _gate

        public int AtOnce => atOnce;

        /// <summary>Held while a scenario is being started.</summary>
        public SemaphoreSlim Turn { get; } = new(1);

        /// <summary>Held by a scenario with <see cref="Scenario.UsesPlainNames"/>.</summary>
        public SemaphoreSlim PlainNames { get; } = new(1);

        public Death? Death { get; private set; }

        /// <summary>The outcomes that the death interrupted; the one that noticed it comes first.</summary>
        public IReadOnlyList<Outcome> UnderWay => _underWay;

        public void Dispose()
        {
            Turn.Dispose();
            PlainNames.Dispose();
        }

        /// <param name="death">Null if another scenario has noticed it.</param>
        /// <param name="outcome">The outcome of a scenario that the death interrupted.</param>
        public void EndWith(Death? death, Outcome outcome)
        {
            lock (_gate)
            {
                _underWay.Insert(Death is null && death is not null ? 0 : _underWay.Count, outcome);
                Death ??= death;
            }
        }
    }
}
