namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about subscribers that do not keep up.</summary>
internal static class Backpressure
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
