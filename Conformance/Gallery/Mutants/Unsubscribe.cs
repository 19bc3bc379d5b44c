namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about unsubscribing.</summary>
internal static class Unsubscribe
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
