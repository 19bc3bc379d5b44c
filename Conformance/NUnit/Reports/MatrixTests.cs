using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>Many implementations side by side.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed partial class MatrixTests
{
    private static readonly Matrix Three = Matrix.Of(
    [
        new("green", SampleResults.Whole(failEvery: 0, lines: 0)),
        new("red", SampleResults.Whole(lines: 0)),
        new("<b>|evil", SampleResults.EvilEverywhere()),
    ]);

    [Test]
    public void A_requirement_knows_who_violates_it()
    {
        var violated = SampleResults.Whole(lines: 0).Requirements.First(requirement => requirement.Status == RequirementStatus.Violated).Id;

        Assert.That(string.Join(", ", Three.Violators(violated)), Is.EqualTo("red"));
        Assert.That(Three.ToMarkdown(), Does.Match($@"<code>{violated}</code> .* \| red \|"));
    }

    [Test]
    public void The_table_has_a_column_for_each_and_says_what_was_not_tested()
    {
        var rows = Three.ToMarkdown().Split('\n').Where(line => line.StartsWith('|')).ToList();

        Assert.That(rows[0], Is.EqualTo("| Profile | &#60;b&#62;&#124;evil | green | red |"));
        Assert.That(rows, Has.One.Match(@"^\| core \| \u2013 \| conformant 90/90 \| non-conformant \d+/90 \|$"));
    }

    [Test]
    public void The_page_has_a_row_for_every_requirement_and_no_markup_of_strangers()
    {
        var page = Three.ToHtml();

        Assert.That(Row().Count(page), Is.EqualTo(Catalogue.Embedded.Requirements.Count + 1));
        Assert.That(page, Does.Not.Contain("<b>").And.Not.Contain("<img").And.Contain("&lt;b&gt;|evil"));
        Assert.That(page.Split("<script").Length - 1, Is.EqualTo(1));
    }

    [Test]
    public void Columns_that_were_judged_differently_are_named()
    {
        var one = SampleResults.Every();
        var other = one with { Suite = one.Suite with { Catalogue = new string('b', 64) }, Ending = new Ending(EndingKind.Cancelled, "stopped") };

        var matrix = Matrix.Of([new("one", one), new("other", other)]);

        Assert.That(matrix.ToMarkdown(), Does.Contain("Not judged by the same requirements").And.Contain("The run of other did not come to its end"));
        Assert.That(matrix.ToHtml(), Does.Contain("Not judged by the same requirements"));
    }

    [GeneratedRegex("<tr id=\"PS-")]
    private static partial Regex Row();
}
