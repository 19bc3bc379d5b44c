using System.Collections.Concurrent;
using PubSub.Hosting.Engine;
using StackExchange.Redis;

namespace PubSub.Hosting.Redis;

/// <summary>
/// The engine of several nodes: Redis decides the order of every topic, a node mirrors the topics that it has subscriptions to. Nothing is
/// delivered that did not come back from Redis, so there is one order.
/// </summary>
internal sealed class RedisEngine(Link link, Node node, Settings settings, TimeProvider time) : IEngine
{
    /// <summary>How long a name may be on the list of topics without its topic: one that is being made is, for a moment.</summary>
    private static readonly TimeSpan Making = TimeSpan.FromMinutes(2);

    /// <summary>Names without a topic that are remembered; more are forgotten together.</summary>
    private const int MaxAbsent = 1_000;

    /// <summary>Since when a name is on the list of topics without its topic.</summary>
    private readonly ConcurrentDictionary<HashEntry, long> _absentSince = new();
    private readonly ConcurrentDictionary<string, PublishQueue> _queues = new(StringComparer.Ordinal);

    public bool IsAvailable => node.IsAvailable;

    public string NodeName => node.Name;

    public IReadOnlyCollection<string>? Nodes => node.IsAvailable ? node.Live : null;

    public async ValueTask<CreateResult> CreateAsync(string topic)
    {
        var epoch = Epoch.New();
        try
        {
            var listed = await link.RunAsync(Scripts.Register, [Names.Topics], topic, epoch, settings.MaxTopics).ConfigureAwait(false);
            if (listed.IsNull)
            {
                return CreateResult.LimitReached;
            }

            var made = (RedisValue[])(await link.RunAsync(Scripts.Create, [Names.Topic(topic)], epoch).ConfigureAwait(false))!;

            // Again, and with the epoch of the topic that there is: a deletion may have taken the name off the list meanwhile.
            await link.CallAsync(redis => redis.HashSetAsync(Names.Topics, topic, made[1])).ConfigureAwait(false);
            return made[0] == 1 ? CreateResult.Created : CreateResult.Exists;
        }
        catch (RedisFullException)
        {
            return CreateResult.BudgetReached;
        }
    }

    public async ValueTask<bool> DeleteAsync(string topic)
    {
        var epoch = await link.RunAsync(
            Scripts.Delete,
            [Names.Topic(topic), Names.Events(topic), Names.Subscriptions(topic)],
            link.Verb,
            link.Channel(topic)).ConfigureAwait(false);
        if (epoch.IsNull)
        {
            return false;
        }

        await link.RunAsync(Scripts.Unregister, [Names.Topics], topic, (string)epoch!).ConfigureAwait(false);
        return true;
    }

    public async ValueTask<bool> HasAsync(string topic) =>
        await link.CallAsync(redis => redis.KeyExistsAsync(Names.Topic(topic))).ConfigureAwait(false);

    public ValueTask<Publication> PublishAsync(string topic, Draft message, Wakes wakes)
    {
        while (true)
        {
            if (Queue(topic).TryPublish(message) is { } publishing)
            {
                return new(publishing);
            }
        }
    }

    public async ValueTask<PublishResult> PublishAllAsync(string topic, Draft[] messages, long[] stamps, Wakes wakes)
    {
        Task<Publication>? publishing;
        do
        {
            publishing = Queue(topic).TryPublishAll(messages);
        }
        while (publishing is null);

        var first = await publishing.ConfigureAwait(false);
        for (var i = 0; i < stamps.Length; i++)
        {
            stamps[i] = first.Stamp + (i * TimeSpan.TicksPerMicrosecond);
        }

        return first.Result;
    }

