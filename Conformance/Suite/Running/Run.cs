using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PubSub.Conformance;

/// <summary>Which scenarios keep what crossed the wire in the results.</summary>
public enum KeptTranscripts
{
    None,

    /// <summary>Those that did not pass.</summary>
    Failed,
    All,
}

/// <summary>How a run is to be done.</summary>
public sealed record RunOptions
{
    public const int MostParallel = 64;
    public const int MostRepetitions = 1_000;

    public Selection Selection { get; init; } = new();

    /// <summary>Scenarios at one time. Those that put the target under load take turns by themselves.</summary>
    public int Parallel { get; init; } = 8;

    /// <summary>How often the whole set is run, one time after the other.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Shuffles the order of scenarios; null keeps that of the specification.</summary>
    public int? Seed { get; init; }

    /// <summary>Runs the scenarios that put the target under load as well: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool AllowLoad { get; init; }

    /// <summary>Takes every recommendation as a duty.</summary>
    public bool Strict { get; init; }

    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(30);
    public KeptTranscripts Transcripts { get; init; } = KeptTranscripts.Failed;

    /// <summary>Shown in the results as they are, redacted.</summary>
    public IReadOnlyDictionary<string, string> Described { get; init; } = new Dictionary<string, string>();
}

/// <summary>One scenario is done.</summary>
public sealed record Progress(int Done, int Total, ScenarioResult Scenario);

/// <summary>
/// Plays all scenarios against one target and sums up. It ends early when the target stops answering: the scenario that saw it says
/// so, and nothing that ended after the target's last sign of life counts for or against it.
/// </summary>
public sealed class Run
{
    private const int KeptLines = 300;
    private const int LoadAtOnce = 2;
    private const int NamedRequests = 8;
    private const int DeletionsAtOnce = 8;
    private const int ShownData = 500;

    private readonly Catalogue _catalogue;
    private readonly IReadOnlyList<Scenario> _scenarios;
    private readonly ProbedTarget _probed;
    private readonly RunOptions _options;
    private readonly Redaction _redaction;
    private readonly TimeProvider _time;
    private readonly TopicNames _names;
    private readonly IProgress<Progress>? _progress;
    private readonly Runner _runner;
    private readonly Pulse _pulse;

    private readonly Lock _gate = new();
    private readonly List<Outcome> _outcomes = []; // guarded by _gate
    private Ending? _ending; // guarded by _gate
    private TimeSpan _lastHeard = TimeSpan.MaxValue; // guarded by _gate
    private int _done;
    private int _total;

    public Run(
        Catalogue catalogue,
        IReadOnlyList<Scenario> scenarios,
        ProbedTarget probed,
        RunOptions options,
        Redaction? redaction = null,
        TopicNames? names = null,
        Launch? launch = null,
        IProgress<Progress>? progress = null,
        TimeProvider? time = null)
    {
        _catalogue = catalogue;
        _scenarios = scenarios;
        _probed = probed;
        _options = options;
        _redaction = redaction ?? new Redaction();
        _names = names ?? new TopicNames();
        _progress = progress;
        _time = time ?? TimeProvider.System;
        _runner = new Runner(catalogue, probed.Target, launch, _time, _names);
        _pulse = new Pulse(probed.Target, _time);
    }

    /// <summary>Scenarios that a run with these options would play.</summary>
    public static IReadOnlyList<Scenario> Chosen(Catalogue catalogue, IReadOnlyList<Scenario> scenarios, RunOptions options) =>
        [.. scenarios.Where(scenario => Refusal(scenario, catalogue.Find(scenario.Requirement), options) is null)];

