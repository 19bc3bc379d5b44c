namespace PubSub.Hosting.Engine;

/// <summary>
/// What decides the order of every topic: the broker of this process, or Redis for several nodes. Sessions and HTTP talk to topics through
/// it alone.
/// </summary>
/// <remarks>
/// Safe for concurrent use. Each wait for Redis ends within REDIS_TIMEOUT, by <see cref="UnavailableException"/> if need be; a publish may
/// also wait for the one before it. A caller releases its wake list before it awaits a task that has not completed.
/// </remarks>
internal interface IEngine
{
    /// <summary>Whether requests can be carried out now.</summary>
    bool IsAvailable { get; }

    /// <summary>The name of this node, unlike that of any other node that it shares topics with.</summary>
    string NodeName { get; }

    /// <summary>The nodes that share topics, this one among them, as of a moment ago; null if that is not known now.</summary>
    IReadOnlyCollection<string>? Nodes { get; }

    /// <summary>Makes a topic, with an epoch of its own (PS-RES-006).</summary>
    ValueTask<CreateResult> CreateAsync(string topic);

    /// <summary>Deletes a topic; its subscribers get the notice, and are disconnected if TOPIC_DELETION says so.</summary>
    /// <returns>False when there is no such topic.</returns>
    ValueTask<bool> DeleteAsync(string topic);

    /// <summary>Whether there is such a topic.</summary>
    ValueTask<bool> HasAsync(string topic);

    /// <summary>Publishes a message. Those of one caller to one topic keep their order, also if it does not wait for each.</summary>
    ValueTask<Publication> PublishAsync(string topic, Draft message, Wakes wakes);

    /// <summary>Publishes messages as neighbours in the topic's order, or none (PS-HTTP-003).</summary>
    /// <param name="topic">Its name.</param>
    /// <param name="messages">At least one.</param>
    /// <param name="stamps">Gets the stamps of the events, as many as there are messages.</param>
    /// <param name="wakes">Wakes the readers on this node.</param>
    ValueTask<PublishResult> PublishAllAsync(string topic, Draft[] messages, long[] stamps, Wakes wakes);

    /// <summary>
    /// Lets a subscriber join a topic at a moment in its order: everything acked before is retained, nothing of it comes live.
    /// </summary>
    ValueTask<SubscribeResult> SubscribeAsync(string topic, Subscriber subscriber, Join join, Wakes wakes);

    /// <summary>Ends a subscription, if there is one, and queues the ack: no event of the topic follows it (PS-UNS-002).</summary>
    /// <returns>False when there is no such topic.</returns>
    ValueTask<bool> UnsubscribeAsync(string topic, Subscriber subscriber, Frame ack, Wakes wakes);

    /// <summary>Completes when everything that was acked before is queued for the subscriber.</summary>
    ValueTask SettleAsync(Subscriber subscriber);

    /// <summary>The topic with what it retains now, to be read and nothing else; null when there is none.</summary>
    ValueTask<Topic?> FindAsync(string topic);

    /// <summary>The numbers of a topic, over all nodes; null when there is none.</summary>
    ValueTask<TopicCount?> CountAsync(string topic);

    /// <summary>The numbers of all topics, over all nodes, in ascending ordinal order of their names.</summary>
    ValueTask<IReadOnlyList<TopicCount>> CountAllAsync();

    /// <summary>How many topics there are, and how many subscriptions to all of them, over all nodes.</summary>
    ValueTask<(int Topics, int Subscriptions)> CountTotalAsync();
}

/// <summary>Joins a topic.</summary>
/// <param name="topic">Its events up to now are retained, as far as it keeps them.</param>
/// <param name="time">The moment's place in the topic's order, unless the topic has reached a later stamp.</param>
/// <param name="wakes">Wakes the subscriber.</param>
internal delegate SubscribeResult Join(Topic topic, long time, Wakes wakes);

/// <param name="Name">The topic's.</param>
/// <param name="Subscribers">Subscriptions to it.</param>
/// <param name="Messages">Messages accepted since its creation.</param>
internal readonly record struct TopicCount(string Name, int Subscribers, long Messages);

/// <summary>The engine behind this node cannot be reached, or has not answered in time.</summary>
/// <param name="mayHaveHappened">Whether the request may have had its effect; otherwise it had none.</param>
internal class UnavailableException(bool mayHaveHappened) : Exception
{
    public bool MayHaveHappened => mayHaveHappened;
}
