using System.Text.Json;
using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>One JSON object per line, whatever crossed the wire.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class TranscriptsTests
{
    [Test]
    public void Every_line_of_every_scenario_is_a_line_of_its_own()
    {
        var results = SampleResults.Every();

        var lines = Write(results);

        Assert.That(lines, Has.Length.EqualTo(results.Scenarios.Sum(scenario => scenario.Transcript.Count)));
        Assert.That(lines[1], Is.EqualTo(
            """{"scenario":"PS-TST-001/slug-of-pass","t":2,"c":"sub1","dir":"<","op":"text","len":"""
            + """20,"data":"{\"type\":\"ping\",\"request_id\":\"r2\"}"}"""));
    }

    [Test]
    public void Dropped_lines_are_counted_and_hostile_data_stays_on_its_line()
    {
        var lines = Write(SampleResults.EvilEverywhere()).Select(line => JsonElement.Parse(line).GetProperty("data").GetString()).ToList();

        Assert.That(lines, Has.Count.EqualTo(3 * SampleResults.Hostile.Count));
        Assert.That(lines[0], Is.EqualTo("17 earlier lines were left out"));
        Assert.That(lines[1], Is.EqualTo(SampleResults.Hostile[0]));
    }

    private static string[] Write(Results results)
    {
        using var text = new StringWriter();
        Transcripts.Write(results, text);
        Assert.That(text.ToString(), Does.EndWith("\n").And.Not.Contain('\r'));
        return text.ToString().TrimEnd('\n').Split('\n');
    }
}
