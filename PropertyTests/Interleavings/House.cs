namespace PubSub.Interleavings;

/// <summary>The verbs of a broker, by the names of topics: the right one and its wrong twins are played through these.</summary>
internal interface IHouse
{
    ISeat Admit(bool eager);

    INotes TakeNotes();

    Creating Create(string topic);

    bool TryDelete(string topic, Frame notice, bool disconnect);

    bool TryPublish(string topic, Frame message, INotes notes);

    Subscribing Subscribe(string topic, ISeat seat, int lastN, Frame? ack, INotes notes);

    bool TryUnsubscribe(string topic, ISeat seat, Frame? ack, INotes notes);

    (int Topics, int Subscriptions) Count();

    /// <summary>Null when there is no such topic.</summary>
    (int Subscribers, long Messages)? Count(string topic);
}

/// <summary>A subscriber: see <see cref="Subscriber"/>.</summary>
internal interface ISeat
{
    CloseReason Closed { get; }

    void Reply(Frame reply, INotes notes);

    ValueTask WaitForRoomAsync();

    ValueTask<bool> WaitAsync();

    ReadOnlyMemory<Outgoing> Take(int maxBytes);

    void Release();

    void Close(CloseReason reason);
}

/// <summary>Who still has to be woken: see <see cref="Wakes"/>.</summary>
internal interface INotes
{
    void Release();
}

/// <summary>The broker itself, found and asked as the Host does it.</summary>
internal sealed class RealHouse(BrokerLimits limits) : IHouse
{
    private readonly Broker _broker = new(limits);

    public ISeat Admit(bool eager) => new Seat(_broker.Admit(eager));

    public INotes TakeNotes() => new Notes(new Wakes());

    public Creating Create(string topic) => _broker.Create(topic);

    public bool TryDelete(string topic, Frame notice, bool disconnect) => _broker.TryDelete(topic, notice, disconnect);

    public bool TryPublish(string topic, Frame message, INotes notes) =>
        _broker.Find(topic) is { } found && found.TryPublish(message, ((Notes)notes).Wakes);

    public Subscribing Subscribe(string topic, ISeat seat, int lastN, Frame? ack, INotes notes) =>
        _broker.Find(topic)?.Subscribe(((Seat)seat).Subscriber, lastN, ack, ((Notes)notes).Wakes) ?? Subscribing.TopicNotFound;

    public bool TryUnsubscribe(string topic, ISeat seat, Frame? ack, INotes notes) =>
        _broker.Find(topic) is { } found && found.TryUnsubscribe(((Seat)seat).Subscriber, ack, ((Notes)notes).Wakes);

    public (int Topics, int Subscriptions) Count() => _broker.Count();

    public (int Subscribers, long Messages)? Count(string topic) => _broker.Find(topic)?.Count();

    private sealed class Seat(Subscriber subscriber) : ISeat
    {
        public Subscriber Subscriber => subscriber;

        public CloseReason Closed => subscriber.Closed;

        public void Reply(Frame reply, INotes notes) => subscriber.Reply(reply, ((Notes)notes).Wakes);

        public ValueTask WaitForRoomAsync() => subscriber.WaitForRoomAsync();

        public ValueTask<bool> WaitAsync() => subscriber.WaitAsync();

        public ReadOnlyMemory<Outgoing> Take(int maxBytes) => subscriber.Take(maxBytes);

        public void Release() => subscriber.Release();

        public void Close(CloseReason reason) => subscriber.Close(reason);
    }

    private sealed class Notes(Wakes wakes) : INotes
    {
        public Wakes Wakes => wakes;

        public void Release() => wakes.Release();
    }
}
