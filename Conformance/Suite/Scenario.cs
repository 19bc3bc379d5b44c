namespace PubSub.Conformance;

/// <summary>
/// One way to find a server wanting. It is data: a primary requirement, a slug that never changes, and what happens on the stage.
/// </summary>
public sealed record Scenario(string Requirement, string Slug, Func<Stage, Task> Body)
{
    public string Id => $"{Requirement}/{Slug}";

    /// <summary>The middle of the requirement id: FAN of PS-FAN-001.</summary>
    public string Area => Requirement.Split('-') is [_, var area, ..] ? area : "";

    /// <summary>Other requirements that this scenario would also notice.</summary>
    public IReadOnlyList<string> Also { get; init; } = [];

    /// <summary>Settings of a server of its own; null means that any server will do.</summary>
    public IReadOnlyDictionary<string, string>? Launch { get; init; }

    /// <summary>True when the body starts its servers itself, so that without a launcher there is nothing to run.</summary>
    public bool NeedsLauncher { get; init; }

    /// <summary>Whether there is nothing to play without a launcher, for whichever of the two reasons.</summary>
    public bool IsLaunched => Launch is not null || NeedsLauncher;

    /// <summary>
    /// True when it may put the target through more than <see cref="UsualBytes"/> or <see cref="UsualConnections"/>, which nobody does to
    /// a server without being allowed to.
    /// </summary>
    public bool IsLoad { get; init; }

    /// <summary>
    /// True for a trial of endurance. All of these together take as long as all the others, so the self-test shows them only to mutants
    /// that are declared to break their requirement.
    /// </summary>
    public bool IsLengthy { get; init; }

    /// <summary>True when no other scenario may run meanwhile: it runs before the others, or, under load, after them.</summary>
    public bool IsAlone { get; init; }

    /// <summary>True when it asserts totals of the whole target, which no other client may use meanwhile.</summary>
    public bool IsExclusive { get; init; }

    /// <summary>What any other scenario sends and receives at most, in bytes, both together.</summary>
    public const long UsualBytes = 8 * 1024 * 1024;

    /// <summary>The connections that any other scenario holds open at one time at most.</summary>
    public const int UsualConnections = 64;

    public override string ToString() => Id;
}
