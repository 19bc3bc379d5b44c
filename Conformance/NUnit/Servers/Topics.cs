using System.Collections.Concurrent;

namespace PubSub.Conformance.Tests.Servers;

/// <summary>The topics that exist. Of several who create or delete one name at once, one succeeds.</summary>
internal sealed class Topics
{
    private readonly ConcurrentDictionary<string, Topic> _byName = new(StringComparer.Ordinal);

    /// <summary>In ascending ordinal order of their names.</summary>
    public IEnumerable<Topic> All => _byName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal);

    public Topic? Find(string name) => _byName.GetValueOrDefault(name);

    public bool TryCreate(string name) => _byName.TryAdd(name, new Topic(name));

    public bool TryDelete(string name, byte[] notice)
    {
        if (!_byName.TryRemove(name, out var topic))
        {
            return false;
        }

        topic.Delete(notice);
        return true;
    }
}
