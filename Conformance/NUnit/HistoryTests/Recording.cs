using NUnit.Framework;
using PubSub.Conformance.Histories;

namespace PubSub.Conformance.Tests.HistoryTests;

/// <summary>A history told by hand, mostly of the topic orders. Each invocation, answer and event takes one tick: 1, 2, 3, …</summary>
internal sealed class Recording
{
    private const string Orders = "orders";

    private readonly HistoryRecorder _recorder = new();

    public History History => _recorder.ToHistory();

    public Invocation Publish(string id, string by = "alice", string topic = Orders) => _recorder.Publish(by, topic, id);

    public Invocation Subscribe(string subscriber, int lastN = 0, string topic = Orders) => _recorder.Subscriber(subscriber).Subscribe(topic, lastN);

    public Invocation Unsubscribe(string subscriber, string topic = Orders) => _recorder.Subscriber(subscriber).Unsubscribe(topic);

    public Invocation Create(string topic = Orders) => _recorder.Create(topic);

    public Invocation Delete(string topic = Orders) => _recorder.Delete(topic);

    public void Published(string id, string by = "alice", string topic = Orders) => Publish(id, by, topic).Acked();

    public void Subscribed(string subscriber, int lastN = 0, string topic = Orders) => Subscribe(subscriber, lastN, topic).Acked();

    public void Unsubscribed(string subscriber, string topic = Orders) => Unsubscribe(subscriber, topic).Acked();

    public void Created(string topic = Orders) => Create(topic).Acked();

    public void Deleted(string topic = Orders) => Delete(topic).Acked();

    /// <summary>Ids separated by spaces.</summary>
    public void Received(string subscriber, string ids, string topic = Orders) =>
        Array.ForEach(ids.Split(' '), id => _recorder.Subscriber(subscriber).Received(topic, id));

    public void Noticed(string subscriber, string topic = Orders) => _recorder.Subscriber(subscriber).TopicDeleted(topic);

    public void Left(string subscriber) => _recorder.Subscriber(subscriber).Left();

    public void Cut(string subscriber) => _recorder.Subscriber(subscriber).Cut();

    public void IsRight(int? retained = null) => Assert.That(HistoryChecker.Check(History, retained), Is.Empty);

    /// <summary>One anomaly, of this kind, and its witness names all this.</summary>
    public void IsWrong(AnomalyKind kind, string witness, int? retained = null)
    {
        var anomalies = HistoryChecker.Check(History, retained);
        Assert.That(anomalies.Select(anomaly => (anomaly.Kind, anomaly.Witness)), Is.EqualTo(new[] { (kind, witness) }));
    }
}
