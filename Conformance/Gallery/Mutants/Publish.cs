namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about publishing.</summary>
internal static class Publish
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
