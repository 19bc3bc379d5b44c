using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>
/// The run as one HTML file that can be opened from a disk, attached to a build and read without a network. It holds as much of
/// results.json as fits; the page renders only what is visible.
/// </summary>
public static class HtmlPage
{
    /// <summary>Bytes of the whole page, whatever the run.</summary>
    public const int LargestPage = 3_000_000;

    private const int ShownMessage = 300; // characters
    private const int ShownOthers = 100; // scenarios of one cause

    private static readonly ResultsJson Compact = new(new JsonSerializerOptions(ResultsJson.Default.Options)
    {
        WriteIndented = false,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Render(Results results)
    {
        var causes = Causes(new Digest(results));
        var room = LargestPage - Encoding.UTF8.GetByteCount(Page(results, causes, "{}"));
        return Page(results, causes, Data(Bounded.Of(results, room, Data)));
    }

    private static string Page(Results results, string causes, string data)
    {
        var conclusion = Words.Prose(results.Conclusion.Kind);
        return Template.Fill("report.html", new Dictionary<string, string>
        {
            ["title"] = Template.Html(
                $"{conclusion} \u00b7 {results.Target.Place} \u00b7 {results.Suite.Spec} {results.Suite.SpecVersion}", 200),
            ["conclusion"] = Template.Html($"{conclusion}: {results.Conclusion.Message}", 2000),
            ["causes"] = causes,
            ["results"] = data,
        });
    }

    private static string Data(Results results) => Inert(JsonSerializer.Serialize(results, Compact.Results));

    /// <summary>The causes as the page renders them, and what to fix first.</summary>
    private static string Causes(Digest digest) => Inert(new JsonObject
    {
        ["toFix"] = new JsonArray([.. digest.ToFix.Select(cause =>
            (JsonNode)new JsonObject { ["advice"] = cause.Advice.Cut(ShownMessage), ["scenario"] = cause.Worst.Id })]),
        ["all"] = new JsonArray([.. digest.Causes.Select(Of)]),
    }.ToJsonString(Compact.Options));

    private static JsonNode Of(Cause cause) => new JsonObject
    {
        ["verdict"] = Words.Of(cause.Worst.Verdict),
        ["title"] = cause.Title,
        ["extent"] = cause.Extent,
        ["message"] = cause.Message.Cut(ShownMessage),
        ["scenarios"] = new JsonArray([.. cause.Scenarios.Take(ShownOthers).Select(scenario => (JsonNode)scenario.Id)]),
        ["more"] = Math.Max(0, cause.Scenarios.Count - ShownOthers),
    };

    /// <summary>JSON that cannot start any markup.</summary>
    private static string Inert(string json) => json.Replace("<", "\\u003c", StringComparison.Ordinal);
}
