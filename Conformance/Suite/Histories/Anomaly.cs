namespace PubSub.Conformance.Histories;

/// <summary>Something in a history that no correct server can have done.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Topic">Where.</param>
/// <param name="Witness">The few facts that contradict each other, with the ticks at which they were recorded.</param>
public sealed record Anomaly(AnomalyKind Kind, string Topic, string Witness)
{
    /// <summary>The requirement of SPEC.md that weighs most among those it violates.</summary>
    public string Requirement => Kind switch
    {
        AnomalyKind.Lost or AnomalyKind.Duplicated or AnomalyKind.Phantom => "PS-FAN-001",
        AnomalyKind.Leaked => "PS-ISO-001",
        AnomalyKind.Reordered => "PS-FAN-002",
        AnomalyKind.Overtaken => "PS-PUB-012",
        AnomalyKind.TwoOrders => "PS-FAN-003",
        AnomalyKind.Gap => "PS-RPL-002",
        AnomalyKind.WrongReplay => "PS-RPL-001",
        AnomalyKind.Early => "PS-RPL-007",
        _ => "PS-DEL-008",
    };

    /// <summary>What should have held.</summary>
    public string Law => Kind switch
    {
        AnomalyKind.Lost => "a message that is accepted between the ack of a subscribe and the end of that subscription is received",
        AnomalyKind.Duplicated => "a subscription receives a message once",
        AnomalyKind.Phantom => "what is received was published before, and not refused",
        AnomalyKind.Leaked => "what is received belongs to a topic to which the subscriber is subscribed",
        AnomalyKind.Reordered => "one publisher's messages are received in the order in which it published them",
        AnomalyKind.Overtaken => "a message that was acked before another was published is received before it",
        AnomalyKind.TwoOrders => "all subscribers receive the messages of a topic in one and the same order",
        AnomalyKind.Gap => "between the first and the last message that a subscription receives none is missing",
        AnomalyKind.WrongReplay => "the newest last_n messages are replayed, no more and no others",
        AnomalyKind.Early => "the ack of a subscribe comes before the events of the subscription",
        _ => "what was acked before its topic was deleted is received",
    };

    public override string ToString() => $"{Kind}: {Witness} ({Law}: {Requirement})";
}

public enum AnomalyKind
{
    Lost,
    Duplicated,

    /// <summary>Received, but never published, not yet published, or refused.</summary>
    Phantom,

    /// <summary>Received from another topic, without a subscription, or from a topic that has been deleted since.</summary>
    Leaked,

    /// <summary>One publisher's messages in another order than its own.</summary>
    Reordered,

    /// <summary>Two publishers' messages in another order than that of time.</summary>
    Overtaken,

    /// <summary>What several subscribers received cannot all be part of one order; or not without a message that one of them lacks.</summary>
    TwoOrders,

    /// <summary>Missing between what was replayed and what came live.</summary>
    Gap,
    WrongReplay,

    /// <summary>Received before the ack of the subscribe.</summary>
    Early,

    /// <summary>Lost to the deletion of the topic.</summary>
    Dropped,
}
