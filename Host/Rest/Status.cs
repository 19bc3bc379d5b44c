using PubSub.Hosting.Access;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Sockets;

namespace PubSub.Hosting.Rest;

/// <summary>Health, statistics and probes (SPEC, section Health and statistics).</summary>
internal static class Status
{
    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        var time = routes.ServiceProvider.GetRequiredService<TimeProvider>();
        var started = time.GetTimestamp();
        routes.MapMethods(
            "/v1/health",
            Methods.GetAndHead,
            async (IEngine engine) => TypedResults.Ok(await HealthAsync(engine, time.GetElapsedTime(started))));
        routes.MapMethods("/v1/stats", Methods.GetAndHead, async (HttpContext context, IEngine engine) =>
            TypedResults.Ok(await StatisticsAsync(context.Caller(), engine)));
        routes.MapMethods("/livez", Methods.GetAndHead, () => TypedResults.Ok(new Probe("ok"))).AllowAnonymous();
        routes.MapMethods("/readyz", Methods.GetAndHead, IResult (Sessions sessions, IEngine engine) =>
            sessions.IsDraining ? Problem.Result(Refusals.Draining)
            : !engine.IsAvailable ? Problem.Result(Refusals.Unavailable(mayHaveHappened: false))
            : TypedResults.Ok(new Probe("ok"))).AllowAnonymous();
    }

    private static async ValueTask<Health> HealthAsync(IEngine engine, TimeSpan uptime)
    {
        var (topics, subscriptions) = await engine.CountTotalAsync().ConfigureAwait(false);
        return new Health((long)uptime.TotalSeconds, topics, subscriptions);
    }

    private static async ValueTask<Statistics> StatisticsAsync(Caller caller, IEngine engine) =>
        new((await engine.CountAllAsync().ConfigureAwait(false)).Where(topic => caller.Sees(topic.Name)).ToDictionary(
            topic => topic.Name, topic => new TopicStatistics(topic.Messages, topic.Subscribers)));
}
