namespace PubSub.Conformance.Gallery;

/// <summary>The servers of a self-test.</summary>
/// <param name="Mutants">Servers that are wrong in one way.</param>
/// <param name="Benign">Servers that are odd but legal.</param>
/// <param name="Strangers">Servers that behave as independent implementations, with the verdicts on them.</param>
/// <param name="NullTargets">Servers that are not brokers.</param>
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
            .. Gallery.Mutants.Resume.All,
            .. Gallery.Mutants.OverHttp.All,
            .. Gallery.Mutants.Streams.All,
            .. Gallery.Mutants.Access.All,
            .. Gallery.Mutants.Metrics.All,
        ],
        [
            .. Gallery.Benign.Lines.All,
            .. Gallery.Benign.Framing.All,
            .. Gallery.Benign.Answers.All,
            .. Gallery.Benign.Wording.All,
            .. Gallery.Benign.Choices.All,
            .. Gallery.Benign.Additions.All,
            .. Gallery.Benign.Identified.All,
        ],
        Gallery.Strangers.All,
        NullTarget.All);

    /// <summary>The ids of all servers.</summary>
    public IReadOnlyList<string> Ids =>
    [
        .. Mutants.Select(mutant => mutant.Id),
        .. Benign.Select(server => server.Id),
        .. Strangers.Select(server => server.Id),
        .. NullTargets.Select(target => target.Id),
    ];
}
