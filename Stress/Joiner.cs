namespace PubSub.Stress;

/// <summary>A subscriber that joined a topic of several publishers at some moment, and all it received since, in order.</summary>
/// <param name="connection">The connection that subscribes.</param>
/// <param name="heard">Per publisher, the messages published before the subscribe was sent: they may come, nobody waits for them.</param>
/// <param name="answered">Messages whose publish had been answered when the subscribe was sent.</param>
/// <param name="published">Messages published by now.</param>
internal sealed class Joiner(Connection connection, long[] heard, long answered, Func<long> published) : Inbox
{
    private const long PerPublisher = 10_000_000_000; // message numbers; what is above is the publisher

    private readonly long[] _last = new long[heard.Length];
    private long _publishedAtFirst;

    /// <summary>Per publisher, the number of the last message that need not be waited for any more.</summary>
    public long[] Heard { get; } = heard;

    public List<long> Received { get; } = [];

    public bool IsAnswered => connection.Unanswered == 0;

    public bool HeardEveryPublisher => Array.TrueForAll(_last, number => number > 0);

    public static long Id(int publisher, long number) => ((publisher + 1) * PerPublisher) + number;

    public override void Take(long id)
    {
        if (Received.Count == 0)
        {
            _publishedAtFirst = published();
        }

        var (above, number) = Math.DivRem(id, PerPublisher);
        var publisher = (int)above - 1;
        if (publisher < 0 || publisher >= Heard.Length)
        {
            throw new RunFailed($"message {id} was never published");
        }

        if (_last[publisher] != 0 && number != _last[publisher] + 1)
        {
            throw new RunFailed($"message {number} of publisher {above} came after its message {_last[publisher]}");
        }

        _last[publisher] = number;
        Heard[publisher] = Math.Max(Heard[publisher], number);
        Received.Add(id);
        Count++;
    }

    /// <summary>The length of this subscriber's window, which must be the end of the witness's sequence and hold the whole replay.</summary>
    public int Compare(Joiner witness, int lastN, string name)
    {
        var order = witness.Received;
        var first = order.Count - Received.Count;
        for (var i = 0; i < Received.Count; i++)
        {
            if (first < 0 || Received[i] != order[first + i])
            {
                throw new RunFailed(Differ(order, name));
            }
        }

        if (first < Math.Max(0, answered - lastN))
        {
            throw new RunFailed(
                $"{name} was replayed more than the last {lastN}: from event {first + 1}, with {answered} accepted before it asked");
        }

        if (first > Math.Max(0, _publishedAtFirst - lastN))
        {
            throw new RunFailed(
                $"{name} was replayed less than the last {lastN}: from event {first + 1}, with {_publishedAtFirst} published by then");
        }

        return Received.Count;
    }

    private string Differ(List<long> order, string name)
    {
        // Where the window would lie by its first event tells what went wrong; its length only tells that something did.
        var start = order.IndexOf(Received[0]);
        if (start < 0)
        {
            return $"{name} began with message {Received[0]}, which the witness never received";
        }

        var at = 0;
        for (; at < Received.Count && start + at < order.Count && Received[at] == order[start + at]; at++)
        {
        }

        var expected = start + at < order.Count ? order[start + at].ToString() : "nothing more";
        return at == Received.Count
            ? $"{name} stopped after {Received[^1]}; the witness went on with {expected}"
            : $"{name} received {Received[at]} as its event {at + 1}, the witness {expected}: a gap, a duplicate or another order";
    }
}
