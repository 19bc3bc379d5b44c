namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about keeping topics apart.</summary>
internal static class Isolation
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
