namespace PubSub.Conformance.Gallery.Servers;


/// <summary>What the operator of a small server may choose, with the defaults of the specification. Sizes are in bytes.</summary>
internal sealed record Settings
{
    public int Port { get; init; }
    public int QueueSize { get; init; } = 100;
    public int QueueBytes { get; init; } = 1024 * 1024;
    public int Ring { get; init; } = 100;
    public int MessageBytes { get; init; } = 64 * 1024;
    public int MostTopics { get; init; } = 100_000;
    public int MostConnections { get; init; } = 20_000;
    public int MostSubscriptions { get; init; } = 1_000;
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
