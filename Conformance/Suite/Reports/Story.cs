using System.Text;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>
/// The report of a run in a terminal. The findings come first; what to fix first and the conclusion come last, right above the prompt.
/// </summary>
public static class Story
{
    private const int ShownFrames = 12;
    private const int BriefFrames = 8; // of the worst scenario of a cause
    private const int TracedCauses = 3; // shown with frames
    private const int ValueCap = 2000;
    private const int LabelWidth = 13;
    private const int ShownBullets = 10;
    private const int LongestBullet = 300;
    private const int WidthOfOne = 140;

    /// <param name="width">Columns of the terminal; only text that cannot be broken is longer.</param>
    /// <param name="colour">Whether ANSI colours are written.</param>
    /// <param name="verbose">Shows every scenario of every cause, and names every undecided one.</param>
    public static string Render(Results results, int width = 100, bool colour = false, bool verbose = false)
    {
        var paper = new Paper(Math.Clamp(width, 40, 400), colour);
        var digest = new Digest(results);
        paper.Line(
            $"{results.Suite.Spec} {results.Suite.SpecVersion} conformance, suite {results.Suite.Version}, run {results.Run}", Ink.Bold);
        paper.Line($"{results.Target.Place} (dialect {results.Target.Dialect})");
        paper.Line($"{Words.Moment(results.Started)}, {Words.Seconds(results.DurationSeconds)}");
        Causes(paper, digest, verbose);
        Bullets(paper, "Stale expectations", results.Stale);
        Bullets(paper, "Topics that could not be deleted", results.Leftovers);
        Areas(paper, digest);
        Profiles(paper, results);
        Deaths(paper, results);
        Ending(paper, results);
        ToFix(paper, digest);
        paper.Gap();
        var verdicts = Words.Counts(results.Scenarios.Select(scenario => scenario.Verdict));
        paper.Line($"{Words.Count(results.Scenarios.Count, "scenario")}: {verdicts}");
        var conclusion = Words.Prose(results.Conclusion.Kind).ToUpperInvariant();
        paper.Line(
            $"{conclusion}: {results.Conclusion.Message} (exit status {results.Conclusion.ExitCode})",
            InkOf(results.Conclusion.Kind),
            bold: true);
        return paper.ToString();
    }

    /// <summary>One scenario alone, in the form of a failure in the report. Secrets are not redacted.</summary>
    public static string Of(ScenarioResult scenario, Requirement? requirement)
    {
        var paper = new Paper(WidthOfOne, colour: false);
        var known = requirement is null ? null : RequirementResult.Of(requirement, Rollup.Status([scenario.Verdict]));
        Tell(paper, scenario, Digest.Facts(scenario, known), Ink.Plain);
        return paper.ToString();
    }

    /// <param name="named">The verdict is already shown; the scenario's id is one fact among others.</param>
    private static void Tell(
        Paper paper,
        ScenarioResult scenario,
        IEnumerable<(string Label, string Text)> facts,
        Ink ink,
        int shownFrames = ShownFrames,
        bool named = false)
    {
        if (named)
        {
            paper.Entry(2, "scenario", LabelWidth, Visible.Line(scenario.Id), Ink.Plain);
        }
        else
        {
            paper.Gap();
            paper.Line($"{Words.Of(scenario.Verdict).ToUpperInvariant()} {scenario.Id}", ink, bold: true);
        }

        foreach (var (label, value) in facts)
        {
            paper.Entry(2, label, LabelWidth, Visible.Text(value, ValueCap), label is "observed" or "because" ? ink : Ink.Plain);
        }

        var (heading, frames) = Digest.Frames(scenario, shownFrames, ValueCap);
        if (scenario.Transcript.Count > 0 && shownFrames > 0)
        {
            paper.Entry(2, "transcript", LabelWidth, heading, Ink.Plain);
            foreach (var frame in frames)
            {
                paper.Cut(4, frame, Ink.Dim);
            }
        }
    }

    private static void Causes(Paper paper, Digest digest, bool verbose)
    {
        if (digest.Causes.Count == 0)
        {
            return;
        }

        paper.Heading($"Findings, by cause, the worst first ({digest.Causes.Count})");
        foreach (var (place, cause) in digest.Causes.Index())
        {
            paper.Gap();
            var title = cause.Title.Length == 0 ? "" : $" {cause.Title}";
            var known = cause.Standing == Standing.KnownFailing ? " (known)" : "";
            var verdict = Words.Of(cause.Worst.Verdict).ToUpperInvariant();
            paper.Line($"{verdict}{known}{title} ({cause.Extent})", InkOf(cause.Standing), bold: true);
            if (cause.Standing == Standing.Undecided)
            {
                paper.Entry(2, "", 0, Visible.Line(cause.Message, LongestBullet), Ink.Plain);
                Others(paper, verbose ? cause.Scenarios : [], verbose);
            }
            else if (verbose)
            {
                foreach (var scenario in cause.Scenarios)
                {
                    Tell(paper, scenario, digest.Facts(scenario), InkOf(cause.Standing));
                }
            }
            else
            {
                if (cause.Standing == Standing.Failed)
                {
                    Tell(paper, cause.Worst, digest.Facts(cause.Worst), Ink.Red, place < TracedCauses ? BriefFrames : 0, named: true);
                }
                else
                {
                    paper.Entry(2, "", 0, Visible.Line($"{cause.Worst.Id}: {cause.Message}", LongestBullet), Ink.Plain);
                }

                Others(paper, [.. cause.Scenarios.Skip(1)], verbose);
            }
        }
    }

