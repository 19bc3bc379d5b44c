namespace PubSub.Conformance.Gallery;

/// <summary>Everything that is on show.</summary>
internal static class Collection
{
    /// <summary>In the order of the specification.</summary>
    public static IReadOnlyList<Mutant> Mutants { get; } =
    [
        .. Gallery.Mutants.Topics.All,
        .. Gallery.Mutants.Transport.All,
        .. Gallery.Mutants.Envelope.All,
        .. Gallery.Mutants.Subscribe.All,
        .. Gallery.Mutants.Publish.All,
        .. Gallery.Mutants.FanOut.All,
        .. Gallery.Mutants.Isolation.All,
        .. Gallery.Mutants.Replay.All,
        .. Gallery.Mutants.Unsubscribe.All,
        .. Gallery.Mutants.Ping.All,
        .. Gallery.Mutants.Backpressure.All,
        .. Gallery.Mutants.Deletion.All,
        .. Gallery.Mutants.Errors.All,
        .. Gallery.Mutants.Status.All,
        .. Gallery.Mutants.Robustness.All,
        .. Gallery.Mutants.Lifecycle.All,
    ];
}
