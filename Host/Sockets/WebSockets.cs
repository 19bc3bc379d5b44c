using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Access;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Transport;

namespace PubSub.Hosting.Sockets;

/// <summary>The WebSocket path: does the handshake, or says why not (SPEC, section 2).</summary>
internal sealed class WebSockets(
    Sessions sessions, Broker broker, IEngine engine, Settings settings, ServerMessage say, ILogger<Sessions> logger)
{
    public async Task AcceptAsync(HttpContext context)
    {
        var input = context.Features.Get<IConnectionTransportFeature>()?.Transport.Input;
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        var connection = context.Features.Get<IConnectionLifetimeFeature>(); // the context ends with the request; an abort may come later
        var isHandshake = context.WebSockets.IsWebSocketRequest && HttpProtocol.IsHttp11(context.Request.Protocol);
        if (!isHandshake || input is null || socket is null || connection is null)
        {
            context.Response.Headers.Upgrade = "websocket";
            context.Response.Headers.Connection = "Upgrade"; // RFC 9110 §7.8
            context.Response.Headers.SecWebSocketVersion = "13";
            await Problem.WriteAsync(context, Refusals.NoHandshake).ConfigureAwait(false);
        }
        else if (!settings.AllowedOrigins.Allow(context.Request))
        {
            await Problem.WriteAsync(context, Refusals.ForeignOrigin).ConfigureAwait(false);
        }
        else
        {
            await sessions.AdmitAsync(context, Begin).ConfigureAwait(false);
        }

        async Task<Session?> Begin()
        {
            (await context.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false)).Dispose(); // the handshake; see HandshakeOnly
            return new WebSocketSession(
                context.Connection.Id, context.Caller(), connection, input, new Outlet(socket), broker, engine, settings, say, logger);
        }
    }
}

internal static class WebSocketsExtensions
{
    /// <summary>
    /// Maps the path. It asks for no services, which would be kept with the request for as long as the connection lasts.
    /// </summary>
    public static void MapWebSockets(this IEndpointRouteBuilder routes) =>
        routes.Map("/v1/ws", (RequestDelegate)routes.ServiceProvider.GetRequiredService<WebSockets>().AcceptAsync)
            .WithMetadata(new InQueryAttribute());
}
