using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Contenders;

/// <summary>A server to measure, and how to connect to it.</summary>
internal interface IContender : IDisposable
{
    string Name { get; }

    /// <summary>Program, version, build and settings, for the report.</summary>
    string Version { get; }

    /// <summary>The server's process; null if it cannot be observed.</summary>
    ProcessCost? Cost { get; }

    /// <summary>The exit code and the last output of the server's process; null while it runs, or if it was not started here.</summary>
    string? Death { get; }

    void CreateTopic(string topic);

    void DeleteTopic(string topic);

    /// <summary>Begins to connect.</summary>
    /// <param name="loop">Drives the connection.</param>
    /// <param name="payloadBytes">The length of the payloads published and expected.</param>
    /// <param name="receiveBuffer">The size of the kernel's receive buffer in bytes; 0 for the kernel's default.</param>
    BrokerConnection Begin(Loop loop, int payloadBytes, int receiveBuffer = 0);

    /// <summary>As <see cref="Begin"/>, for a connection that only subscribes.</summary>
    BrokerConnection BeginSubscriber(Loop loop, int payloadBytes) => Begin(loop, payloadBytes);
}

internal static class ContenderExtensions
{
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Connects, and waits until the connection is open.</summary>
    public static BrokerConnection Open(this IContender contender, Loop loop, int payloadBytes, int receiveBuffer = 0)
    {
        var connection = contender.Begin(loop, payloadBytes, receiveBuffer);
        loop.Until(() => connection.IsOpen, OpenTimeout, $"for {contender.Name} to accept a connection");
        return connection;
    }
}
