using System.Diagnostics;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Loads;

/// <summary>
/// One publisher that is never more than <c>outstanding</c> messages ahead of the slowest subscriber and, if the server answers
/// publishes, of the last answer.
/// </summary>
/// <param name="loop">The publisher's loop.</param>
/// <param name="publisher">The connection that publishes.</param>
/// <param name="paces">The progress of the subscribers, one for each loop that has any.</param>
/// <param name="outstanding">The most messages that may be under way.</param>
internal sealed class ClosedLoop(Loop loop, BrokerConnection publisher, Pace[] paces, int outstanding)
{
    private const int TurnMilliseconds = 100; // at most, if nothing arrives
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(10);

    /// <summary>Messages published so far; their ids are 1 to this.</summary>
    public long Published { get; private set; }

    /// <summary>Events received, over all subscribers.</summary>
    public long Received
    {
        get
        {
            var received = 0L;
            foreach (var pace in paces)
            {
                received += pace.Received;
            }

            return received;
        }
    }

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
        TurnUntil(() => Stopwatch.GetElapsedTime(start) >= length || (enough is not null && enough()), Fill);
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Waits until all is received and answered, then publishes one more message, which proves that nothing came twice.</summary>
    public void Finish()
    {
        Drain();
        publisher.Publish(++Published);
        publisher.Flush();
        Drain();
    }

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

    private void Drain() => TurnUntil(() => Slowest == Published && publisher.Unanswered == 0, () => { });

    // A slow server has time as long as something still arrives.
    private void TurnUntil(Func<bool> done, Action before)
    {
        var (progress, progressAt) = ((Received, publisher.Unanswered), Stopwatch.GetTimestamp());
        while (true)
        {
            before();
            loop.Turn(TurnMilliseconds);
            if (done())
            {
                return;
            }

            if ((Received, publisher.Unanswered) is var now && now != progress)
            {
                (progress, progressAt) = (now, Stopwatch.GetTimestamp());
            }
            else if (Stopwatch.GetElapsedTime(progressAt) > Stalled)
            {
                throw new RunFailed(
                    $"nothing arrived for {Stalled.TotalSeconds:0} s: {Published} published, {publisher.Unanswered} unanswered, " +
                    $"{Slowest} received by all");
            }
        }
    }
}
