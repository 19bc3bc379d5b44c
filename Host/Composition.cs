using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PubSub.Hosting.Rest;

namespace PubSub.Hosting;

/// <summary>How the framework's parts are set up, out of the way of <c>Program.cs</c>.</summary>
internal static class Composition
{
    /// <summary>HTTP connections beyond MAX_CONNECTIONS, so that REST and probes still answer when the WebSockets are full.</summary>
    private const int SpareConnections = 256;

    /// <summary>Bytes that a connection may have sent and its session not read yet; then the peer has to wait. Four blocks.</summary>
    private const int UnreadBytes = 64 * 1024;

    public static void AddLogging(this WebApplicationBuilder builder, Settings settings)
    {
        builder.Logging.ClearProviders().SetMinimumLevel(settings.MinimumLogLevel);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);

        // Or every connection keeps a trace and a scope for as long as it lasts.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // its stack trace for a busy port; Program says it in a line
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
        kestrel.Limits.MaxConcurrentConnections = settings.MaxConnections + (long)SpareConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = null; // Sessions counts them, and says so politely
        switch (settings.Bind)
        {
            case "*":
                kestrel.ListenAnyIP(settings.Port, WebSocketsNeedHttp1);
                break;
            case "localhost" when settings.Port == 0:
                kestrel.Listen(IPAddress.Loopback, 0, WebSocketsNeedHttp1); // one free port cannot be had on two addresses
                break;
            case "localhost":
                kestrel.ListenLocalhost(settings.Port, WebSocketsNeedHttp1);
                break;
            default:
                kestrel.Listen(IPAddress.Parse(settings.Bind), settings.Port, WebSocketsNeedHttp1);
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

    private static void WebSocketsNeedHttp1(ListenOptions listen) => listen.Protocols = HttpProtocols.Http1;
}
