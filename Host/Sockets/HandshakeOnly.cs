using Microsoft.AspNetCore.Http.Features;

namespace PubSub.Hosting.Sockets;

/// <summary>
/// Stands between the server and the framework's WebSocket middleware: the middleware does the handshake as always and then finds nothing more to
/// do, since what follows on the connection belongs to its session, both ways.
/// </summary>
internal sealed class HandshakeOnly(IHttpUpgradeFeature inner) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync()
    {
        await inner.UpgradeAsync().ConfigureAwait(false);
        return Stream.Null;
    }
}

internal static class HandshakeOnlyExtensions
{
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
