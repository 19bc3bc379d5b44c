using System.Text.Json.Serialization;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Operations;

/// <summary>The answer to <c>GET /v1/connections</c>: the connections of one node.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Total">Open connections, also those that are not listed.</param>
/// <param name="BacklogLimit">What a connection may have outstanding before it is cut.</param>
/// <param name="Connections">Those with the largest backlog first.</param>
/// <param name="Closed">Those that ended last, the latest first.</param>
internal sealed record ConnectionList(
    string Node, int Total, Backlog BacklogLimit, IReadOnlyList<Connection> Connections, IReadOnlyList<EndedConnection> Closed);

/// <param name="Id">As in the log.</param>
/// <param name="Transport"><c>websocket</c> or <c>sse</c>.</param>
/// <param name="Remote">Address and port of the peer, which may be a proxy.</param>
/// <param name="OpenedAt">In UTC.</param>
/// <param name="State"><c>open</c>, <c>waiting</c> while a write waits for the peer, or <c>closing</c>.</param>
/// <param name="Subscriptions">Topics that it is subscribed to.</param>
/// <param name="Topics">The names of some of them.</param>
/// <param name="Backlog">What it has not read.</param>
internal sealed record Connection(
    string Id,
    string Transport,
    string Remote,
    DateTime OpenedAt,
    string State,
    int Subscriptions,
    IReadOnlyList<string> Topics,
    Backlog Backlog);

/// <summary>Live events that are outstanding, and their bytes.</summary>
internal sealed record Backlog(int Events, long Bytes);

/// <param name="Id">As in the log.</param>
/// <param name="Transport">As in <see cref="Connection"/>.</param>
/// <param name="Remote">As in <see cref="Connection"/>.</param>
/// <param name="OpenedAt">In UTC.</param>
/// <param name="ClosedAt">In UTC.</param>
/// <param name="Reason">For people.</param>
/// <param name="Cut">Whether the server ended it for something that the client did or failed to do.</param>
internal sealed record EndedConnection(
    string Id, string Transport, string Remote, DateTime OpenedAt, DateTime ClosedAt, string Reason, bool Cut);

/// <summary>The answer to <c>GET /v1/nodes</c>.</summary>
/// <param name="Node">The node that answers.</param>
/// <param name="Nodes">All nodes that share topics; left out if the engine cannot be asked.</param>
internal sealed record NodeList(
    NodeDetails Node,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Nodes);

/// <param name="Name">As in the log.</param>
/// <param name="Version">Of the server.</param>
/// <param name="UptimeSeconds">Since its start.</param>
/// <param name="Engine"><c>memory</c>, or <c>redis</c> if nodes share topics.</param>
/// <param name="Available">Whether the engine answers.</param>
/// <param name="Draining">Whether it is stopping.</param>
internal sealed record NodeDetails(string Name, string Version, long UptimeSeconds, string Engine, bool Available, bool Draining);

[JsonSerializable(typeof(ConnectionList))]
[JsonSerializable(typeof(NodeList))]
internal sealed partial class OverviewJson : JsonSerializerContext
{
    public static OverviewJson Readable { get; } = new(ProblemJson.ReadableOptions());
}
