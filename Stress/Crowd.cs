namespace PubSub.Stress;

/// <summary>
/// Several publishers and a growing number of subscribers of one topic. No publisher is more than <see cref="Outstanding"/> ahead
/// of any subscriber, so that nobody who reads is ever a slow consumer.
/// </summary>
internal sealed class Crowd
{
    // Up to nine publishers, each this far ahead of a subscriber and this many under way when it joins, stay below a queue of 100.
    private const int MostOutstanding = 45;

    private readonly Loop _loop;
    private readonly PubSubContender _pubsub;
    private readonly string _topic;
    private readonly Connection[] _publishers;
    private readonly long[] _published;
    private readonly List<Joiner> _joiners = [];

    public Crowd(Loop loop, PubSubContender pubsub, string topic, int publishers)
    {
        (_loop, _pubsub, _topic) = (loop, pubsub, topic);
        _published = new long[publishers];
        _publishers = [.. Enumerable.Range(0, publishers).Select(_ => pubsub.Open(loop))];
        foreach (var publisher in _publishers)
        {
            publisher.PublishTo(topic);
        }
    }

    /// <summary>Every message is received by every subscriber, and every publish answered.</summary>
    public bool IsDrained =>
        Array.TrueForAll(_publishers, p => p.Unanswered == 0) && _joiners.TrueForAll(j => j.Heard.AsSpan().SequenceEqual(_published));

    /// <summary>Messages of all publishers.</summary>
    public long Published => _published.Sum();

    private int Outstanding => MostOutstanding / _publishers.Length;

    public Joiner Join(int lastN)
    {
        var answered = Published - _publishers.Sum(p => p.Unanswered);
        var connection = _pubsub.Open(_loop);
        var joiner = new Joiner(connection, [.. _published], answered, () => Published);
        connection.Inbox = joiner;
        connection.Subscribe(_topic, lastN);
        connection.Flush();
        _joiners.Add(joiner);
        return joiner;
    }

    /// <summary>Publishes what each publisher has room for.</summary>
    public void Publish()
    {
        for (var p = 0; p < _publishers.Length; p++)
        {
            var heard = _joiners.Min(j => j.Heard[p]);
            var room = Outstanding - Math.Max(_published[p] - heard, _publishers[p].Unanswered);
            for (; room > 0; room--)
            {
                _publishers[p].Publish(Joiner.Id(p, ++_published[p]));
            }

            _publishers[p].Flush();
        }
    }
}
