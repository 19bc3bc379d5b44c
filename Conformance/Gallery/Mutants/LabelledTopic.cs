using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>A topic that remembers under which <c>client_id</c> everyone subscribed, and does nothing with it.</summary>
internal abstract class LabelledTopic(TopicSeed seed) : Topic(seed)
{
    protected Dictionary<Outbox, string> Labels { get; } = []; // guarded by Gate

    public override bool TrySubscribe(Outbox subscriber, ClientRequest request, byte[] ack)
    {
        lock (Gate)
        {
            Labels.TryAdd(subscriber, request.ClientId);
            return base.TrySubscribe(subscriber, request, ack);
        }
    }

    protected override void Remove(Outbox subscriber)
    {
        Labels.Remove(subscriber);
        base.Remove(subscriber);
    }

    /// <summary>Those who subscribed under this label.</summary>
    protected List<Outbox> Labelled(string label) => [.. Subscribers.Where(subscriber => Labels[subscriber] == label)];
}
