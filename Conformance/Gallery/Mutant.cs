using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// A server that is wrong in exactly one way, as a real one might be. The suite has to find it out by the requirements that it breaks,
/// for the reason that it breaks them, and must not blame anything else on it.
/// </summary>
/// <param name="Id">The area in lower case and a slug; it never changes and is never used again.</param>
/// <param name="Fault">One sentence: what it does wrong.</param>
internal sealed record Mutant(string Id, string Fault)
{
    /// <summary>Makes the one wrong part of a correct server; called once for each server that is started.</summary>
    public required Func<Parts, Parts> Change { get; init; }

    /// <summary>The requirements that have to be violated, or warned of, each for its reason.</summary>
    public required IReadOnlyList<Kill> Kills { get; init; }

    /// <summary>
    /// Requirements that may be violated as well, because no server can break the others and keep these; every further one that is would
    /// be blamed wrongly.
    /// </summary>
    public IReadOnlyList<string> Also { get; init; } = [];

    /// <summary>Plays the scenarios that put a server under load as well: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool UnderLoad { get; init; }

    /// <summary>Plays the scenarios that start servers with settings of their own as well.</summary>
    public bool Launched { get; init; }

    /// <summary>It dies of something: then the run has to end there, with a witness of a requirement that kills it.</summary>
    public bool Dies { get; init; }

    /// <summary>
    /// Plays one scenario after the other, because what this one does befalls everybody who is connected, and whoever plays beside the
    /// scenario that makes it happen would be a witness too.
    /// </summary>
    public bool Alone { get; init; }

    public override string ToString() => Id;
}

/// <summary>One requirement by which a mutant has to be found out.</summary>
/// <param name="Requirement">Its id.</param>
/// <param name="Because">What the message of one of its violated scenarios has to contain.</param>
internal sealed record Kill(string Requirement, string Because);
