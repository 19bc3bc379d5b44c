using NUnit.Framework;
using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Tests;

/// <summary>A text is read as OpenMetrics 1.0 says.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class OpenMetricsTests
{
    private const string Legal =
        """
        # HELP a_b Some help, with "quotes" and \\ escapes.
        # TYPE a_b counter
        a_b_total{x="1",y="a \"b\" \\ \n"} 1 1520879607.789
        a_b_total{x="2"} 2.5e3 # {trace_id="1"} 0.67 1520879607.789
        a_b_created{x="2"} 1.6e9
        # TYPE g gauge
        g -1.5
        g{x="1"} NaN
        # TYPE i info
        i_info{version="1"} 1
        # TYPE s summary
        s{quantile="0.5"} +Inf
        s_count 1
        s_sum 2
        # TYPE k histogram
        k_bucket{le="1.0"} 1
        k_bucket{le="+Inf"} 2
        k_count 2
        k_sum 3
        # EOF

        """;

    [Test]
    public void A_legal_text_has_no_fault()
    {
        var metrics = OpenMetrics.Parse(Legal.ReplaceLineEndings("\n"));

        Assert.That((metrics.SyntaxFault, metrics.ModelFault), Is.EqualTo(((string?)null, (string?)null)));
        Assert.That((metrics.Sum("a_b_total"), metrics.Sum("k_bucket"), metrics.Sum("nothing")), Is.EqualTo((2501d, 3d, (double?)null)));
        Assert.That(metrics.Counters, Has.Count.EqualTo(2));
    }

    [TestCase("", "the last line must be # EOF")]
    [TestCase("# TYPE a gauge\na 1\n", "line 2: the last line must be # EOF")]
    [TestCase("# EOF\n# EOF\n", "line 1: # EOF must be the last line")]
    [TestCase("# a comment\n# EOF\n", "line 1: a line that begins with #")]
    [TestCase("\n# EOF\n", "line 1: a line must be a descriptor, or a sample")]
    [TestCase("# TYPE a gauge\na{x=1} 1\n# EOF\n", "line 2: a line must be")]
    [TestCase("# TYPE a gauge\na{x=\"1\",} 1\n# EOF\n", "line 2: a line must be")]
    [TestCase("# TYPE a gauge\na 1,5\n# EOF\n", "line 2: a line must be")]
    [TestCase("# TYPE a gauge\na  1\n# EOF\n", "line 2: a line must be")]
    [TestCase("# TYPE a gauge\na\n# EOF\n", "line 2: a line must be")]
    public void A_line_that_the_format_does_not_have_is_named(string text, string fault) =>
        Assert.That(OpenMetrics.Parse(text).SyntaxFault, Does.Contain(fault));

    [TestCase("a 1\n", "line 1: the TYPE of a sample")]
    [TestCase("# TYPE a counter\na 1\n", "line 2: the sample of a counter must end in _total")]
    [TestCase("# TYPE a counter\na_total -1\n", "line 2: a counter must not be negative")]
    [TestCase("# TYPE a gauge\na 1\na 1\n", "line 3: a series must be given once")]
    [TestCase("# TYPE a gauge\na{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n", "line 3: a series must be given once")]
    [TestCase("# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n", "line 2: a label must be given once")]
    [TestCase("# TYPE a gauge\n# TYPE a gauge\n", "line 2: TYPE must be said once")]
    [TestCase("# TYPE a number\n", "line 1: TYPE must be one of")]
    [TestCase("# TYPE a gauge\na 1\n# HELP a late\n", "line 3: HELP must stand before the samples")]
    [TestCase("# TYPE a gauge\na 1\n# TYPE b gauge\n# HELP a late\n", "line 4: the lines of one family must stand together")]
    [TestCase("# TYPE a histogram\na_bucket{le=\"1\"} 1\n", "must have a last bucket +Inf")]
    [TestCase("# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n", "must count what is in the buckets before")]
    public void A_line_that_contradicts_another_is_named(string text, string fault)
    {
        var metrics = OpenMetrics.Parse($"{text}# EOF\n");

        Assert.That(metrics.SyntaxFault, Is.Null);
        Assert.That(metrics.ModelFault, Does.Contain(fault));
    }
}
