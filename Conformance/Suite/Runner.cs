using System.Security.Cryptography;
using System.Text;

namespace PubSub.Conformance;

/// <summary>What became of one scenario, with everything needed to understand it without running it again.</summary>
public sealed record Outcome(Scenario Scenario, Requirement? Requirement, Verdict Verdict, string Message)
{
    private const int ShownEntries = 25;

    public string? Expectation { get; init; }
    public string? Expected { get; init; }
    public string? Observed { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Observations { get; init; } = [];
    public int Checks { get; init; }
    public IReadOnlyList<TranscriptEntry> Transcript { get; init; } = [];
    public TimeSpan Duration { get; init; }

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
            text.AppendLine($"    {Cut(entry.ToString())}");
        }

        return text.ToString();
    }

    private static string Cut(string line) => line.Length <= 400 ? line : line[..400] + "\u2026";
}

/// <summary>
/// Runs scenarios against one target. Whatever happens becomes a verdict: a scenario never throws, never hangs, and never passes
/// without having decided something.
/// </summary>
public sealed class Runner(Catalogue catalogue, Target target, Launch? launch = null, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly string _run = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
    private int _names;

    public async Task<Outcome> RunAsync(Scenario scenario, CancellationToken cancellation = default)
    {
        var start = _time.GetTimestamp();
        var transcript = new Transcript(_time);
        var requirement = catalogue.Find(scenario.Requirement);
        var outcome = requirement is null
            ? new Outcome(scenario, null, Verdict.Error, $"the catalogue has no requirement {scenario.Requirement}")
            : await PlayAsync(scenario, requirement, transcript, cancellation);
        return outcome with { Duration = _time.GetElapsedTime(start) };
    }

    private async Task<Outcome> PlayAsync(Scenario scenario, Requirement requirement, Transcript transcript, CancellationToken cancellation)
    {
        if (launch is null && (scenario.Launch is not null || scenario.NeedsLauncher))
        {
            var settings = Stage.Describe(scenario.Launch ?? new Dictionary<string, string>());
            return new Outcome(scenario, requirement, Verdict.Unsupported, $"needs a launcher to start a server with {settings}");
        }

        using var timer = new CancellationTokenSource(target.Timeouts.Scenario, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        LaunchedServer? server = null;
        try
        {
            if (scenario.Launch is { } chosen)
            {
                transcript.Note("launcher", $"starting a server with {Stage.Describe(chosen)}");
                server = await launch!(chosen, either.Token);
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
        await using var stage = new Stage(server?.Target ?? target, launch, FreshName, transcript, limit);
        if (server is not null)
        {
            stage.Server = server;
        }

        Outcome outcome;
        try
        {
            await scenario.Body(stage);
            outcome = Decided(scenario, requirement, stage.Expect);
        }
        catch (Exception e)
        {
            outcome = Judge(scenario, requirement, e);
        }

        return outcome with { Transcript = transcript.Entries, Observations = stage.Expect.Observations, Checks = stage.Expect.Checks };
    }

    private static Outcome Decided(Scenario scenario, Requirement requirement, Expect expect)
    {
        if (requirement.Level == Level.May && expect.Checks + expect.Observations.Count > 0)
        {
            return new(scenario, requirement, Verdict.Observed, "a legal alternative was seen");
        }

        return expect.Checks > 0
            ? new(scenario, requirement, Verdict.Pass, $"{expect.Checks} check(s) held")
            : new(scenario, requirement, Verdict.Error, "the scenario ended without a decisive check");
    }

    private static Outcome Judge(Scenario scenario, Requirement requirement, Exception exception) => exception switch
    {
        Violation violation => new(scenario, requirement, Severity(requirement), violation.Message)
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

    private static Verdict Severity(Requirement requirement) => requirement switch
    {
        { Binding: true } => Verdict.Fail,
        { Recommended: true } => Verdict.Warn,
        _ => Verdict.Observed,
    };

    private string FreshName(string hint) => $"conformance-{_run}-{Interlocked.Increment(ref _names)}-{hint}";
}
