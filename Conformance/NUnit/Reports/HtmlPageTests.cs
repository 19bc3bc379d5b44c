using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The page holds the run and nothing else: what is in the data stays data.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class HtmlPageTests
{
    [Test]
    public void The_whole_run_is_in_the_page()
    {
        var results = SampleResults.Every();

        var embedded = Results.Parse(Data(HtmlPage.Render(results)));

        Assert.That(embedded.ToJson(), Is.EqualTo(results.ToJson()));
    }

    [Test]
    public void Nothing_in_the_data_can_end_it()
    {
        var page = HtmlPage.Render(SampleResults.EvilEverywhere());

        Assert.That(Data(page), Does.Not.Contain("<"));
        Assert.That(page.Split("<script").Length - 1, Is.EqualTo(2), "the data and the script of the page");
        Assert.That(page, Does.Not.Contain("<img"));
        Assert.That(Results.Parse(Data(page)).Stale[0], Is.EqualTo(SampleResults.Hostile[0]));
    }

    [Test]
    public void What_looks_like_a_place_of_the_template_stays_what_it_is() =>
        Assert.That(Results.Parse(Data(HtmlPage.Render(SampleResults.EvilEverywhere()))).Stale, Has.Some.StartsWith("{{results}} {{style}}"));

    [Test]
    public void The_title_says_the_conclusion()
    {
        var page = HtmlPage.Render(SampleResults.Every());

        Assert.That(WebUtility.HtmlDecode(Title().Match(page).Groups[1].Value), Does.StartWith("Not conformant \u00b7 http://localhost:8080"));
    }

    [Test]
    public void A_reader_without_scripts_is_told_the_conclusion() =>
        Assert.That(NoScript().Match(HtmlPage.Render(SampleResults.Every())).Groups[1].Value, Does.Contain("Not conformant: PS-TST-001 is violated"));

    [TestCase("report")]
    [TestCase("matrix")]
    public void The_page_loads_nothing_and_runs_nothing_but_its_own_script(string which)
    {
        var page = which == "report" ? HtmlPage.Render(SampleResults.Every()) : Matrix.Of([new("a", SampleResults.Every())]).ToHtml();
        var script = Script().Match(page).Groups[1].Value;

        Assert.That(page, Does.Contain($"script-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'"));
        Assert.That(page, Does.Contain("default-src 'none'"));
        Assert.That(Link().Matches(page).Select(match => match.Groups[1].Value), Is.All.StartWith("#").Or.EqualTo("data:,"));
    }

    [Test]
    public void The_script_makes_no_markup_from_strings() =>
        Assert.That(
            Script().Match(HtmlPage.Render(SampleResults.Every())).Value,
            Does.Not.Match(@"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"));

    internal static string Data(string page) => Json().Match(page).Groups[1].Value;

    [GeneratedRegex("<script type=\"application/json\" id=\"results\">(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Json();

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex("<title>(.*?)</title>", RegexOptions.Singleline)]
    private static partial Regex Title();

    [GeneratedRegex("<noscript>(.*?)</noscript>", RegexOptions.Singleline)]
    private static partial Regex NoScript();

    [GeneratedRegex("(?:href|src)=\"([^\"]*)\"")]
    private static partial Regex Link();
}
