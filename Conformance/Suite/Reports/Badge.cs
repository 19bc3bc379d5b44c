using System.Text;
using System.Text.Json;

namespace PubSub.Conformance.Reports;

/// <summary>A badge as <c>shields.io/endpoint</c> reads it. Green means that every requirement was decided and holds.</summary>
public static class Badge
{
    /// <param name="profile">The profile that the badge is about; null for the whole run.</param>
    public static string Render(Results results, string? profile = null)
    {
        var (message, color) = profile is null ? Whole(results) : One(results, profile);
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 1);
            json.WriteString("label", $"{results.Suite.Spec} {results.Suite.SpecVersion}");
            json.WriteString("message", message);
            json.WriteString("color", color);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static (string Message, string Color) One(Results results, string name)
    {
        var profile = results.Profiles.FirstOrDefault(profile => profile.Name == name)
            ?? throw new ArgumentException(
                $"these results have no profile {name}, only {string.Join(", ", results.Profiles.Select(profile => profile.Name))}");
        return ($"{profile.Name} {profile.Satisfied}/{profile.Requirements}", Color(profile.Conformity));
    }

    private static (string Message, string Color) Whole(Results results)
    {
        var satisfied = results.Requirements.Count(requirement => requirement.Status is RequirementStatus.Satisfied or RequirementStatus.LeftOpen);
        var color = results.Conclusion.Kind switch
        {
            ConclusionKind.Conformant when satisfied == results.Requirements.Count => "brightgreen",
            ConclusionKind.Conformant => "green",
            ConclusionKind.Violation => "red",
            ConclusionKind.Stale => "yellow",
            _ => "lightgrey",
        };
        return ($"{Words.Prose(results.Conclusion.Kind).ToLowerInvariant()} {satisfied}/{results.Requirements.Count}", color);
    }

    private static string Color(Conformity conformity) => conformity switch
    {
        Conformity.Conformant => "brightgreen",
        Conformity.ConformantWithWarnings => "green",
        Conformity.Partial => "yellow",
        Conformity.NonConformant => "red",
        _ => "lightgrey",
    };
}
