using System.Diagnostics;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// One publisher that follows a schedule and does not wait for the server. If it is late, it catches up at once and records its
/// lateness. If the lateness is not small against the latencies, these measure the load generator and not the server.
/// </summary>
internal sealed class OpenLoop(Loop loop, BrokerConnection publisher, Schedule schedule)
{
    private const int MostUnsent = 64 * 1024 * 1024; // bytes

    /// <summary>Messages published so far; their ids are 1 to this.</summary>
    public long Published { get; private set; }

    /// <summary>For each message that counts, the time from when it was due to when it was handed to the kernel.</summary>
    public Latencies Lateness { get; } = new();

    /// <summary>Publishes what is due within this time. Calls <paramref name="besides"/> in each turn; it must not take long.</summary>
    public void Run(TimeSpan length, Action? besides = null)
    {
        var end = Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency);
        for (var now = Stopwatch.GetTimestamp(); now < end; now = Stopwatch.GetTimestamp())
        {
            Publish(now);
            besides?.Invoke();
            loop.TurnUntil(Math.Min(end, schedule.DueAt(Published + 1)));
        }

        Publish(end); // what came due in the last turn
    }

    /// <summary>Publishes one more message at once, before it is due.</summary>
    public void Sentinel()
    {
        publisher.Publish(++Published);
        publisher.Flush();
    }

    private void Publish(long until)
    {
        var (due, now) = (schedule.DueBy(until), Stopwatch.GetTimestamp());
        if (due <= Published)
        {
            return;
        }

        if (publisher.Unsent > MostUnsent)
        {
            throw new RunFailed($"the server does not read what the publisher sends: {publisher.Unsent} bytes wait");
        }

        while (Published < due)
        {
            publisher.Publish(++Published);
            if (schedule.Counts(Published))
            {
                Lateness.Add(now - schedule.DueAt(Published));
            }
        }

        publisher.Flush();
    }
}
