namespace PubSub.Conformance.Verdicts;

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
