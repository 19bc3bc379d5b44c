using System.Buffers.Text;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using StackExchange.Redis;

namespace PubSub.Hosting.Redis;

/// <summary>A topic in Redis at one moment.</summary>
/// <param name="Epoch">See <see cref="Topic.Epoch"/>.</param>
/// <param name="Last">The newest stamp, in microseconds as all stamps of Redis.</param>
/// <param name="Forgotten">The stamp of the newest event that is not retained, or of the creation.</param>
/// <param name="Messages">Messages accepted.</param>
/// <param name="Events">The retained events that the reader had not, oldest first.</param>
internal sealed record Image(string Epoch, long Last, long Forgotten, long Messages, IReadOnlyList<StampedFrame> Events)
{
    /// <summary>What a local topic begins with before the events are added to it.</summary>
    public Origin Origin => new(RedisStamp.ToTicks(Forgotten), Epoch, Messages - Events.Count);

    /// <summary>Reads a topic.</summary>
    /// <param name="link">To Redis.</param>
    /// <param name="topic">Its name.</param>
    /// <param name="known">Messages that the reader has, which are not read again.</param>
    /// <param name="epoch">The epoch that it has them of.</param>
    /// <returns>Null when there is no such topic.</returns>
    /// <exception cref="UnavailableException">See <see cref="Link.RunAsync"/>.</exception>
    public static async Task<Image?> ReadAsync(Link link, string topic, long known = 0, string epoch = "")
    {
        var result = await link.RunAsync(Scripts.ReadTopic, [Names.Topic(topic), Names.Events(topic)], known, epoch).ConfigureAwait(false);
        return result.IsNull ? null : Parse((RedisValue[])result!);
    }

    /// <summary>The topic on its own, to be read.</summary>
    public Topic ToTopic(string name, BrokerLimits limits)
    {
        var broker = new Broker(limits with { MaxTopics = 1, MaxRetainedBytes = long.MaxValue });
        broker.Create(name, Origin);
        var topic = broker.Find(name)!;
        foreach (var retained in Events)
        {
            topic.TryPublish(retained.ToDraft());
        }

        topic.Advance(RedisStamp.ToTicks(Last));
        return topic;
    }

    private static Image Parse(RedisValue[] values) => new(
        values[0]!,
        (long)values[1],
        (long)values[2],
        (long)values[3],
        [.. values.Skip(4).Select(StampedFrame.Parse)]);
}

/// <summary>An event.</summary>
/// <param name="Stamp">In microseconds.</param>
/// <param name="Frame">The frame, which shows another time.</param>
internal readonly record struct StampedFrame(long Stamp, ReadOnlyMemory<byte> Frame)
{
    public static StampedFrame Parse(RedisValue value)
    {
        ReadOnlyMemory<byte> bytes = value;
        return Utf8Parser.TryParse(bytes.Span, out long stamp, out var digits)
            ? new(stamp, bytes[(digits + 1)..])
            : throw new FormatException("a retained event has no stamp");
    }

    public Draft ToDraft() => ServerMessage.Event(Frame.ToArray(), RedisStamp.ToTicks(Stamp));
}
