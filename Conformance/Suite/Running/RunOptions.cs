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

    /// <summary>Scenarios at one time. Those that put the target under load have a smaller bound of their own.</summary>
    public int Parallel { get; init; } = 8;

    /// <summary>How often the whole set is run, one time after the other.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Shuffles the order of scenarios; null keeps that of the specification.</summary>
    public int? Seed { get; init; }

    /// <summary>Runs the scenarios that put the target under load as well: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool AllowLoad { get; init; }

    /// <summary>No other client uses the target: runs the scenarios that assert its totals as well, see <see cref="Scenario.IsExclusive"/>.</summary>
    public bool Exclusive { get; init; }

    /// <summary>Takes every recommendation as a duty.</summary>
    public bool Strict { get; init; }

    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(30);
    public KeptTranscripts Transcripts { get; init; } = KeptTranscripts.Failed;

    /// <summary>Shown in the results as they are, redacted.</summary>
    public IReadOnlyDictionary<string, string> Described { get; init; } = new Dictionary<string, string>();

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

    public IProgress<Progress>? Progress { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