    /// <summary>The ids of the other scenarios of a cause: as many as fit into one line, or one a line if verbose.</summary>
    private static void Others(Paper paper, IReadOnlyList<ScenarioResult> others, bool verbose)
    {
        if (verbose)
        {
            foreach (var scenario in others)
            {
                paper.Cut(4, Visible.Line(scenario.Id), Ink.Dim);
            }
        }
        else if (others.Count > 0)
        {
            var ids = string.Join(", ", others.Select(scenario => scenario.Id));
            paper.Cut(2, $"and {others.Count} more: {Visible.Line(ids, ValueCap)}", Ink.Dim);
        }
    }

    private static void ToFix(Paper paper, Digest digest)
    {
        if (digest.ToFix.Count > 0)
        {
            paper.Heading("What to fix first");
            foreach (var (place, cause) in digest.ToFix.Index())
            {
                paper.Cut(2, $"{place + 1,2}. {Visible.Line(cause.Advice, ValueCap)}", InkOf(cause.Standing));
            }
        }
    }

    private static void Bullets(Paper paper, string heading, IReadOnlyList<string> lines)
    {
        if (lines.Count > 0)
        {
            paper.Heading($"{heading} ({lines.Count})");
            foreach (var line in lines.Take(ShownBullets))
            {
                paper.Entry(2, "-", 2, Visible.Line(line, LongestBullet), Ink.Yellow);
            }

            if (lines.Count > ShownBullets)
            {
                paper.Entry(2, "-", 2, $"and {lines.Count - ShownBullets} more", Ink.Yellow);
            }
        }
    }

    private static void Areas(Paper paper, Digest digest)
    {
        var areas = digest.ByArea(digest.Results.Scenarios)
            .Where(area => area.Any(scenario => scenario.Verdict != Verdict.Disabled))
            .Select(area => (
                Area: area.Key,
                Worst: area.Min(digest.Weigh),
                Counts: Words.Counts(area.Select(scenario => scenario.Verdict))))
            .OrderBy(area => area.Worst);
        paper.Heading("Areas");
        foreach (var (area, worst, counts) in areas)
        {
            paper.Entry(2, Visible.Line(area, 12), LabelWidth, counts, InkOf(worst));
        }
    }

    private static Ink InkOf(Standing standing) => standing switch
    {
        Standing.Failed => Ink.Red,
        Standing.KnownFailing or Standing.Warned => Ink.Yellow,
        Standing.Undecided => Ink.Dim,
        _ => Ink.Green,
    };

    private static Ink InkOf(ConclusionKind kind) => kind switch
    {
        ConclusionKind.Conformant => Ink.Green,
        ConclusionKind.Violation or ConclusionKind.Error => Ink.Red,
        _ => Ink.Yellow,
    };

    private static void Profiles(Paper paper, Results results)
    {
        // Profiles without any decision are shown only if there are no others.
        var decided = results.Profiles.Where(profile => profile.Conformity != Conformity.NotEvaluated).ToList();
        var shown = decided.Count > 0 ? decided : results.Profiles;
        if (shown.Count == 0)
        {
            return;
        }

        paper.Heading("Profiles");
        var name = shown.Max(profile => Visible.Line(profile.Name, 23).Length) + 2;
        foreach (var profile in shown)
        {
            string[] rest = profile.Conformity == Conformity.Unsupported ? ["the target does not have this capability"] :
            [
                $"{profile.Satisfied} of {profile.Requirements} satisfied",
                .. profile.Violated > 0 ? [$"{profile.Violated} violated"] : (string[])[],
                .. profile.Warned > 0 ? [$"{profile.Warned} warned"] : (string[])[],
                .. profile.NotEvaluated > 0 ? [$"{profile.NotEvaluated} not evaluated"] : (string[])[],
            ];
            var ink = profile.Conformity switch
            {
                Conformity.Conformant or Conformity.ConformantWithWarnings => Ink.Green,
                Conformity.NonConformant => Ink.Red,
                Conformity.Partial => Ink.Yellow,
                _ => Ink.Dim,
            };
            paper.Entry(2, Visible.Line(profile.Name, 23), name, $"{Words.Of(profile.Conformity),-24} {string.Join(", ", rest)}", ink);
        }
    }

