using System.Text.Json.Serialization;

namespace PubSub.Conformance.Requirements;

/// <summary>How binding a requirement is, in the sense of RFC 2119.</summary>
public enum Level
{
    [JsonStringEnumMemberName("MUST")] Must,
    [JsonStringEnumMemberName("MUST_NOT")] MustNot,
    [JsonStringEnumMemberName("SHOULD")] Should,
    [JsonStringEnumMemberName("SHOULD_NOT")] ShouldNot,
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
    [JsonStringEnumMemberName("resume")] Resume,
    [JsonStringEnumMemberName("http")] Http,
    [JsonStringEnumMemberName("sse")] Sse,
    [JsonStringEnumMemberName("access")] Access,
    [JsonStringEnumMemberName("metrics")] Metrics,
}

/// <summary>What a test from outside needs to decide a requirement.</summary>
public enum Testability
{
    Blackbox,
    Timing,
    Stochastic,
    Config,
}

/// <summary>One numbered sentence of the specification. Its id is never renumbered and never reused.</summary>
public sealed record Requirement
{
    public required string Id { get; init; }
    public required Level Level { get; init; }
    public required string Area { get; init; }
    public required string Text { get; init; }
    public required string Intent { get; init; }

    /// <summary>The place in the original description that says so; null if the sentence is a decision.</summary>
    public string? Source { get; init; }

    /// <summary>Why it was decided so, if the original description leaves it open.</summary>
    public string? Decision { get; init; }

    public required Profile Profile { get; init; }
    public required Testability Testability { get; init; }

    /// <summary>Why no scenario decides it, although it is recommended.</summary>
    public string? Reason { get; init; }

    /// <summary>The level as it is written in prose.</summary>
    public string Keyword => KeywordOf(Level);

    /// <summary>True if breaking it is a failure; breaking another one, a recommendation, is a warning.</summary>
    public bool Binding => Level is Level.Must or Level.MustNot;

    public static string KeywordOf(Level level) => level switch
    {
        Level.Must => "MUST",
        Level.MustNot => "MUST NOT",
        Level.Should => "SHOULD",
        _ => "SHOULD NOT",
    };
}
