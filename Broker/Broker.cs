using System.Collections.Concurrent;

namespace PubSub;

/// <summary>Topics by name. Names are compared ordinally and have no meaning.</summary>
/// <remarks>
/// Safe for concurrent use. A topic exists until its own gate says that it is deleted; the table only leads to it. So create, delete and
/// publish take effect at one moment each, and no lock spans two topics.
/// </remarks>
public sealed class Broker(BrokerLimits limits)
{
    private readonly ConcurrentDictionary<string, Topic> _topics = new(StringComparer.Ordinal);
    private readonly Lock _creation = new(); // makes "is there room, is the name free, take it" one step; never held with a gate
    private readonly Budget _budget = new(limits.MaxRetainedBytes);
    private readonly Backlog _backlog = new(limits.MaxOutstandingBytes);
    private int _count; // guarded by _creation; entries of the table, 0 to MaxTopics

    /// <summary>A new subscriber, to no topic yet. It costs nothing until it joins one, and is forgotten once it is closed.</summary>
    /// <param name="eager">
    /// Whether its reader, when woken, continues on the thread that wakes it, instead of on the thread pool. That saves a hop and runs the
    /// reader before its publisher goes on; only for readers that never block.
    /// </param>
    public Subscriber Admit(bool eager = false) => new(limits, _budget, _backlog, eager);

    /// <summary>Makes a topic, empty: no messages, no subscribers (PS-DEL-004).</summary>
    /// <param name="name">Its name.</param>
    /// <param name="origin">The caller's time, and an epoch that no other topic of this name has had, also before a restart.</param>
    public CreateResult Create(string name, Origin origin = default)
    {
        lock (_creation)
        {
            if (_topics.TryGetValue(name, out var namesake))
            {
                if (!namesake.IsDeleted)
                {
                    return CreateResult.Exists;
                }

                Forget(namesake); // it is deleted, and the thread that deleted it is about to do the same
            }

            if (_count == limits.MaxTopics)
            {
                return CreateResult.LimitReached;
            }

            var bytes = Budget.PerTopic + (long)sizeof(char) * name.Length;
            if (!_budget.TryTake(bytes))
            {
                return CreateResult.BudgetReached;
            }

            _topics[name] = new Topic(name, origin, limits, _budget, bytes);
            _count++;
            return CreateResult.Created;
        }
    }

    /// <summary>The topic of that name, or null. It may be deleted at any time; its verbs say so.</summary>
    public Topic? Find(string name) => _topics.TryGetValue(name, out var topic) && !topic.IsDeleted ? topic : null;

    /// <summary>
    /// Deletes a topic: each subscriber gets the notice after the events already queued, and its subscription ends; with
    /// <paramref name="disconnect"/> it is closed as well (PS-DEL-001 to 003).
    /// </summary>
    /// <returns>False when there is no such topic.</returns>
    public bool TryDelete(string name, Frame notice, bool disconnect)
    {
        if (!_topics.TryGetValue(name, out var topic))
        {
            return false;
        }

        var wakes = new Wakes();
        var deleted = topic.TryDelete(notice, disconnect, wakes);
        return End(topic, deleted, wakes);
    }

    /// <summary>
    /// Forgets a topic that can no longer be kept whole: its subscribers are closed with <see cref="CloseReason.MissedEvents"/>.
    /// </summary>
    public void Abandon(Topic topic)
    {
        var wakes = new Wakes();
        var abandoned = topic.TryAbandon(wakes);
        End(topic, abandoned, wakes);
    }

    /// <summary>How many topics there are, and how many subscriptions to all of them; counted topic by topic, not at one moment.</summary>
    public (int Topics, int Subscriptions) Count()
    {
        var (topics, subscriptions) = (0, 0);
        foreach (var (_, topic) in _topics)
        {
            if (!topic.IsDeleted)
            {
                topics++;
                subscriptions += topic.Count().Subscribers;
            }
        }

        return (topics, subscriptions);
    }

    /// <summary>The topics that exist now, in ascending ordinal order of their names.</summary>
    public IReadOnlyList<Topic> List() =>
        [.. _topics.Values.Where(topic => !topic.IsDeleted).OrderBy(topic => topic.Name, StringComparer.Ordinal)];

    private bool End(Topic topic, bool ended, Wakes wakes)
    {
        if (ended)
        {
            Forget(topic);
        }

        wakes.Release();
        return ended;
    }

    /// <summary>Removes a deleted topic from the table; the second call for the same topic does nothing.</summary>
    private void Forget(Topic deleted)
    {
        lock (_creation)
        {
            if (_topics.TryRemove(KeyValuePair.Create(deleted.Name, deleted)))
            {
                _count--;
            }
        }
    }
}

/// <summary>The outcome of a create.</summary>
public enum CreateResult
{
    /// <summary>There is a new topic.</summary>
    Created,

    /// <summary>There was one already; it is unchanged.</summary>
    Exists,

    /// <summary>There are <see cref="BrokerLimits.MaxTopics"/> topics already.</summary>
    LimitReached,

    /// <summary>There is no room for it within <see cref="BrokerLimits.MaxRetainedBytes"/>.</summary>
    BudgetReached,
}
