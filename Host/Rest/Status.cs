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
            "/v1/health", Methods.GetAndHead, (Broker broker) => TypedResults.Ok(Health(broker, time.GetElapsedTime(started))));
        routes.MapMethods("/v1/stats", Methods.GetAndHead, (Broker broker) => TypedResults.Ok(Statistics(broker)));
        routes.MapMethods("/livez", Methods.GetAndHead, () => TypedResults.Ok(new Probe("ok")));
        routes.MapMethods("/readyz", Methods.GetAndHead, IResult (Sessions sessions) => sessions.IsDraining
            ? Problem.Result(Refusals.Draining)
            : TypedResults.Ok(new Probe("ok")));
    }

    private static Health Health(Broker broker, TimeSpan uptime)
    {
        var (topics, subscriptions) = broker.Count();
        return new Health((long)uptime.TotalSeconds, topics, subscriptions);
    }

    private static Statistics Statistics(Broker broker) => new(broker.List().ToDictionary(topic => topic.Name, Statistics));

    private static TopicStatistics Statistics(Topic topic)
    {
        var (subscribers, messages) = topic.Count();
        return new TopicStatistics(messages, subscribers);
    }
}
