namespace PubSub.Stress;

/// <summary>A server to measure and the way to speak to it.</summary>
internal interface IContender : IDisposable
{
    string Name { get; }

    /// <summary>What exactly is measured, for the report: program, version, build and settings.</summary>
    string Version { get; }

    /// <summary>The server's process; null when it cannot be observed.</summary>
    ProcessCost? Cost { get; }

    /// <summary>How the server's process ended and what it said last; null while it lives, or is not ours.</summary>
    string? Death { get; }

    void CreateTopic(string topic);

    void DeleteTopic(string topic);

    /// <summary>Begins to connect.</summary>
    /// <param name="loop">Drives the connection.</param>
    /// <param name="payloadBytes">The length of what is published, and expected.</param>
    /// <param name="receiveBuffer">Bytes that the kernel may hold for it unread; 0 leaves it to the kernel.</param>
    Connection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0);
}

internal static class ContenderExtensions
{
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A connection that is open.</summary>
    public static Connection Open(this IContender contender, Loop loop, int payloadBytes, int receiveBuffer = 0)
    {
        var connection = contender.Begin(loop, payloadBytes, receiveBuffer);
        loop.Until(() => connection.IsOpen, OpenTimeout, $"for {contender.Name} to accept a connection");
        return connection;
    }
}
