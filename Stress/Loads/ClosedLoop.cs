using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>
/// One publisher that is never more than <c>outstanding</c> messages ahead: of the slowest subscriber, and, where publishes are
/// answered, of the last answer.
/// </summary>
/// <param name="loop">The publisher's loop.</param>
/// <param name="publisher">The connection that publishes.</param>
/// <param name="paces">Those of the subscribers, one for each loop that has any.</param>
/// <param name="outstanding">The most messages that may be under way.</param>
internal sealed class ClosedLoop(Loop loop, Connection publisher, Pace[] paces, int outstanding)
{
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(10);

    /// <summary>Messages published so far; their ids are 1 to this.</summary>
    public long Published { get; private set; }

    /// <summary>Events received, over all subscribers.</summary>
    public long Received => paces.Sum(pace => pace.Received);

    private long Slowest
    {
        get
        {
            var slowest = long.MaxValue;
            foreach (var pace in paces)
            {
                slowest = Math.Min(slowest, pace.Slowest);
            }

            return Math.Min(slowest, Published);
        }
    }

    /// <summary>Publishes for this long, or until <paramref name="enough"/>.</summary>
    public TimeSpan Run(TimeSpan length, Func<bool>? enough = null)
    {
        var start = Stopwatch.GetTimestamp();
        var (progress, progressAt) = (Progress, start);
        while (true)
        {
            Fill();
            loop.Turn(100);
            var now = Stopwatch.GetTimestamp();
            if (Progress != progress)
            {
                (progress, progressAt) = (Progress, now);
            }
            else if (Stopwatch.GetElapsedTime(progressAt, now) > Stalled)
            {
                throw new RunFailed(
                    $"no progress for {Stalled.TotalSeconds:0} s: {Published} published, " +
                    $"{publisher.Unanswered} unanswered, {Slowest} received by all");
            }

            var elapsed = Stopwatch.GetElapsedTime(start, now);
            if (elapsed >= length || (enough is not null && enough()))
            {
                return elapsed;
            }
        }
    }

    /// <summary>Waits until all is received and answered, then proves with one more message that nothing came twice.</summary>
    public void Finish()
    {
        Drain();
        publisher.Publish(++Published);
        publisher.Flush();
        Drain();
    }

    private (long Received, int Unanswered) Progress => (Slowest, publisher.Unanswered);

    private void Fill()
    {
        var room = outstanding - Math.Max(Published - Slowest, publisher.Unanswered);
        if (room > 0)
        {
            for (; room > 0; room--)
            {
                publisher.Publish(++Published);
            }

            publisher.Flush();
        }
    }

    private void Drain() => loop.Until(
        () => Slowest == Published && publisher.Unanswered == 0,
        Stalled,
        "for the last messages to be received by all and answered");
}
