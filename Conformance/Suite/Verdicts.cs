namespace PubSub.Conformance;

/// <summary>The result of a scenario. A pass needs at least one decisive check.</summary>
public enum Verdict
{
    Pass,

    /// <summary>A MUST is violated.</summary>
    Fail,

    /// <summary>A SHOULD is violated.</summary>
    Warn,

    /// <summary>One of several legal alternatives was seen.</summary>
    Observed,

    /// <summary>The target, or the options of the run, do not offer what the scenario needs.</summary>
    Unsupported,

    /// <summary>A precondition or a control did not hold, so nothing was decided.</summary>
    Inconclusive,

    /// <summary>Left out by the user.</summary>
    Disabled,

    /// <summary>The suite itself is wrong.</summary>
    Error,

    /// <summary>The scenario did not run, or the target was down by then.</summary>
    NotEvaluated,
}

/// <summary>The server did not meet the expectation.</summary>
public sealed class Violation(string expectation, string expected, string observed)
    : Exception(Sentence(expectation.Quoted(), Value(expected), Value(observed)))
{
    public string Expectation { get; } = expectation.Quoted();
    public string Expected { get; } = Value(expected);
    public string Observed { get; } = Value(observed);

    /// <summary>The requirement that this breaks in every scenario; null if only the scenario knows which one.</summary>
    public string? Breaks { get; init; }

    private static string Value(string text) => string.IsNullOrWhiteSpace(text) ? "nothing" : text.Quoted();

    /// <summary>Leaves out the expected phrase if the expectation ends with it.</summary>
    private static string Sentence(string expectation, string expected, string observed) =>
        expected.Contains(' ', StringComparison.Ordinal) && expectation.EndsWith($" {expected}", StringComparison.Ordinal)
            ? $"{expectation}: observed {observed}"
            : $"{expectation}: expected {expected}; observed {observed}";
}

/// <summary>A precondition did not hold, so nothing was decided.</summary>
/// <param name="blames">The requirement that is really broken, if any. In a scenario of that requirement it is a violation.</param>
public sealed class Inconclusive(string reason, string? blames = null, Violation? cause = null)
    : Exception((blames is null ? reason : $"{reason} ({blames})").Quoted(Excerpt.LongestMessage), cause)
{
    public string? Blames { get; } = blames;

    /// <summary>As a violation of <see cref="Blames"/>.</summary>
    public Violation AsViolation() => cause ?? new Violation(reason, "what the scenario starts from", "something else");
}

/// <summary>The target legitimately lacks something that the scenario needs.</summary>
public sealed class Unsupported(string reason) : Exception(reason.Quoted());
