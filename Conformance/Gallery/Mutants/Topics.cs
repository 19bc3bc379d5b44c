namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about topics over REST.</summary>
internal static class Topics
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
