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
        routes.MapGet("/v1/health", (Broker broker) => TypedResults.Ok(Health(broker, time.GetElapsedTime(started))));
        routes.MapGet("/v1/stats", (Broker broker) => TypedResults.Ok(Statistics(broker)));
        routes.MapGet("/livez", () => TypedResults.Ok(new Probe("ok")));
        routes.MapGet("/readyz", IResult (Sessions sessions) => sessions.IsDraining
            ? Problem.Result(503, ErrorCode.Draining, "the server is shutting down")
            : TypedResults.Ok(new Probe("ok")));
    }

    private static Health Health(Broker broker, TimeSpan uptime)
    {
        var topics = broker.List();
        return new Health((long)uptime.TotalSeconds, topics.Count, topics.Sum(topic => topic.Count().Subscribers));
    }

    private static Statistics Statistics(Broker broker) =>
        new(broker.List().ToDictionary(topic => topic.Name, topic => topic.Count() is var (subscribers, messages) ? new TopicStatistics(messages, subscribers) : null!));
}
