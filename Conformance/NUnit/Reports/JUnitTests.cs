using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>What CI systems read: valid XML whatever the target says, and never green when the run is not.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class JUnitTests
{
    private static readonly Dictionary<string, Func<Results>> Samples = new()
    {
        ["every verdict"] = SampleResults.Every,
        ["hostile"] = SampleResults.EvilEverywhere,
        ["whole"] = () => SampleResults.Whole(),
        ["nothing but a conclusion"] = () => SampleResults.Of([]) with { Conclusion = new Conclusion(ConclusionKind.NotEvaluated, 6, "nothing ran") },
    };

    [TestCase("every verdict")]
    [TestCase("hostile")]
    [TestCase("whole")]
    [TestCase("nothing but a conclusion")]
    public void The_report_is_valid(string sample)
    {
        var schemas = new XmlSchemaSet();
        using var xsd = XmlReader.Create(typeof(JUnitTests).Assembly.GetManifestResourceStream("junit.xsd")!);
        schemas.Add(null, xsd);
        var complaints = new List<string>();

        Parse(Samples[sample]()).Validate(schemas, (_, complaint) => complaints.Add(complaint.Message));

        Assert.That(complaints, Is.Empty);
    }

    [Test]
    public void A_spoilt_report_is_not_valid()
    {
        var schemas = new XmlSchemaSet();
        using var xsd = XmlReader.Create(typeof(JUnitTests).Assembly.GetManifestResourceStream("junit.xsd")!);
        schemas.Add(null, xsd);
        var report = Parse(SampleResults.Every());
        report.Descendants("testcase").First().Attribute("time")!.Value = "1,234.5";

        Assert.That(() => report.Validate(schemas, null), Throws.InstanceOf<XmlSchemaException>());
    }

    [TestCase(Verdict.Pass, "")]
    [TestCase(Verdict.Fail, "failure")]
    [TestCase(Verdict.Warn, "")]
    [TestCase(Verdict.Observed, "")]
    [TestCase(Verdict.Unsupported, "skipped")]
    [TestCase(Verdict.Inconclusive, "skipped")]
    [TestCase(Verdict.Disabled, "skipped")]
    [TestCase(Verdict.Error, "error")]
    [TestCase(Verdict.NotEvaluated, "skipped")]
    public void Every_verdict_has_its_place(Verdict verdict, string outcome)
    {
        var one = Parse(SampleResults.Of([SampleResults.Scenario("PS-TST-001", "slug", verdict)])).Descendants("testcase").First();

        Assert.That(Outcome(one), Is.EqualTo(outcome));
        var exact = verdict == Verdict.NotEvaluated ? "not-evaluated" : verdict.ToString().ToLowerInvariant();
        Assert.That(Label(one), Does.EndWith($" verdict={exact}"));
    }

    [Test]
    public void A_case_is_named_by_its_slug_and_classed_by_area_and_requirement()
    {
        var one = Parse(SampleResults.Every()).Descendants("testcase").Single(one => one.Attribute("name")!.Value == "slug-of-warn");

        Assert.That(one.Attribute("classname")!.Value, Is.EqualTo("PS.TST.PS-TST-002"));
        Assert.That(Label(one), Is.EqualTo("requirement=PS-TST-002 level=SHOULD NOT profile=core verdict=warn"));
    }

    [Test]
    public void A_failure_tells_the_whole_story()
    {
        var failure = Parse(SampleResults.Every()).Descendants("failure").Single();

        Assert.That(failure.Attribute("message")!.Value, Is.EqualTo("the sentence of slug-of-fail: expected m1; observed m2"));
        Assert.That(failure.Value, Does.Contain("A sentence with `code`").And.Contain("the sentence of slug-of-fail")
            .And.Contain("[m1, m2, m3]").And.Contain("lost [m2]").And.Contain("40 lines, the last 25").And.Contain("\"r40\"").And.Contain("\"r16\""));
        Assert.That(failure.Value, Does.Not.Contain("\"r15\""));
    }

    [Test]
    public void An_announced_failure_is_skipped_and_says_why()
    {
        var announced = Parse(SampleResults.Every()).Descendants("testcase").Single(one => one.Attribute("name")!.Value == "announced");

        Assert.That(announced.Element("skipped")?.Attribute("message")?.Value, Does.StartWith("fail: known failing by PS-TST-001/ann*"));
    }

    [Test]
    public void A_strict_run_fails_what_is_only_recommended()
    {
        var strict = SampleResults.Every() with { Options = new Dictionary<string, string> { ["strict"] = "true" } };

        Assert.That(string.Join(' ', Parse(strict).Descendants("failure").Select(failure => failure.Attribute("type")!.Value)), Is.EqualTo("fail warn"));
    }

    [Test]
    public void The_counts_are_those_of_the_cases()
    {
        var report = Parse(SampleResults.Whole());

        foreach (var suite in report.Root!.Elements("testsuite").Append(report.Root))
        {
            XElement[] cases = [.. suite.Descendants("testcase")];
            Assert.That((int)suite.Attribute("tests")!, Is.EqualTo(cases.Length));
            Assert.That((int)suite.Attribute("failures")!, Is.EqualTo(cases.Count(one => Outcome(one) == "failure")));
            Assert.That((int)suite.Attribute("errors")!, Is.EqualTo(cases.Count(one => Outcome(one) == "error")));
        }

        Assert.That(report.Root!.Elements("testsuite").Count(), Is.EqualTo(16));
        Assert.That((int)report.Root!.Attribute("tests")!, Is.EqualTo(Scenarios.All.Scenarios.Count));
    }

    [TestCase(ConclusionKind.Stale, 5, "failure")]
    [TestCase(ConclusionKind.NotEvaluated, 6, "error")]
    [TestCase(ConclusionKind.Cancelled, 130, "error")]
    public void A_run_that_does_not_exit_with_0_never_looks_green(ConclusionKind kind, int exitCode, string outcome)
    {
        var results = SampleResults.Of([SampleResults.Scenario("PS-TST-001", "slug", Verdict.Pass)]) with
        {
            Conclusion = new Conclusion(kind, exitCode, "what the run comes to"),
            Stale = ["PS-TST-009/* matches nothing"],
        };

        var last = Parse(results).Descendants("testcase").Last();

        Assert.That(last.Attribute("classname")!.Value, Is.EqualTo("PS.RUN"));
        Assert.That(Outcome(last), Is.EqualTo(outcome));
        Assert.That(last.Value, Does.Contain("PS-TST-009/* matches nothing"));
    }

    [Test]
    public void A_green_run_has_no_case_of_its_own() =>
        Assert.That(Parse(SampleResults.Whole(failEvery: 0)).Descendants("testcase").Count(), Is.EqualTo(Scenarios.All.Scenarios.Count));

    private static XDocument Parse(Results results)
    {
        var xml = JUnit.Render(results);
        Assert.That(xml, Does.StartWith("<?xml version=\"1.0\" encoding=\"utf-8\"?>"));
        using var reader = XmlReader.Create(new StringReader(xml), new XmlReaderSettings { CheckCharacters = true });
        return XDocument.Load(reader);
    }

    private static string Outcome(XElement one) =>
        one.Elements().Select(element => element.Name.LocalName).SingleOrDefault(name => name != "system-out") ?? "";

    private static string Label(XElement one) => one.Element("system-out")!.Value.Split('\n')[0];
}
