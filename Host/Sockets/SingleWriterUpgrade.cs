using Microsoft.AspNetCore.Http.Features;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// Stands between the server and the framework's WebSocket middleware: the middleware does the handshake as always, but the upgraded
/// connection is ours. (The WebSocket that the middleware makes resets the connection when a client breaks the protocol, before the
/// Close frame that says so can be sent.)
/// </summary>
internal sealed class SingleWriterUpgrade(IHttpUpgradeFeature inner) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    /// <summary>The stream of the upgraded connection; null before the upgrade.</summary>
    public SocketStream? Stream { get; private set; }

    public async Task<Stream> UpgradeAsync()
    {
        Stream = new SocketStream(await inner.UpgradeAsync().ConfigureAwait(false));
        return System.IO.Stream.Null;
    }
}

internal static class SingleWriterUpgradeExtensions
{
    /// <summary>Wraps every upgradable request; must stand before <c>UseWebSockets</c>.</summary>
    public static void UseSingleWriter(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new SingleWriterUpgrade(upgrade));
        }

        return next(context);
    });
}
