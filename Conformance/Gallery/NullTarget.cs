using PubSub.Conformance.Gallery.Null;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery;

/// <summary>
/// A server, or a closed port, that is not a broker at all. A scenario that passes on it tests nothing, unless it is listed in
/// <see cref="Earns"/>.
/// </summary>
/// <param name="Id"><c>null-</c> and a slug; it never changes and is never used again.</param>
/// <param name="Nature">One sentence: what it does.</param>
internal sealed record NullTarget(string Id, string Nature, Func<OpenTarget> Open)
{
    /// <summary>Scenarios that have to pass on it, each with one sentence that says why.</summary>
    public IReadOnlyDictionary<string, string> Earns { get; init; } = new Dictionary<string, string>();

    /// <summary>Scenarios about the opening handshake alone, which a target that upgrades performs correctly.</summary>
    private static readonly Dictionary<string, string> Handshakes = new()
    {
        ["PS-WS-001/the-key-of-the-standard"] = "It does answer with 101 and the right accept.",
        ["PS-WS-001/a-key-of-ones-own"] = "It does answer with 101 and the right accept.",
        ["PS-WS-001/as-browsers-write-it"] = "It does answer what browsers write with 101.",
        ["PS-WS-001/byte-by-byte"] = "It does wait for the whole handshake and answers it with 101.",
        ["PS-WS-014/the-same-host-or-none"] = "It does accept a page of the same host, and no page.",
        ["PS-WS-015/nothing-offered-nothing-named"] = "It does answer with 101 and names nothing.",
    };

    public static IReadOnlyList<NullTarget> All { get; } =
    [
        new("null-refuses", "Refuses every connection.", Refusing),
        new("null-hangs", "Accepts every connection and does nothing more.", Of(NoBroker.Hangs)),
        new("null-404", "Answers every request with 404.", Of(NoBroker.Answers(404, ""))),
        new("null-200", "Answers every request with 200 and an empty object.", Of(NoBroker.Answers(200, "{}"))),
        new("null-500", "Answers every request with 500.", Of(NoBroker.Answers(500, ""))),
        new("null-closes", "Upgrades and closes with 1000.", Of(NoBroker.ClosesWith(0x88, 2, 0x03, 0xE8))) { Earns = Handshakes },
        new("null-hangs-up", "Upgrades and hangs up.", Of(NoBroker.ClosesWith())) { Earns = Handshakes },
        new("null-mute", "Upgrades and never says anything.", Of(NoBroker.Mute)) { Earns = Handshakes },
        new("null-echo", "Sends back what it receives.", Of(NoBroker.Echoes)) { Earns = Handshakes },
        new("null-acks", "Acks everything that it receives.", Of(NoBroker.Acks)) { Earns = Handshakes },
        new("null-garbage", "Answers every connection with random bytes.", Of(NoBroker.SendsGarbage)),
        new("null-chatters", "Upgrades, talks about nothing, and never listens.", Of(NoBroker.Chatters(TimeSpan.FromMilliseconds(5))))
        {
            Earns = Handshakes,
        },
    ];

    public override string ToString() => Id;

    private static OpenTarget Refusing()
    {
        var port = new ClosedPort();
        return new(port.Origin, port);
    }

    private static Func<OpenTarget> Of(Change change) => () =>
    {
        var server = new SmallServer(change);
        return new(server.Origin, server);
    };
}

/// <summary>A running null target; disposing of the server stops it.</summary>
internal sealed record OpenTarget(Uri Origin, IAsyncDisposable Server);
