using System.Text.Json.Serialization;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Rest;

/// <summary>The answer to a creation or deletion.</summary>
internal sealed record TopicOutcome(string Status, string Topic);

/// <summary>A topic as it is listed.</summary>
internal sealed record ListedTopic(string Name, int Subscribers);

/// <summary>The answer to <c>GET /v1/topics</c>.</summary>
internal sealed record TopicList(IReadOnlyList<ListedTopic> Topics);

/// <summary>One topic, on its own.</summary>
internal sealed record TopicDetails(string Name, int Subscribers, long Messages);

/// <summary>The answer to <c>GET /v1/health</c>.</summary>
internal sealed record Health(long UptimeSeconds, int Topics, int Subscribers);

/// <summary>What <c>GET /v1/stats</c> says of one topic.</summary>
internal sealed record TopicStatistics(long Messages, int Subscribers);

/// <summary>The answer to <c>GET /v1/stats</c>.</summary>
internal sealed record Statistics(IReadOnlyDictionary<string, TopicStatistics> Topics);

/// <summary>The answer to a probe.</summary>
internal sealed record Probe(string Status);

[JsonSerializable(typeof(TopicOutcome))]
[JsonSerializable(typeof(TopicList))]
[JsonSerializable(typeof(TopicDetails))]
[JsonSerializable(typeof(Health))]
[JsonSerializable(typeof(Statistics))]
[JsonSerializable(typeof(Probe))]
internal sealed partial class RestJson : JsonSerializerContext
{
    public static RestJson Readable { get; } = new(ProblemJson.ReadableOptions());
}
