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
internal sealed class Subscription(string subscriber, TopicHistory topic, long invoked, long? ackedAt, int lastN)
{
    public string Subscriber => subscriber;

    public TopicHistory Topic => topic;

    public long Invoked => invoked;

    /// <summary>Null when no ack is known.</summary>
    public long? AckedAt => ackedAt;

    public Interval Interval => new(invoked, ackedAt);

    public int LastN => lastN;

    public int Life { get; } = topic.Lives.Of(invoked, ackedAt ?? long.MaxValue);

    /// <summary>The tick from which on it may have been over.</summary>
    public long EndInvoked { get; private set; } = long.MaxValue;

    public Ending Ending { get; private set; }

    /// <summary>What came last may be missing.</summary>
    public bool IsCut { get; set; }

    public List<Delivery> Deliveries { get; } = [];

    public IEnumerable<Message> Messages => Deliveries.Select(delivery => delivery.Message);

    /// <summary>What came when it was over: leaked, but not lost.</summary>
    public List<Message> TooLate { get; } = [];

    /// <summary>Of each publisher the first and the last of its messages that were received, by its own order.</summary>
    public Dictionary<int, (Message First, Message Last)> ByPublisher { get; } = [];

    /// <summary>Of those received, the one whose publish was acked first.</summary>
    public Message? FirstAcked { get; private set; }

    /// <summary>Of those received, the one whose publish was invoked last.</summary>
    public Message? LastInvoked { get; private set; }

    /// <summary>Among those of its topic.</summary>
    public bool IsRegistered { get; set; }

    /// <summary>It lacks a message that it was owed.</summary>
    public bool HasHole { get; set; }

    /// <summary>Its ack perhaps belongs to a subscription that there was before, so that nothing need have been replayed.</summary>
    public bool MayBeNone { get; set; }

    /// <summary>For certain; what is unclear may be of the same.</summary>
    public bool IsOfAnotherLife(int life) => Life != life && Life != TopicLives.Unclear && life != TopicLives.Unclear;

    public void EndsFrom(long tick, Ending ending)
    {
        if (tick < EndInvoked)
        {
            (EndInvoked, Ending) = (tick, ending);
        }
    }

    /// <returns>The message that should not have come before this one, if there is any.</returns>
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
/// <param name="Message">What was received.</param>
/// <param name="At">When.</param>
/// <param name="Replayed">It was accepted before the subscribe was invoked.</param>
/// <param name="Misplaced">Something came before it that should have come after.</param>
internal readonly record struct Delivery(Message Message, long At, bool Replayed, bool Misplaced);
