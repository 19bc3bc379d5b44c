namespace PubSub.Conformance;

/// <summary>How to reach the server, where it differs from the usual.</summary>
public sealed record ConnectOptions
{
    /// <summary>Another server than the one under test, such as one that the scenario started itself.</summary>
    public Target? Target { get; init; }

    /// <summary>SO_RCVBUF in bytes; a few thousand make a client that does not read felt soon.</summary>
    public int? ReceiveBuffer { get; init; }

    /// <summary>Handshake headers, added to or (same name) replacing the usual ones; a null value leaves the header out.</summary>
    public IReadOnlyDictionary<string, string?> Headers { get; init; } = new Dictionary<string, string?>();

    /// <summary>False leaves a bare TCP connection, for a scenario that shakes hands itself.</summary>
    public bool Handshake { get; init; } = true;

    public bool AnswersPings { get; init; } = true;

    /// <summary>
    /// How long after both Close frames it ends its own direction of TCP, should the server not have ended the connection by then, as
    /// browsers do. Null leaves the end to the server, as RFC 6455, section 7.1.1, has it: for a scenario that asks for just that. Zero is
    /// for a client that announced more payload than it sends: the server takes its Close for payload, and would wait for the rest.
    /// </summary>
    public TimeSpan? EndsAfterClose { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The server has to end the connection itself.</summary>
    public static ConnectOptions LeavesEndToServer { get; } = new() { EndsAfterClose = null };
}

/// <summary>How a connection ended: with a close frame (code and reason) or without, and what TCP said.</summary>
public sealed record Closure(int? Code, string Reason, bool CloseFrame, string End)
{
    /// <summary>A close frame came before the end.</summary>
    public bool Clean => CloseFrame;

    public override string ToString() => CloseFrame ? $"a close frame {Code?.ToString() ?? "without code"} '{Reason}'" : End;
}
