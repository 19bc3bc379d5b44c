using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>Markdown in which the data of the target can be nothing but text, and which never grows too large to be shown.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class SummaryTests
{
    [Test]
    public void The_headline_is_the_conclusion_and_failures_come_before_warnings()
    {
        var summary = Summary.Render(SampleResults.Every());

        Assert.That(summary, Does.StartWith("## \u274c Not conformant: PS-TST-001 is violated"));
        Assert.That(
            Places(summary, "| core |", "### 2 failures", "1 warning</summary>", "1 known failure</summary>", "### 5 scenarios not decided"),
            Is.Ordered);
    }

    [Test]
    public void A_failure_is_told_with_the_sentence_and_what_was_expected_and_observed()
    {
        var summary = Summary.Render(SampleResults.Every());

        Assert.That(summary, Does.Contain("> A sentence with <code>code</code> that MUST hold. *(MUST, core)*"));
        Assert.That(summary, Does.Contain("expected     [m1, m2, m3]\nobserved     [m1, m3]; lost [m2]\n"));
    }

    [Test]
    public void Equal_reasons_are_counted_together() =>
        Assert.That(Summary.Render(SampleResults.Every()), Does.Contain("| unsupported | 2 | needs a launcher to start a server with its defaults |"));

    [Test]
    public void Data_of_the_target_is_no_markup()
    {
        var prose = Fence().Replace(Summary.Render(SampleResults.EvilEverywhere(), failures: 100), "");

        Assert.That(Tag().Matches(prose).Select(match => match.Groups[1].Value), Is.All.EqualTo("code").Or.EqualTo("details").Or.EqualTo("summary"));
        Assert.That(prose, Does.Not.Contain("@somebody").And.Not.Contain("[link]").And.Not.Contain("**bold").And.Not.Contain("https://"));
        Assert.That(prose, Does.Not.Contain("www.example").And.Not.Contain("`").And.Not.Contain("~~").And.Not.Contain("$x$").And.Not.Contain(":tada:"));
        Assert.That(prose.Split('\n').Where(line => line.StartsWith('|')).Select(line => line.Count(c => c == '|')), Is.All.EqualTo(7).Or.EqualTo(4));
        Assert.That(prose.Split('\n').Where(line => line.StartsWith('#')), Is.All.Match("^#{2,4} (\u274c|Stale|Topics|\\d|fail)"));
    }

    [Test]
    public void A_fence_is_longer_than_any_in_the_data()
    {
        var summary = Summary.Render(SampleResults.EvilEverywhere());

        Assert.That(summary, Does.Contain("`````text"), "four backticks are in the data");
        Assert.That(summary.Split('\n').Count(line => line.StartsWith("```", StringComparison.Ordinal)) % 2, Is.Zero);
    }

    [Test]
    public void No_character_that_steers_anything_is_left()
    {
        var summary = Summary.Render(SampleResults.EvilEverywhere());

        Assert.That(summary.EnumerateRunes().Where(rune => rune.Value < 0x20 && rune.Value is not ('\n' or '\t')), Is.Empty);
        Assert.That(summary, Does.Not.Contain("\u202e").And.Not.Contain("\u2066").And.Contain("u{202e}"));
        Assert.That(() => new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(summary), Throws.Nothing);
    }

    [TestCase(900 * 1024)]
    [TestCase(100_000)]
    [TestCase(70_000)]
    [TestCase(1000)]
    public void It_never_grows_beyond_its_size_and_counts_what_is_left_out(int bytes)
    {
        var failures = Enumerable.Range(0, 3000).Select(i => SampleResults.Scenario("PS-TST-001", $"s{i}", i % 2 == 0 ? Verdict.Fail : Verdict.Warn) with
        {
            Expected = new string('\u65e5', 4000),
        });

        var summary = Summary.Render(SampleResults.Of(failures), failures: 1000, bytes);

        Assert.That(Encoding.UTF8.GetByteCount(summary), Is.LessThanOrEqualTo(bytes));
        Assert.That(summary, bytes > 2000 ? Does.Match(@"\n[\d,]+ more failures left out here") : Does.StartWith("##"));
    }

    [Test]
    public void No_more_failures_are_told_than_asked_for()
    {
        var failures = Enumerable.Range(0, 60).Select(i => SampleResults.Scenario("PS-TST-001", $"s{i}", Verdict.Fail));

        var summary = Summary.Render(SampleResults.Of(failures));

        Assert.That(summary.Split("#### fail").Length - 1, Is.EqualTo(50));
        Assert.That(summary, Does.Contain("10 more failures left out here"));
    }

    [Test]
    public void A_target_that_died_is_reported_with_what_it_was_sent_last()
    {
        var summary = Summary.Render(SampleResults.Every() with
        {
            Ending = new Ending(EndingKind.TargetDied, "connection refused", "PS-TST-001/slug-of-fail")
            {
                LastRequests = [new(12.5, "PS-TST-001/x", "rude", "text", "[[[[")],
            },
        });

        Assert.That(summary, Does.Contain("**The target stopped answering.** connection refused First seen by <code>PS-TST-001/slug-of-fail</code>"));
        Assert.That(summary, Does.Contain("12.500 s  PS-TST-001/x  rude > text  [[[["));
    }

    private static int[] Places(string text, params string[] pieces) => [.. pieces.Select(piece =>
    {
        var place = text.IndexOf(piece, StringComparison.Ordinal);
        Assert.That(place, Is.Not.Negative, piece);
        return place;
    })];

    [GeneratedRegex(@"^(`{3,})text\n.*?^\1$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"<\/?([a-z]+)")]
    private static partial Regex Tag();
}
