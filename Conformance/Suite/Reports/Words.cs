using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>One spelling of verdicts, numbers and times for every report, whatever the machine's culture.</summary>
internal static partial class Words
{
    /// <summary>An enum value as results.json spells it.</summary>
    public static string Of<T>(T value) where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>The key words of RFC 2119 as they are written in prose.</summary>
    public static string Of(Level level) => Of<Level>(level).ToUpperInvariant().Replace('-', ' ');

    public static string Prose(ConclusionKind kind) => kind switch
    {
        ConclusionKind.Conformant => "Conformant",
        ConclusionKind.Violation => "Not conformant",
        ConclusionKind.Stale => "Stale expectations",
        ConclusionKind.NotEvaluated => "Not evaluated",
        ConclusionKind.Error => "Error of the suite",
        _ => "Cancelled",
    };

    public static string Prose(EndingKind kind) => kind switch
    {
        EndingKind.Completed => "The run was completed",
        EndingKind.TargetDied => "The target stopped answering",
        EndingKind.Cancelled => "The run was cancelled",
        _ => "The run reached its deadline",
    };

    public static string Count(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : many ?? one + "s")}");

    public static string Seconds(double seconds) =>
        seconds < 60
            ? Number(seconds, 1) + " s"
            : string.Create(CultureInfo.InvariantCulture, $"{(long)seconds / 60} min {(long)seconds % 60} s");

    public static string Moment(DateTimeOffset moment) =>
        moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    public static string Number(double value, int decimals) => value.ToString("F" + decimals, CultureInfo.InvariantCulture);

    /// <summary>Splits prose into pieces; text between two backticks is code.</summary>
    public static IEnumerable<(bool IsCode, string Text)> Pieces(string prose)
    {
        var end = 0;
        foreach (Match code in CodeSpan().Matches(prose))
        {
            yield return (false, prose[end..code.Index]);
            yield return (true, code.Groups[1].Value);
            end = code.Index + code.Length;
        }

        yield return (false, prose[end..]);
    }

    /// <summary>"400 pass, 3 fail": only values that occur, in the order of the enum.</summary>
    public static string Counts<T>(IEnumerable<T> values) where T : struct, Enum
    {
        var counts = values.GroupBy(value => value).OrderBy(group => group.Key).Select(group => $"{group.Count()} {Of(group.Key)}");
        return string.Join(", ", counts);
    }

    /// <summary>" (2 of 5)" if two of five repetitions have this verdict; empty if all have it.</summary>
    public static string Times(ScenarioResult scenario)
    {
        var times = scenario.Repetitions.Count(verdict => verdict == scenario.Verdict);
        return times == scenario.Repetitions.Count ? "" : $" ({times} of {scenario.Repetitions.Count})";
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();
}
