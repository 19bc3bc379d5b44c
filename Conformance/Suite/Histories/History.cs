namespace PubSub.Conformance.Histories;

/// <summary>
/// What the clients of a server did and saw, on one clock. Times are ticks of that clock, of which only the order matters: an
/// invocation is stamped before the request leaves, a response after it has arrived, so what lies between may have happened at any
/// moment of that interval. Within one topic every message has an id of its own. A history ends when everything has arrived.
/// </summary>
public sealed record History(IReadOnlyList<Publication> Publications, IReadOnlyList<SubscriberLog> Subscribers, IReadOnlyList<TopicChange> TopicChanges);

/// <summary>How a request ended.</summary>
public enum RequestOutcome
{
    /// <summary>No answer is known: it may have had its effect, at any time since it was invoked, or none.</summary>
    Unknown,
    Acked,
    Refused,
}

/// <summary>One publish. A publisher is one connection, so its messages are in the order in which it invoked them, whether or not it waited for acks.</summary>
public sealed record Publication(string Publisher, string Topic, string MessageId, long Invoked, long? Responded, RequestOutcome Outcome);

/// <summary>
/// A topic created or deleted. A topic that was deleted and created again is another topic of the same name; where nothing is
/// recorded of a topic's creation, it existed from the beginning.
/// </summary>
public sealed record TopicChange(string Topic, bool Created, long Invoked, long? Responded, RequestOutcome Outcome);

/// <summary>What one subscriber did and saw, in the order in which it did and saw it.</summary>
public sealed record SubscriberLog(string Subscriber, IReadOnlyList<LogEntry> Entries);

/// <summary>One line of a subscriber's log.</summary>
/// <param name="At">The tick of this entry, never less than that of the entry before; a request has one of its own.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Topic">The topic it happened to; empty where the connection ended.</param>
/// <param name="MessageId">Of an event.</param>
/// <param name="LastN">Of a subscribe.</param>
/// <param name="Invoked">Of an answer: the tick of the request that it answers.</param>
public readonly record struct LogEntry(long At, EntryKind Kind, string Topic, string MessageId = "", int LastN = 0, long Invoked = 0);

public enum EntryKind
{
    Subscribe,
    Subscribed,
    SubscribeRefused,
    Unsubscribe,
    Unsubscribed,
    UnsubscribeRefused,
    Received,

    /// <summary>The notice of the topic's deletion arrived.</summary>
    TopicDeleted,

    /// <summary>
    /// The subscriber has read what it was waiting for and is about to close its connection: of what is accepted from now on nothing is owed.
    /// </summary>
    Left,

    /// <summary>The connection ended before its time, cut as a slow consumer or broken: what came last may be missing.</summary>
    Cut,
}
