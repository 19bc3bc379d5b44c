using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>A page embeds its results as data; nothing in them becomes markup or code.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class HtmlPageTests
{
    [Test]
    public void The_whole_run_is_in_the_page([Values] bool hostile)
    {
        var results = hostile ? SampleResults.EvilEverywhere() : SampleResults.Every();
        var written = Results.Parse(results.ToJson()).ToJson(); // an unpaired surrogate is replaced

        var embedded = Results.Parse(Data(HtmlPage.Render(results)));

        Assert.That(embedded.ToJson(), Is.EqualTo(written));
        Assert.That(embedded.Stale.Take(1), Is.EqualTo(results.Stale.Take(1)));
    }

    [TestCase("report", 3)]
    [TestCase("matrix", 1)]
    public void Nothing_in_the_data_becomes_markup(string which, int scripts)
    {
        var page = Page(which);

        Assert.That(
            page.Split("<script").Length - 1,
            Is.EqualTo(scripts),
            "the script of the page and, in a report, its data and its causes");
        Assert.That(page, Does.Not.Contain("<img").And.Not.Contain("<b>"));
        Assert.That(Data(page), Does.Not.Contain("<"));
    }

    [TestCase("report")]
    [TestCase("matrix")]
    public void The_page_loads_nothing_and_runs_only_its_own_script(string which)
    {
        var page = Page(which);
        var script = Script().Match(page).Groups[1].Value;

        Assert.That(page, Does.Contain($"script-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'"));
        Assert.That(page, Does.Contain("default-src 'none'"));
        Assert.That(Link().Matches(page).Select(match => match.Groups[1].Value), Is.All.StartsWith("#").Or.EqualTo("data:,"));
        Assert.That(script, Is.Not.Empty.And.Not.Match(@"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"));
    }

    [Test]
    public void A_page_of_a_large_run_keeps_below_its_limit_and_says_what_it_leaves_out([Values] bool longValues)
    {
        var line = new TranscriptLine(1, "sub1", "<", "text", 2000, new string('<', 2000));
        var results = SampleResults.Of(Enumerable.Range(0, 450).Select(i =>
            SampleResults.Scenario("PS-TST-001", $"s{i}", i == 449 ? Verdict.Fail : Verdict.Warn) with
            {
                Observed = new string('\u65e5', longValues ? 10_000 : 10),
                Transcript = [.. Enumerable.Repeat(line, 60)],
            }));

        var page = HtmlPage.Render(results);

        Assert.That(Encoding.UTF8.GetByteCount(page), Is.LessThanOrEqualTo(HtmlPage.LargestPage).And.GreaterThan(HtmlPage.LargestPage / 2));
        var shown = Results.Parse(Data(page)).Scenarios;
        Assert.That(shown.Select(scenario => scenario.Verdict), Is.EqualTo(results.Scenarios.Select(scenario => scenario.Verdict)));
        Assert.That(shown[^1].Transcript, Has.Count.EqualTo(60), "the failed scenario keeps its transcript");
        Assert.That(shown[^2].Transcript.Single().Data, Does.StartWith("60 lines left out of this file for its size"));
        Assert.That(shown[^2].TranscriptDropped, Is.EqualTo(60));
    }

    [Test]
    public void Results_of_a_large_run_keep_below_their_limit()
    {
        var line = new TranscriptLine(1, "sub1", "<", "text", 2000, new string('x', 2000));
        var results = SampleResults.Of(Enumerable.Range(0, 450).Select(i =>
            SampleResults.Scenario("PS-TST-001", $"s{i}", Verdict.Fail) with { Transcript = [.. Enumerable.Repeat(line, 60)] }));

        var json = Bounded.ToJson(results);

        Assert.That(Encoding.UTF8.GetByteCount(json), Is.LessThanOrEqualTo(Bounded.ResultsBytes));
        Assert.That(Results.Parse(json).Scenarios[0].Transcript, Has.Count.EqualTo(60));
        Assert.That(Bounded.ToJson(SampleResults.Every()), Is.EqualTo(SampleResults.Every().ToJson()));
    }

    private static string Page(string which) =>
        which == "report" ? HtmlPage.Render(SampleResults.EvilEverywhere()) : SampleResults.SideBySide().ToHtml();

    private static string Data(string page) => Json().Match(page).Groups[1].Value;

    [GeneratedRegex("<script type=\"application/json\" id=\"results\">(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Json();

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex("(?:href|src)=\"([^\"]*)\"")]
    private static partial Regex Link();
}
