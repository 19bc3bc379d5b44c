using System.Text;

namespace PubSub.Conformance.Reports;

/// <summary>
/// The run in Markdown, for <c>$GITHUB_STEP_SUMMARY</c> and for people. Failures come first, and what does not fit is counted.
/// </summary>
public static class Summary
{
    private const int ListCap = 100;
    private const int ValueCap = 2000;
    private const int TailBytes = 64 * 1024;

    /// <param name="failures">How many failures are told in full.</param>
    /// <param name="bytes">The largest size in UTF-8. GitHub drops a summary of more than 1 MiB as a whole.</param>
    public static string Render(Results results, int failures = 50, int bytes = 900 * 1024)
    {
        var digest = new Digest(results);
        var page = new Page(bytes);
        Head(page, results);
        Profiles(page, results);
        Failures(page, digest, failures);
        List(page, "Stale expectations", results.Stale.Select(stale => Markdown.Prose(stale)));
        List(page, "Topics that could not be deleted", results.Leftovers.Select(topic => Markdown.Code(topic)));
        Details(page, "warning", digest.Warnings.Select(Line));
        Details(page, "known failure", digest.Known.Select(one => $"{Line(one)} (by {Markdown.Code(one.KnownFailing ?? "", 200)})"));
        Undecided(page, digest);
        page.TryAdd(
            $"\n{Markdown.Prose($"{results.Suite.Spec} {results.Suite.SpecVersion}, suite {results.Suite.Version}")}, "
            + $"requirements {Markdown.Code(results.Suite.Catalogue, 12)}, run {Markdown.Code(results.Run)}\n");
        return page.ToString();
    }

    private static string Line(ScenarioResult scenario) => $"{Markdown.Code(scenario.Id, 300)}: {Markdown.Prose(scenario.Message, 500)}";

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
            $"Target {Markdown.Code(results.Target.Url)}, dialect {Markdown.Code(results.Target.Dialect)}, "
            + $"{Words.Moment(results.Started)}, {Words.Seconds(results.DurationSeconds)}. "
            + $"{Words.Count(results.Scenarios.Count, "scenario")}: {Words.Counts(results.Scenarios.Select(scenario => scenario.Verdict))}.\n\n");
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
        _ => ("\u2796", "not evaluated"),
    };

    private static void Failures(Page page, Digest digest, int shown)
    {
        ScenarioResult[] failures = [.. digest.ByArea(digest.Failures).SelectMany(area => area)];
        if (failures.Length == 0)
        {
            return;
        }

        page.TryAdd($"### {Words.Count(failures.Length, "failure")}\n\n");
        var told = 0;
        foreach (var failure in failures.Take(shown))
        {
            if (!page.TryAdd(Failure(digest, failure), TailBytes))
            {
                break;
            }

            told++;
        }

        if (told < failures.Length)
        {
            var more = Words.Count(failures.Length - told, "more failure");
            page.TryAdd($"\n{more} left out here; the other reports of this run hold them all.\n\n");
        }
    }

    private static string Failure(Digest digest, ScenarioResult scenario)
    {
        var facts = Digest.Lines(digest.Facts(scenario).Where(fact => fact.Label is not "requirement"), indent: 0, ValueCap);
        var sentence = digest.RequirementOf(scenario) is { } requirement
            ? $"> {Markdown.Prose(requirement.Text)} *({Words.Of(requirement.Level)}, {Words.Of(requirement.Profile)})*\n\n"
            : "";
        return $"#### {Words.Of(scenario.Verdict)} {Markdown.Code(scenario.Id)}\n\n{sentence}{Markdown.Block(facts)}\n";
    }

    private static void Undecided(Page page, Digest digest)
    {
        Reason[] reasons = [.. digest.Undecided];
        if (reasons.Length == 0)
        {
            return;
        }

        var table = new StringBuilder($"### {Words.Count(reasons.Sum(reason => reason.Scenarios.Count), "scenario")} not decided\n\n");
        table.Append("| Verdict | Scenarios | Reason |\n|---|--:|---|\n");
        foreach (var reason in reasons.Take(ListCap))
        {
            table.Append($"| {Words.Of(reason.Verdict)} | {reason.Scenarios.Count} | {Markdown.Prose(reason.Message, 300)} |\n");
        }

        if (reasons.Length > ListCap)
        {
            var rest = reasons.Skip(ListCap).Sum(reason => reason.Scenarios.Count);
            table.Append($"| | {rest} | {Words.Count(reasons.Length - ListCap, "other reason")} |\n");
        }

        page.AddOrSay(table.Append('\n').ToString(), "what was not decided");
    }

    private static void List(Page page, string heading, IEnumerable<string> lines)
    {
        if (Bullets(lines) is { } list)
        {
            page.AddOrSay($"### {heading}\n\n{list}\n", heading);
        }
    }

    private static void Details(Page page, string what, IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        if (Bullets(all) is { } list)
        {
            page.AddOrSay($"<details><summary>{Words.Count(all.Length, what)}</summary>\n\n{list}\n</details>\n\n", $"the {what}s");
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

    /// <summary>Markdown that never grows beyond its size: what does not fit stays out as a whole.</summary>
    private sealed class Page(int bytes)
    {
        private readonly StringBuilder _text = new();
        private int _left = bytes;

        /// <param name="spare">Bytes that this part leaves to those that follow.</param>
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

        public void AddOrSay(string part, string what)
        {
            if (!TryAdd(part, 1024))
            {
                TryAdd($"Left out for its size: {what}.\n\n");
            }
        }

        public override string ToString() => _text.ToString();
    }
}
