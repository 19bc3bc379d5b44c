using StackExchange.Redis;

namespace PubSub.Hosting.Redis;

/// <summary>
/// The names of keys and channels in Redis. Those of a topic have one hash tag, so that a Redis Cluster keeps them in one slot; the topic's
/// name in it is escaped, since a brace would end the tag.
/// </summary>
internal static class Names
{
    /// <summary>Hash: the name of every topic, with its epoch.</summary>
    public static RedisKey Topics { get; } = "pubsub:topics";

    /// <summary>Hash: every node, with the end of its lease in milliseconds.</summary>
    public static RedisKey Leases { get; } = "pubsub:nodes";

    /// <summary>Hash: epoch, last stamp, stamp of the newest event that is not retained, messages accepted.</summary>
    public static RedisKey Topic(string topic) => Tag(topic) + ":topic";

    /// <summary>List: the retained events, oldest first, each a stamp, a space and the frame.</summary>
    public static RedisKey Events(string topic) => Tag(topic) + ":events";

    /// <summary>Hash: subscriptions by node.</summary>
    public static RedisKey Subscriptions(string topic) => Tag(topic) + ":subscriptions";

    public static string Channel(string topic) => Tag(topic);

    private static string Tag(string topic) => $"pubsub:{{{Uri.EscapeDataString(topic)}}}";
}

/// <summary>Stamps in Redis are microseconds since 1970, which its Lua can count without loss until the year 2255.</summary>
internal static class RedisStamp
{
    /// <summary>The stamp in ticks of 100 ns since the year 1.</summary>
    public static long ToTicks(long microseconds) => DateTime.UnixEpoch.Ticks + (microseconds * TimeSpan.TicksPerMicrosecond);
}
