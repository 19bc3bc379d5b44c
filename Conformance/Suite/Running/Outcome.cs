using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>How one run of one scenario ended, with everything needed to understand it without running it again.</summary>
public sealed record Outcome(Scenario Scenario, Requirement? Requirement, Verdict Verdict, string Message)
{
    public string? Expectation { get; init; }
    public string? Expected { get; init; }
    public string? Observed { get; init; }

    /// <inheritdoc cref="ScenarioResult.Blames"/>
    public string? Blames { get; init; }

    /// <summary>The cause, other than the server, that kept this from being decided.</summary>
    internal Interference? Interference { get; init; }

    public IReadOnlyList<KeyValuePair<string, string>> Observations { get; init; } = [];
    public int Checks { get; init; }
    public IReadOnlyList<TranscriptEntry> Transcript { get; init; } = [];
    public long TranscriptDropped { get; init; }
    public TimeSpan Duration { get; init; }

    /// <summary>The time of the end, since the start of the run.</summary>
    internal TimeSpan Ended { get; init; }

    /// <summary>The connections and bytes of this scenario alone.</summary>
    public Traffic? Traffic { get; init; }

    /// <summary>The result without redaction.</summary>
    public ScenarioResult ToResult() => new()
    {
        Id = Scenario.Id,
        Requirement = Scenario.Requirement,
        Also = Scenario.Also,
        Verdict = Verdict,
        Message = Message,
        Expectation = Expectation,
        Expected = Expected,
        Observed = Observed,
        Blames = Blames,
        Observations = [.. Observations.Select(seen => new Observation(seen.Key, seen.Value))],
        Checks = Checks,
        DurationMs = Math.Round(Duration.TotalMilliseconds, 1),
        Transcript = [.. Transcript.Select(line => new TranscriptLine(
            Math.Round(line.At.TotalMilliseconds, 3), line.Connection, line.Direction, line.Kind, line.Length, line.Data))],
        TranscriptDropped = TranscriptDropped,
    };
}
