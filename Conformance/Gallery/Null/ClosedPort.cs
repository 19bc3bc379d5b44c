using System.Net;
using System.Net.Sockets;

namespace PubSub.Conformance.Gallery.Null;

/// <summary>A port that is bound, so that no other process can listen on it, and does not listen: every connection is refused.</summary>
internal sealed class ClosedPort : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ClosedPort() => _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    public Uri Origin => new($"http://{_socket.LocalEndPoint}");

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
