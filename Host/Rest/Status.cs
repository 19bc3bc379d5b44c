using PubSub.Hosting.Access;
using PubSub.Hosting.Description;
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
            async (HttpContext context, IEngine engine) =>
                TypedResults.Ok(await HealthAsync(context.Caller(), engine, time.GetElapsedTime(started))))
            .Describe("health", "Counts the topics that the identity may see, and their subscriptions.", 503);
        routes.MapMethods("/v1/stats", Methods.GetAndHead, async (HttpContext context, IEngine engine) =>
            TypedResults.Ok(await StatisticsAsync(context.Caller(), engine)))
            .Describe("stats", "Counts the messages and the subscribers of each topic that the identity may see.", 503);
        routes.MapMethods("/livez", Methods.GetAndHead, () => TypedResults.Ok(new Probe("ok"))).AllowAnonymous()
            .Describe("isAlive", "Answers as long as the process is well.");
        routes.MapMethods("/readyz", Methods.GetAndHead, IResult (Sessions sessions, IEngine engine) =>
            sessions.IsDraining ? Problem.Result(Refusals.Draining)
            : !engine.IsAvailable ? Problem.Result(Refusals.Unavailable(mayHaveHappened: false))
            : TypedResults.Ok(new Probe("ok"))).AllowAnonymous()
            .Describe("isReady", "Whether requests are welcome.", 503).Gives(200, typeof(Probe));
    }

    private static async ValueTask<Health> HealthAsync(Caller caller, IEngine engine, TimeSpan uptime)
    {
        if (!caller.SeesAll)
        {
            var seen = (await engine.CountAllAsync().ConfigureAwait(false)).Where(topic => caller.Sees(topic.Name)).ToList();
            return new Health((long)uptime.TotalSeconds, seen.Count, seen.Sum(topic => topic.Subscribers));
        }

        var (topics, subscriptions) = await engine.CountTotalAsync().ConfigureAwait(false);
        return new Health((long)uptime.TotalSeconds, topics, subscriptions);
    }

    private static async ValueTask<Statistics> StatisticsAsync(Caller caller, IEngine engine) =>
        new((await engine.CountAllAsync().ConfigureAwait(false)).Where(topic => caller.Sees(topic.Name)).ToDictionary(
            topic => topic.Name, topic => new TopicStatistics(topic.Messages, topic.Subscribers)));
}
