using PubSub.Stress.Contenders;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// Publishers of one topic. Each is at most <c>outstanding</c> messages ahead of its last answer and of the slowest subscriber.
/// Subscribers must receive all messages in one order, in which those of each publisher keep theirs. One loop drives all connections.
/// </summary>
internal sealed class SharedTopic
{
    private readonly int _outstanding;
    private readonly MergedInbox[] _inboxes;
    private readonly BrokerConnection[] _publishers;
    private readonly long[] _published;
    private bool _sends;

    public SharedTopic(
        Loops loops, IContender contender, string topic, int publishers, int subscribers, int payloadBytes, int outstanding)
    {
        _outstanding = outstanding;
        _published = new long[publishers];
        _inboxes = [.. Enumerable.Range(1, subscribers).Select(number => new MergedInbox($"subscriber {number}", publishers))];
        var readers = Gathering.Subscribe(loops, contender, topic, subscribers, payloadBytes, number => _inboxes[number]);
        _publishers = [.. Enumerable.Range(0, publishers).Select(_ => contender.Open(loops.Home, payloadBytes))];
        foreach (var publisher in _publishers)
        {
            publisher.PublishTo(topic);
            publisher.RoundTrips = RoundTrips;
        }

        foreach (var connection in _publishers.Concat(readers))
        {
            connection.Settled = Fill;
        }
    }

    /// <summary>The time from each publish to its ack.</summary>
    public Latencies RoundTrips { get; } = new();

    public long Published => _published.Sum();

    /// <summary>Publishes that were answered.</summary>
    public long Acked => Published - _publishers.Sum(publisher => publisher.Unanswered);

    public bool IsDrained => Acked == Published && Array.TrueForAll(_inboxes, inbox => inbox.Count == Published);

    public void Start()
    {
        _sends = true;
        Fill();
    }

    /// <summary>Publishes one last message of each publisher, which proves that nothing came twice.</summary>
    public void Stop()
    {
        _sends = false;
        for (var publisher = 0; publisher < _publishers.Length; publisher++)
        {
            Publish(publisher);
            _publishers[publisher].Flush();
        }
    }

    /// <summary>Fails the run if two subscribers received the messages in different orders. Call it when all is drained.</summary>
    public void CheckOrder()
    {
        if (Array.Exists(_inboxes, inbox => inbox.Order != _inboxes[0].Order))
        {
            throw new RunFailed("two subscribers received the messages of several publishers in different orders");
        }
    }

    private void Fill()
    {
        for (var publisher = 0; _sends && publisher < _publishers.Length; publisher++)
        {
            var room = _outstanding - Math.Max(_published[publisher] - Slowest(publisher), _publishers[publisher].Unanswered);
            if (room > 0)
            {
                for (; room > 0; room--)
                {
                    Publish(publisher);
                }

                _publishers[publisher].Flush();
            }
        }
    }

    private void Publish(int publisher) =>
        _publishers[publisher].Publish((_published[publisher]++ * _publishers.Length) + publisher + 1);

    private long Slowest(int publisher)
    {
        var slowest = _published[publisher];
        foreach (var inbox in _inboxes)
        {
            slowest = Math.Min(slowest, inbox.Of(publisher));
        }

        return slowest;
    }
}