    public async ValueTask<SubscribeResult> SubscribeAsync(string topic, Subscriber subscriber, Join join, Wakes wakes)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < link.Timeout)
        {
            // Names that do not exist cost no subscription to a channel.
            if (node.Find(topic) is null && !await HasAsync(topic).ConfigureAwait(false))
            {
                return SubscribeResult.TopicNotFound;
            }

            var mirror = node.Open(topic);
            var opened = await mirror.Opened.ConfigureAwait(false);
            if (opened != SubscribeResult.Joined)
            {
                return opened;
            }

            try
            {
                if (await mirror.TakeTurnAsync(join, mirror.Has(subscriber) ? 0 : 1).ConfigureAwait(false) is { } result)
                {
                    return result;
                }
            }
            catch (RedisFullException)
            {
                return SubscribeResult.BudgetReached;
            }
        }

        throw new UnavailableException(mayHaveHappened: false);
    }

    public async ValueTask<bool> UnsubscribeAsync(string topic, Subscriber subscriber, Frame ack, Wakes wakes)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < link.Timeout)
        {
            if (node.Find(topic) is not { } mirror || !mirror.Has(subscriber))
            {
                var exists = await HasAsync(topic).ConfigureAwait(false);
                if (exists)
                {
                    subscriber.Reply(ack, wakes); // there is no subscription to end
                }

                return exists;
            }

            if (await mirror.TakeTurnAsync(Leave, gain: -1).ConfigureAwait(false) is { } result)
            {
                return result != SubscribeResult.TopicNotFound;
            }
        }

        throw new UnavailableException(mayHaveHappened: false);

        SubscribeResult Leave(Topic left, long ticks, Wakes moment) =>
            left.TryUnsubscribe(subscriber, ack, moment) ? SubscribeResult.Already : SubscribeResult.TopicNotFound;
    }

    public async ValueTask SettleAsync(Subscriber subscriber)
    {
        try
        {
            await Task.WhenAll(subscriber.Topics().Select(topic => node.Find(topic.Name)?.SettleAsync() ?? Task.CompletedTask))
                .WaitAsync(link.Timeout, time).ConfigureAwait(false);
        }
        catch (Exception late) when (late is UnavailableException or TimeoutException)
        {
            // While Redis does not answer, nothing is acked either.
        }
    }

    public async ValueTask<Topic?> FindAsync(string topic) =>
        (await Image.ReadAsync(link, topic).ConfigureAwait(false))?.ToTopic(topic, settings.BrokerLimits);

    public async ValueTask<TopicCount?> CountAsync(string topic)
    {
        var messages = link.CallAsync(redis => redis.HashGetAsync(Names.Topic(topic), "messages"));
        var subscriptions = link.CallAsync(redis => redis.HashGetAllAsync(Names.Subscriptions(topic)));
        await Task.WhenAll(messages, subscriptions).ConfigureAwait(false);
        var accepted = await messages.ConfigureAwait(false);
        if (accepted.IsNull)
        {
            return null;
        }

        var subscribers = 0;
        foreach (var entry in await subscriptions.ConfigureAwait(false))
        {
            var member = entry.Name;
            if (await node.IsLiveAsync(member!).ConfigureAwait(false))
            {
                subscribers += (int)entry.Value;
            }
            else
            {
                // A dead node's.
                await link.CallAsync(redis => redis.HashDeleteAsync(Names.Subscriptions(topic), member)).ConfigureAwait(false);
            }
        }

        return new(topic, subscribers, (long)accepted);
    }

    public async ValueTask<IReadOnlyList<TopicCount>> CountAllAsync()
    {
        var listed = await link.CallAsync(redis => redis.HashGetAllAsync(Names.Topics)).ConfigureAwait(false);
        var counts = await Task.WhenAll(listed.Select(CountListedAsync)).ConfigureAwait(false);
        return [.. counts.OfType<TopicCount>().OrderBy(topic => topic.Name, StringComparer.Ordinal)];
    }

    public async ValueTask<(int Topics, int Subscriptions)> CountTotalAsync()
    {
        var topics = await CountAllAsync().ConfigureAwait(false);
        return (topics.Count, topics.Sum(topic => topic.Subscribers));
    }

    /// <summary>Counts a topic; if it is on the list but not there, since a node has died in between, takes it off after a while.</summary>
    private async Task<TopicCount?> CountListedAsync(HashEntry listed)
    {
        var name = (string)listed.Name!;
        if (await CountAsync(name).ConfigureAwait(false) is { } count)
        {
            _absentSince.TryRemove(listed, out _);
            return count;
        }

        if (_absentSince.Count >= MaxAbsent)
        {
            _absentSince.Clear();
        }

        if (time.GetElapsedTime(_absentSince.GetOrAdd(listed, time.GetTimestamp())) > Making)
        {
            await link.RunAsync(Scripts.Unregister, [Names.Topics], name, listed.Value).ConfigureAwait(false);
            _absentSince.TryRemove(listed, out _);
        }

        return null;
    }

    private PublishQueue Queue(string topic) => _queues.TryGetValue(topic, out var queue)
        ? queue
        : _queues.GetOrAdd(topic, new PublishQueue(topic, link, node, settings, time, Forget));

    private void Forget(string topic, PublishQueue emptied) => _queues.TryRemove(KeyValuePair.Create(topic, emptied));
}

internal static class RedisEngineExtensions
{
    public static void AddRedisEngine(this IServiceCollection services)
    {
        services.AddSingleton<Link>();
        services.AddSingleton<Node>();
        services.AddSingleton<IEngine, RedisEngine>();
        services.AddHostedService(provider => provider.GetRequiredService<Node>());
    }
}
