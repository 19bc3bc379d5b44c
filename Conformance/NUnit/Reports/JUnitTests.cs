using System.Xml;
using System.Xml.Linq;
using NUnit.Framework;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The JUnit report is valid for CI systems, for any data from the target.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class JUnitTests
{
    private static readonly Dictionary<string, Results> Samples = new(SampleResults.Endings())
    {
        ["every verdict"] = SampleResults.Every(),
        ["hostile"] = SampleResults.EvilEverywhere(),
    };

    private static IEnumerable<string> Names => Samples.Keys;

    [TestCaseSource(nameof(Names))]
    public void The_report_is_valid(string sample) => Assert.That(Schemas.JUnitComplaints(Parse(Samples[sample])), Is.Empty);

    [Test]
    public void A_spoilt_report_is_not_valid()
    {
        var report = Parse(SampleResults.Every());
        report.Descendants("testcase").First().Attribute("time")!.Value = "1,234.5";

        Assert.That(Schemas.JUnitComplaints(report), Is.Not.Empty);
    }

    [TestCaseSource(nameof(Names))]
    public void A_report_has_failures_if_and_only_if_the_exit_code_is_not_0(string sample)
    {
        var isRed = Parse(Samples[sample]).Descendants().Any(element => element.Name.LocalName is "failure" or "error");

        Assert.That(isRed, Is.EqualTo(Samples[sample].Conclusion.ExitCode != 0));
    }

    private static XDocument Parse(Results results)
    {
        using var reader = XmlReader.Create(new StringReader(JUnit.Render(results)), new XmlReaderSettings { CheckCharacters = true });
        return XDocument.Load(reader);
    }
}
