using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace PubSub.Conformance.TestTopics;

/// <summary>
/// Unique names: <c>prefix-run-number-hint</c>, the run being eight hexadecimal digits. A scenario may append to a name but keeps its
/// beginning, which tells the topics of a run from other topics on a shared target.
/// </summary>
public sealed partial class TopicNames
{
    public const string UsualPrefix = "conformance";
    public const int LongestPrefix = 40;

    private int _last;

    public TopicNames(string prefix = UsualPrefix)
    {
        if (!IsPrefix(prefix))
        {
            throw new ArgumentException($"a prefix is 1 to {LongestPrefix} of a-z, A-Z, 0-9 and _", nameof(prefix));
        }

        Prefix = prefix;
    }

    public string Prefix { get; }

    /// <summary>Eight hexadecimal digits.</summary>
    public string Run { get; private init; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    /// <summary>Records topics before they are created.</summary>
    public Journal? Journal { get; private init; }

    /// <summary>Names of the same run, recorded in this journal.</summary>
    public TopicNames Journalled(Journal journal) => new(Prefix) { Run = Run, Journal = journal };

    public static bool IsPrefix(string text) => text.Length <= LongestPrefix && PrefixShape().IsMatch(text);

    public string Next(string hint) => $"{Prefix}-{Run}-{Interlocked.Increment(ref _last)}-{hint}";

    /// <summary>The run that a topic of this prefix belongs to; null when it is not a topic of the suite.</summary>
    public static string? RunOf(string topic, string prefix = UsualPrefix) =>
        topic.StartsWith($"{prefix}-", StringComparison.Ordinal) && OfRun().Match(topic[(prefix.Length + 1)..]) is { Success: true } match
            ? match.Groups["run"].Value
            : null;

    [GeneratedRegex(@"\A(?<run>[0-9a-f]{8})-[1-9][0-9]*-")]
    private static partial Regex OfRun();

    [GeneratedRegex(@"\A[A-Za-z0-9_]+\z")]
    private static partial Regex PrefixShape();
}
