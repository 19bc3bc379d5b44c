namespace PubSub.Conformance.Histories;

/// <summary>Why a subscription ends.</summary>
internal enum Ending
{
    None,
    Unsubscribed,
    Left,
    TopicDeleted,
}

/// <summary>One of a subscriber's successive subscriptions to a topic, and what it received.</summary>
internal sealed class Subscription(string subscriber, TopicHistory topic, long invoked, long? ackedAt, int lastN, long since, long ackStamp)
{
    public string Subscriber => subscriber;

    public TopicHistory Topic => topic;

    public long Invoked => invoked;

    /// <summary>Null when no ack is known.</summary>
    public long? AckedAt => ackedAt;

    public Interval Interval => new(invoked, ackedAt);

    public int LastN => lastN;

    /// <summary>The position to go on from; zero for none.</summary>
    public long Since => since;

    public bool IsResumed => since != 0;

    /// <summary>The stamp of the ack; zero if unknown.</summary>
    public long AckStamp => ackStamp;

    /// <summary>The server said that events after the position are missing.</summary>
    public bool IsToldOfGap { get; set; }

    /// <summary>The largest stamp that it has received.</summary>
    public long Newest { get; set; }

    public int Life { get; } = topic.Lives.Of(invoked, ackedAt ?? long.MaxValue);

    /// <summary>The tick from which on it may have ended.</summary>
    public long EndInvoked { get; private set; } = long.MaxValue;

    public Ending Ending { get; private set; }

    /// <summary>The last messages may be missing.</summary>
    public bool IsCut { get; set; }

    public List<Delivery> Deliveries { get; } = [];

    public IEnumerable<Message> Messages => Deliveries.Select(delivery => delivery.Message);

    /// <summary>Messages that arrived after its end: leaked, but not lost.</summary>
    public List<Message> TooLate { get; } = [];

    /// <summary>The first and the last received message of each publisher, in the publisher's order.</summary>
    public Dictionary<int, (Message First, Message Last)> ByPublisher { get; } = [];

    /// <summary>The received message whose publish was acked first.</summary>
    public Message? FirstAcked { get; private set; }

    /// <summary>The received message whose publish was invoked last.</summary>
    public Message? LastInvoked { get; private set; }

    /// <summary>It is in the list of its topic's subscriptions.</summary>
    public bool IsRegistered { get; set; }

    /// <summary>It lacks a message that it should have received.</summary>
    public bool HasHole { get; set; }

    /// <summary>Its ack may confirm an earlier subscription, so that no replay is required.</summary>
    public bool MayBeNone { get; set; }

    /// <summary>True only if certain: an unclear life may be the same.</summary>
    public bool IsOfAnotherLife(int life) => Life != life && Life != TopicLives.Unclear && life != TopicLives.Unclear;

    public void EndsFrom(long tick, Ending ending)
    {
        if (tick < EndInvoked)
        {
            (EndInvoked, Ending) = (tick, ending);
        }
    }

    /// <returns>A message that came before this one and should not have; null if there is none.</returns>
    public Message? Take(Message message, long at, bool replayed)
    {
        var (first, last) = ByPublisher.GetValueOrDefault(message.Publisher, (message, message));
        var ahead = last.Turn > message.Turn ? last : LastInvoked is { } newest && message.IsWhollyBefore(newest) ? newest : null;
        Deliveries.Add(new(message, at, replayed, ahead is not null));
        ByPublisher[message.Publisher] = (message.Turn < first.Turn ? message : first, message.Turn > last.Turn ? message : last);
        FirstAcked = FirstAcked is { } earliest && earliest.AckedAt <= message.AckedAt ? earliest : message;
        LastInvoked = LastInvoked is { } latest && latest.Invoked >= message.Invoked ? latest : message;
        return ahead;
    }

    public override string ToString() => subscriber;
}

/// <summary>A message that a subscription received.</summary>
/// <param name="Message">The message.</param>
/// <param name="At">The tick of its arrival.</param>
/// <param name="Replayed">It was accepted before the subscribe was invoked.</param>
/// <param name="Misplaced">A message came before it that should have come after.</param>
internal readonly record struct Delivery(Message Message, long At, bool Replayed, bool Misplaced);
