namespace PubSub.Hosting.WebSocket;

/// <summary>The statuses of Close frames that the Host sends or has to know (RFC 6455 §7.4.1).</summary>
internal static class CloseStatus
{
    public const int Normal = 1000;
    public const int GoingAway = 1001;
    public const int ProtocolError = 1002;

    /// <summary>Stands for a Close frame without a status; never sent.</summary>
    public const int None = 1005;

    public const int InvalidText = 1007;
    public const int PolicyViolation = 1008;
    public const int TooLarge = 1009;

    /// <summary>The client may come back at once (IANA registry of close codes).</summary>
    public const int ServiceRestart = 1012;
}
