using PubSub.Conformance.Fixture;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Network;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>
/// Runs scenarios against one target. Every outcome of a scenario becomes a verdict: the runner never throws, never hangs, and never passes
/// a scenario without a decisive check.
/// </summary>
public sealed class Runner
{
    /// <summary>How often a scenario runs while interference keeps it from being decided.</summary>
    private const int MostAttempts = 4;

    /// <summary>After this many undecided scenarios in a row, the others run only once.</summary>
    private const int HopelessAfter = 8;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    private readonly Catalogue _catalogue;
    private readonly Target _target;
    private readonly Launch? _launch;
    private readonly Launch? _launchNodes;
    private readonly TimeProvider _time;
    private readonly TopicNames _names;
    private readonly Admission _admission;
    private int _undecided; // scenarios in a row that interference kept from being decided

    /// <param name="names">Topic names; by default new ones, without a journal.</param>
    /// <param name="traffic">The traffic of an earlier runner to continue; by default new.</param>
    /// <param name="launchNodes">Starts servers of several nodes; null if all servers have one.</param>
    public Runner(
        Catalogue catalogue,
        Target target,
        Launch? launch = null,
        TimeProvider? time = null,
        TopicNames? names = null,
        Traffic? traffic = null,
        Launch? launchNodes = null)
    {
        _catalogue = catalogue;
        _target = target;
        _launch = launch;
        _launchNodes = launchNodes;
        _time = time ?? TimeProvider.System;
        _names = names ?? new TopicNames();
        Traffic = traffic ?? new Traffic(target, _time);
        _admission = new Admission(_time);
    }

    /// <summary>The connections, bytes and requests of all scenarios together.</summary>
    public Traffic Traffic { get; }

    /// <summary>Detects when this process did not run: a scenario then decides nothing.</summary>
    public StallWatch Stalls { get; init; } = StallWatch.OfProcess;

    /// <summary>
    /// Runs the scenario. If interference kept it from being decided, it runs again, <see cref="MostAttempts"/> times in all, or
    /// <see cref="StallWatch.MostRepeats"/> more times if this process was stopped meanwhile.
    /// </summary>
    public async Task<Outcome> RunAsync(Scenario scenario, CancellationToken cancellation = default)
    {
        var start = _time.GetTimestamp();
        var traffic = Traffic.Part();
        var requirement = _catalogue.Find(scenario.Requirement);
        var outcome = requirement is null
            ? new Outcome(scenario, null, Verdict.Error, $"the catalogue has no requirement {scenario.Requirement}")
            : await RunUndisturbedAsync(scenario, requirement, traffic, cancellation);
        return outcome with
        {
            Duration = _time.GetElapsedTime(start),
            Ended = Traffic.Now,
            Traffic = traffic,
        };
    }

    private async Task<Outcome> RunUndisturbedAsync(
        Scenario scenario, Requirement requirement, Traffic traffic, CancellationToken cancellation)
    {
        for (var (attempt, stalls) = (1, 0); ;)
        {
            var part = traffic.Part();
            var transcript = new Transcript(_time, part, scenario.Id, _target.MessageIds);
            var before = Stalls.Lost;
            Outcome outcome;
            try
            {
                await _admission.EnterAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                return new Outcome(scenario, requirement, Verdict.Inconclusive, "the run ended before this scenario started");
            }

            try
            {
                outcome = await RunWithinLimitAsync(scenario, requirement, transcript, cancellation) with
                {
                    TranscriptDropped = transcript.Dropped,
                };
                if (part.Interference?.Kind == InterferenceKind.Machine)
                {
                    _admission.Halve();
                }
            }
            finally
            {
                _admission.Leave();
            }

            var lost = Stalls.Lost - before;
            var interference = outcome.Interference ?? part.Interference;
            if (outcome.Verdict == Verdict.Pass
                || cancellation.IsCancellationRequested
                || (lost < StallWatch.Tolerance && interference is null))
            {
                Volatile.Write(ref _undecided, 0);
                return outcome;
            }

            if (lost >= StallWatch.Tolerance)
            {
                if (stalls++ == StallWatch.MostRepeats)
                {
                    return Undecided(
                        outcome, $"the suite itself did not run for {lost.TotalSeconds:0.0} s meanwhile (stopped, asleep or starved)");
                }
            }
            else if (attempt == MostAttempts || Volatile.Read(ref _undecided) >= HopelessAfter)
            {
                Interlocked.Increment(ref _undecided);
                return interference!.Kind == InterferenceKind.Outage
                    ? Undecided(outcome, interference.Message, "That is allowed")
                    : Undecided(outcome, interference.Message);
            }
            else
            {
                await PauseAsync(FirstPause * Math.Pow(2, attempt++ - 1), cancellation);
            }
        }
    }

