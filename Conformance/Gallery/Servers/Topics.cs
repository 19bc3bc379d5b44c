using System.Collections.Concurrent;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>The topics that exist. Of several concurrent creations or deletions of one name, one succeeds.</summary>
internal sealed class Topics(SmallServer server)
{
    private readonly Lock _creating = new();

    public ConcurrentDictionary<string, Topic> ByName { get; } = new(StringComparer.Ordinal);

    /// <summary>In ascending ordinal order of their names.</summary>
    public Seam<Func<IEnumerable<Topic>>> All =>
        field ??= new(() => ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal));

    /// <summary>The number of topics that count for the limit.</summary>
    public Seam<Func<int>> Count => field ??= new(() => ByName.Count);

    /// <summary>The size of all retained events in bytes.</summary>
    public Seam<Func<long>> RetainedBytes => field ??= new(() => ByName.Values.Sum(topic => topic.RetainedBytes));

    /// <summary>Whether the retained events may grow by so many bytes.</summary>
    public bool HasRoomFor(long bytes) =>
        server.Settings.RetainedBytes == long.MaxValue || RetainedBytes.Call() + bytes <= server.Settings.RetainedBytes;

    public Seam<Func<string, Topic?>> Find => field ??= new(name => ByName.GetValueOrDefault(Key.Call(name)));

    /// <summary>Two names mean the same topic exactly when their keys are equal.</summary>
    public Seam<Func<string, string>> Key => field ??= new(name => name);

    /// <summary>False when there is a topic of this name; an <see cref="HttpFault"/> when the limit is reached.</summary>
    public Seam<Func<string, bool>> TryCreate => field ??= new(name =>
    {
        lock (_creating)
        {
            if (Count.Call() >= server.Settings.MostTopics && !ByName.ContainsKey(Key.Call(name)))
            {
                throw new HttpFault(507, "LIMIT_EXCEEDED", $"at most {server.Settings.MostTopics} topics may exist");
            }

            return ByName.TryAdd(Key.Call(name), server.NewTopic.Call(name));
        }
    });

    /// <summary>False when there is no topic of this name.</summary>
    public Seam<Func<string, bool>> TryDelete => field ??= new(name =>
    {
        if (!ByName.TryRemove(Key.Call(name), out var topic))
        {
            return false;
        }

        topic.Delete.Call(server.Messages.Deleted.Call(name));
        return true;
    });

    /// <summary>Removes all topics without telling their subscribers.</summary>
    public void Clear() => ByName.Clear();
}
