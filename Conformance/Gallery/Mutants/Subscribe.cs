namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about subscribing.</summary>
internal static class Subscribe
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
