namespace PubSub.PropertyTests.Concurrency;

/// <summary>The operations of a broker by topic name, as the Host calls them. A faulty broker overrides one of them.</summary>
internal class Verbs(BrokerLimits limits)
{
    protected Broker Broker { get; } = new(limits);

    protected BrokerLimits Limits => limits;

    public Subscriber Admit(bool eager) => Broker.Admit(eager);

    public virtual bool TryCreate(string topic) => Broker.Create(topic) == CreateResult.Created;

    public virtual bool TryDelete(string topic, Frame notice, bool disconnect) => Broker.TryDelete(topic, notice, disconnect);

    public virtual bool TryPublish(string topic, Frame message, Wakes wakes) =>
        Broker.Find(topic)?.Publish(message, wakes).Result == PublishResult.Accepted;

    /// <returns>False when there is no such topic; then nothing was queued.</returns>
    public virtual bool TrySubscribe(string topic, Subscriber subscriber, int lastN, Frame ack, Wakes wakes) =>
        (Broker.Find(topic)?.Subscribe(subscriber, lastN, ack, wakes) ?? SubscribeResult.TopicNotFound) != SubscribeResult.TopicNotFound;

    /// <returns>False when there is no such topic; then nothing was queued.</returns>
    public virtual bool TryUnsubscribe(string topic, Subscriber subscriber, Frame ack, Wakes wakes) =>
        Broker.Find(topic)?.TryUnsubscribe(subscriber, ack, wakes) ?? false;
}
