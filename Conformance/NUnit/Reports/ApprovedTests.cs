using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>Every report in every form, compared with the text that was approved.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class ApprovedTests
{
    private static readonly Dictionary<string, Func<string>> Reports = new()
    {
        ["every.txt"] = () => Story.Render(SampleResults.Every()),
        ["every-verbose.txt"] = () => Story.Render(SampleResults.Every(), verbose: true),
        ["every.md"] = () => Summary.Render(SampleResults.Every()),
        ["every.xml"] = () => JUnit.Render(SampleResults.Every()),
        ["every.html"] = () => HtmlPage.Render(SampleResults.Every()),
        ["endings.txt"] = () => OfEndings(run => Story.Render(run)),
        ["endings.md"] = () => OfEndings(run => Summary.Render(run)),
        ["endings-junit.txt"] = () => OfEndings(JUnit.Render),
        ["endings-badge.txt"] = () => OfEndings(run => Badge.Render(run)),
        ["comparisons.txt"] = () => string.Join('\n', ComparisonTests.Samples.Select(sample => sample.ToText())),
        ["comparisons.md"] = () => string.Join('\n', ComparisonTests.Samples.Select(sample => sample.ToMarkdown())),
        ["matrix.md"] = () => SampleResults.SideBySide().ToMarkdown(),
        ["matrix.html"] = () => SampleResults.SideBySide().ToHtml(),
        ["hostile.txt"] = () => Story.Render(SampleResults.EvilEverywhere(), width: 400, verbose: true),
        ["hostile.md"] = () => Summary.Render(SampleResults.EvilEverywhere()),
        ["hostile.xml"] = () => JUnit.Render(SampleResults.EvilEverywhere()),
        ["hostile.html"] = () => HtmlPage.Render(SampleResults.EvilEverywhere()),
    };

    private static IEnumerable<string> Names => Reports.Keys;

    [TestCaseSource(nameof(Names))]
    public void A_report_equals_its_approved_text(string name) => Approved.Check(name, Rendered(name));

    [Test]
    public void Every_approved_file_belongs_to_a_report() =>
        Assert.That(Directory.EnumerateFiles(Approved.Folder).Select(Path.GetFileName), Is.EquivalentTo(Names));

    [TestCaseSource(nameof(Names))]
    public void A_report_has_no_control_characters_and_no_direction_overrides(string name)
    {
        var text = Rendered(name);

        Assert.That(text.Where(c => char.IsControl(c) && c is not ('\n' or '\t')), Is.Empty);
        Assert.That(text, Does.Not.Contain("\u202e").And.Not.Contain("\u2066"));
        Assert.That(() => new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(text), Throws.Nothing);
    }

    /// <summary>The report. Pages come without the content of their scripts and styles, which have tests of their own.</summary>
    private static string Rendered(string name) => name.EndsWith(".html", StringComparison.Ordinal)
        ? PolicyHash().Replace(Inside().Replace(Reports[name](), "$1...$3"), "'sha256-...'")
        : Reports[name]();

    private static string OfEndings(Func<Results, string> render) =>
        string.Concat(SampleResults.Endings().Select(run => $"=== {run.Key}\n{render(run.Value)}\n"));

    [GeneratedRegex("(<(script|style)[^>]*>).*?(</\\2>)", RegexOptions.Singleline)]
    private static partial Regex Inside();

    [GeneratedRegex("'sha256-[^']*'")]
    private static partial Regex PolicyHash();
}
