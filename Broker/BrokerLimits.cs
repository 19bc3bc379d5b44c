namespace PubSub;

/// <summary>The bounds of one broker. Each holds at every moment, save for what its own description grants.</summary>
/// <param name="MaxQueueSize">Live events that may be outstanding for one subscriber. Default 100, at least 1.</param>
/// <param name="MaxMessages">Messages that a topic retains for replay. Default 100, at least 1.</param>
/// <param name="MaxQueueBytes">Bytes of live events that may be outstanding for one subscriber; an event larger than this
/// is still delivered to a subscriber that has none outstanding. Default 1 MiB.</param>
/// <param name="MaxTopics">Topics that may exist at once. Default 100,000.</param>
/// <param name="MaxSubscriptions">Topics that one subscriber may be subscribed to at once. Default 1,000.</param>
/// <param name="MaxReplies">Replies and replayed events that may be unread before a subscriber's requests have to wait
/// (<see cref="Subscriber.WaitForRoomAsync"/>). One subscribe may exceed it, by what it replays. Default 128.</param>
/// <param name="MaxRetainedBytes">Bytes of all topics, subscriptions and retained events. Default: no bound.</param>
/// <param name="MaxOutstandingBytes">Bytes of all frames queued or being sent, counted for each subscriber, and of requests that are kept
/// (<see cref="Subscriber.Keep"/>). Default: no bound.</param>
public sealed record BrokerLimits(
    int MaxQueueSize = 100,
    int MaxMessages = 100,
    long MaxQueueBytes = 1024 * 1024,
    int MaxTopics = 100_000,
    int MaxSubscriptions = 1_000,
    int MaxReplies = 128,
    long MaxRetainedBytes = long.MaxValue,
    long MaxOutstandingBytes = long.MaxValue);
