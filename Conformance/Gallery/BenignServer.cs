using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// A server that is odd and legal. Whatever the suite has to say against it is a mistake of the suite: a scenario expects more than its
/// requirement says.
/// </summary>
/// <param name="Id">"benign-" and a slug; it never changes and is never used again.</param>
/// <param name="Oddity">One sentence: what is odd, and why it is legal.</param>
internal sealed record BenignServer(string Id, string Oddity)
{
    /// <summary>Starts it.</summary>
    public required Func<SmallServer> Open { get; init; }

    /// <summary>Starts what stands in front of it, where it is not asked directly.</summary>
    public Func<Uri, TcpServer>? Front { get; init; }

    /// <summary>What its owner says about whichever of the two is asked.</summary>
    public Func<TcpServer, ProbeOptions> Probing { get; init; } = door => new ProbeOptions { Url = door.Origin };

    /// <summary>Scenarios that have nothing to say of it, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unsupported { get; init; } = new Dictionary<string, string>();

    /// <summary>Requirements that its dialect leaves open and that it does not keep: of each, a scenario has to have observed that.</summary>
    public IReadOnlyList<string> Observed { get; init; } = [];

    /// <summary>Plays the scenarios that put a server under load as well: see <see cref="Scenario.IsLoad"/>.</summary>
    public bool UnderLoad { get; init; }

    /// <summary>Scenarios at one time, where the usual number would take too long.</summary>
    public int? Parallel { get; init; }

    public override string ToString() => Id;

    /// <summary>A small server with other parts, which nothing else has to be said about.</summary>
    public static BenignServer Of(string id, string oddity, Func<Parts, Parts> change) => new(id, oddity) { Open = () => new SmallServer(change(new Parts())) };
}
