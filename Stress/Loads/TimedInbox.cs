using System.Diagnostics;
using PubSub.Stress.Measure;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>Collects the time from when each message was due to its arrival. The clock is read once per read of the socket.</summary>
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
