using System.Collections.Concurrent;

namespace PubSub.Conformance.Gallery.Servers;


/// <summary>The topics that exist. Of several who create or delete one name at once, one succeeds.</summary>
internal class Topics(SmallServer server)
{
    /// <summary>In ascending ordinal order of their names.</summary>
    public virtual IEnumerable<Topic> All => ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal);

    protected SmallServer Server => server;
    protected ConcurrentDictionary<string, Topic> ByName { get; } = new(StringComparer.Ordinal);

    public virtual Topic? Find(string name) => ByName.GetValueOrDefault(name);

    public virtual bool TryCreate(string name) => ByName.TryAdd(name, server.Parts.Topic(new TopicSeed(name, server)));

    public virtual bool TryDelete(string name)
    {
        if (!ByName.TryRemove(name, out var topic))
        {
            return false;
        }

        topic.Delete(server.Messages.Deleted(name));
        return true;
    }
}
