namespace PubSub.Stress;

/// <summary>
/// How far the slowest of many subscribers has come, at a constant cost per read. Holds as long as the publisher is never more
/// than <c>outstanding</c> messages ahead of the slowest.
/// </summary>
internal sealed class Pace
{
    // How many subscribers have received exactly n messages, by n modulo the length.
    private readonly int[] _subscribersAt;

    public Pace(int subscribers, int outstanding)
    {
        _subscribersAt = new int[outstanding + 1];
        _subscribersAt[0] = subscribers;
    }

    /// <summary>Messages that every subscriber has received.</summary>
    public long Slowest { get; private set; }

    /// <summary>Events received, over all subscribers.</summary>
    public long Received { get; private set; }

    public void Move(long from, long to)
    {
        Received += to - from;
        _subscribersAt[from % _subscribersAt.Length]--;
        _subscribersAt[to % _subscribersAt.Length]++;
        while (_subscribersAt[Slowest % _subscribersAt.Length] == 0)
        {
            Slowest++;
        }
    }
}
