using NUnit.Framework;

namespace PubSub.PropertyTests.Metrics;

/// <summary>The reader of these tests refuses what is not OpenMetrics.</summary>
public sealed class OpenMetricsTests
{
    private const string Counter = "# TYPE a counter\n# HELP a Text.\n";
    private const string Histogram = "# TYPE a histogram\n# HELP a Text.\n";

    [TestCase(Counter + "a_total 1\n# EOF\n")]
    [TestCase("# TYPE a_bytes gauge\n# UNIT a_bytes bytes\n# HELP a_bytes Text.\na_bytes{x=\"1\\\"2\",y=\"\"} 1.5e3\n# EOF\n")]
    [TestCase(Histogram + "a_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 2\na_count 2\na_sum 3\n# EOF\n")]
    public void Legal_text_is_read(string text) => Assert.That(OpenMetrics.Parse(text)[0].Samples, Is.Not.Empty);

    [TestCase(Counter + "a_total 1\n")]
    [TestCase(Counter + "a_total 1\n# EOF")]
    [TestCase(Counter + "a 1\n# EOF\n")]
    [TestCase(Counter + "a_total -1\n# EOF\n")]
    [TestCase(Counter + "a_total one\n# EOF\n")]
    [TestCase(Counter + "a_total 1\n\na_total{x=\"1\"} 1\n# EOF\n")]
    [TestCase(Counter + "a_total 1\na_total 1\n# EOF\n")]
    [TestCase(Counter + "a_total{x=\"1\",x=\"2\"} 1\n# EOF\n")]
    [TestCase(Counter + "a_total{x=\"1\",} 1\n# EOF\n")]
    [TestCase(Counter + "a_total{x=\"\"\"} 1\n# EOF\n")]
    [TestCase(Counter + "a_total{1=\"x\"} 1\n# EOF\n")]
    [TestCase("a_total 1\n# EOF\n")]
    [TestCase("# TYPE a counter\na_total 1\n# EOF\n")]
    [TestCase("# TYPE a number\n# HELP a Text.\na 1\n# EOF\n")]
    [TestCase(Counter + "a_total 1\n# HELP a Text.\n# EOF\n")]
    [TestCase(Counter + "a_total 1\n# TYPE b gauge\n# HELP b Text.\nb 1\n" + Counter + "a_total{x=\"1\"} 1\n# EOF\n")]
    [TestCase("# TYPE a gauge\n# UNIT a bytes\n# HELP a Text.\na 1\n# EOF\n")]
    [TestCase(Histogram + "a_bucket{le=\"1.0\"} 3\na_bucket{le=\"+Inf\"} 2\na_count 2\na_sum 3\n# EOF\n")]
    [TestCase(Histogram + "a_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 2\na_count 3\na_sum 3\n# EOF\n")]
    [TestCase(Histogram + "a_bucket{le=\"1.0\"} 1\na_count 1\na_sum 3\n# EOF\n")]
    public void Other_text_is_refused(string text) => Assert.That(() => OpenMetrics.Parse(text), Throws.TypeOf<FormatException>());
}
