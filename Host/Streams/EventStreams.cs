using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using PubSub.Hosting.Access;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Sockets;
using PubSub.Hosting.Transport;

namespace PubSub.Hosting.Streams;

/// <summary>The path of Server-Sent Events: begins a stream, or says why not (SPEC, section 19).</summary>
internal sealed class EventStreams(
    Sessions sessions, Broker broker, IEngine engine, Settings settings, ServerMessage say, ILogger<Sessions> logger)
{
    public async Task AcceptAsync(HttpContext context)
    {
        var caller = context.Caller();
        var beginning = Beginning.OfStream(context.Request);
        var input = context.Features.Get<IConnectionTransportFeature>()?.Transport.Input;
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        var connection = context.Features.Get<IConnectionLifetimeFeature>();
        if (TopicPath.Fault(context, out var name) is { } fault)
        {
            await Problem.WriteAsync(context, fault).ConfigureAwait(false);
        }
        else if (!settings.AllowedOrigins.Allow(context.Request))
        {
            await Problem.WriteAsync(context, Refusals.ForeignOrigin).ConfigureAwait(false);
        }
        else if (!caller.MaySubscribe(name))
        {
            await Problem.WriteAsync(context, Refusals.Forbidden("subscribe to")).ConfigureAwait(false);
        }
        else if (!await engine.HasAsync(name).ConfigureAwait(false))
        {
            await Problem.WriteAsync(context, Refusals.TopicNotFound).ConfigureAwait(false);
        }
        else if (HttpMethods.IsHead(context.Request.Method) || input is null || socket is null || connection is null)
        {
            SetHeaders(context.Response);
        }
        else
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted).ConfigureAwait(false); // what follows is not read
            await sessions.AdmitAsync(context, Begin).ConfigureAwait(false);

            async Task<Session?> Begin()
            {
                var isChunked = HttpProtocol.IsHttp11(context.Request.Protocol);
                var session = new EventStream(
                    context.Connection.Id, caller, connection, input, new Outlet(socket), isChunked, broker, engine, settings, say, logger);
                if (await session.JoinAsync(name, beginning).ConfigureAwait(false) is { } refusal)
                {
                    await Problem.WriteAsync(context, refusal).ConfigureAwait(false);
                    return null;
                }

                try
                {
                    // By the framework, with the headers; all that follows leaves by the raw socket.
                    SetHeaders(context.Response);
                    var opening = Opening(name, beginning.Position is null ? session.Position : null);
                    await context.Response.WriteAsync(opening).ConfigureAwait(false);
                    await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
                    return session;
                }
                catch
                {
                    session.Discard();
                    throw;
                }
            }
        }
    }

    /// <summary>
    /// A comment at once, and, if the client brought no position, the one that all events are later than: so it has one before the first.
    /// </summary>
    private static string Opening(string topic, Position? own) =>
        own is { } position ? $": {topic}\nid: {position.Epoch}/{Text(position.Since)}\n\n" : $": {topic}\n\n";

    private static string Text(long stamp) => string.Create(Stamp.Length, stamp, (text, ticks) =>
    {
        Span<byte> ascii = stackalloc byte[Stamp.Length];
        Stamp.Write(ticks, ascii);
        Encoding.ASCII.GetChars(ascii, text);
    });

    private static void SetHeaders(HttpResponse response)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers.Connection = "close"; // nothing can follow a stream
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
    }
}

internal static class EventStreamsExtensions
{
    /// <summary>Maps the path, like that of the WebSocket, without services that would be kept with each connection.</summary>
    public static void MapStreams(this IEndpointRouteBuilder routes) => routes.MapMethods(
        TopicPath.Events, Methods.GetAndHead, (RequestDelegate)routes.ServiceProvider.GetRequiredService<EventStreams>().AcceptAsync)
        .WithMetadata(new InQueryAttribute());
}
