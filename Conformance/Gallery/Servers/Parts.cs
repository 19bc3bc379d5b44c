using System.Net.Sockets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// What a small server is made of. A server that is to be wrong in one way, or odd in one, is a correct one with one part exchanged:
/// <c>parts with { Topic = seed => new NewestFirst(seed) }</c>.
/// </summary>
internal sealed record Parts
{
    public Settings Settings { get; init; } = new();

    /// <summary>How settings are understood where they are given as variables; it throws <see cref="CannotStart"/>.</summary>
    public Func<IReadOnlyDictionary<string, string>, Settings> Read { get; init; } = Settings.Read;

    /// <summary>The line for the operator of a server that does not start.</summary>
    public Func<CannotStart, string> Complaint { get; init; } = fault => fault.Message;

    /// <summary>Where the lines of the log go.</summary>
    public Action<string> Write { get; init; } = _ => { };

    public Func<SmallServer, ServerLog> Log { get; init; } = server => new ServerLog(server);

    /// <summary>Signals and the end.</summary>
    public Func<SmallServer, Lifetime> Lifetime { get; init; } = server => new Lifetime(server);

    public Variation Variation { get; init; } = new();

    /// <summary>A TCP connection.</summary>
    public Func<Socket, Connection> Connection { get; init; } = socket => new Connection(socket);

    /// <summary>What lies between a TCP connection and the WebSocket on it, once the handshake is done.</summary>
    public Func<Connection, Stream> Wire { get; init; } = connection => connection;

    /// <summary>The registry of topics.</summary>
    public Func<SmallServer, Topics> Topics { get; init; } = server => new Topics(server);

    public Func<TopicSeed, Topic> Topic { get; init; } = seed => new Topic(seed);
    public Func<SessionSeed, Session> Session { get; init; } = seed => new Session(seed);

    /// <summary>The queue of one connection.</summary>
    public Func<SmallServer, Outbox> Outbox { get; init; } = server => new Outbox(server);

    /// <summary>How everything that goes out is worded.</summary>
    public Func<SmallServer, Messages> Messages { get; init; } = server => new Messages(server.Parts.Variation);

    /// <summary>The REST interface.</summary>
    public Func<SmallServer, RestDoor> Rest { get; init; } = server => new RestDoor(server);

    /// <summary>The opening handshake.</summary>
    public Func<SmallServer, UpgradeDoor> Upgrade { get; init; } = server => new UpgradeDoor(server);
}

/// <summary>What a topic is made from.</summary>
internal sealed record TopicSeed(string Name, SmallServer Server);

/// <summary>What a session is made from.</summary>
internal sealed record SessionSeed(Connection Connection, SmallServer Server);
