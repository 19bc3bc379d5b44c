using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using PubSub.Hosting.Connections;
using PubSub.Hosting.Rest;

namespace PubSub.Hosting;

/// <summary>Configures the framework's parts.</summary>
internal static class Composition
{
    /// <summary>Lines of the log that may wait to be written.</summary>
    private const int LogLines = 2_500;

    public static void AddLogging(this WebApplicationBuilder builder, Settings settings)
    {
        builder.Logging.ClearProviders().SetMinimumLevel(settings.MinimumLogLevel);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        if (settings.Port == 0)
        {
            builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information); // it reports the port
        }

        // Otherwise every connection keeps a trace and a scope as long as it lasts.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);

        // Program reports a busy port in one line; this would add a stack trace.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);

        if (settings.Traces)
        {
            builder.Logging.Configure(lines => lines.ActivityTrackingOptions = ActivityTrackingOptions.TraceId);
        }

        // Logging never waits for the reader of the log: lines over the bound are dropped, and the console reports how many.
        builder.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
            console.MaxQueueLength = LogLines;
        });
        if (settings.LogFormat == "json")
        {
            builder.Logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.IncludeScopes) = (true, settings.Traces));
        }
        else
        {
            builder.Logging.AddSimpleConsole(text =>
            {
                text.IncludeScopes = settings.Traces;
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
        kestrel.Limits.MaxConcurrentConnections = null; // Admission bounds them
        kestrel.Limits.MaxConcurrentUpgradedConnections = null; // Sessions bounds them, and answers 503
        switch (settings.Bind)
        {
            case "*":
                kestrel.ListenAnyIP(settings.Port, EachConnection);
                break;
            case "localhost" when settings.Port == 0:
                kestrel.Listen(IPAddress.Loopback, 0, EachConnection); // a free port is free on one address only
                break;
            case "localhost":
                kestrel.ListenLocalhost(settings.Port, EachConnection);
                break;
            default:
                kestrel.Listen(IPAddress.Parse(settings.Bind), settings.Port, EachConnection);
                break;
        }
    }

    /// <summary>Returns the megabytes that only the start needed to the operating system.</summary>
    public static void TrimMemoryAfterStart(this WebApplication app) =>
        app.Lifetime.ApplicationStarted.Register(
            () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));

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
            // The framework would abort a connection when its client closes the sending side; requests that arrived before are answered
            // first.
            connection.ConnectionClosed = CancellationToken.None;
            using var slot = connection.Features.Get<Admission.Slot>();
            await next(connection).ConfigureAwait(false);
        });
    }
}
