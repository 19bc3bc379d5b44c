namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about who receives what, and in which order.</summary>
internal static class FanOut
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
