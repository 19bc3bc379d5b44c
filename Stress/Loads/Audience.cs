namespace PubSub.Stress;

/// <summary>
/// Subscribers of one topic, dealt out over the loops. Each must receive every message, once, in order. As there is one publisher,
/// and all have subscribed before it begins, a history checker would find out no more, and it needs a log of every delivery.
/// </summary>
internal sealed class Audience
{
    private readonly Dictionary<Loop, Pace> _paces = [];
    private readonly Dictionary<Loop, Latencies> _latencies = [];
    private readonly List<OrderedInbox> _inboxes = [];

    /// <param name="loops">Who drives them.</param>
    /// <param name="contender">Where they subscribe.</param>
    /// <param name="topic">What they subscribe to.</param>
    /// <param name="size">How many there are.</param>
    /// <param name="payloadBytes">What they expect.</param>
    /// <param name="outstanding">The most messages that the publisher is ahead of the slowest; null when it waits for nobody.</param>
    /// <param name="schedule">When each message was due; with it, the time from then to its arrival is collected.</param>
    public Audience(Loops loops, IContender contender, string topic, int size, int payloadBytes, int? outstanding, Schedule? schedule = null)
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

    /// <summary>None when the publisher waits for nobody.</summary>
    public Pace[] Paces { get; }

    /// <summary>Events that have arrived; while the loops run, a moment ago.</summary>
    public long Received => _inboxes.Sum(inbox => inbox.Count);

    /// <summary>Every subscriber has this message, and so all before it; to be asked when the loops are stopped.</summary>
    public bool HasAll(long id) => _inboxes.TrueForAll(inbox => inbox.Count >= id);

    /// <summary>Collects from now on; to be called when the loops are stopped, or there is only one.</summary>
    public void Forget()
    {
        foreach (var one in _latencies.Values)
        {
            one.Reset();
        }
    }

    /// <summary>What was collected; to be asked when the loops are stopped.</summary>
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