    /// <summary>Never throws for anything that the target does. Cancelled, it cleans up and returns what it has.</summary>
    public async Task<Results> ExecuteAsync(CancellationToken cancellation)
    {
        var started = _time.GetUtcNow();
        var clock = _time.GetTimestamp();
        using (var deadline = new CancellationTokenSource(_options.Deadline, _time))
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token))
        {
            var chosen = Chosen(_catalogue, _scenarios, _options);
            _total = chosen.Count * _options.Repeat;
            for (var repetition = 0; repetition < _options.Repeat; repetition++)
            {
                var order = Ordered(chosen, repetition);
                await PlayAsync(order.Where(scenario => !scenario.IsLoad), _options.Parallel, over);
                await PlayAsync(order.Where(scenario => scenario.IsLoad), Math.Min(LoadAtOnce, _options.Parallel), over);
            }

            await EndAsync(cancellation, deadline.Token);
        }

        await TidyAsync();

        return Sum(started, _time.GetElapsedTime(clock));
    }

    private static string? Refusal(Scenario scenario, Requirement? requirement, RunOptions options)
    {
        if (!options.Selection.Includes(scenario, requirement))
        {
            return "not among those to include";
        }

        if (options.Selection.Excluding(scenario, requirement) is { } pattern)
        {
            return $"excluded by '{pattern}'";
        }

        return scenario.IsLoad && !options.AllowLoad ? "puts the target under load, which needs --allow load" : null;
    }

    private Scenario[] Ordered(IReadOnlyList<Scenario> scenarios, int repetition)
    {
        Scenario[] order = [.. scenarios];
        if (_options.Seed is { } seed)
        {
            // The point is that a seed gives the same order again, not that nobody could guess it.
            new Random(unchecked(seed + repetition)).Shuffle(order);
        }

        return order;
    }

    private async Task PlayAsync(IEnumerable<Scenario> scenarios, int atOnce, CancellationTokenSource over)
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

                await PlayAsync(next, over);
            }
        }));
    }

    private async Task PlayAsync(Scenario scenario, CancellationTokenSource over)
    {
        var outcome = await _runner.RunAsync(scenario, over.Token);
        if (over.IsCancellationRequested)
        {
            return;
        }

        if (outcome.Verdict is not (Verdict.Pass or Verdict.Unsupported))
        {
            var how = await IsSilentAsync(over.Token);
            if (over.IsCancellationRequested)
            {
                // Whether it was the target's fault, or its death, nobody knows now.
                return;
            }

            if (how is not null)
            {
                Died(outcome, how);
                await over.CancelAsync();
                return;
            }
        }

        outcome = Shortened(outcome);
        lock (_gate)
        {
            _outcomes.Add(outcome);
        }

        _progress?.Report(new(Interlocked.Increment(ref _done), _total, Result([outcome])));
    }

    private async Task<string?> IsSilentAsync(CancellationToken over)
    {
        try
        {
            return await _pulse.MissingAsync(over);
        }
        catch (OperationCanceledException)
        {
            // The run is over already, for a reason that is known.
            return null;
        }
    }

    private void Died(Outcome witness, string how)
    {
        lock (_gate)
        {
            if (_ending is not null)
            {
                return;
            }

            _lastHeard = _runner.Traffic.LastHeard;
            var story = $"The target stopped answering: {how}. It was last heard {_lastHeard.TotalSeconds:F1} s into the run; "
                + $"{witness.Scenario.Id} saw it first.";
            _ending = new Ending(EndingKind.TargetDied, story, witness.Scenario.Id) { LastRequests = LastRequests(_lastHeard) };
            _outcomes.Add(Shortened(witness) with
            {
                Verdict = Verdict.Inconclusive,
                Message = $"the target stopped answering while this ran: {how}. What this scenario saw: {witness.Message}",
                Ended = TimeSpan.Zero,
            });
        }
    }

    // The last before its last sign of life, and the first after it: the one that was too much is among them.
    private List<LastRequest> LastRequests(TimeSpan lastHeard)
    {
        var requests = _runner.Traffic.Requests;
        return
        [
            .. requests.Where(request => request.At <= lastHeard).TakeLast(NamedRequests)
                .Concat(requests.Where(request => request.At > lastHeard).Take(NamedRequests))
                .OrderBy(request => request.At)
                .Select(request => new LastRequest(request.At.TotalSeconds, request.Scenario, request.Connection, request.Kind, request.Data)),
        ];
    }

    private async Task EndAsync(CancellationToken cancelled, CancellationToken deadline)
    {
        if (_ending is not null)
        {
            return;
        }

        if (cancelled.IsCancellationRequested)
        {
            _ending = new Ending(EndingKind.Cancelled, "The run was cancelled.");
        }
        else if (deadline.IsCancellationRequested)
        {
            _ending = new Ending(EndingKind.Deadline, $"The run was not over after {_options.Deadline.TotalMinutes:0.##} minutes.");
        }
        else if (_outcomes.Count > 0 && await IsSilentAsync(cancelled) is { } how)
        {
            // It answered everything that was judged, or else somebody would have noticed; but a pass may have been its last breath.
            _lastHeard = _runner.Traffic.LastHeard;
            _ending = new Ending(EndingKind.TargetDied, $"The target stopped answering at the end of the run: {how}.")
            {
                LastRequests = LastRequests(_lastHeard),
            };
        }
        else
        {
            _ending = new Ending(EndingKind.Completed, "Every scenario had its turn.");
        }
    }

    /// <summary>What no scenario could delete gets another chance; what is not listed was never there.</summary>
    private async Task TidyAsync()
    {
        if (_names.Journal is not { Left.Count: > 0 } journal)
        {
            return;
        }

        using var limit = new CancellationTokenSource(_probed.Target.Timeouts.Cleanup * 4, _time);
        try
        {
            var rest = new Rest(_probed.Target, limit.Token);
            var listed = (await rest.ListTopicsAsync()).Topics?.Select(topic => topic.Name).ToHashSet(StringComparer.Ordinal);
            await Parallel.ForEachAsync(journal.Left, new ParallelOptions { MaxDegreeOfParallelism = DeletionsAtOnce }, async (topic, _) =>
            {
                if (listed?.Contains(topic) == false || (await rest.DeleteTopicAsync(topic)).IsGone)
                {
                    journal.Gone(topic);
                }
            });
        }
        catch (Exception e) when (e is Violation or OperationCanceledException)
        {
            // Nobody there to clean up after; the journal keeps what is left.
        }
    }

    private Results Sum(DateTimeOffset started, TimeSpan duration)
    {
        var ending = _ending!;
        var byScenario = _outcomes
            .Select(outcome => outcome.Ended <= _lastHeard
                ? outcome
                : new Outcome(outcome.Scenario, outcome.Requirement, Verdict.NotEvaluated, "the target was gone before this was over"))
            .ToLookup(outcome => outcome.Scenario.Id, StringComparer.Ordinal);
        List<ScenarioResult> scenarios = [.. _scenarios.Select(scenario => Result(Played(scenario, byScenario[scenario.Id], ending)))];
        var verdicts = scenarios.ToLookup(scenario => scenario.Requirement, scenario => scenario.Verdict, StringComparer.Ordinal);
        List<RequirementResult> requirements = [.. _catalogue.Requirements.Select(requirement =>
            RequirementResult.Of(requirement, Rollup.Status([.. verdicts[requirement.Id]])))];
        List<string> stale =
        [
            .. _options.Selection.Idle(_scenarios, _catalogue),
            .. scenarios.Where(scenario => scenario is { KnownFailing: not null, Verdict: Verdict.Pass or Verdict.Observed })
                .Select(scenario => $"{scenario.Id} is known to fail by '{scenario.KnownFailing}', but it passed"),
        ];
        var traffic = _runner.Traffic;

        return new Results
        {
            Run = _names.Run,
            Suite = Identity(_catalogue),
            Started = started,
            DurationSeconds = Math.Round(duration.TotalSeconds, 3),
            Target = _probed.Describe(_redaction),
            Options = _options.Described.ToDictionary(option => option.Key, option => _redaction.Clean(option.Value)),
            Ending = Clean(ending),
            Conclusion = Clean(Rollup.Conclude(ending, scenarios, _catalogue, stale, _options.Strict)),
            Totals = Enum.GetValues<Verdict>().ToDictionary(verdict => verdict, verdict => scenarios.Count(scenario => scenario.Verdict == verdict)),
            Profiles = Rollup.Profiles(requirements),
            Requirements = requirements,
            Scenarios = scenarios,
            Stale = stale,
            Leftovers = _names.Journal?.Left ?? [],
            Traffic = new TrafficResult(traffic.Connections, traffic.MostOpen, traffic.BytesSent, traffic.BytesReceived),
        };
    }

    /// <summary>Which suite this is, and by which catalogue it judges.</summary>
    public static SuiteIdentity Identity(Catalogue catalogue)
    {
        var version = typeof(Run).Assembly.GetName().Version is { } number ? $"{number.Major}.{number.Minor}.{number.Build}" : "0";
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', catalogue.Requirements.Select(requirement => requirement.ToString()))));
        return new SuiteIdentity(version, catalogue.Spec, catalogue.Version, Convert.ToHexStringLower(hash));
    }

    private List<Outcome> Played(Scenario scenario, IEnumerable<Outcome> outcomes, Ending ending)
    {
        List<Outcome> played = [.. outcomes];
        if (played.Count > 0)
        {
            return played;
        }

        var requirement = _catalogue.Find(scenario.Requirement);
        return Refusal(scenario, requirement, _options) is { } refusal
            ? [new Outcome(scenario, requirement, Verdict.Disabled, refusal)]
            : [new Outcome(scenario, requirement, Verdict.NotEvaluated, ending.Kind switch
            {
                EndingKind.TargetDied => "the target had stopped answering",
                EndingKind.Cancelled => "the run was cancelled",
                _ => "the run was out of time",
            })];
    }

    private ScenarioResult Result(IReadOnlyList<Outcome> repetitions)
    {
        var worst = Rollup.Worst(repetitions.Select(outcome => outcome.Verdict));
        var outcome = repetitions.First(candidate => candidate.Verdict == worst);
        var scenario = outcome.Scenario;
        return new ScenarioResult
        {
            Id = scenario.Id,
            Requirement = scenario.Requirement,
            Also = scenario.Also,
            Verdict = outcome.Verdict,
            Message = Clean(outcome.Message),
            Expectation = _redaction.CleanOrNull(outcome.Expectation),
            Expected = _redaction.CleanOrNull(outcome.Expected),
            Observed = _redaction.CleanOrNull(outcome.Observed),
            Observations = [.. outcome.Observations.Select(seen => new Observation(seen.Key, Clean(seen.Value)))],
            Checks = outcome.Checks,
            DurationMs = Math.Round(outcome.Duration.TotalMilliseconds, 1),
            KnownFailing = _options.Selection.Expecting(scenario, outcome.Requirement)?.ToString(),
            Repetitions = _options.Repeat > 1 ? [.. repetitions.Select(repetition => repetition.Verdict)] : [],
            Transcript = [.. outcome.Transcript.Select(line => new TranscriptLine(
                Math.Round(line.At.TotalMilliseconds, 3), line.Connection, line.Direction, line.Kind, line.Length, Clean(line.Data)))],
            TranscriptDropped = outcome.TranscriptDropped,
        };
    }

    /// <summary>With what is kept of its transcript and no more: a thousand repetitions of whole transcripts fill the memory.</summary>
    private Outcome Shortened(Outcome outcome)
    {
        var kept = _options.Transcripts switch
        {
            KeptTranscripts.All => true,
            KeptTranscripts.Failed => outcome.Verdict is not (Verdict.Pass or Verdict.Unsupported or Verdict.Disabled),
            _ => false,
        };
        return outcome with
        {
            Transcript = kept ? [.. outcome.Transcript.TakeLast(KeptLines)] : [],
            TranscriptDropped = kept ? outcome.TranscriptDropped + Math.Max(0, outcome.Transcript.Count - KeptLines) : 0,
        };
    }

    private Ending Clean(Ending ending) => ending with
    {
        Message = Clean(ending.Message),
        LastRequests = [.. ending.LastRequests.Select(request => request with { Data = Clean(request.Data).Cut(ShownData) })],
    };

    private Conclusion Clean(Conclusion conclusion) => conclusion with { Message = Clean(conclusion.Message) };

    private string Clean(string text) => _redaction.Clean(text);
}
