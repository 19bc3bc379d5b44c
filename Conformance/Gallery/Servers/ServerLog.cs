namespace PubSub.Conformance.Gallery.Servers;

/// <summary>How much a line matters, the least first.</summary>
internal enum LogLevel
{
    /// <summary>Requests and connections.</summary>
    Debug,

    /// <summary>Start and end of the server.</summary>
    Info,

    /// <summary>A client is at fault, or unlucky.</summary>
    Warn,

    /// <summary>The server is at fault.</summary>
    Error,
}

/// <summary>What a server writes about itself, line by line: nothing below the level that its operator chose, and no payloads.</summary>
internal class ServerLog(SmallServer server)
{
    protected Settings Settings => server.Settings;

    public virtual void Write(LogLevel level, string text)
    {
        if (IsWritten(level))
        {
            server.Parts.Write($"{level.ToString().ToLowerInvariant()}: {text}");
        }
    }

    /// <summary>A request that was understood.</summary>
    public virtual void Request(ClientRequest request) => Write(LogLevel.Debug, $"{request.Type} {request.Topic}");

    protected virtual bool IsWritten(LogLevel level) => level >= Settings.LogLevel;
}
