using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;
using NJsonSchema;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The schemas of the two reports that programs read. Each check returns the complaints; a valid report has none.</summary>
internal static class Schemas
{
    public static string OfResults { get; } = Text("results.schema.json");

    public static async Task<IReadOnlyList<string>> ResultsComplaintsAsync(string json) =>
        [.. (await JsonSchema.FromJsonAsync(OfResults)).Validate(json).Select(complaint => $"{complaint.Path} {complaint.Kind}")];

    public static IReadOnlyList<string> JUnitComplaints(XDocument report)
    {
        var schemas = new XmlSchemaSet();
        using var xsd = XmlReader.Create(new StringReader(Text("junit.xsd")));
        schemas.Add(null, xsd);
        var complaints = new List<string>();
        report.Validate(schemas, (_, complaint) => complaints.Add(complaint.Message));
        return complaints;
    }

    private static string Text(string name)
    {
        using var reader = new StreamReader(typeof(Schemas).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
