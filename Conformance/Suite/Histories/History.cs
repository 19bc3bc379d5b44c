namespace PubSub.Conformance.Histories;

/// <summary>
/// What the clients of a server sent and received, on one clock. Times are ticks of that clock, and only their order matters. An invocation
/// is stamped before the request is sent, a response after it has arrived; the request took effect at some moment between. Within one
/// topic every message has a unique id. A history ends when everything has arrived. A stamp is a timestamp of the server as a number, in
/// any unit in which no two positions of a topic are equal; zero stands for none.
/// </summary>
public sealed record History(
    IReadOnlyList<Publication> Publications, IReadOnlyList<SubscriberLog> Subscribers, IReadOnlyList<TopicChange> TopicChanges);

/// <summary>How a request ended.</summary>
public enum RequestOutcome
{
    /// <summary>No answer is known: the request may have taken effect at any time since its invocation, or never.</summary>
    Unknown,
    Acked,
    Refused,
}

/// <summary>
/// One publish. A publisher is one connection, so its messages are ordered by invocation, whether or not it waited for acks.
/// </summary>
/// <param name="Stamp">Of the ack.</param>
public sealed record Publication(
    string Publisher, string Topic, string MessageId, long Invoked, long? Responded, RequestOutcome Outcome, long Stamp = 0);

/// <summary>
/// A creation or deletion of a topic. A topic that was deleted and created again is another topic of the same name. A topic without a
/// recorded creation existed from the beginning.
/// </summary>
public sealed record TopicChange(string Topic, bool Created, long Invoked, long? Responded, RequestOutcome Outcome);

/// <summary>What one subscriber sent and received, in that order.</summary>
public sealed record SubscriberLog(string Subscriber, IReadOnlyList<LogEntry> Entries);

/// <summary>One line of a subscriber's log.</summary>
/// <param name="At">The tick of this entry, never less than that of the entry before; unique for a request.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Topic">The topic concerned; empty for the end of the connection.</param>
/// <param name="MessageId">For an event.</param>
/// <param name="LastN">For a subscribe.</param>
/// <param name="Invoked">For an answer: the tick of the request that it answers.</param>
/// <param name="Stamp">For an event or an ack: its own; for a subscribe: the position to go on from.</param>
public readonly record struct LogEntry(
    long At, EntryKind Kind, string Topic, string MessageId = "", int LastN = 0, long Invoked = 0, long Stamp = 0);

public enum EntryKind
{
    Subscribe,
    Subscribed,
    SubscribeRefused,
    Unsubscribe,
    Unsubscribed,
    UnsubscribeRefused,
    Received,

    /// <summary>
    /// The server said that events after the position are missing: <c>"complete":false</c> in the ack, or an event <c>gap</c>.
    /// </summary>
    Gap,

    /// <summary>The notice of the topic's deletion arrived.</summary>
    TopicDeleted,

    /// <summary>
    /// The subscriber has read what it was waiting for and is about to close its connection: it need not receive messages accepted later.
    /// </summary>
    Left,

    /// <summary>The connection ended early, cut as a slow consumer or broken: the last messages may be missing.</summary>
    Cut,
}
