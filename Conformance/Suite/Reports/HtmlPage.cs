using System.Text.Encodings.Web;
using System.Text.Json;

namespace PubSub.Conformance.Reports;

/// <summary>
/// The run as one HTML file that can be opened from a disk, attached to a build and read without a network. It holds the whole of
/// results.json; the page draws only what is looked at.
/// </summary>
public static class HtmlPage
{
    private static readonly ResultsJson Compact = new(new JsonSerializerOptions(ResultsJson.Default.Options)
    {
        WriteIndented = false,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Render(Results results)
    {
        var conclusion = Words.Prose(results.Conclusion.Kind);
        return Template.Fill("report.html", new Dictionary<string, string>
        {
            ["title"] = Template.Html($"{conclusion} \u00b7 {results.Target.Url} \u00b7 {results.Suite.Spec} {results.Suite.SpecVersion}", 200),
            ["conclusion"] = Template.Html($"{conclusion}: {results.Conclusion.Message}", 2000),
            ["results"] = JsonSerializer.Serialize(results, Compact.Results).Replace("<", "\\u003c", StringComparison.Ordinal),
        });
    }
}
