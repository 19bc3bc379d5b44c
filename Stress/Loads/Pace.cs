using PubSub.Stress.Net;

namespace PubSub.Stress.Loads;

/// <summary>
/// The progress of the slowest of many subscribers, at a constant cost per read. Valid while the publisher is never more than
/// <c>outstanding</c> messages ahead of the slowest. One loop's thread moves it; other threads may read it.
/// </summary>
internal sealed class Pace
{
    // How many subscribers have received exactly n messages, by n modulo the length.
    private readonly int[] _subscribersAt;
    private readonly Loop? _home;
    private long _slowest;
    private long _received;

    /// <param name="subscribers">The number of subscribers of one loop.</param>
    /// <param name="outstanding">The most messages that the publisher is ahead.</param>
    /// <param name="home">The publisher's loop, which is woken when the slowest moves on; null if it is the same loop.</param>
    public Pace(int subscribers, int outstanding, Loop? home = null)
    {
        _subscribersAt = new int[outstanding + 1];
        _subscribersAt[0] = subscribers;
        _home = home;
    }

    /// <summary>Messages that every subscriber has received.</summary>
    public long Slowest => Volatile.Read(ref _slowest);

    /// <summary>Events received, over all subscribers.</summary>
    public long Received => Volatile.Read(ref _received);

    public void Move(long from, long to)
    {
        Volatile.Write(ref _received, _received + to - from);
        _subscribersAt[from % _subscribersAt.Length]--;
        _subscribersAt[to % _subscribersAt.Length]++;
        var slowest = _slowest;
        while (_subscribersAt[slowest % _subscribersAt.Length] == 0)
        {
            slowest++;
        }

        if (slowest != _slowest)
        {
            Volatile.Write(ref _slowest, slowest);
            _home?.Wake();
        }
    }
}
