using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// A server that is wrong in exactly one way, as a real one might be. The requirements that it breaks have to kill it, for the right
/// reason, and no other requirement may fail. It is written as one paragraph: the fault in words, the change that makes it, and the
/// requirements that kill it.
/// </summary>
/// <param name="Id">The area in lower case and a slug; it never changes and is never used again.</param>
/// <param name="Fault">One sentence: what it does wrong.</param>
internal sealed record Mutant(string Id, string Fault)
{
    /// <summary>The parts of version 1.1 that it has, besides what it does otherwise.</summary>
    public IReadOnlyList<Capability> Offers { get; init; } = [];

    /// <summary>Makes a correct server wrong; called once for each server that is started.</summary>
    public Change Change { get; private init; } = _ => { };

    /// <summary>The requirements that have to be violated, or warned of, each for its reason.</summary>
    public IReadOnlyList<Kill> Kills { get; private init; } = [];

    /// <summary>
    /// Requirements that may be violated as well, because no server can break the others and keep these. A violation of any further
    /// requirement is a mistake of the suite.
    /// </summary>
    public IReadOnlyList<string> Also { get; private init; } = [];

    /// <summary>Runs the scenarios that put a server under load as well: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool UnderLoad { get; init; }

    /// <summary>Runs the scenarios that start servers with settings of their own as well.</summary>
    public bool Launched { get; init; }

    /// <summary>A scenario kills the process, and it stays dead: the run has to end there.</summary>
    public bool Dies { get; init; }

    /// <summary>Runs one scenario at a time, because its fault affects the connections of parallel scenarios too.</summary>
    public bool Alone { get; init; }

    /// <summary>The fault itself; several calls add up.</summary>
    public Mutant Does(Change change) => this with { Change = Change + change };

    /// <summary>The fault of each topic, session or frame filter: see <see cref="SmallServer.EachTopic"/>.</summary>
    public Mutant EachTopic(Action<Topic> change) => Does(server => server.EachTopic(change));

    /// <inheritdoc cref="EachTopic"/>
    public Mutant EachSession(Action<Session> change) => Does(server => server.EachSession(change));

    /// <inheritdoc cref="EachTopic"/>
    public Mutant EachFilter(Action<FrameFilter> change) => Does(server => server.EachFilter(change));

    /// <summary>A requirement that has to be violated, or warned of.</summary>
    /// <param name="requirement">Its id.</param>
    /// <param name="because">What the message of one of its violated scenarios has to contain.</param>
    public Mutant KilledBy(string requirement, string because) => this with { Kills = [.. Kills, new(requirement, because)] };

    /// <summary>Requirements to add to <see cref="Also"/>.</summary>
    public Mutant MayBreak(params string[] requirements) => this with { Also = [.. Also, .. requirements] };

    public override string ToString() => Id;
}

/// <summary>One requirement that has to kill a mutant.</summary>
/// <param name="Requirement">Its id.</param>
/// <param name="Because">What the message of one of its violated scenarios has to contain.</param>
internal sealed record Kill(string Requirement, string Because);
