using PubSub.Stress.Contenders;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;

namespace PubSub.Stress.Loads;

/// <summary>
/// Subscribers of one topic, spread over the loops. Each must receive every message, once, in order. There is one publisher, and all
/// have subscribed before it begins, so a history checker would find no more, and it would need a log of every delivery.
/// </summary>
internal sealed class Audience
{
    private readonly Dictionary<Loop, Pace> _paces = [];
    private readonly Dictionary<Loop, Latencies> _latencies = [];
    private readonly List<OrderedInbox> _inboxes = [];

    /// <param name="loops">The loops that drive the connections.</param>
    /// <param name="contender">The server to connect to.</param>
    /// <param name="topic">The topic to subscribe to.</param>
    /// <param name="size">The number of subscribers.</param>
    /// <param name="payloadBytes">The length of the payloads.</param>
    /// <param name="outstanding">The most messages that the publisher is ahead of the slowest subscriber; null in an open loop.</param>
    /// <param name="schedule">When each message was due; if given, latencies from then to the arrival are collected.</param>
    public Audience(
        Loops loops, IContender contender, string topic, int size, int payloadBytes, int? outstanding, Schedule? schedule = null)
    {
        var sizes = Enumerable.Range(0, size).GroupBy(number => loops[number]).ToDictionary(group => group.Key, group => group.Count());
        foreach (var (loop, count) in sizes)
        {
            if (outstanding is { } most)
            {
                _paces[loop] = new Pace(count, most, loop == loops.Home ? null : loops.Home);
            }

            _latencies[loop] = new Latencies();
        }

        Gathering.Subscribe(loops, contender, topic, size, payloadBytes, number =>
        {
            var loop = loops[number];
            var inbox = new OrderedInbox($"subscriber {number + 1}", _paces.GetValueOrDefault(loop));
            _inboxes.Add(inbox);
            return schedule is null ? inbox : new TimedInbox(inbox, schedule, _latencies[loop]);
        });
        Paces = [.. _paces.Values];
    }

    /// <summary>One for each loop with subscribers; empty in an open loop.</summary>
    public Pace[] Paces { get; }

    /// <summary>Events that have arrived; slightly stale while the loops run.</summary>
    public long Received => _inboxes.Sum(inbox => inbox.Count);

    /// <summary>Every subscriber has received this message and all before it. Call it only while the loops are stopped.</summary>
    public bool HasAll(long id) => _inboxes.TrueForAll(inbox => inbox.Count >= id);

    /// <summary>Discards the latencies so far. Call it only while the loops are stopped, or if there is one loop.</summary>
    public void Forget()
    {
        foreach (var one in _latencies.Values)
        {
            one.Reset();
        }
    }

    /// <summary>The collected latencies of all subscribers. Read it only while the loops are stopped.</summary>
    public Latencies Latencies
    {
        get
        {
            var all = new Latencies();
            foreach (var one in _latencies.Values)
            {
                all.Add(one);
            }

            return all;
        }
    }
}
