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
        Assert.That(string.Join(' ', lines[0].EnumerateObject().Select(member => member.Name)), Is.EqualTo("scenario t c dir op len data"));
        Assert.That(lines[0].GetProperty("scenario").GetString(), Is.EqualTo("PS-TST-001/slug-of-pass"));
        Assert.That(lines[0].GetProperty("t").GetDouble(), Is.EqualTo(1));
        Assert.That(lines[1].GetProperty("dir").GetString(), Is.EqualTo("<"));
    }

    [Test]
    public void What_was_dropped_is_said_and_hostile_data_stays_on_its_line()
    {
        var lines = Write(SampleResults.EvilEverywhere());

        Assert.That(lines, Has.Length.EqualTo(3 * SampleResults.Hostile.Count));
        Assert.That(lines[0].GetProperty("data").GetString(), Is.EqualTo("17 earlier lines were left out"));
        Assert.That(lines[1].GetProperty("data").GetString(), Is.EqualTo(SampleResults.Hostile[0]));
    }

    private static JsonElement[] Write(Results results)
    {
        using var text = new StringWriter();
        Transcripts.Write(results, text);
        Assert.That(text.ToString(), Does.EndWith("\n").And.Not.Contain('\r'));
        return [.. text.ToString().TrimEnd('\n').Split('\n').Select(line => JsonElement.Parse(line))];
    }
}
