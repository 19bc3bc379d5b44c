using System.Text;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

public enum ChangeKind
{
    /// <summary>It held, or was not known, and now it does not hold.</summary>
    Worse,

    /// <summary>It was decided, and now it is undecided or gone: a loss of evidence.</summary>
    Lost,

    /// <summary>It holds now, or a failure became a warning.</summary>
    Better,

    /// <summary>Different, but neither worse nor better.</summary>
    Other,

    New,

    /// <summary>It was not decided before, and is gone.</summary>
    Gone,
}

/// <summary>One scenario or requirement that two runs disagree about.</summary>
/// <param name="Before">Null when it is new.</param>
/// <param name="After">Null when it is gone.</param>
public sealed record Change(string Id, ChangeKind Kind, string? Before, string? After);

/// <summary>The changes of every scenario and every requirement between two runs.</summary>
public sealed class Comparison
{
    /// <summary>Options that change no verdict.</summary>
    private static readonly HashSet<string> Harmless =
    [
        "url", "rest-url", "ws-url", "target", "header", "header-env", "namespace",
        "out", "transcripts", "redact", "known-failing", "no-color", "quiet", "verbose",
    ];

    private Comparison(Results before, Results after)
    {
        Before = before;
        After = after;
        Scenarios = Changes(before.Scenarios, after.Scenarios, one => one.Id, one => one.Verdict, Badness);
        Requirements = Changes(before.Requirements, after.Requirements, one => one.Id, one => one.Status, Badness);
        Caveats = [.. CaveatsOf(before, after)];
    }

    public Results Before { get; }
    public Results After { get; }

    /// <summary>Worse ones first; unchanged ones are not listed.</summary>
    public IReadOnlyList<Change> Scenarios { get; }

    /// <inheritdoc cref="Scenarios"/>
    public IReadOnlyList<Change> Requirements { get; }

    /// <summary>Why a difference may come from the runs instead of the server; empty if the runs are comparable.</summary>
    public IReadOnlyList<string> Caveats { get; }

    public bool LikeForLike => Caveats.Count == 0;

    /// <summary>Something became worse, or is no longer decided. New scenarios and requirements do not count.</summary>
    /// <param name="allowMissing">Accepts what is no longer decided.</param>
    public bool HasRegressions(bool allowMissing = false) => Scenarios.Concat(Requirements)
        .Any(change => change.Kind == ChangeKind.Worse || (change.Kind == ChangeKind.Lost && !allowMissing));

    public static Comparison Of(Results before, Results after) => new(before, after);

    /// <inheritdoc cref="HasRegressions"/>
    public string ToText(bool allowMissing = false)
    {
        var text = new StringBuilder();
        text.Append($"before  {Name(Before)}\nafter   {Name(After)}\n");
        foreach (var caveat in Caveats)
        {
            text.Append($"not like for like: {Visible.Line(caveat, 500)}\n");
        }

        foreach (var (what, changes) in Parts())
        {
            foreach (var group in changes.GroupBy(change => change.Kind))
            {
                text.Append($"\n{Words.Count(group.Count(), what)} {Words.Of(group.Key)}\n");
                foreach (var change in group)
                {
                    text.Append($"  {Visible.Line(change.Id, 300)}: {Arrow(change)}\n");
                }
            }
        }

        return text.Append($"\n{Outcome(allowMissing)}\n").ToString();
    }

