using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The end of a run in a terminal.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class StoryTests
{
    private static readonly string[] Order = ["Failures in TST (2)", "Warnings (1)", "Known failures (1)", "Not decided (5)", "Areas", "Profiles"];

    [Test]
    public void Failures_come_first_and_the_conclusion_last()
    {
        var story = Story.Render(SampleResults.Every());

        Assert.That(story, Does.EndWith("\nNOT CONFORMANT: PS-TST-001 is violated (exit status 1)\n"));
        Assert.That(Heading().Matches(story).Select(match => match.Groups[1].Value), Is.EqualTo(Order));
    }

    [Test]
    public void A_failure_is_told_with_the_sentence_and_the_last_of_the_transcript()
    {
        var story = Story.Render(SampleResults.Every());

        Assert.That(story, Does.Contain("FAIL PS-TST-001/slug-of-fail\n  requirement  A sentence with `code`"));
        Assert.That(story, Does.Contain("  expected     [m1, m2, m3]\n  observed     [m1, m3]; lost [m2]\n  transcript   40 lines, the last 12\n"));
    }

    [TestCase(40)]
    [TestCase(80)]
    [TestCase(200)]
    public void No_line_is_wider_than_the_terminal(int width)
    {
        var story = Story.Render(SampleResults.EvilEverywhere(), width, verbose: true);

        Assert.That(story.Split('\n').Where(line => line.Length > width), Is.Empty);
    }

    [Test]
    public void Colour_is_written_only_when_asked_for_and_changes_no_text()
    {
        var plain = Story.Render(SampleResults.Every());
        var coloured = Story.Render(SampleResults.Every(), colour: true);

        Assert.That(plain, Does.Not.Contain('\u001b'));
        Assert.That(coloured, Does.Contain('\u001b'));
        Assert.That(Ansi().Replace(coloured, ""), Is.EqualTo(plain));
    }

    [Test]
    public void Nothing_in_the_data_reaches_the_terminal_as_a_command() =>
        Assert.That(Story.Render(SampleResults.EvilEverywhere(), verbose: true).Where(c => char.IsControl(c) && c != '\n'), Is.Empty);

    [Test]
    public void A_warning_is_one_line_unless_the_story_is_verbose()
    {
        Assert.That(Story.Render(SampleResults.Every()), Does.Contain("Warnings (1)\n  PS-TST-002/slug-of-warn: the sentence of slug-of-warn"));
        Assert.That(Story.Render(SampleResults.Every(), verbose: true), Does.Contain("WARN PS-TST-002/slug-of-warn\n  requirement "));
    }

    [Test]
    public void Equal_reasons_are_counted_together_and_named_only_when_verbose()
    {
        Assert.That(Story.Render(SampleResults.Every()), Does.Match("unsupported +2  needs a launcher").And.Not.Contain("PS-OTH-001/needs-a-launcher"));
        Assert.That(Story.Render(SampleResults.Every(), verbose: true), Does.Contain("PS-OTH-001/needs-a-launcher"));
    }

    [Test]
    public void A_strict_run_tells_warnings_as_failures()
    {
        var strict = SampleResults.Every() with { Options = new Dictionary<string, string> { ["strict"] = "true" } };

        Assert.That(Story.Render(strict), Does.Contain("Failures in TST (3)").And.Not.Contain("Warnings"));
    }

    [TestCase(EndingKind.Completed, null)]
    [TestCase(EndingKind.TargetDied, "The target stopped answering")]
    [TestCase(EndingKind.Cancelled, "The run was cancelled")]
    [TestCase(EndingKind.Deadline, "The run reached its deadline")]
    public void Every_ending_but_the_ordinary_one_is_told(EndingKind kind, string? heading)
    {
        var story = Story.Render(SampleResults.Every() with { Ending = new Ending(kind, "the reason for it") });

        Assert.That(story.Contains("the reason for it", StringComparison.Ordinal), Is.EqualTo(heading is not null));
        Assert.That(story, Does.Contain(heading ?? "Profiles"));
    }

    [GeneratedRegex(@"\n\n([A-Z][a-z].*)")]
    private static partial Regex Heading();

    [GeneratedRegex("\u001b\\[[0-9;]*m")]
    private static partial Regex Ansi();
}
