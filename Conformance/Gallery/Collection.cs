namespace PubSub.Conformance.Gallery;

/// <summary>Servers to be shown to the suite.</summary>
/// <param name="Mutants">What is wrong.</param>
/// <param name="Benign">What is odd, and legal.</param>
/// <param name="Strangers">What other people wrote, with the verdict that is right.</param>
/// <param name="NullTargets">What is no broker at all.</param>
internal sealed record Collection(
    IReadOnlyList<Mutant> Mutants,
    IReadOnlyList<BenignServer> Benign,
    IReadOnlyList<Stranger> Strangers,
    IReadOnlyList<NullTarget> NullTargets)
{
    /// <summary>Every server: mutants in the order of the specification, benign servers from TCP up to the messages.</summary>
    public static Collection Whole { get; } = new(
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
        ],
        [
            .. Gallery.Benign.Lines.All,
            .. Gallery.Benign.Framing.All,
            .. Gallery.Benign.Answers.All,
            .. Gallery.Benign.Wording.All,
            .. Gallery.Benign.Choices.All,
        ],
        Gallery.Strangers.All,
        NullTarget.All);

    /// <summary>Of everything above.</summary>
    public IReadOnlyList<string> Ids =>
    [
        .. Mutants.Select(mutant => mutant.Id),
        .. Benign.Select(server => server.Id),
        .. Strangers.Select(server => server.Id),
        .. NullTargets.Select(target => target.Id),
    ];
}
