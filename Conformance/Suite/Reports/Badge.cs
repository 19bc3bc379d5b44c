using System.Text;
using System.Text.Json;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>A badge as <c>shields.io/endpoint</c> reads it. Bright green means that every requirement was decided and holds, but for
/// those of capabilities that the target does not have.</summary>
public static class Badge
{
    public static string Render(Results results)
    {
        var satisfied = results.Requirements.Count(one => one.Status is RequirementStatus.Satisfied or RequirementStatus.LeftOpen);
        var claimed = results.Requirements.Count(one => one.Status != RequirementStatus.Unsupported);
        var conclusion = Words.Prose(results.Conclusion.Kind).ToLowerInvariant();
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 1);
            json.WriteString("label", $"{results.Suite.Spec} {results.Suite.SpecVersion}");
            json.WriteString("message", $"{conclusion} {satisfied}/{claimed}");
            json.WriteString("color", Color(results.Conclusion.Kind, satisfied == claimed));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static string Color(ConclusionKind conclusion, bool allSatisfied) => conclusion switch
    {
        ConclusionKind.Conformant => allSatisfied ? "brightgreen" : "green",
        ConclusionKind.Violation => "red",
        ConclusionKind.Stale => "yellow",
        _ => "lightgrey",
    };
}
