using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// Subscribers that never read, or read a little at a time. At the end they read the rest, which must have no gap. The caller may
/// replace those that the server has cut, so that their number stays the same.
/// </summary>
internal sealed class SlowReaders
{
    private const int TinyBuffer = 4096; // bytes; the kernel doubles it
    private const int SipBytes = 64 * 1024; // room for more than one frame; the tiny buffer limits a read
    private static readonly TimeSpan SipInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly Func<PubSubConnection> _begin;
    private readonly string _topic;
    private readonly int _count;
    private readonly bool _never;
    private readonly Loop _loop;
    private readonly List<PubSubConnection> _all = [];
    private readonly byte[] _sip = new byte[2 * SipBytes];
    private long _sippedAt = Stopwatch.GetTimestamp();
    private int _coming;
    private int _missing;
    private long _arrivedAt;

    /// <summary>Subscribes them, and stops reading.</summary>
    public SlowReaders(Loop loop, PubSubContender server, string topic, int count, int payloadBytes, bool never)
    {
        (_loop, _topic, _count, _never) = (loop, topic, count, never);
        _begin = () => server.Begin(loop, payloadBytes, TinyBuffer);
        for (var n = 0; n < count; n++)
        {
            Admit();
        }

        loop.Until(() => _coming == 0, AnswerTimeout, "for the slow subscribers' subscribes to be answered");
    }

    /// <summary>All that were started, including those that were cut.</summary>
    public int Admitted => _all.Count;

    /// <summary>A replacement has not yet subscribed.</summary>
    public bool IsComing => _coming > 0;

    /// <summary>Those that were told that they are too slow. Valid after <see cref="Finish"/>.</summary>
    public int Told => _all.Count(IsTold);

    /// <summary>Those that were reset, because they did not read the reason. Valid after <see cref="Finish"/>.</summary>
    public int Reset => _all.Count(IsReset);

    public long Received => _all.Sum(connection => connection.Inbox!.Count);

    /// <summary>
    /// Notes how many are missing; <see cref="Sip"/> starts one of them per call, so as not to delay the load. Ignores a count that was
    /// requested before the latest replacement had subscribed.
    /// </summary>
    public void Replace(int left, long askedAt)
    {
        if (_coming == 0 && askedAt > _arrivedAt)
        {
            _missing = Math.Max(0, _count - left);
        }
    }

    /// <summary>Starts one missing subscriber. Reads a little from each every 50 ms, unless they never read.</summary>
    public void Sip()
    {
        if (_missing > 0)
        {
            _missing--;
            Admit();
        }

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
    /// Reads the rest and closes. Each subscriber must have been cut for being slow, or must have everything up to the last message.
    /// Subscribers that never read must have been cut.
    /// </summary>
    public void Finish(Loops loops, long last, TimeSpan limit)
    {
        _all.Where(connection => connection.Ending is null).ToList().ForEach(_loop.Return);
        loops.Until(
            () => _all.TrueForAll(c => c.Ending is not null || (!_never && ((TailInbox)c.Inbox!).Last == last)),
            limit,
            "for the slow subscribers to end, or to have everything");
        if (_all.Find(c => c.Ending is not null && !IsTold(c) && !IsReset(c)) is { } other)
        {
            throw new RunFailed($"a slow subscriber was ended, but not for being slow: {other.Error ?? "no error"}, {other.Ending}");
        }

        _all.ForEach(connection => connection.Dispose());
    }

    private static bool IsTold(PubSubConnection connection) => connection.Ending is { } ending
        && (connection.Error is "SLOW_CONSUMER"
            || (connection.Error is null
                && (ending.StartsWith("close 1008", StringComparison.Ordinal)
                    || ending.StartsWith("close 1013", StringComparison.Ordinal))));

    private static bool IsReset(PubSubConnection connection) =>
        connection.Error is null && connection.Ending == nameof(System.Net.Sockets.SocketError.ConnectionReset);

    private void Admit()
    {
        var connection = _begin();
        connection.Inbox = new TailInbox();
        connection.MayEnd = true;
        connection.Subscribe(_topic, lastN: 0);
        connection.Ended = () =>
        {
            if (connection.Unanswered > 0)
            {
                throw new RunFailed($"a slow subscriber was ended before its subscribe was answered: {connection.Ending}");
            }
        };
        connection.OnAnswer = error =>
        {
            if (error is not null)
            {
                throw new RunFailed($"a subscribe was refused with {error}");
            }

            _coming--;
            _arrivedAt = Stopwatch.GetTimestamp();
            _loop.Remove(connection);
        };
        _coming++;
        _all.Add(connection);
    }
}
