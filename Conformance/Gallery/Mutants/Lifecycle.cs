namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about start, settings, signals and end.</summary>
internal static class Lifecycle
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
