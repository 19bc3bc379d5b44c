namespace PubSub.Conformance.Requirements;

/// <summary>Every requirement by id, in the order of the specification.</summary>
public sealed class Catalogue
{
    private static readonly Lazy<Catalogue> Loaded = new(Load);

    private readonly Dictionary<string, Requirement> _byId;

    public Catalogue(IEnumerable<Requirement> requirements, string spec = "PubSubSpec", string version = "0")
    {
        Requirements = [.. requirements];
        Spec = spec;
        Version = version;
        _byId = Requirements.ToDictionary(requirement => requirement.Id, StringComparer.Ordinal);
    }

    /// <summary>The catalogue of the SPEC.md that this suite was built with.</summary>
    /// <exception cref="InvalidDataException">SPEC.md is malformed.</exception>
    public static Catalogue Embedded => Loaded.Value;

    public string Spec { get; }
    public string Version { get; }
    public IReadOnlyList<Requirement> Requirements { get; }

    public Requirement? Find(string id) => _byId.GetValueOrDefault(id);

    private static Catalogue Load()
    {
        using var markdown = new StreamReader(typeof(Catalogue).Assembly.GetManifestResourceStream("SPEC.md")!);
        return Specification.Parse(markdown.ReadToEnd());
    }
}
