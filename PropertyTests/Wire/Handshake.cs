namespace PubSub.PropertyTests.Wire;

/// <summary>The request of a WebSocket handshake.</summary>
internal static class Handshake
{
    private static readonly string[] Usual =
        ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="];

    /// <param name="host">The server.</param>
    /// <param name="otherHeaders">Whole lines; they replace the usual headers of the same name.</param>
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
