namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Answers every connection at once with a kilobyte of random bytes, which are no HTTP, and closes it.</summary>
internal sealed class GarbageServer : TcpServer
{
    public GarbageServer() => Start();

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        var garbage = new byte[1024];
        Random.Shared.NextBytes(garbage);
        garbage[0] |= 0x80;
        await connection.WriteAsync(garbage, stopping);
    }
}
