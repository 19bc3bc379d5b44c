namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>Servers that are wrong about the envelope of messages: ids, dates, replies.</summary>
internal static class Envelope
{
    public static IReadOnlyList<Mutant> All { get; } =
    [
    ];
}
