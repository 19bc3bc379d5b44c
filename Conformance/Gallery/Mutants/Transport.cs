namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about WebSocket itself: handshake, framing, closing.</summary>
internal static class Transport
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
