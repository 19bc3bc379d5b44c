using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>Collects how long after it was due each message arrived. One reading of the clock serves all that a read has brought.</summary>
internal sealed class TimedInbox(Inbox inner, Schedule schedule, Latencies latencies) : Inbox
{
    private long _now;

    public override void Take(long id)
    {
        inner.Take(id);
        Count++;
        if (schedule.Counts(id))
        {
            if (_now == 0)
            {
                _now = Stopwatch.GetTimestamp();
            }

            latencies.Add(_now - schedule.DueAt(id));
        }
    }

    public override void Settle()
    {
        _now = 0;
        inner.Settle();
    }
}
