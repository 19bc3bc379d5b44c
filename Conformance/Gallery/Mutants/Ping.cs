namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about ping and pong.</summary>
internal static class Ping
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
