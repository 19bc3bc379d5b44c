using System.Text.Json.Serialization;

namespace PubSub.Conformance;

/// <summary>How binding a requirement is, in the sense of RFC 2119.</summary>
public enum Level
{
    [JsonStringEnumMemberName("MUST")] Must,
    [JsonStringEnumMemberName("MUST_NOT")] MustNot,
    [JsonStringEnumMemberName("SHOULD")] Should,
    [JsonStringEnumMemberName("SHOULD_NOT")] ShouldNot,
    [JsonStringEnumMemberName("MAY")] May,
}

/// <summary>The set of requirements that a server claims together.</summary>
public enum Profile
{
    [JsonStringEnumMemberName("core")] Core,
    [JsonStringEnumMemberName("replay")] Replay,
    [JsonStringEnumMemberName("backpressure")] Backpressure,
    [JsonStringEnumMemberName("lifecycle")] Lifecycle,
    [JsonStringEnumMemberName("observability")] Observability,
    [JsonStringEnumMemberName("robustness")] Robustness,
    [JsonStringEnumMemberName("config")] Config,
    [JsonStringEnumMemberName("reference")] Reference,
}

/// <summary>What it takes to decide a requirement from outside; <c>whitebox</c> and <c>none</c> owe a reason.</summary>
public enum Testability
{
    [JsonStringEnumMemberName("blackbox")] Blackbox,
    [JsonStringEnumMemberName("timing")] Timing,
    [JsonStringEnumMemberName("stochastic")] Stochastic,
    [JsonStringEnumMemberName("config")] Config,
    [JsonStringEnumMemberName("whitebox")] Whitebox,
    [JsonStringEnumMemberName("none")] None,
}

/// <summary>One numbered sentence of the specification. Its id is never renumbered and never reused.</summary>
public sealed record Requirement
{
    public required string Id { get; init; }
    public required Level Level { get; init; }
    public required string Area { get; init; }
    public required string Text { get; init; }
    public required string Intent { get; init; }

    /// <summary>Where the seed says so, or null when the sentence is a ruling.</summary>
    public string? Source { get; init; }

    /// <summary>Why it was ruled so, where the seed leaves it open.</summary>
    public string? Decision { get; init; }

    public required Profile Profile { get; init; }
    public required Testability Testability { get; init; }

    /// <summary>Why no scenario can decide it.</summary>
    public string? Reason { get; init; }

    /// <summary>The level as it is written in prose.</summary>
    [JsonIgnore]
    public string Keyword => Level switch
    {
        Level.Must => "MUST",
        Level.MustNot => "MUST NOT",
        Level.Should => "SHOULD",
        Level.ShouldNot => "SHOULD NOT",
        _ => "MAY",
    };

    [JsonIgnore]
    public bool Binding => Level is Level.Must or Level.MustNot;

    [JsonIgnore]
    public bool Recommended => Level is Level.Should or Level.ShouldNot;

    [JsonIgnore]
    public bool DecidableFromOutside => Testability is not (Testability.Whitebox or Testability.None);
}
