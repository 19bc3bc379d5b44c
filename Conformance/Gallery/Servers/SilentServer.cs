namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Accepts every connection, and that is all: nothing is read, nothing is said, nothing is closed.</summary>
internal sealed class SilentServer : TcpServer
{
    public SilentServer() => Start();

    protected override Task ServeAsync(Connection connection, CancellationToken stopping) => Task.Delay(Timeout.Infinite, stopping);
}
