using System.Text.Json;
using NUnit.Framework;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The transcript file has one JSON object per line, for any data on the wire.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class TranscriptsTests
{
    [Test]
    public void Every_line_of_a_transcript_is_one_line_of_the_file()
    {
        var results = SampleResults.Every();

        var lines = Write(results);

        Assert.That(lines, Has.Length.EqualTo(results.Scenarios.Sum(scenario => scenario.Transcript.Count)));
        Assert.That(lines[1], Is.EqualTo(
            """{"scenario":"PS-TST-001/slug-of-pass","t":2,"c":"sub1","dir":"<","op":"text","len":"""
            + """20,"data":"{\"type\":\"ping\",\"request_id\":\"r2\"}"}"""));
    }

    [Test]
    public void Hostile_data_stays_on_its_line()
    {
        var lines = Write(SampleResults.EvilEverywhere()).Select(line => JsonElement.Parse(line).GetProperty("data").GetString()).ToList();

        Assert.That(lines, Has.Count.EqualTo(2 * SampleResults.Hostile.Count));
        Assert.That(lines[0], Is.EqualTo(SampleResults.Hostile[0]));
    }

    [Test]
    public void Lines_beyond_the_size_limit_are_counted()
    {
        using var text = new StringWriter();
        var run = SampleResults.Of(
        [
            SampleResults.Scenario("PS-TST-001", "slug-of-fail", Verdict.Fail),
            SampleResults.Scenario("PS-TST-001", "late", Verdict.Fail),
        ]);

        Transcripts.Write(run, text, most: 1_500);

        var lines = text.ToString().TrimEnd('\n').Split('\n').Select(line => JsonElement.Parse(line)).ToList();
        var left = lines.GroupBy(line => line.GetProperty("scenario").GetString()).Select(lines => lines.Last()).ToList();
        Assert.That(left.Select(line => line.GetProperty("op").GetString()), Is.All.EqualTo("dropped"));
        Assert.That(left.Sum(line => line.GetProperty("len").GetInt32()) + lines.Count - left.Count, Is.EqualTo(42), "40 and 2 lines");
        Assert.That(text.ToString(), Has.Length.LessThan(2_000));
    }

    private static string[] Write(Results results)
    {
        using var text = new StringWriter();
        Transcripts.Write(results, text);
        Assert.That(text.ToString(), Does.EndWith("\n").And.Not.Contain('\r'));
        return text.ToString().TrimEnd('\n').Split('\n');
    }
}
