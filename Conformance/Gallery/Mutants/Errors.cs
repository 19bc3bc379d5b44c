namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about bad requests.</summary>
internal static class Errors
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
