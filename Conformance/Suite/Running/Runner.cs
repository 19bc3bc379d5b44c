using System.Text;

namespace PubSub.Conformance;

/// <summary>What became of one scenario, with everything needed to understand it without running it again.</summary>
public sealed record Outcome(Scenario Scenario, Requirement? Requirement, Verdict Verdict, string Message)
{
    private const int ShownEntries = 25;
    private const int LongestEntry = 400;

    public string? Expectation { get; init; }
    public string? Expected { get; init; }
    public string? Observed { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Observations { get; init; } = [];
    public int Checks { get; init; }
    public IReadOnlyList<TranscriptEntry> Transcript { get; init; } = [];
    public long TranscriptDropped { get; init; }
    public TimeSpan Duration { get; init; }

    /// <summary>Since the start of the run.</summary>
    internal TimeSpan Ended { get; init; }

    /// <summary>What this scenario alone put the target through.</summary>
    public Traffic? Traffic { get; init; }

    /// <summary>The whole story: the requirement, what was expected, what was seen, and the last of the transcript.</summary>
    public string Explain()
    {
        var text = new StringBuilder();
        text.AppendLine($"{Scenario.Id}: {Verdict.ToString().ToLowerInvariant()} ({Requirement?.Keyword ?? "no such requirement"})");
        if (Requirement is { } requirement)
        {
            text.AppendLine($"  requirement  {requirement.Text}");
        }

        if (Expectation is null)
        {
            text.AppendLine($"  because      {Message}");
        }
        else
        {
            text.AppendLine($"  expectation  {Expectation}").AppendLine($"  expected     {Expected}").AppendLine($"  observed     {Observed}");
        }

        foreach (var (what, value) in Observations)
        {
            text.AppendLine($"  noted        {what}: {value}");
        }

        text.AppendLine($"  transcript   {Transcript.Count} entries{(Transcript.Count > ShownEntries ? $", the last {ShownEntries}" : "")}");
        foreach (var entry in Transcript.TakeLast(ShownEntries))
        {
            text.AppendLine($"    {entry.ToString().Cut(LongestEntry)}");
        }

        return text.ToString();
    }
}

/// <summary>
/// Runs scenarios against one target. Whatever happens becomes a verdict: a scenario never throws, never hangs, and never passes
/// without having decided something.
/// </summary>
public sealed class Runner
{
    private readonly Catalogue _catalogue;
    private readonly Target _target;
    private readonly Launch? _launch;
    private readonly TimeProvider _time;
    private readonly TopicNames _names;

    /// <param name="names">Where the names of topics come from; without it they are this runner's own, and journalled nowhere.</param>
    public Runner(Catalogue catalogue, Target target, Launch? launch = null, TimeProvider? time = null, TopicNames? names = null)
    {
        _catalogue = catalogue;
        _target = target;
        _launch = launch;
        _time = time ?? TimeProvider.System;
        _names = names ?? new TopicNames();
        Traffic = new Traffic(target, _time);
    }

    /// <summary>What all scenarios together put the target through.</summary>
    public Traffic Traffic { get; }

    public async Task<Outcome> RunAsync(Scenario scenario, CancellationToken cancellation = default)
    {
        var start = _time.GetTimestamp();
        var traffic = Traffic.Part();
        var transcript = new Transcript(_time, traffic, scenario.Id);
        var requirement = _catalogue.Find(scenario.Requirement);
        var outcome = requirement is null
            ? new Outcome(scenario, null, Verdict.Error, $"the catalogue has no requirement {scenario.Requirement}")
            : await PlayAsync(scenario, requirement, transcript, cancellation);
        return outcome with { Duration = _time.GetElapsedTime(start), Ended = Traffic.Now, TranscriptDropped = transcript.Dropped, Traffic = traffic };
    }

    private async Task<Outcome> PlayAsync(Scenario scenario, Requirement requirement, Transcript transcript, CancellationToken cancellation)
    {
        MessageIds.Current = _target.MessageIds;
        if (_launch is null && scenario.IsLaunched)
        {
            return new Outcome(scenario, requirement, Verdict.Unsupported, Stage.NoLauncher);
        }

        using var timer = new CancellationTokenSource(_target.Timeouts.Scenario, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        LaunchedServer? server = null;
        try
        {
            if (scenario.Launch is { } chosen)
            {
                transcript.Note("launcher", $"starting a server with {Stage.Describe(chosen)}");
                server = await _launch!(chosen, either.Token);
            }

            return await PlayAsync(scenario, requirement, server, transcript, either.Token);
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

    private async Task<Outcome> PlayAsync(
        Scenario scenario, Requirement requirement, LaunchedServer? server, Transcript transcript, CancellationToken limit)
    {
        await using var stage = new Stage(server?.Target ?? _target, _launch, _names, transcript, limit);
        if (server is not null)
        {
            stage.Server = server;
        }

        Outcome outcome;
        try
        {
            await EndedAsync(scenario.Body(stage), limit);
            outcome = Decided(scenario, requirement, stage.Expect);
        }
        catch (Exception e)
        {
            outcome = Judge(scenario, requirement, e);
        }

        return outcome with { Transcript = transcript.Entries, Observations = stage.Expect.Observations, Checks = stage.Expect.Checks };
    }

    /// <summary>A body that hears of the end is waited for; one that does not is left behind.</summary>
    private async Task EndedAsync(Task body, CancellationToken limit)
    {
        await body.WaitAsync(limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await body.WaitAsync(_target.Timeouts.Cleanup, _time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
        Inconclusive => new(scenario, requirement, Verdict.Inconclusive, exception.Message),
        OperationCanceledException => new(scenario, requirement, Verdict.Inconclusive, "the scenario did not end in time"),
        _ => new(scenario, requirement, Verdict.Error, exception.ToString()),
    };

    private Outcome Weigh(Scenario scenario, Requirement requirement, Violation violation) =>
        _target.Dialect.LeavesOpen.TryGetValue(requirement.Id, out var reason)
            ? new(scenario, requirement, Verdict.Observed, $"the dialect {_target.Dialect.Name} leaves this open: {reason}")
            : new(scenario, requirement, requirement.Binding ? Verdict.Fail : Verdict.Warn, violation.Message);
}
