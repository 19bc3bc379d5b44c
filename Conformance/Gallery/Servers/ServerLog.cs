namespace PubSub.Conformance.Gallery.Servers;

/// <summary>The severity of a line, the lowest first.</summary>
internal enum LogLevel
{
    /// <summary>Requests and connections.</summary>
    Debug,

    /// <summary>Start and end of the server.</summary>
    Info,

    /// <summary>A client is at fault, or has a problem.</summary>
    Warn,

    /// <summary>The server is at fault.</summary>
    Error,
}

/// <summary>The log of a server: no lines below the configured level, and no payloads.</summary>
internal sealed class ServerLog(SmallServer server)
{
    public Seam<Action<LogLevel, string>> Write => field ??= new((level, text) =>
    {
        if (IsWritten.Call(level))
        {
            server.Write.Call($"{level.ToString().ToLowerInvariant()}: {text}");
        }
    });

    /// <summary>Logs a valid request.</summary>
    public Seam<Action<ClientRequest>> Request =>
        field ??= new(request => Write.Call(LogLevel.Debug, $"{request.Type} {request.Topic}"));

    public Seam<Func<LogLevel, bool>> IsWritten => field ??= new(level => level >= server.Settings.LogLevel);
}
