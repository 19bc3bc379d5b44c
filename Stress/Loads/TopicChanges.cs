using PubSub.Conformance.Histories;

namespace PubSub.Stress;

/// <summary>Deletes topics and creates them again, over REST, beside the load; each of them one request at a time.</summary>
internal sealed class TopicChanges(PubSubContender server, HistoryRecorder history, string[] topics)
{
    private readonly Dictionary<string, Task> _underWay = [];
    private readonly HashSet<string> _gone = [];

    /// <summary>Requests that were made.</summary>
    public long Count { get; private set; }

    public bool IsIdle
    {
        get
        {
            Collect();
            return _underWay.Count == 0;
        }
    }

    /// <summary>Makes as many requests as there should have been by now.</summary>
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

    /// <summary>Creates those that are gone.</summary>
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
            throw new RunFailed($"{topic} could not be {(create ? "created, although it was deleted" : "deleted, although it was created")}");
        }

        asked.Acked();
    }

    private void Collect()
    {
        foreach (var (topic, change) in _underWay.Where(change => change.Value.IsCompleted).ToArray())
        {
            change.GetAwaiter().GetResult(); // throws what went wrong
            _underWay.Remove(topic);
        }
    }
}
