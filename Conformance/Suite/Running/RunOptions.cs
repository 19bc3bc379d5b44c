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

    /// <summary>Scenarios at one time against a near target.</summary>
    public const int UsualParallel = 8;

    /// <summary>Scenarios at one time against a far target, where they mostly wait.</summary>
    public const int MostParallelByDistance = 56;

    private const int UsualLoadParallel = 2;
    private const int MostLoadParallelByDistance = 10;

    // In a round trip of 250 ms a scenario does next to nothing on this machine or the server.
    private static readonly TimeSpan DistanceOfOneMore = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan DistanceOfOneMoreLoad = TimeSpan.FromMilliseconds(25);

    public Selection Selection { get; init; } = new();

    /// <summary>
    /// Scenarios at one time; null lets the target's round trip decide. Those that put the target under load have a smaller bound of their own.
    /// </summary>
    public int? Parallel { get; init; }

    /// <summary>How often the whole set is run, one time after the other.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Shuffles scenarios that are equally dangerous; null keeps the order of the specification.</summary>
    public int? Seed { get; init; }

    /// <summary>Runs the scenarios that put the target under load as well: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool AllowLoad { get; init; }

    /// <summary>No other client uses the target: runs the scenarios that assert its totals as well, see <see cref="Scenario.IsExclusive"/>.</summary>
    public bool Exclusive { get; init; }

    /// <summary>Takes every recommendation as a duty.</summary>
    public bool Strict { get; init; }

    /// <summary>How long a dead target that the suite cannot start may take to come back by itself.</summary>
    public TimeSpan SupervisorPatience { get; init; } = TimeSpan.FromSeconds(8);

    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(30);
    public KeptTranscripts Transcripts { get; init; } = KeptTranscripts.Failed;

    /// <summary>Shown in the results as they are, redacted.</summary>
    public IReadOnlyDictionary<string, string> Described { get; init; } = new Dictionary<string, string>();

    /// <summary>How many scenarios run at one time against a target at this <see cref="Target.Distance"/>.</summary>
    public int AtOnce(TimeSpan distance) =>
        Parallel ?? Math.Clamp(UsualParallel + (int)(distance / DistanceOfOneMore), UsualParallel, MostParallelByDistance);

    /// <summary>How many of those that put the target under load.</summary>
    public int LoadAtOnce(TimeSpan distance) => Math.Min(
        AtOnce(distance),
        Math.Clamp(UsualLoadParallel + (int)(distance / DistanceOfOneMoreLoad), UsualLoadParallel, MostLoadParallelByDistance));

    /// <summary>Why the scenario is left out; null when it is run.</summary>
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

    /// <summary>All of them; <see cref="RunOptions.Selection"/> says which are run.</summary>
    public required IReadOnlyList<Scenario> Scenarios { get; init; }

    public required ProbedTarget Probed { get; init; }
    public RunOptions Options { get; init; } = new();
    public Redaction Redaction { get; init; } = new();
    public TopicNames Names { get; init; } = new();

    /// <summary>Without it scenarios that start servers are unsupported.</summary>
    public Launch? Launch { get; init; }

    /// <summary>Starts the target again after a death; without it only a supervisor does.</summary>
    public IRestart? Restart { get; init; }

    /// <summary>The deaths that the probe has caused.</summary>
    public IReadOnlyList<DeathResult> EarlierDeaths { get; init; } = [];

    public IProgress<Progress>? Progress { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
