using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Console;
using PubSub.Hosting.Connections;
using PubSub.Hosting.Rest;

namespace PubSub.Hosting;

/// <summary>How the framework's parts are set up, out of the way of <c>Program.cs</c>.</summary>
internal static class Composition
{
    /// <summary>Bytes that a connection may have sent and its session not read yet; then the peer has to wait. Four blocks.</summary>
    public const int UnreadBytes = 64 * 1024;

    /// <summary>Lines of the log that may wait to be written.</summary>
    private const int LogLines = 2_500;

    public static void AddLogging(this WebApplicationBuilder builder, Settings settings)
    {
        builder.Logging.ClearProviders().SetMinimumLevel(settings.MinimumLogLevel);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        if (settings.Port == 0)
        {
            builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information); // it tells the port
        }

        // Or every connection keeps a trace and a scope for as long as it lasts.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // its stack trace for a busy port; Program says it in a line

        // Who logs does not wait for who reads: what does not fit is dropped, and the console says how much that was.
        builder.Services.Configure<ConsoleLoggerOptions>(console => (console.QueueFullMode, console.MaxQueueLength) = (ConsoleLoggerQueueFullMode.DropWrite, LogLines));
        if (settings.LogFormat == "json")
        {
            builder.Logging.AddJsonConsole(json => json.UseUtcTimestamp = true);
        }
        else
        {
            builder.Logging.AddSimpleConsole(text =>
            {
                text.SingleLine = true;
                text.UseUtcTimestamp = true;
                text.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            });
        }
    }

    public static void Configure(this KestrelServerOptions kestrel, Settings settings)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = settings.MaxMessageBytes;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(settings.HandshakeTimeout);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(settings.HandshakeTimeout);
        kestrel.Limits.MaxConcurrentConnections = null; // Admission makes room instead
        kestrel.Limits.MaxConcurrentUpgradedConnections = null; // Sessions counts them, and says so politely
        switch (settings.Bind)
        {
            case "*":
                kestrel.ListenAnyIP(settings.Port, EachConnection);
                break;
            case "localhost" when settings.Port == 0:
                kestrel.Listen(IPAddress.Loopback, 0, EachConnection); // one free port cannot be had on two addresses
                break;
            case "localhost":
                kestrel.ListenLocalhost(settings.Port, EachConnection);
                break;
            default:
                kestrel.Listen(IPAddress.Parse(settings.Bind), settings.Port, EachConnection);
                break;
        }
    }

    public static void Configure(this SocketTransportOptions sockets)
    {
        sockets.MaxReadBufferSize = UnreadBytes;

        // A flush ends when the socket has taken the bytes (the least that the server's pipe can be told), so that what a session writes to the socket
        // comes behind the answer to its handshake.
        sockets.MaxWriteBufferSize = 2;
    }

    /// <summary>Starting up allocates some megabytes that are never needed again; an idle server should not sit on them.</summary>
    public static void GiveBackWhatStartingTook(this WebApplication app) =>
        app.Lifetime.ApplicationStarted.Register(() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));

    public static void UseReadableJson(this JsonSerializerOptions options)
    {
        options.TypeInfoResolverChain.Insert(0, RestJson.Readable);
        options.PropertyNamingPolicy = RestJson.Readable.Options.PropertyNamingPolicy;
        options.Encoder = RestJson.Readable.Options.Encoder;
    }

    /// <summary>Pages of the allowed origins may use REST as they may connect (Fetch standard, CORS protocol).</summary>
    public static void Configure(this CorsOptions cors, Settings settings) => cors.AddDefaultPolicy(policy => policy
        .SetIsOriginAllowed(settings.AllowedOrigins.Has).AllowAnyMethod().AllowAnyHeader().WithExposedHeaders("Location", "Retry-After"));

    public static void UseOtherOrigins(this WebApplication app, Settings settings)
    {
        if (settings.AllowedOrigins.AllowOthers)
        {
            app.UseCors();
        }
    }

    private static void EachConnection(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1; // WebSockets need it
        listen.Use(next => async connection =>
        {
            // The framework would end a connection both ways when its client says that it sends no more; what arrived before is answered first.
            connection.ConnectionClosed = CancellationToken.None;
            using var slot = connection.Features.Get<Admission.Slot>();
            await next(connection).ConfigureAwait(false);
        });
    }
}
