using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// Expects every message of several publishers of one topic, those of each in order. Publisher p of n sends the ids p, p + n, p + 2n, …
/// </summary>
internal sealed class MergedInbox(string subscriber, int publishers) : Inbox
{
    private readonly long[] _received = new long[publishers];

    /// <summary>A hash of the order in which the messages of different publishers arrived.</summary>
    public int Order { get; private set; }

    /// <summary>Messages received of a publisher, counted from 0.</summary>
    public long Of(int publisher) => _received[publisher];

    public override void Take(long id)
    {
        var (publisher, earlier) = ((id - 1) % publishers, (id - 1) / publishers);
        var received = _received[publisher];
        if (earlier != received)
        {
            throw new RunFailed(
                $"{subscriber} received message {earlier + 1} of publisher {publisher + 1} after {received}: " +
                (earlier < received ? "duplicated or reordered" : "lost or reordered"));
        }

        _received[publisher]++;
        Count++;
        Order = HashCode.Combine(Order, id);
    }
}
