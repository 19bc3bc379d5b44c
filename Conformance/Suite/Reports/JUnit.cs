using System.Globalization;
using System.Text;
using System.Xml;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>
/// JUnit XML as Jenkins, GitLab and the like read it. It knows only pass, failure, error and skipped; the exact verdict is in the first
/// line of each case's output. A run that does not exit with 0 never looks green: a problem of the whole run gets a case of its own.
/// </summary>
public static class JUnit
{
    private const int ShownFrames = 25;
    private const int ValueCap = 16 * 1024;
    private const int LineCap = 400;

    public static string Render(Results results)
    {
        var digest = new Digest(results);
        var suites = digest.ByArea(results.Scenarios)
            .Select(area => new Suite(area.Key, [.. area.Select(one => CaseOf(digest, one))]))
            .ToList();
        var red = suites.SelectMany(suite => suite.Cases).Any(one => one.Kind is Kind.Failure or Kind.Error);
        if (results.Conclusion.ExitCode != 0 && !red)
        {
            suites.Add(new Suite("RUN", [RunCase(results)]));
        }

        Case[] cases = [.. suites.SelectMany(suite => suite.Cases)];

        using var text = new Utf8Text();
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, NewLineHandling = NewLineHandling.None }))
        {
            xml.WriteStartDocument();
            xml.WriteStartElement("testsuites");
            Attributes(xml, $"{results.Suite.Spec} {results.Suite.SpecVersion} conformance", cases, results.DurationSeconds);
            foreach (var suite in suites)
            {
                Write(xml, results, suite);
            }

            xml.WriteEndElement();
        }

        return text.ToString();
    }

    private static Case CaseOf(Digest digest, ScenarioResult scenario)
    {
        var requirement = digest.RequirementOf(scenario);
        var standing = digest.Weigh(scenario);
        var kind = standing switch
        {
            Standing.Failed => scenario.Verdict == Verdict.Error ? Kind.Error : Kind.Failure,
            Standing.KnownFailing or Standing.Undecided => Kind.Skipped,
            Standing.Warned => Kind.Noted,
            _ => scenario.Observations.Count > 0 ? Kind.Noted : Kind.Passed,
        };
        var why = standing == Standing.KnownFailing ? $"known failing by {scenario.KnownFailing}: {scenario.Message}" : scenario.Message;
        var level = requirement is null ? "" : $" level={Words.Of(requirement.Level)} profile={Words.Of(requirement.Profile)}";
        return new Case(SlugOf(scenario), $"PS.{digest.AreaOf(scenario)}.{scenario.Requirement}", kind, scenario.DurationMs / 1000)
        {
            Label = $"requirement={scenario.Requirement}{level} verdict={Words.Of(scenario.Verdict)}",
            Type = Words.Of(scenario.Verdict),
            Message = kind == Kind.Skipped ? $"{Words.Of(scenario.Verdict)}: {why}" : why,
            Story = Story(digest, scenario),
        };
    }

    private static string SlugOf(ScenarioResult scenario)
    {
        var start = scenario.Requirement + "/";
        return scenario.Id.StartsWith(start, StringComparison.Ordinal) ? scenario.Id[start.Length..] : scenario.Id;
    }

    /// <summary>A case for the whole run: the target died, an expectation is stale, or too little was evaluated.</summary>
    private static Case RunCase(Results results)
    {
        var violated = results.Conclusion.Kind is ConclusionKind.Violation or ConclusionKind.Stale;
        return new Case("conclusion", "PS.RUN", violated ? Kind.Failure : Kind.Error, 0)
        {
            Label = $"conclusion={Words.Of(results.Conclusion.Kind)}",
            Type = Words.Of(results.Conclusion.Kind),
            Message = results.Conclusion.Message,
            Story = $"{results.Conclusion.Message}\n{Words.Prose(results.Ending.Kind)}: {results.Ending.Message}\n"
                + string.Concat(results.Stale.Select(stale => $"stale: {stale}\n")),
        };
    }

    private static string Story(Digest digest, ScenarioResult scenario)
    {
        var (heading, frames) = Digest.Frames(scenario, ShownFrames, LineCap);
        return $"{scenario.Id}: {Words.Of(scenario.Verdict)}\n"
            + Digest.Lines(digest.Facts(scenario).Append(("transcript", heading)), indent: 2, ValueCap)
            + string.Concat(frames.Select(frame => $"    {frame}\n"));
    }

    private static void Write(XmlWriter xml, Results results, Suite suite)
    {
        xml.WriteStartElement("testsuite");
        Attributes(xml, $"PS.{suite.Area}", suite.Cases, suite.Cases.Sum(one => one.Seconds));
        xml.WriteAttributeString("skipped", XmlConvert.ToString(suite.Cases.Count(one => one.Kind == Kind.Skipped)));
        xml.WriteAttributeString("timestamp", results.Started.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture));
        Properties(xml,
        [
            ("target", results.Target.Place),
            ("dialect", results.Target.Dialect),
            ("run", results.Run),
            ("spec", $"{results.Suite.Spec} {results.Suite.SpecVersion}"),
            ("suite", results.Suite.Version),
            ("conclusion", Words.Of(results.Conclusion.Kind)),
        ]);
        foreach (var one in suite.Cases)
        {
            Write(xml, one);
        }

        xml.WriteEndElement();
    }

    private static void Write(XmlWriter xml, Case one)
    {
        xml.WriteStartElement("testcase");
        Attribute(xml, "name", one.Name);
        Attribute(xml, "classname", one.Class);
        xml.WriteAttributeString("time", Words.Number(one.Seconds, 3));
        switch (one.Kind)
        {
            case Kind.Failure or Kind.Error:
                xml.WriteStartElement(one.Kind == Kind.Error ? "error" : "failure");
                Attribute(xml, "message", one.Message);
                xml.WriteAttributeString("type", one.Type);
                xml.WriteString(Visible.Text(one.Story));
                xml.WriteEndElement();
                break;
            case Kind.Skipped:
                xml.WriteStartElement("skipped");
                Attribute(xml, "message", one.Message);
                xml.WriteEndElement();
                break;
        }

        xml.WriteElementString("system-out", Visible.Text(one.Kind == Kind.Noted ? $"{one.Label}\n{one.Story}" : one.Label));
        xml.WriteEndElement();
    }

    private static void Attributes(XmlWriter xml, string name, IReadOnlyList<Case> cases, double seconds)
    {
        Attribute(xml, "name", name);
        xml.WriteAttributeString("tests", XmlConvert.ToString(cases.Count));
        xml.WriteAttributeString("failures", XmlConvert.ToString(cases.Count(one => one.Kind == Kind.Failure)));
        xml.WriteAttributeString("errors", XmlConvert.ToString(cases.Count(one => one.Kind == Kind.Error)));
        xml.WriteAttributeString("time", Words.Number(seconds, 3));
    }

    private static void Properties(XmlWriter xml, IReadOnlyList<(string Name, string Value)> properties)
    {
        xml.WriteStartElement("properties");
        foreach (var (name, value) in properties)
        {
            xml.WriteStartElement("property");
            xml.WriteAttributeString("name", name);
            Attribute(xml, "value", value);
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    private static void Attribute(XmlWriter xml, string name, string value) =>
        xml.WriteAttributeString(name, Visible.Line(value, ValueCap));

    private enum Kind
    {
        Passed,

        /// <summary>Passed, with a story in its output.</summary>
        Noted,

        Skipped,
        Failure,
        Error,
    }

    private sealed record Suite(string Area, IReadOnlyList<Case> Cases);

    private sealed record Case(string Name, string Class, Kind Kind, double Seconds)
    {
        public required string Label { get; init; }
        public required string Type { get; init; }
        public required string Message { get; init; }
        public required string Story { get; init; }
    }

    /// <summary>Makes the XML declaration name UTF-8, the encoding of the file.</summary>
    private sealed class Utf8Text() : StringWriter(CultureInfo.InvariantCulture)
    {
        public override Encoding Encoding => Encoding.UTF8;
    }
}
