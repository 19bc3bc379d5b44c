namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about health and statistics.</summary>
internal static class Status
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
