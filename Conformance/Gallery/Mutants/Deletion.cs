namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about the deletion of topics.</summary>
internal static class Deletion
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