    private static void Deaths(Paper paper, Results results)
    {
        Bullets(paper, $"Restarts: {results.Restarts}. Deaths of the target", [.. results.Deaths.Select(death => death.Message)]);
    }

    private static void Ending(Paper paper, Results results)
    {
        if (results.Ending.Kind == EndingKind.Completed)
        {
            return;
        }

        paper.Heading(Words.Prose(results.Ending.Kind));
        paper.Entry(2, "", 0, Visible.Text(results.Ending.Message, ValueCap), Ink.Red);
        if (results.Ending.Witness is { } witness)
        {
            paper.Entry(2, "first seen by", LabelWidth + 1, Visible.Line(witness), Ink.Plain);
        }

        foreach (var request in results.Ending.LastRequests.TakeLast(ShownFrames))
        {
            var sender = $"{Visible.Line(request.Scenario, 120)} {Visible.Line(request.Connection, 24)}";
            var sent = $"{Visible.Line(request.Kind, 24)} {Visible.Line(request.Data, ValueCap)}";
            paper.Cut(4, $"{Words.Number(request.AtSeconds, 3),9} s  {sender} > {sent}", Ink.Dim);
        }
    }

    private enum Ink
    {
        Plain = 0,
        Bold = 1,
        Dim = 2,
        Red = 31,
        Green = 32,
        Yellow = 33,
    }

    /// <summary>Writes lines for a terminal of a given width. Control characters are made visible before or in here.</summary>
    private sealed class Paper(int width, bool colour)
    {
        private readonly StringBuilder _text = new();

        public void Gap() => _text.Append('\n');

        public void Heading(string text)
        {
            Gap();
            Line(text, Ink.Bold);
        }

        public void Line(string text, Ink ink = Ink.Plain, bool bold = false)
        {
            foreach (var line in Wrap(Visible.Line(text), width))
            {
                Print("", line, ink, bold);
            }
        }

        /// <summary>A label, and beside it a text that is wrapped within its column.</summary>
        public void Entry(int indent, string label, int labelWidth, string text, Ink ink)
        {
            var margin = new string(' ', indent) + label.PadRight(labelWidth);
            var lines = text.Replace("\t", "    ", StringComparison.Ordinal).Split('\n');
            foreach (var line in lines.SelectMany(line => Wrap(line, width - indent - labelWidth)))
            {
                Print(margin, line, ink, bold: false);
                margin = new string(' ', indent + labelWidth);
            }
        }

        /// <summary>One line; a longer text is cut.</summary>
        public void Cut(int indent, string text, Ink ink)
        {
            var line = Wrap(text, width - indent - 1, whole: false).First();
            Print(new string(' ', indent), line.Length < text.Length ? line + "\u2026" : line, ink, bold: false);
        }

        public override string ToString() => _text.ToString();

        private void Print(string margin, string line, Ink ink, bool bold)
        {
            var plain = !colour || (ink == Ink.Plain && !bold);
            _text.Append(margin).Append(plain ? line : $"\u001b[{(bold ? "1;" : "")}{(int)ink}m{line}\u001b[0m").Append('\n');
        }

        /// <summary>Breaks at spaces if there are any, otherwise anywhere but inside a character.</summary>
        private static IEnumerable<string> Wrap(string text, int columns, bool whole = true)
        {
            var start = 0;
            do
            {
                var (end, used, space) = (start, 0, -1);
                while (end < text.Length)
                {
                    Rune.TryGetRuneAt(text, end, out var rune);
                    used += Columns(rune);
                    if (used > columns)
                    {
                        break;
                    }

                    space = whole && rune.Value == ' ' && end > start ? end : space;
                    end += Math.Max(1, rune.Utf16SequenceLength);
                }

                end = end < text.Length && text[end] != ' ' && space > start ? space : Math.Max(end, Math.Min(start + 1, text.Length));
                yield return text[start..end];
                start = whole && end < text.Length && text[end] == ' ' ? end + 1 : end;
            }
            while (start < text.Length);
        }

        /// <summary>Two for the wide characters of East Asia and for emoji, as terminals count.</summary>
        private static int Columns(Rune rune) =>
            rune.Value is (>= 0x1100 and <= 0x115f) or (>= 0x2e80 and <= 0xa4cf) or (>= 0xac00 and <= 0xd7a3) or (>= 0xf900 and <= 0xfaff)
                or (>= 0xfe30 and <= 0xfe6f) or (>= 0xff00 and <= 0xff60) or (>= 0x1f300 and <= 0x1faff) or (>= 0x20000 and <= 0x3fffd)
                ? 2
                : 1;
    }
}
