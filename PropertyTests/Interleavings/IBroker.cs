namespace PubSub.Interleavings;

/// <summary>The verbs of a broker, by the names of topics: the right one and its wrong twins are played through these.</summary>
internal interface IBroker
{
    ISubscriber Admit(bool eager);

    IWakes NewWakes();

    CreateResult Create(string topic);

    bool TryDelete(string topic, Frame notice, bool disconnect);

    bool TryPublish(string topic, Frame message, IWakes wakes);

    SubscribeResult Subscribe(string topic, ISubscriber subscriber, int lastN, Frame? ack, IWakes wakes);

    bool TryUnsubscribe(string topic, ISubscriber subscriber, Frame? ack, IWakes wakes);

    (int Topics, int Subscriptions) Count();

    /// <summary>Null when there is no such topic.</summary>
    (int Subscribers, long Messages)? Count(string topic);
}

/// <summary>A subscriber: see <see cref="Subscriber"/>.</summary>
internal interface ISubscriber
{
    CloseReason Closed { get; }

    void Reply(Frame reply, IWakes wakes);

    ValueTask WaitForRoomAsync();

    ValueTask<bool> WaitAsync();

    ReadOnlyMemory<Outgoing> Take(int maxBytes);

    void Release();

    void Close(CloseReason reason);
}

/// <summary>Who still has to be woken: see <see cref="Wakes"/>.</summary>
internal interface IWakes
{
    void Release();
}

/// <summary>The broker itself, found and asked as the Host does it.</summary>
internal sealed class RealBroker(BrokerLimits limits) : IBroker
{
    private readonly Broker _broker = new(limits);

    public ISubscriber Admit(bool eager) => new RealSubscriber(_broker.Admit(eager));

    public IWakes NewWakes() => new RealWakes(new Wakes());

    public CreateResult Create(string topic) => _broker.Create(topic);

    public bool TryDelete(string topic, Frame notice, bool disconnect) => _broker.TryDelete(topic, notice, disconnect);

    public bool TryPublish(string topic, Frame message, IWakes wakes) =>
        _broker.Find(topic) is { } found && found.Publish(message, ((RealWakes)wakes).Inner) == PublishResult.Accepted;

    public SubscribeResult Subscribe(string topic, ISubscriber subscriber, int lastN, Frame? ack, IWakes wakes) =>
        _broker.Find(topic)?.Subscribe(((RealSubscriber)subscriber).Inner, lastN, ack, ((RealWakes)wakes).Inner)
        ?? SubscribeResult.TopicNotFound;

    public bool TryUnsubscribe(string topic, ISubscriber subscriber, Frame? ack, IWakes wakes) =>
        _broker.Find(topic) is { } found && found.TryUnsubscribe(((RealSubscriber)subscriber).Inner, ack, ((RealWakes)wakes).Inner);

    public (int Topics, int Subscriptions) Count() => _broker.Count();

    public (int Subscribers, long Messages)? Count(string topic) => _broker.Find(topic)?.Count();

    private sealed class RealSubscriber(Subscriber inner) : ISubscriber
    {
        public Subscriber Inner => inner;

        public CloseReason Closed => inner.Closed;

        public void Reply(Frame reply, IWakes wakes) => inner.Reply(reply, ((RealWakes)wakes).Inner);

        public ValueTask WaitForRoomAsync() => inner.WaitForRoomAsync();

        public ValueTask<bool> WaitAsync() => inner.WaitAsync();

        public ReadOnlyMemory<Outgoing> Take(int maxBytes) => inner.Take(maxBytes);

        public void Release() => inner.Release();

        public void Close(CloseReason reason) => inner.Close(reason);
    }

    private sealed class RealWakes(Wakes inner) : IWakes
    {
        public Wakes Inner => inner;

        public void Release() => inner.Release();
    }
}
