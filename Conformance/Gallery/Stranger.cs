using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Gallery;

/// <summary>What restarts a stranger that dies.</summary>
internal enum Keeper
{
    /// <summary>It stays dead, and the run ends.</summary>
    None,

    /// <summary>A supervisor starts it again after a moment.</summary>
    Supervisor,

    /// <summary>The suite starts it again, as with <c>--launch</c>.</summary>
    Suite,
}

/// <summary>
/// A server that behaves as an independent implementation: it differs in several ways at once, some legal, some wrong. The exact verdict
/// is declared for each requirement; a requirement that is not mentioned has to be satisfied.
/// </summary>
/// <param name="Id">"stranger-" and a slug; it never changes and is never used again.</param>
/// <param name="Habits">One or two sentences: how it differs.</param>
internal sealed record Stranger(string Id, string Habits)
{
    /// <summary>The parts of version 1.1 that it has, besides what it does otherwise.</summary>
    public IReadOnlyList<Capability> Offers { get; init; } = [];

    /// <summary>Makes a correct server strange; called once for each server that is started.</summary>
    public Change Change { get; private init; } = _ => { };

    /// <summary>Starts a server in front of it, such as a proxy; null if clients reach it directly.</summary>
    public Func<Uri, TcpServer>? Front { get; init; }

    /// <summary>What the user of the suite declares about it; by default only its URL.</summary>
    public Func<TcpServer, ProbeOptions> Probing { get; init; } = door => new ProbeOptions { Url = door.Origin };

    /// <summary>Changes the options of the run, such as how many scenarios at one time.</summary>
    public Func<RunOptions, RunOptions> Options { get; init; } = options => options;

    /// <summary>What restarts it when it dies; a fault that kills calls <see cref="SmallServer.Die"/>.</summary>
    public Keeper Keeper { get; init; }

    /// <summary>Ids of the scenarios that always kill it. The report has to name each as the cause of a death, and no other.</summary>
    public IReadOnlyList<string> Killers { get; private init; } = [];

    /// <summary>Ids of scenarios that kill it only sometimes.</summary>
    public IReadOnlyList<string> Dangers { get; private init; } = [];

    /// <summary>The verdicts that the suite has to give.</summary>
    public IReadOnlyList<Declared> Verdicts { get; private init; } = [];

    /// <summary>Adds a change of behaviour; several calls add up.</summary>
    public Stranger Does(Change change) => this with { Change = Change + change };

    /// <inheritdoc cref="SmallServer.EachTopic"/>
    public Stranger EachTopic(Action<Topic> change) => Does(server => server.EachTopic(change));

    /// <inheritdoc cref="SmallServer.EachSession"/>
    public Stranger EachSession(Action<Session> change) => Does(server => server.EachSession(change));

    /// <summary>Adds to <see cref="Killers"/>.</summary>
    public Stranger DiesOf(params string[] scenarios) =>
        (this with { Killers = [.. Killers, .. scenarios] }).Violates(DeathResult.Requirement, "The server died of");

    /// <summary>Adds to <see cref="Dangers"/>.</summary>
    public Stranger MayDieOf(params string[] scenarios) => this with { Dangers = [.. Dangers, .. scenarios] };

    /// <summary>A MUST that at least one scenario has to find violated.</summary>
    /// <param name="requirement">Its id.</param>
    /// <param name="because">What the message of one of these scenarios has to contain.</param>
    public Stranger Violates(string requirement, string because) => With(Verdict.Fail, requirement, because);

    /// <summary>A SHOULD of which at least one scenario has to warn.</summary>
    /// <inheritdoc cref="Violates"/>
    public Stranger Warned(string requirement, string because) => With(Verdict.Warn, requirement, because);

    /// <summary>A requirement of which at least one scenario has to say that the server does not offer what it needs.</summary>
    /// <inheritdoc cref="Violates"/>
    public Stranger Lacks(string requirement, string because) => With(Verdict.Unsupported, requirement, because);

    /// <summary>A requirement of which at least one scenario cannot decide, because another one is broken.</summary>
    /// <inheritdoc cref="Violates"/>
    public Stranger Undecided(string requirement, string because) => With(Verdict.Inconclusive, requirement, because);

    public override string ToString() => Id;

    private Stranger With(Verdict verdict, string requirement, string because) =>
        this with { Verdicts = [.. Verdicts, new(verdict, requirement, because)] };
}

/// <summary>One verdict that the suite has to give.</summary>
/// <param name="Verdict">Fail, warn, unsupported or inconclusive.</param>
/// <param name="Requirement">The id of the requirement.</param>
/// <param name="Because">What the message of one of its scenarios with this verdict has to contain.</param>
internal sealed record Declared(Verdict Verdict, string Requirement, string Because)
{
    public override string ToString() => $"{Verdict.ToString().ToLowerInvariant()} {Requirement}";
}
