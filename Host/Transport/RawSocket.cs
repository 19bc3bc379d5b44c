using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace PubSub.Hosting.Transport;

/// <summary>
/// The bytes of a WebSocket leave by the raw socket, not by the framework's WebSocket or pipe. The framework accepts the connection, reads
/// the handshake and answers it; then it has no more to write, and the session's write loop sends its frames with one system call per batch
/// (<see cref="Outlet"/>). That gave 30 % more messages per second, and it is what makes "only the write loop writes" true. It forbids TLS
/// in this process and HTTP/2: both need the framework between a frame and the socket. A proxy does them. Incoming bytes still come through
/// the framework's pipe, in the blocks of <see cref="BlockPool"/>.
/// </summary>
internal static class RawSocket
{
    /// <summary>Bytes that a connection may have sent and its session not read yet; then the peer has to wait. Four blocks.</summary>
    public const int UnreadBytes = 64 * 1024;

    public static void Configure(this SocketTransportOptions sockets)
    {
        sockets.MaxReadBufferSize = UnreadBytes;

        // With the smallest buffer that the framework allows, a flush ends when the socket has taken the bytes. So the answer to the
        // handshake is in the socket before the first frame of the session.
        sockets.MaxWriteBufferSize = 2;
    }

    /// <summary>Wraps every upgradable request; must stand before <c>UseWebSockets</c>.</summary>
    public static void UseHandshakeOnly(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new HandshakeOnly(upgrade));
        }

        return next(context);
    });
}

/// <summary>Gives the framework's WebSocket middleware an empty stream: it does the handshake, then nothing more.</summary>
internal sealed class HandshakeOnly(IHttpUpgradeFeature inner) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync()
    {
        await inner.UpgradeAsync().ConfigureAwait(false);
        return Stream.Null;
    }
}
