using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>Subscribers that never read, or a sip at a time, until they finish: then they take what there is, and it must have no gap.</summary>
internal sealed class SlowReaders
{
    private const int TinyBuffer = 4096; // bytes; the kernel doubles it
    private const int SipBytes = 64 * 1024; // room for one frame and more; the tiny buffer is what bounds a sip
    private static readonly TimeSpan SipInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly Loop _loop;
    private readonly bool _never;
    private readonly List<PubSubConnection> _all = [];
    private readonly byte[] _sip = new byte[2 * SipBytes];
    private long _sippedAt = Stopwatch.GetTimestamp();

    /// <summary>Subscribes them, and stops reading.</summary>
    public SlowReaders(Loop loop, PubSubContender server, string topic, int count, int payloadBytes, bool never)
    {
        (_loop, _never) = (loop, never);
        for (var n = 0; n < count; n++)
        {
            var connection = server.Begin(loop, payloadBytes, TinyBuffer);
            connection.Inbox = new TailInbox();
            connection.MayEnd = true;
            connection.Subscribe(topic, lastN: 0);
            _all.Add(connection);
        }

        loop.Until(() => _all.TrueForAll(c => c.IsOpen && c.Unanswered == 0), AnswerTimeout, "for the slow subscribers' subscribes to be answered");
        _all.ForEach(loop.Remove);
    }

    /// <summary>Those that the server ended; known when they have finished.</summary>
    public int Cut => _all.Count(connection => connection.Ending is not null);

    public long Received => _all.Sum(connection => connection.Inbox!.Count);

    /// <summary>Reads a little of each, now and then, unless they never read.</summary>
    public void Sip()
    {
        if (_never || Stopwatch.GetElapsedTime(_sippedAt) < SipInterval)
        {
            return;
        }

        _sippedAt = Stopwatch.GetTimestamp();
        foreach (var connection in _all.Where(connection => connection.Ending is null))
        {
            connection.Read(_sip);
        }
    }

    /// <summary>
    /// Takes what there is. Who was cut finds out; who was not has everything, up to the last message. Whoever never read must have been cut.
    /// </summary>
    public void Finish(Loops loops, long last, TimeSpan limit)
    {
        _all.Where(connection => connection.Ending is null).ToList().ForEach(_loop.Return);
        loops.Until(
            () => _all.TrueForAll(c => c.Ending is not null || (!_never && ((TailInbox)c.Inbox!).Last == last)),
            limit,
            "for the slow subscribers to end, or to have everything");
    }
}
