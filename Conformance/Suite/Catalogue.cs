using System.Text.Json;
using System.Text.Json.Serialization;

namespace PubSub.Conformance;

/// <summary>Every requirement by id, in the order of the specification.</summary>
public sealed class Catalogue
{
    private readonly Dictionary<string, Requirement> _byId;

    public Catalogue(IEnumerable<Requirement> requirements, string spec = "PubSubSpec", string version = "0")
    {
        Requirements = [.. requirements];
        Spec = spec;
        Version = version;
        _byId = Requirements.ToDictionary(requirement => requirement.Id, StringComparer.Ordinal);
    }

    /// <summary>The one this suite was built with.</summary>
    public static Catalogue Embedded { get; } = LoadEmbedded();

    public string Spec { get; }
    public string Version { get; }
    public IReadOnlyList<Requirement> Requirements { get; }

    public Requirement? Find(string id) => _byId.GetValueOrDefault(id);

    public static Catalogue Parse(Stream json)
    {
        var document = JsonSerializer.Deserialize(json, CatalogueJson.Default.CatalogueDocument)
            ?? throw new InvalidDataException("requirements.json holds null");
        return new Catalogue(document.Requirements, document.Spec, document.Version);
    }

    private static Catalogue LoadEmbedded()
    {
        using var json = typeof(Catalogue).Assembly.GetManifestResourceStream("requirements.json");
        return json is null ? new Catalogue([]) : Parse(json);
    }
}

internal sealed record CatalogueDocument(string Spec, string Version, IReadOnlyList<Requirement> Requirements);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip)]
[JsonSerializable(typeof(CatalogueDocument))]
internal sealed partial class CatalogueJson : JsonSerializerContext;
