namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// Shakes hands as in v1, answers every other request with 200 and <c>{}</c>, and on a WebSocket never stops talking: info
/// messages as fast as the peer reads them, and not one answer, be it to a request, a Ping or a Close.
/// </summary>
internal sealed class ChattyServer : TcpServer
{
    private static readonly byte[] Chatter =
        [.. Enumerable.Repeat(Frame("""{"type":"info","msg":"chatter"}"""u8), 200).SelectMany(frame => frame)];

    public ChattyServer() => Start();

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        if (await HttpRequest.ReadAsync(connection, stopping) is not { } request)
        {
            return;
        }

        var upgrades = Handshake.IsValid(request);
        var answer = upgrades ? Handshake.Accept(request) : new HttpResponse(200, "{}");
        await answer.WriteAsync(connection, keepsAlive: false, request.Method == "HEAD", stopping);
        if (upgrades)
        {
            // The end of the one who listens, or a break, is the end.
            await Task.WhenAny(IgnoreAsync(connection, stopping), TalkAsync(connection, stopping)).Unwrap();
        }
    }

    private static byte[] Frame(ReadOnlySpan<byte> text) => [0x81, (byte)text.Length, .. text];

    private static async Task IgnoreAsync(Connection connection, CancellationToken stopping)
    {
        var ignored = new byte[16 * 1024];
        while (await connection.ReadAsync(ignored, stopping) > 0)
        {
            // Not listening.
        }
    }

    private static async Task TalkAsync(Connection connection, CancellationToken stopping)
    {
        while (true)
        {
            await connection.WriteAsync(Chatter, stopping);
        }
    }
}
