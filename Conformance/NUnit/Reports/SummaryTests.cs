using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The Markdown summary shows data of the target only as text and keeps below its size limit.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class SummaryTests
{
    [Test]
    public void Data_of_the_target_does_not_become_markup()
    {
        var prose = Fence().Replace(Summary.Render(SampleResults.EvilEverywhere()), "");

        Assert.That(Tag().Matches(prose).Select(match => match.Groups[1].Value).Distinct(), Is.SubsetOf(["code", "details", "summary"]));
        foreach (var markup in (string[])["@somebody", "[link]", "**bold", "https://", "www.example", "`", "~~", "$x$", ":tada:"])
        {
            Assert.That(prose, Does.Not.Contain(markup));
        }

        var rows = prose.Split('\n').Where(line => line.StartsWith('|'));
        Assert.That(rows.Select(line => line.Count(c => c == '|')), Is.All.EqualTo(7).Or.EqualTo(4));
        Assert.That(
            prose.Split('\n').Where(line => line.StartsWith('#')),
            Is.All.Match("^#{2,4} (\u274c|Stale|Topics|What|\\d|fail|warn)"));
    }

    [TestCase(900 * 1024)]
    [TestCase(100_000)]
    [TestCase(70_000)]
    [TestCase(1000)]
    public void A_summary_keeps_below_its_size_limit_and_counts_what_is_left_out(int bytes)
    {
        var expected = new string('\u65e5', 4000);
        var failures = Enumerable.Range(0, 3000).Select(i =>
            SampleResults.Scenario("PS-TST-001", $"s{i}", i % 2 == 0 ? Verdict.Fail : Verdict.Warn) with { Expected = expected });

        var summary = Summary.Render(SampleResults.Of(failures), bytes);

        Assert.That(Encoding.UTF8.GetByteCount(summary), Is.LessThanOrEqualTo(bytes));
        Assert.That(summary, bytes > 2000 ? Does.Match(@"\n- [\d,]+ more are left out here") : Does.StartWith("##"));
    }

    [GeneratedRegex(@"^(`{3,})text\n.*?^\1$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"<\/?([a-z]+)")]
    private static partial Regex Tag();
}