    /// <inheritdoc cref="HasRegressions"/>
    public string ToMarkdown(bool allowMissing = false)
    {
        var text = new StringBuilder();
        text.Append($"## {(HasRegressions(allowMissing) ? "\u274c" : "\u2705")} {Outcome(allowMissing)}\n\n");
        text.Append($"- before: {Markdown.Prose(Name(Before))}\n- after: {Markdown.Prose(Name(After))}\n\n");
        if (!LikeForLike)
        {
            text.Append("**The two do not compare like for like:**\n\n");
            text.AppendJoin('\n', Caveats.Select(caveat => $"- {Markdown.Prose(caveat, 500)}")).Append("\n\n");
        }

        foreach (var (what, changes) in Parts().Where(part => part.Changes.Count > 0))
        {
            text.Append($"### {Words.Count(changes.Count, what)} changed\n\n| | Id | Before | After |\n|---|---|---|---|\n");
            foreach (var change in changes)
            {
                text.Append($"| {Words.Of(change.Kind)} | {Markdown.Code(change.Id, 300)} ");
                text.Append($"| {change.Before ?? "\u2013"} | {change.After ?? "\u2013"} |\n");
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static IEnumerable<string> CaveatsOf(Results before, Results after)
    {
        if (before.Suite.Catalogue != after.Suite.Catalogue)
        {
            yield return $"the requirements differ: {Catalogue(before.Suite)} and {Catalogue(after.Suite)}";
        }

        if (before.Suite.Version != after.Suite.Version)
        {
            yield return $"the suite differs: {before.Suite.Version} and {after.Suite.Version}";
        }

        if (before.Target.Dialect != after.Target.Dialect)
        {
            yield return $"the dialect differs: {before.Target.Dialect} and {after.Target.Dialect}";
        }

        if (before.Target.Limits != after.Target.Limits)
        {
            yield return $"the limits differ: {before.Target.Limits} and {after.Target.Limits}";
        }

        var options = before.Options.Keys.Union(after.Options.Keys).Where(name => !Harmless.Contains(name));
        foreach (var name in options.Order(StringComparer.Ordinal))
        {
            var (one, other) = (before.Options.GetValueOrDefault(name), after.Options.GetValueOrDefault(name));
            if (one != other)
            {
                yield return $"the option {name} differs: {one ?? "not given"} and {other ?? "not given"}";
            }
        }

        foreach (var (which, ending) in new[] { ("first", before.Ending.Kind), ("second", after.Ending.Kind) })
        {
            if (ending != EndingKind.Completed)
            {
                yield return $"the {which} run did not come to its end ({Words.Of(ending)})";
            }
        }
    }

    private static string Catalogue(SuiteIdentity suite) => $"{suite.Spec} {suite.SpecVersion} ({Visible.Line(suite.Catalogue, 12)})";

    private static IReadOnlyList<Change> Changes<T, TState>(
        IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string> id, Func<T, TState> state, Func<TState, int> badness)
        where TState : struct, Enum
    {
        bool IsDecided(TState value) => badness(value) is not (Unknown or Broken);
        var was = before.DistinctBy(id).ToDictionary(id, state);
        var isNow = after.DistinctBy(id).ToDictionary(id, state);
        var changed = isNow.Where(now => was.TryGetValue(now.Key, out var then) && !then.Equals(now.Value))
            .Select(now => (now.Key, Then: was[now.Key], Now: now.Value))
            .Select(one => new Change(one.Key, KindOf(badness(one.Then), badness(one.Now)), Words.Of(one.Then), Words.Of(one.Now)));
        var fresh = isNow.Where(now => !was.ContainsKey(now.Key))
            .Select(now => new Change(now.Key, ChangeKind.New, null, Words.Of(now.Value)));
        var gone = was.Where(then => !isNow.ContainsKey(then.Key))
            .Select(then => new Change(then.Key, IsDecided(then.Value) ? ChangeKind.Lost : ChangeKind.Gone, Words.Of(then.Value), null));
        return [.. changed.Concat(fresh).Concat(gone).OrderBy(change => change.Kind)];
    }

    private static ChangeKind KindOf(int before, int after) =>
        before == Broken ? KindOf(Unknown, after)
        : after == Unknown ? (before == Unknown ? ChangeKind.Other : ChangeKind.Lost)
        : after > before ? ChangeKind.Worse
        : after < before ? ChangeKind.Better
        : ChangeKind.Other;

    /// <summary>Nothing was decided.</summary>
    private const int Unknown = 1;

    /// <summary>The suite erred: the worst state, but no evidence about the server.</summary>
    private const int Broken = 4;

    private static int Badness(Verdict verdict) => verdict switch
    {
        Verdict.Pass or Verdict.Observed => 0,
        Verdict.Warn => 2,
        Verdict.Fail => 3,
        Verdict.Error => Broken,
        _ => Unknown,
    };

    private static int Badness(RequirementStatus status) => status switch
    {
        RequirementStatus.Satisfied or RequirementStatus.LeftOpen => 0,
        RequirementStatus.Warned => 2,
        RequirementStatus.Violated => 3,
        RequirementStatus.Error => Broken,
        _ => Unknown,
    };

    private static string Name(Results results) => Visible.Line(
        $"run {results.Run} of {Words.Moment(results.Started)}, {results.Target.Place}: {Words.Of(results.Conclusion.Kind)}", 500);

    private static string Arrow(Change change) => (change.Before, change.After) switch
    {
        (null, _) => change.After ?? "",
        (_, null) => change.Before,
        _ => $"{change.Before} \u2192 {change.After}",
    };

    private IEnumerable<(string What, IReadOnlyList<Change> Changes)> Parts() => [("requirement", Requirements), ("scenario", Scenarios)];

    private string Outcome(bool allowMissing)
    {
        var changes = Scenarios.Concat(Requirements).ToList();
        var lost = changes.Any(change => change.Kind == ChangeKind.Lost) switch
        {
            false => "",
            true when allowMissing => "; what is not decided any more is accepted",
            true => "; something is not decided any more",
        };
        var what = changes.Any(change => change.Kind == ChangeKind.Worse) ? "Something" : "Nothing";
        return changes.Count == 0
            ? "Nothing changed"
            : $"{what} became worse{lost}; scenarios: {Words.Counts(Scenarios.Select(change => change.Kind))}";
    }
}
