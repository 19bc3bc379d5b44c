namespace PubSub.Conformance.Histories;

/// <summary>Part of a history that no correct server can produce.</summary>
/// <param name="Kind">The kind of error.</param>
/// <param name="Topic">The topic in which it occurred.</param>
/// <param name="Witness">The facts that contradict each other, with the ticks at which they were recorded.</param>
public sealed record Anomaly(AnomalyKind Kind, string Topic, string Witness)
{
    /// <summary>The most important requirement of SPEC.md that it violates.</summary>
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
        AnomalyKind.Misstamped => "PS-RES-001",
        AnomalyKind.Restamped => "PS-RES-002",
        AnomalyKind.Repeated => "PS-RES-003",
        AnomalyKind.Untold => "PS-RES-005",
        _ => "PS-DEL-008",
    };

    /// <summary>The rule that it violates.</summary>
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
        AnomalyKind.Misstamped => "stamps increase in the order of the topic",
        AnomalyKind.Restamped => "the ack of a publish and all copies of its event have the same stamp",
        AnomalyKind.Repeated => "a subscription that goes on from a position receives only later messages",
        AnomalyKind.Untold => "a subscription that goes on from a position receives all later messages, or is told that some are missing",
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

    /// <summary>Received from another topic, without a subscription, or from an earlier topic of the same name.</summary>
    Leaked,

    /// <summary>One publisher's messages in another order than its own.</summary>
    Reordered,

    /// <summary>Two publishers' messages in an order that contradicts their times.</summary>
    Overtaken,

    /// <summary>No single order contains what several subscribers received, or only with a message that one of them lacks.</summary>
    TwoOrders,

    /// <summary>Missing between the replayed and the live messages.</summary>
    Gap,
    WrongReplay,

    /// <summary>Received before the ack of the subscribe.</summary>
    Early,

    /// <summary>Lost to the deletion of the topic.</summary>
    Dropped,

    /// <summary>The stamps of two positions contradict the order of the topic.</summary>
    Misstamped,

    /// <summary>One message with two stamps.</summary>
    Restamped,

    /// <summary>Not later than the position from which the subscription went on.</summary>
    Repeated,

    /// <summary>Missing after the position from which the subscription went on, and the server did not say so.</summary>
    Untold,
}
