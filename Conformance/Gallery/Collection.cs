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

    /// <summary>Odd, and legal: from the lines up to what is said over them.</summary>
    public static IReadOnlyList<BenignServer> Benign { get; } =
    [
        .. Gallery.Benign.Lines.All,
        .. Gallery.Benign.Framing.All,
        .. Gallery.Benign.Answers.All,
        .. Gallery.Benign.Wording.All,
        .. Gallery.Benign.Choices.All,
    ];

    /// <summary>What is no broker at all.</summary>
    public static IReadOnlyList<NullTarget> NullTargets => NullTarget.All;

    /// <summary>Of everything above.</summary>
    public static IReadOnlyList<string> Ids =>
        [.. Mutants.Select(mutant => mutant.Id), .. Benign.Select(server => server.Id), .. NullTargets.Select(target => target.Id)];
}
