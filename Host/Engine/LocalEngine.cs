using System.Security.Cryptography;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Engine;

/// <summary>The engine of a single node: the broker of this process. Every member completes before it returns.</summary>
internal sealed class LocalEngine(Broker broker, ServerMessage say, Settings settings) : IEngine
{
    public bool IsAvailable => true;

    public string NodeName => settings.NodeName;

    public IReadOnlyCollection<string> Nodes => [NodeName];

    public ValueTask<CreateResult> CreateAsync(string topic) => new(broker.Create(topic, new Origin(say.Now, Epoch.New())));

    public ValueTask<bool> DeleteAsync(string topic) =>
        new(broker.TryDelete(topic, say.TopicDeleted(topic), settings.DisconnectOnDeletion));

    public ValueTask<bool> HasAsync(string topic) => new(broker.Find(topic) is not null);

    public ValueTask<Publication> PublishAsync(string topic, Draft message, Wakes wakes) =>
        new(broker.Find(topic)?.Publish(message, wakes) ?? default);

    public ValueTask<PublishResult> PublishAllAsync(string topic, Draft[] messages, long[] stamps, Wakes wakes) =>
        new(broker.Find(topic)?.PublishAll(messages, wakes, stamps) ?? PublishResult.TopicNotFound);

    public ValueTask<SubscribeResult> SubscribeAsync(string topic, Subscriber subscriber, Join join, Wakes wakes) =>
        new(broker.Find(topic) is { } found ? join(found, say.Now, wakes) : SubscribeResult.TopicNotFound);

    public ValueTask<bool> UnsubscribeAsync(string topic, Subscriber subscriber, Frame ack, Wakes wakes) =>
        new(broker.Find(topic)?.TryUnsubscribe(subscriber, ack, wakes) is true);

    public ValueTask SettleAsync(Subscriber subscriber) => default;

    public ValueTask<Topic?> FindAsync(string topic) => new(broker.Find(topic));

    public ValueTask<TopicCount?> CountAsync(string topic) => new(broker.Find(topic) is { } found ? Count(found) : null);

    public ValueTask<IReadOnlyList<TopicCount>> CountAllAsync() => new([.. broker.List().Select(Count)]);

    public ValueTask<(int Topics, int Subscriptions)> CountTotalAsync() => new(broker.Count());

    private static TopicCount Count(Topic topic)
    {
        var (subscribers, messages) = topic.Count();
        return new(topic.Name, subscribers, messages);
    }
}

internal static class Epoch
{
    /// <summary>64 random bits: no two topics have the same, also not before and after a restart.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
}
