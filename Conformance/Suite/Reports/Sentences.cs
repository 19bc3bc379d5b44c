using System.Text.RegularExpressions;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>Finds parts of a message that make it hard to read for a person.</summary>
public static partial class Sentences
{
    private const int ShownMatch = 60; // characters

    /// <summary>The objections to a message; empty if it is a proper sentence.</summary>
    public static IEnumerable<string> Objections(string message)
    {
        if (message.Length > Excerpt.LongestMessage + Excerpt.LongestValue)
        {
            yield return $"it has {message.Length} characters";
        }

        foreach (Match match in NoSentence().Matches(message))
        {
            yield return $"it holds '{match.Value.Cut(ShownMatch)}'";
        }
    }

    /// <summary>The objections to the messages of these scenarios, except for errors of the suite, which are stack traces.</summary>
    public static IEnumerable<string> Objections(IEnumerable<ScenarioResult> scenarios) =>
        from scenario in scenarios
        where scenario.Verdict != Verdict.Error
        from objection in Objections(scenario.Message)
        select $"the message of {scenario.Id} is no sentence: {objection}";

    /// <summary>
    /// A record, an anonymous type or the name of a type printed as code; a condition or an empty text in place of a value; a long run of
    /// white space; an HTML page.
    /// </summary>
    [GeneratedRegex(
        """(?:^|\s)\w* ?\{ \w+ = |System\.(?:Collections|Linq)\.|it to hold|does not hold|(?-i:(?:expected|observed) (?:True|False)\b)"""
        + """|expected ;|observed $|\s{9,}|<html\b|<!doctype""",
        RegexOptions.IgnoreCase)]
    private static partial Regex NoSentence();
}
