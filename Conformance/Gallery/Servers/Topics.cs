using System.Collections.Concurrent;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>The topics that exist. Of several who create or delete one name at once, one succeeds.</summary>
internal class Topics(SmallServer server)
{
    private readonly Lock _creating = new();

    /// <summary>In ascending ordinal order of their names.</summary>
    public virtual IEnumerable<Topic> All => ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal);

    /// <summary>Those that count for the limit.</summary>
    protected virtual int Count => ByName.Count;

    protected SmallServer Server => server;
    protected ConcurrentDictionary<string, Topic> ByName { get; } = new(StringComparer.Ordinal);

    public virtual Topic? Find(string name) => ByName.GetValueOrDefault(Key(name));

    /// <summary>Forgets them all, and tells nobody.</summary>
    public void Clear() => ByName.Clear();

    /// <exception cref="HttpFault">There are as many as may be.</exception>
    public virtual bool TryCreate(string name)
    {
        lock (_creating)
        {
            if (Count >= server.Settings.MostTopics && !ByName.ContainsKey(Key(name)))
            {
                throw new HttpFault(507, "LIMIT_EXCEEDED", $"at most {server.Settings.MostTopics} topics may exist");
            }

            return ByName.TryAdd(Key(name), server.Parts.Topic(new TopicSeed(name, server)));
        }
    }

    public virtual bool TryDelete(string name)
    {
        if (!ByName.TryRemove(Key(name), out var topic))
        {
            return false;
        }

        topic.Delete(server.Messages.Deleted(name));
        return true;
    }

    /// <summary>Two names are one topic's exactly when their keys are equal.</summary>
    protected virtual string Key(string name) => name;
}
