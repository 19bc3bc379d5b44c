using PubSub.Conformance.Fixture;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Targets;
using PubSub.Conformance.TestTopics;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>Which scenarios keep their transcripts in the results.</summary>
public enum KeptTranscripts
{
    None,

    /// <summary>Those that did not pass.</summary>
    Failed,
    All,
}

/// <summary>The options of a run.</summary>
public sealed record RunOptions
{
    public const int MostParallel = 64;
    public const int MostRepetitions = 1_000;

    /// <summary>Scenarios at one time against a near target.</summary>
    public const int UsualParallel = 8;

    /// <summary>Scenarios at one time against a distant target, where they mostly wait.</summary>
    public const int MostParallelByDistance = 56;

    private const int UsualLoadParallel = 2;
    private const int MostLoadParallelByDistance = 10;

    // A scenario with a round trip of 250 ms mostly waits and hardly loads this machine or the server.
    private static readonly TimeSpan DistanceOfOneMore = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan DistanceOfOneMoreLoad = TimeSpan.FromMilliseconds(25);

    public Selection Selection { get; init; } = new();

    /// <summary>
    /// Scenarios at one time; null derives the number from the target's round trip. Loads have a smaller bound of their own.
    /// </summary>
    public int? Parallel { get; init; }

    /// <summary>How often the whole set runs, one repetition after the other.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Shuffles scenarios that are equally dangerous; null keeps the order of the specification.</summary>
    public int? Seed { get; init; }

    /// <summary>Also runs the scenarios that put the target under load: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool AllowLoad { get; init; }

    /// <summary>No other client uses the target: also runs scenarios that assert totals, see <see cref="Scenario.IsExclusive"/>.</summary>
    public bool Exclusive { get; init; }

    /// <summary>Treats a violated recommendation as a failure.</summary>
    public bool Strict { get; init; }

    /// <summary>How long a dead target that the suite cannot restart may take to come back by itself.</summary>
    public TimeSpan SupervisorPatience { get; init; } = TimeSpan.FromSeconds(8);

    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(30);
    public KeptTranscripts Transcripts { get; init; } = KeptTranscripts.Failed;

    /// <summary>Shown in the results as they are, redacted.</summary>
    public IReadOnlyDictionary<string, string> Described { get; init; } = new Dictionary<string, string>();

    /// <summary>How many scenarios run at one time against a target at this <see cref="Target.Distance"/>.</summary>
    public int AtOnce(TimeSpan distance) =>
        Parallel ?? Math.Clamp(UsualParallel + (int)(distance / DistanceOfOneMore), UsualParallel, MostParallelByDistance);

    /// <summary>How many loads run at one time against a target at this distance.</summary>
    public int LoadAtOnce(TimeSpan distance) => Math.Min(
        AtOnce(distance),
        Math.Clamp(UsualLoadParallel + (int)(distance / DistanceOfOneMoreLoad), UsualLoadParallel, MostLoadParallelByDistance));

    /// <summary>Why the scenario is left out; null if it runs.</summary>
    public string? Refusal(Scenario scenario, Requirement? requirement)
    {
        if (!Selection.Includes(scenario, requirement))
        {
            return "not among those to include";
        }

        if (Selection.Excluding(scenario, requirement) is { } pattern)
        {
            return $"excluded by '{pattern}'";
        }

        if (scenario.IsExclusive && !Exclusive)
        {
            return "asserts totals of a target that no other client uses, which needs --exclusive";
        }

        return scenario.IsLoad && !AllowLoad ? "puts the target under load, which needs --allow load" : null;
    }
}

/// <summary>One scenario is done.</summary>
public sealed record Progress(int Done, int Total, ScenarioResult Scenario);

/// <summary>Everything that a run needs.</summary>
public sealed record RunSetup
{
    public required Catalogue Catalogue { get; init; }

    /// <summary>All scenarios; <see cref="RunOptions.Selection"/> says which of them run.</summary>
    public required IReadOnlyList<Scenario> Scenarios { get; init; }

    public required ProbedTarget Probed { get; init; }
    public RunOptions Options { get; init; } = new();
    public Redaction Redaction { get; init; } = new();
    public TopicNames Names { get; init; } = new();

    /// <summary>Null makes scenarios that start servers unsupported.</summary>
    public Launch? Launch { get; init; }

    /// <summary>Starts servers of several nodes, for scenarios that do not observe one process; null starts servers of one node.</summary>
    public Launch? LaunchNodes { get; init; }

    /// <summary>Restarts the target after a death; if null, only a supervisor can.</summary>
    public IRestart? Restart { get; init; }

    /// <summary>The deaths that the probe has caused.</summary>
    public IReadOnlyList<DeathResult> EarlierDeaths { get; init; } = [];

    public IProgress<Progress>? Progress { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
