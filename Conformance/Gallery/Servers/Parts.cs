using System.Net.Sockets;

namespace PubSub.Conformance.Gallery.Servers;


/// <summary>
/// What a small server is made of. A server that is to be wrong in one way, or odd in one, is a correct one with one part exchanged:
/// <c>parts with { Topic = seed => new NewestFirst(seed) }</c>.
/// </summary>
internal sealed record Parts
{
    public Settings Settings { get; init; } = new();
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
