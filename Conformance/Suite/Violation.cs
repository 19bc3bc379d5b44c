namespace PubSub.Conformance;

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

/// <summary>What else the violation during a wait may mean.</summary>
public static class Violations
{
    /// <summary>A violation during the wait violates this expectation.</summary>
    public static async Task<T> For<T>(this Task<T> wait, string expectation)
    {
        try
        {
            return await wait;
        }
        catch (Violation violation)
        {
            throw new Violation(expectation, violation.Expected, violation.Observed);
        }
    }

    /// <summary>A violation during the wait breaks this requirement, unless it already names one.</summary>
    internal static async Task<T> Breaking<T>(this Task<T> wait, string requirement)
    {
        try
        {
            return await wait;
        }
        catch (Violation violation) when (violation.Breaks is null)
        {
            throw new Violation(violation.Expectation, violation.Expected, violation.Observed) { Breaks = requirement };
        }
    }

    /// <summary>The answer, or null without one: that the server answers is another requirement.</summary>
    public static async Task<T?> IfAnswered<T>(this Task<T> answer) where T : class
    {
        try
        {
            return await answer;
        }
        catch (Violation)
        {
            // The server closed the connection, or did not answer.
            return null;
        }
    }
}
