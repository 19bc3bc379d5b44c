using System.Text;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>
/// The run in Markdown, for <c>$GITHUB_STEP_SUMMARY</c> and for people. What to fix first comes first; what does not fit is named.
/// </summary>
public static class Summary
{
    private const int ListCap = 100;
    private const int LineCap = 500;
    private const int ValueCap = 2000;
    private const int TailBytes = 64 * 1024;

    /// <param name="bytes">The largest size in UTF-8. GitHub drops a summary of more than 1 MiB as a whole.</param>
    public static string Render(Results results, int bytes = 900 * 1024)
    {
        var digest = new Digest(results);
        var page = new Page(bytes);
        Head(page, results);
        ToFix(page, digest);
        List(
            page,
            $"Restarts: {results.Restarts}. Deaths of the target",
            results.Deaths.Select(death => Markdown.Prose(death.Message, LineCap)));
        Profiles(page, results);
        Causes(page, digest);
        List(page, "Stale expectations", results.Stale.Select(stale => Markdown.Prose(stale)));
        List(page, "Topics that could not be deleted", results.Leftovers.Select(topic => Markdown.Code(topic)));
        page.TryAdd(
            $"\n{Markdown.Prose($"{results.Suite.Spec} {results.Suite.SpecVersion}, suite {results.Suite.Version}")}, "
            + $"requirements {Markdown.Code(results.Suite.Catalogue, 12)}, run {Markdown.Code(results.Run)}\n");
        return page.ToString();
    }

    private static string Line(ScenarioResult scenario) =>
        $"{Markdown.Code(scenario.Id, 300)}: {Markdown.Prose(scenario.Message, LineCap)}{Words.Times(scenario)}"
        + (scenario.KnownFailing is { } pattern ? $" (known by {Markdown.Code(pattern, 200)})" : "");

    private static void Head(Page page, Results results)
    {
        var conclusion = results.Conclusion;
        var mark = conclusion.Kind switch
        {
            ConclusionKind.Conformant => "\u2705",
            ConclusionKind.Violation or ConclusionKind.Error => "\u274c",
            _ => "\u26a0\ufe0f",
        };
        page.TryAdd($"## {mark} {Words.Prose(conclusion.Kind)}: {Markdown.Prose(conclusion.Message)}\n\n");
        page.TryAdd(
            $"Target {Markdown.Code(results.Target.Place)}, dialect {Markdown.Code(results.Target.Dialect)}, "
            + $"{Words.Moment(results.Started)}, {Words.Seconds(results.DurationSeconds)}. "
            + $"{Words.Count(results.Scenarios.Count, "scenario")}: "
            + $"{Words.Counts(results.Scenarios.Select(scenario => scenario.Verdict))}.\n\n");
        if (results.Ending.Kind == EndingKind.Completed)
        {
            return;
        }

        var witness = results.Ending.Witness is { } id ? $" First seen by {Markdown.Code(id)}." : "";
        page.TryAdd($"**{Words.Prose(results.Ending.Kind)}.** {Markdown.Prose(results.Ending.Message)}{witness}\n\n");
        if (results.Ending.LastRequests.Count > 0)
        {
            var requests = results.Ending.LastRequests.TakeLast(20).Select(request =>
                $"{Words.Number(request.AtSeconds, 3),9} s  {Visible.Line(request.Scenario, 120)}  "
                + $"{Visible.Line(request.Connection, 24)} > {Visible.Line(request.Kind, 24)}  {Visible.Line(request.Data, 300)}\n");
            page.TryAdd("The last requests before that:\n\n" + Markdown.Block(string.Concat(requests)) + "\n");
        }
    }

    private static void Profiles(Page page, Results results)
    {
        var table = new StringBuilder("| Profile | | Satisfied | Violated | Warned | Not evaluated |\n|---|---|--:|--:|--:|--:|\n");
        foreach (var profile in results.Profiles)
        {
            var (mark, word) = Of(profile.Conformity);
            table.Append($"| {Markdown.Prose(profile.Name, 60)} | {mark} {word} | {profile.Satisfied} of {profile.Requirements} ");
            table.Append($"| {profile.Violated} | {profile.Warned} | {profile.NotEvaluated} |\n");
        }

        page.TryAdd(table.Append('\n').ToString());
    }

