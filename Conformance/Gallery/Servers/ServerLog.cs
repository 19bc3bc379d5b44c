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
internal sealed class ServerLog(SmallServer server)
{
    public Seam<Action<LogLevel, string>> Write => field ??= new((level, text) =>
    {
        if (IsWritten.Call(level))
        {
            server.Write.Call($"{level.ToString().ToLowerInvariant()}: {text}");
        }
    });

    /// <summary>A request that was understood.</summary>
    public Seam<Action<ClientRequest>> Request =>
        field ??= new(request => Write.Call(LogLevel.Debug, $"{request.Type} {request.Topic}"));

    public Seam<Func<LogLevel, bool>> IsWritten => field ??= new(level => level >= server.Settings.LogLevel);
}
