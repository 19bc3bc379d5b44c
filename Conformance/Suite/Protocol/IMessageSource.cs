using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>A connection on which messages of the server arrive.</summary>
internal interface IMessageSource : IAsyncDisposable
{
    string Name { get; }

    /// <summary>How the connection ended; null until its end has been read.</summary>
    Closure? Closure { get; }

    /// <summary>How the target spells message ids.</summary>
    MessageIds Ids { get; }

    /// <summary>What is left of a connection that the server had to close.</summary>
    string StillOpen { get; }

    /// <summary>The next message, or null once the connection has ended and <see cref="Closure"/> says how.</summary>
    Task<ServerMessage?> ReceiveAsync(CancellationToken cancellation);

    /// <summary>Ends the connection with a TCP reset.</summary>
    void Abort();
}
