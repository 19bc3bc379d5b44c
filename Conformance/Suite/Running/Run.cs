using System.Security.Cryptography;
using System.Text;

namespace PubSub.Conformance;

/// <summary>
/// Runs all scenarios against one target and sums up. It ends early when the target stops answering: the scenario that saw it says
/// so, and nothing that ended after the target's last sign of life counts for or against it.
/// </summary>
public sealed class Run
{
    private const int LoadAtOnce = 2;

    private readonly RunSetup _setup;
    private readonly Runner _runner;
    private readonly Liveness _liveness;
    private readonly ResultsBuilder _results;

    private readonly Lock _gate = new();
    private readonly List<Outcome> _outcomes = []; // guarded by _gate
    private Ending? _ending; // guarded by _gate
    private TimeSpan _lastHeard = TimeSpan.MaxValue; // guarded by _gate
    private int _done;
    private int _total;

    public Run(RunSetup setup)
    {
        _setup = setup;
        _runner = new Runner(setup.Catalogue, setup.Probed.Target, setup.Launch, setup.Time, setup.Names);
        _liveness = new Liveness(new Pulse(setup.Probed.Target, setup.Time), _runner.Traffic);
        _results = new ResultsBuilder(setup);
    }

    private RunOptions Options => _setup.Options;

    /// <summary>Scenarios that a run with these options would run.</summary>
    public static IReadOnlyList<Scenario> Chosen(Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options) =>
        [.. scenarios.Where(scenario => options.Refusal(scenario, catalogue.Find(scenario.Requirement)) is null)];

    /// <summary>Which suite this is, and by which catalogue it judges.</summary>
    public static SuiteIdentity Identity(Catalogue catalogue)
    {
        var version = typeof(Run).Assembly.GetName().Version is { } number ? $"{number.Major}.{number.Minor}.{number.Build}" : "0";
        var requirements = string.Join('\n', catalogue.Requirements.Select(requirement => requirement.ToString()));
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(requirements));
        return new SuiteIdentity(version, catalogue.Spec, catalogue.Version, Convert.ToHexStringLower(hash));
    }

    /// <summary>Never throws for anything that the target does. Cancelled, it cleans up and returns what it has.</summary>
    public async Task<Results> ExecuteAsync(CancellationToken cancellation)
    {
        var started = _setup.Time.GetUtcNow();
        var clock = _setup.Time.GetTimestamp();
        using (var deadline = new CancellationTokenSource(Options.Deadline, _setup.Time))
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token))
        {
            var chosen = Chosen(_setup.Catalogue, _setup.Scenarios, Options);
            _total = chosen.Count * Options.Repeat;
            for (var repetition = 0; repetition < Options.Repeat; repetition++)
            {
                var order = Ordered(chosen, repetition);
                await RunAllAsync(order.Where(scenario => scenario is { IsAlone: true, IsLoad: false }), 1, over);
                await RunAllAsync(order.Where(scenario => scenario is { IsAlone: false, IsLoad: false }), Options.Parallel, over);
                await RunAllAsync(order.Where(scenario => scenario is { IsAlone: false, IsLoad: true }), Math.Min(LoadAtOnce, Options.Parallel), over);
                await RunAllAsync(order.Where(scenario => scenario is { IsAlone: true, IsLoad: true }), 1, over);
            }

            _ending ??= await EndingAsync(cancellation, deadline.Token);
        }

        await Cleanup.DeleteLeftoversAsync(_setup.Names.Journal, _setup.Probed.Target, _setup.Time);

        return _results.Build(started, _setup.Time.GetElapsedTime(clock), Counted(), _ending, _runner.Traffic);
    }

    private Scenario[] Ordered(IReadOnlyList<Scenario> scenarios, int repetition)
    {
        Scenario[] order = [.. scenarios];
        if (Options.Seed is { } seed)
        {
            // A seed has to give the same order again; it does not have to be hard to guess.
            new Random(unchecked(seed + repetition)).Shuffle(order);
        }

        return order;
    }

    private async Task RunAllAsync(IEnumerable<Scenario> scenarios, int atOnce, CancellationTokenSource over)
    {
        var waiting = new Queue<Scenario>(scenarios);
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
        {
            while (true)
            {
                Scenario? next;
                lock (waiting)
                {
                    if (over.IsCancellationRequested || !waiting.TryDequeue(out next))
                    {
                        return;
                    }
                }

                await RunOneAsync(next, over);
            }
        }));
    }

    private async Task RunOneAsync(Scenario scenario, CancellationTokenSource over)
    {
        var outcome = await _runner.RunAsync(scenario, over.Token);
        if (over.IsCancellationRequested)
        {
            return;
        }

        outcome = _results.Shortened(outcome);
        if (outcome.Verdict is not (Verdict.Pass or Verdict.Unsupported))
        {
            var death = await _liveness.CheckAsync(over.Token);
            if (over.IsCancellationRequested)
            {
                // It is not known whether the target broke the requirement or had stopped answering.
                return;
            }

            if (death is not null)
            {
                EndWith(death, outcome);
                await over.CancelAsync();
                return;
            }
        }

        lock (_gate)
        {
            _outcomes.Add(outcome);
        }

        _setup.Progress?.Report(new(Interlocked.Increment(ref _done), _total, _results.Of([outcome])));
    }

    private void EndWith(Death death, Outcome witness)
    {
        lock (_gate)
        {
            if (_ending is not null)
            {
                return;
            }

            _lastHeard = death.LastHeard;
            _ending = death.SeenBy(witness.Scenario);
            _outcomes.Add(death.Undecided(witness));
        }
    }

    private async Task<Ending> EndingAsync(CancellationToken cancelled, CancellationToken deadline)
    {
        if (cancelled.IsCancellationRequested)
        {
            return new(EndingKind.Cancelled, "The run was cancelled.");
        }

        if (deadline.IsCancellationRequested)
        {
            return new(EndingKind.Deadline, $"The run was not over after {Options.Deadline.TotalMinutes:0.##} minutes.");
        }

        // All that was judged was answered, but the target may have died while the last scenario passed.
        if (_outcomes.Count > 0 && await _liveness.CheckAsync(cancelled) is { } death)
        {
            _lastHeard = death.LastHeard;
            return death.SeenAtTheEnd();
        }

        return new(EndingKind.Completed, "Every scenario had its turn.");
    }

    /// <summary>What ended after the last sign of life of a dead target counts as not evaluated.</summary>
    private IEnumerable<Outcome> Counted() => _outcomes.Select(outcome => outcome.Ended <= _lastHeard
        ? outcome
        : new Outcome(outcome.Scenario, outcome.Requirement, Verdict.NotEvaluated, "the target was gone before this was over"));
}
