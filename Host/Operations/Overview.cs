using PubSub.Hosting.Access;
using PubSub.Hosting.Description;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using PubSub.Hosting.Sockets;

namespace PubSub.Hosting.Operations;

/// <summary>What the operator of a node sees: its connections, and the nodes that share topics.</summary>
internal static class Overview
{
    /// <summary>Connections that are listed; those with the largest backlog come first.</summary>
    private const int MaxConnections = 1_000;

    /// <summary>Topics that are named for each connection.</summary>
    private const int MaxTopics = 20;

    private static readonly string Version = typeof(Overview).Assembly.GetName().Version!.ToString(fieldCount: 3);

    public static void MapOverview(this IEndpointRouteBuilder routes)
    {
        var time = routes.ServiceProvider.GetRequiredService<TimeProvider>();
        var started = time.GetTimestamp();
        routes.MapMethods(
            "/v1/connections",
            Methods.GetAndHead,
            (HttpContext context, Sessions sessions, IEngine engine, Settings settings) => IfOperator(
                context, () => TypedResults.Json(Connections(sessions, engine, settings), OverviewJson.Readable.ConnectionList)))
            .Describe("listConnections", "The connections of this node. Needs the permission to manage all topics.", 403)
            .Gives(200, typeof(ConnectionList));
        routes.MapMethods(
            "/v1/nodes",
            Methods.GetAndHead,
            (HttpContext context, Sessions sessions, IEngine engine, Settings settings) => IfOperator(
                context,
                () => TypedResults.Json(
                    Nodes(sessions, engine, settings, time.GetElapsedTime(started)), OverviewJson.Readable.NodeList)))
            .Describe("listNodes", "This node, and those that share its topics. Needs the permission to manage all topics.", 403)
            .Gives(200, typeof(NodeList));
    }

    /// <summary>Other clients are shown only to those who may manage all topics.</summary>
    private static IResult IfOperator(HttpContext context, Func<IResult> answer) =>
        context.Caller().ManagesAll ? answer() : Problem.Result(Refusals.OperatorsOnly);

    private static ConnectionList Connections(Sessions sessions, IEngine engine, Settings settings)
    {
        var open = sessions.Open.Select(entry => (Session: entry.Key, Opening: entry.Value, entry.Key.Outstanding)).ToList();
        var listed = open
            .OrderByDescending(entry => entry.Outstanding.Bytes)
            .ThenByDescending(entry => entry.Opening.At)
            .Take(MaxConnections)
            .Select(entry => Connection(entry.Session, entry.Opening, entry.Outstanding));
        return new(
            engine.NodeName,
            open.Count,
            new(settings.MaxQueueSize, settings.MaxQueueBytes),
            [.. listed],
            [.. sessions.Ended.Select(ended => new EndedConnection(
                ended.Id, ended.Transport, ended.Opening.Remote, ended.Opening.At, ended.At, ended.Reason, ended.IsCut))]);
    }

    private static Connection Connection(Session session, Opening opening, (int Events, long Bytes) outstanding)
    {
        var topics = session.Topics;
        return new(
            session.Id,
            session.Transport,
            opening.Remote,
            opening.At,
            session.Closed != CloseReason.None ? "closing" : session.IsWaiting ? "waiting" : "open",
            topics.Count,
            [.. topics.Take(MaxTopics).Select(topic => topic.Name)],
            new(outstanding.Events, outstanding.Bytes));
    }

    private static NodeList Nodes(Sessions sessions, IEngine engine, Settings settings, TimeSpan uptime) => new(
        new(
            engine.NodeName,
            Version,
            (long)uptime.TotalSeconds,
            settings.Redis.Length > 0 ? "redis" : "memory",
            engine.IsAvailable,
            sessions.IsDraining),
        engine.Nodes?.Order(StringComparer.Ordinal).ToList());
}