    private static (string Mark, string Word) Of(Conformity conformity) => conformity switch
    {
        Conformity.Conformant => ("\u2705", "conformant"),
        Conformity.ConformantWithWarnings => ("\u2705", "conformant, with warnings"),
        Conformity.Partial => ("\u26a0\ufe0f", "partial"),
        Conformity.NonConformant => ("\u274c", "not conformant"),
        Conformity.Unsupported => ("\u2796", "unsupported"),
        _ => ("\u2796", "not evaluated"),
    };

    private static void ToFix(Page page, Digest digest)
    {
        if (digest.ToFix.Count > 0)
        {
            var lines = digest.ToFix.Select((cause, place) => $"{place + 1}. {Markdown.Prose(cause.Advice, LineCap)}\n");
            page.TryAdd($"### What to fix first\n\n{string.Concat(lines)}\n");
        }
    }

    private static void Causes(Page page, Digest digest)
    {
        if (digest.Causes.Count == 0)
        {
            return;
        }

        page.TryAdd($"### {Words.Count(digest.Causes.Count, "cause")}, the worst first\n\n");
        foreach (var cause in digest.Causes)
        {
            var title = cause.Title.Length == 0 ? "" : $" {Markdown.Prose(cause.Title)}";
            var known = cause.Standing == Standing.KnownFailing ? " (known)" : "";
            var heading = $"#### {Words.Of(cause.Worst.Verdict)}{known}{title}: {cause.Extent}";
            page.AddOrSay($"{heading}\n\n{Told(digest, cause)}", cause.Title, TailBytes);
            Details(page, cause);
        }
    }

    /// <summary>The worst scenario of a cause: a failure with all its facts, anything else in a line.</summary>
    private static string Told(Digest digest, Cause cause)
    {
        if (cause.Standing != Standing.Failed)
        {
            return $"{Line(cause.Worst)}\n\n";
        }

        var facts = Digest.Lines(digest.Facts(cause.Worst).Where(fact => fact.Label is not "requirement"), indent: 0, ValueCap);
        var sentence = digest.RequirementOf(cause.Worst) is { } requirement
            ? $"> {Markdown.Prose(requirement.Text)} *({Words.Of(requirement.Level)}, {Words.Of(requirement.Profile)})*\n\n"
            : "";
        return $"{sentence}{Markdown.Code(cause.Worst.Id)}\n\n{Markdown.Block(facts)}\n";
    }

    private static void List(Page page, string heading, IEnumerable<string> lines)
    {
        if (Bullets(lines) is { } list)
        {
            page.AddOrSay($"### {heading}\n\n{list}\n", heading);
        }
    }

    private static void Details(Page page, Cause cause)
    {
        if (Bullets(cause.Scenarios.Skip(1).Select(Line)) is { } list)
        {
            var folded = $"<details><summary>and {cause.Scenarios.Count - 1:N0} more</summary>\n\n{list}\n</details>\n\n";
            page.AddOrSay(folded, Words.Count(cause.Scenarios.Count - 1, "more scenario"));
        }
    }

    private static string? Bullets(IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        var shown = string.Concat(all.Take(ListCap).Select(line => $"- {line}\n"));
        return all.Length == 0 ? null
            : all.Length <= ListCap ? shown
            : $"{shown}- {Words.Count(all.Length - ListCap, "more is", "more are")} left out here\n";
    }

    /// <summary>Markdown of limited size: a part that does not fit is left out as a whole.</summary>
    private sealed class Page(int bytes)
    {
        private readonly StringBuilder _text = new();
        private int _left = bytes;

        /// <param name="spare">Bytes that this part must leave for later parts.</param>
        public bool TryAdd(string part, int spare = 0)
        {
            var size = Encoding.UTF8.GetByteCount(part);
            if (size > _left - spare)
            {
                return false;
            }

            _text.Append(part);
            _left -= size;
            return true;
        }

        public void AddOrSay(string part, string what, int spare = 1024)
        {
            if (!TryAdd(part, spare))
            {
                TryAdd($"Left out for its size: {what}.\n\n");
            }
        }

        public override string ToString() => _text.ToString();
    }
}
