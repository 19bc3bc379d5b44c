using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// A server that is odd but legal. Every failure that the suite reports is a mistake of the suite: a scenario expects more than its
/// requirement says.
/// </summary>
/// <param name="Id">"benign-" and a slug; it never changes and is never used again.</param>
/// <param name="Oddity">One sentence: what is odd, and why it is legal.</param>
internal sealed record BenignServer(string Id, string Oddity)
{
    /// <summary>The parts of version 1.1 that it has, besides what it does otherwise.</summary>
    public IReadOnlyList<Capability> Offers { get; init; } = [.. Capabilities.All.Except([Capability.Access])];

    /// <summary>Makes a correct server odd.</summary>
    public Change Change { get; private init; } = _ => { };

    /// <summary>Starts a server in front of it, such as a proxy; null if clients reach it directly.</summary>
    public Func<Uri, TcpServer>? Front { get; init; }

    /// <summary>What its owner declares about the server that clients reach.</summary>
    public Func<TcpServer, ProbeOptions> Probing { get; init; } = door => new ProbeOptions { Url = door.Origin };

    /// <summary>Scenarios that do not apply to it, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unsupported { get; init; } = new Dictionary<string, string>();

    /// <summary>Requirements that its dialect leaves open and that it does not meet; a scenario has to observe each.</summary>
    public IReadOnlyList<string> Observed { get; init; } = [];

    /// <summary>Runs the scenarios that put a server under load as well: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool UnderLoad { get; init; }

    /// <summary>Scenarios at one time, if the run would take too long with the usual number.</summary>
    public int? Parallel { get; init; }

    /// <summary>The oddity itself; several calls add up.</summary>
    public BenignServer Does(Change change) => this with { Change = Change + change };

    /// <summary>The oddity of each topic or session: see <see cref="SmallServer.EachTopic"/>.</summary>
    public BenignServer EachTopic(Action<Topic> change) => Does(server => server.EachTopic(change));

    /// <inheritdoc cref="EachTopic"/>
    public BenignServer EachSession(Action<Session> change) => Does(server => server.EachSession(change));

    public override string ToString() => Id;
}
