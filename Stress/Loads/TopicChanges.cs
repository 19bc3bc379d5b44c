using PubSub.Conformance.Histories;
using PubSub.Stress.Contenders;

namespace PubSub.Stress.Loads;

/// <summary>Deletes and creates topics over REST, beside the load, with one request at a time per topic.</summary>
internal sealed class TopicChanges(PubSubContender server, HistoryRecorder history, string[] topics)
{
    private readonly Dictionary<string, Task> _underWay = [];
    private readonly HashSet<string> _gone = [];

    /// <summary>Requests sent.</summary>
    public long Count { get; private set; }

    public bool IsIdle
    {
        get
        {
            Collect();
            return _underWay.Count == 0;
        }
    }

    /// <summary>Sends requests until there are as many as are due.</summary>
    public void Keep(double due, Random random)
    {
        Collect();
        while (Count < due)
        {
            var topic = topics[random.Next(topics.Length)];
            if (_underWay.ContainsKey(topic))
            {
                return;
            }

            Count++;
            var create = _gone.Contains(topic);
            _ = create ? _gone.Remove(topic) : _gone.Add(topic);
            _underWay[topic] = Change(topic, create);
        }
    }

    /// <summary>Creates the topics that are deleted now.</summary>
    public void Restore()
    {
        foreach (var topic in _gone)
        {
            server.CreateTopic(topic);
        }

        _gone.Clear();
    }

    private async Task Change(string topic, bool create)
    {
        var asked = create ? history.Create(topic) : history.Delete(topic);
        if (!await server.ChangeTopic(topic, create).ConfigureAwait(false))
        {
            throw new RunFailed(
                $"{topic} could not be {(create ? "created, although it was deleted" : "deleted, although it was created")}");
        }

        asked.Acked();
    }

    private void Collect()
    {
        foreach (var (topic, change) in _underWay.Where(change => change.Value.IsCompleted).ToArray())
        {
            change.GetAwaiter().GetResult(); // throws if the request failed
            _underWay.Remove(topic);
        }
    }
}
