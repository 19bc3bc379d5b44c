using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Protocol;

/// <summary>How to reach the server, where it differs from the usual.</summary>
public sealed record ConnectOptions
{
    /// <summary>Another server than the one under test, such as one that the scenario started itself.</summary>
    public Target? Target { get; init; }

    /// <summary>SO_RCVBUF in bytes; with a few thousand the server soon notices a client that does not read.</summary>
    public int? ReceiveBuffer { get; init; }

    /// <summary>Handshake headers, added to or (same name) replacing the usual ones; a null value leaves the header out.</summary>
    public IReadOnlyDictionary<string, string?> Headers { get; init; } = new Dictionary<string, string?>();

    /// <summary>False for a bare TCP connection: the scenario performs the handshake itself.</summary>
    public bool Handshake { get; init; } = true;

    /// <summary>The requirement that is broken if the usual handshake is refused.</summary>
    public string Blames { get; init; } = "PS-WS-001";

    public bool AnswersPings { get; init; } = true;

    /// <summary>
    /// How long after both Close frames the client half-closes TCP if the server has not ended the connection, as browsers do. Null leaves
    /// the end to the server (RFC 6455, section 7.1.1), for a scenario that tests it. Zero is for a client that announced more payload than
    /// it sends: the server reads its Close as payload and would wait for the rest.
    /// </summary>
    public TimeSpan? EndsAfterClose { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The client never ends the connection: the server has to.</summary>
    public static ConnectOptions LeavesEndToServer { get; } = new() { EndsAfterClose = null };
}

/// <summary>How a connection ended: with a close frame (code and reason) or without, and what TCP said.</summary>
public sealed record Closure(int? Code, string Reason, bool CloseFrame, string End)
{
    /// <summary>A close frame came before the end.</summary>
    public bool Clean => CloseFrame;

    public override string ToString() => CloseFrame ? $"a close frame {Code?.ToString() ?? "without code"} '{Reason}'" : End;
}
