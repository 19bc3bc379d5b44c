using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace PubSub.Hosting.Metrics;

/// <summary>
/// Traces: an activity for each HTTP request, and for a sample of the requests of a WebSocket. None lasts as long as a connection.
/// </summary>
internal static class Tracing
{
    public const string SourceName = "PubSub.Host";

    /// <summary>Of so many requests of a WebSocket, the first is traced: an activity costs as much as a publish.</summary>
    public const int Every = 100;

    public static ActivitySource Source { get; } = new(SourceName);

    /// <summary>Traces each request under <c>/v1</c> that ends with its answer. Comes first, so that each log line has the trace.</summary>
    public static void UseTraces(this IApplicationBuilder app, Settings settings)
    {
        if (settings.Traces)
        {
            app.Use((context, next) => IsTraced(context) ? TraceAsync(context, next) : next(context));
        }
    }

    private static bool IsTraced(HttpContext context) =>
        context.Request.Path.StartsWithSegments("/v1")
        && context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }
        && !context.Request.Path.Value!.EndsWith("/events", StringComparison.Ordinal);

    /// <summary>Names are those of the semantic conventions for HTTP; the path is left out, since it may name a topic.</summary>
    private static async Task TraceAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Request.Headers;
        ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var parent);
        using var activity = Source.StartActivity(context.Request.Method, ActivityKind.Server, parent);
        await next(context).ConfigureAwait(false);
        if (activity is null)
        {
            return;
        }

        activity.SetTag("http.request.method", context.Request.Method);
        activity.SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode >= 500)
        {
            activity.SetStatus(ActivityStatusCode.Error);
        }

        if (context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } route })
        {
            activity.DisplayName = $"{context.Request.Method} {route}";
            activity.SetTag("http.route", route);
        }
    }
}
