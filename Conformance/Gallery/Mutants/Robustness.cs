namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about clients that behave badly.</summary>
internal static class Robustness
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
