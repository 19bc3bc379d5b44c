using Garnet;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>Garnet in this process, empty and without persistence.</summary>
internal sealed class GarnetStore : IStore
{
    private readonly GarnetServer _server;

    public GarnetStore()
    {
        Port = Ports.Lasting();
        _server = new GarnetServer(
        [
            "--bind", "127.0.0.1", "--port", Frames.Text(Port), "--lua", "--lua-transaction-mode", "--memory", "64m", "--index", "1m",
            "-q", "--logger-level", "Error",
        ]);
        _server.Start();
    }

    public int Port { get; }

    public ValueTask DisposeAsync()
    {
        _server.Dispose();
        return ValueTask.CompletedTask;
    }
}
