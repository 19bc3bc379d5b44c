using System.Net.Sockets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// v1 and correct, but far away: whatever it sends, handshakes included, arrives so much later, and as much at once as ever. It
/// violates nothing; it is for tests of a suite's patience.
/// </summary>
internal sealed class FarServer(TimeSpan? delay = null) : SmallServer
{
    private readonly TimeSpan _delay = delay ?? TimeSpan.FromMilliseconds(300);

    protected override Connection Open(Socket socket) => new LongLine(socket, () => _delay);
}
