using PubSub.Conformance.Fixture;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Scenarios;

/// <summary>Steps that scenarios of every area share.</summary>
internal static class Habits
{
    /// <summary>
    /// A new topic with a message already delivered from a publisher to a subscriber: a control that a broker is behind the answers.
    /// </summary>
    public static async Task<string> TopicAtWorkAsync(this Stage stage, string hint = "orders")
    {
        var topic = await stage.TopicAsync(hint);
        await using var subscriber = await stage.SubscriberAsync("control", topic);
        await using var publisher = await stage.ConnectAsync("prober");
        await publisher.PublishAsync(topic, "probe").Acked();
        await subscriber.EventsUntilAsync("probe").Given("a message reaches a subscriber");
        return topic;
    }

    /// <summary>Runs this for each item: eight at one time for a distant target, otherwise in order.</summary>
    public static async Task EachAsync<T>(this Stage stage, IEnumerable<T> rows, Func<T, Task> actAsync)
    {
        foreach (var some in rows.Chunk(stage.Target.IsFar ? 8 : 1))
        {
            await Task.WhenAll(some.Select(actAsync));
        }
    }

    /// <summary>A new topic that is in the listing: a control that a registry is behind the answers.</summary>
    public static async Task<string> ListedTopicAsync(this Stage stage, Target? target = null)
    {
        var topic = await stage.TopicAsync("control", target);
        var listing = await stage.RestAt(target ?? stage.Target).ListTopicsAsync().Given("topics are listed");
        stage.Require(listing.Of(topic) is not null, $"topic {topic} is listed");
        return topic;
    }

    /// <summary>
    /// Returns once everything that the server has sent to this client so far has arrived: with the answer to a ping, or with the end of
    /// the connection. False if it has ended.
    /// </summary>
    public static async Task<bool> OutspokenAsync(this Client client)
    {
        try
        {
            await client.PingAsync();
            return true;
        }
        catch (Violation)
        {
            // The server has closed the connection, which is allowed here; nothing more can arrive.
            return false;
        }
    }

    /// <summary>As many messages as wanted, but no more than may be outstanding for one subscriber together with a sentinel.</summary>
    public static int Burst(this Stage stage, int wanted) => Math.Max(1, Math.Min(wanted, stage.Limits.QueueSize - 1));

    public static string[] Ids(string prefix, int count) => [.. Enumerable.Range(1, count).Select(n => $"{prefix}{n}")];
}
