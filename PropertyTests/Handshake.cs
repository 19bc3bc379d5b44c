namespace PubSub.PropertyTests;

/// <summary>What a client says before it is a WebSocket.</summary>
internal static class Handshake
{
    private static readonly string[] Usual =
        ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="];

    /// <param name="host">To whom.</param>
    /// <param name="otherHeaders">Whole lines; they stand instead of the usual ones of the same name.</param>
    public static string To(RunningHost host, params string[] otherHeaders)
    {
        string[] lines =
        [
            "GET /v1/ws HTTP/1.1",
            .. otherHeaders.Append($"Host: {host.Origin.Authority}").Concat(Usual).DistinctBy(header => header.Split(':')[0]),
            "",
            "",
        ];
        return string.Join("\r\n", lines);
    }
}