    private static Outcome Undecided(Outcome outcome, string why, string whose = "That is not the server's doing") => outcome with
    {
        Verdict = Verdict.Inconclusive,
        Message = $"{why}. {whose}, and nothing is decided",
        Expectation = null,
        Expected = null,
        Observed = null,
        Blames = null,
    };

    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellation) =>
        await Task.Delay(pause, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Runs the scenario within its time limit, with the server that it asks for.</summary>
    private async Task<Outcome> RunWithinLimitAsync(
        Scenario scenario, Requirement requirement, Transcript transcript, CancellationToken cancellation)
    {
        if (!_target.Offers(requirement.Profile))
        {
            return new Outcome(
                scenario,
                requirement,
                Verdict.Unsupported,
                requirement.Profile == Profile.Access && _target.Credentials is null
                    ? $"unsupported: access; {Credentials.Missing}"
                    : $"unsupported: {requirement.Profile.ToString().ToLowerInvariant()}, a capability that the target does not have");
        }

        if (_launch is null && scenario.IsLaunched)
        {
            return new Outcome(scenario, requirement, Verdict.Unsupported, Stage.NoLauncher);
        }

        if ((_target.Others.Count > 0 || _launchNodes is not null) && OneNode.Reasons.TryGetValue(requirement.Id, out var reason))
        {
            return new Outcome(scenario, requirement, Verdict.Unsupported, $"not judged over several nodes: {reason}");
        }

        using var timer = new CancellationTokenSource(_target.Timeouts.Scenario, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        LaunchedServer? server = null;
        try
        {
            if (scenario.Launch is { } chosen)
            {
                transcript.Note("launcher", $"starting a server with {Stage.Describe(chosen)}");

                // These scenarios observe a process: its signals, its port, its connections.
                var launch = scenario.Area == "LIF" ? _launch : _launchNodes ?? _launch;
                server = await launch!(chosen, either.Token);
            }

            return await RunBodyAsync(scenario, requirement, server, transcript, either.Token);
        }
        catch (Exception e)
        {
            return Judge(scenario, requirement, e) with { Transcript = transcript.Entries };
        }
        finally
        {
            if (server is not null)
            {
                await server.DisposeAsync();
            }
        }
    }

    private async Task<Outcome> RunBodyAsync(
        Scenario scenario, Requirement requirement, LaunchedServer? server, Transcript transcript, CancellationToken limit)
    {
        await using var stage = new Stage(DoorsFor(scenario, server?.Target ?? _target), _launch, _names, transcript, limit);
        if (server is not null)
        {
            stage.Server = server;
        }

        Outcome outcome;
        try
        {
            await AwaitBodyAsync(scenario.Body(stage), limit);
            outcome = Decided(scenario, requirement, stage.Expect);
        }
        catch (Exception e)
        {
            outcome = Judge(scenario, requirement, e);
        }

        return outcome with { Transcript = transcript.Entries, Observations = stage.Expect.Observations, Checks = stage.Expect.Checks };
    }

    /// <summary>The doors in the order in which the scenario takes them; its id decides which comes first.</summary>
    private static IReadOnlyList<Target> DoorsFor(Scenario scenario, Target target)
    {
        var doors = target.Doors;
        var first = scenario.Id.Sum(letter => letter) % doors.Count;
        return [.. doors.Skip(first), .. doors.Take(first)];
    }

    /// <summary>Waits for a body that observes the limit; a body that does not is abandoned.</summary>
    private async Task AwaitBodyAsync(Task body, CancellationToken limit)
    {
        await body.WaitAsync(limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await body.WaitAsync(_target.Timeouts.Cleanup, _time, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!body.IsCompleted)
        {
            throw new OperationCanceledException(limit);
        }

        await body;
    }

    private static Outcome Decided(Scenario scenario, Requirement requirement, Expect expect) => expect.Checks > 0
        ? new(scenario, requirement, Verdict.Pass, $"{expect.Checks} check(s) held")
        : new(scenario, requirement, Verdict.Error, "the scenario ended without a decisive check");

    private Outcome Judge(Scenario scenario, Requirement requirement, Exception exception) => exception switch
    {
        Violation violation => Weigh(scenario, requirement, violation) with
        {
            Expectation = violation.Expectation,
            Expected = violation.Expected,
            Observed = violation.Observed,
        },
        Unsupported => new(scenario, requirement, Verdict.Unsupported, exception.Message),
        Inconclusive own when own.Blames == requirement.Id => Judge(scenario, requirement, own.AsViolation()),
        Inconclusive inconclusive => new(scenario, requirement, Verdict.Inconclusive, exception.Message) { Blames = inconclusive.Blames },
        OperationCanceledException => new(scenario, requirement, Verdict.Inconclusive, "the scenario did not end in time"),
        _ when Interference.Of(exception) is { } own =>
            new(scenario, requirement, Verdict.Inconclusive, own.Message) { Interference = own },
        _ => new(scenario, requirement, Verdict.Error, exception.ToString()),
    };

    private Outcome Weigh(Scenario scenario, Requirement requirement, Violation violation) =>
        _target.Dialect.Excuse(requirement.Id, violation.Expectation) is { } reason
            ? new(scenario, requirement, Verdict.Observed, $"the dialect {_target.Dialect.Name} leaves this open: {reason}")
            : new(scenario, requirement, requirement.Binding ? Verdict.Fail : Verdict.Warn, violation.Message);
}
