using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>One subscriber that never reads, among others that do: what the publisher and the others notice, and what becomes of it.</summary>
internal static class Slow
{
    public static readonly Verb Verb = new("slow", "does a subscriber that never reads hurt anyone else?", $"""
          --subscribers N       healthy subscribers (10)
          --payload BYTES       characters of the payload (16384)
          --outstanding N       publishes not yet received by the healthy and answered (10)
          --seconds S           before the stall, and after it (3)
          --limit S             until the slow one has to be cut (10)
          --out FILE            write the results as JSON
        {PubSubContender.Help}
        """, Run);

    private const int TinyBuffer = 4096; // bytes
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private static bool Run(Arguments arguments)
    {
        var subscribers = arguments.Number("--subscribers", 10, 1, 10_000);
        var payload = arguments.Number("--payload", 16_384, Digits.Width, 60_000);
        var outstanding = arguments.Number("--outstanding", 10, 1, PubSubConnection.MaxUnanswered);
        var length = arguments.Seconds("--seconds", 3);
        var limit = arguments.Seconds("--limit", 10);
        var output = arguments.Output("--out");
        using var pubsub = new PubSubContender(arguments, payload);
        var setting = Setting.Of($"{pubsub.Name}: {pubsub.Version}");
        setting.Print();

        var topic = $"slow-{Guid.NewGuid():N}";
        pubsub.CreateTopic(topic);
        using var loop = new Loop();
        var pace = new Pace(subscribers, outstanding);
        var healthy = new List<Connection>();
        for (var i = 1; i <= subscribers; i++)
        {
            var subscriber = pubsub.Open(loop);
            subscriber.Inbox = new OrderedInbox($"healthy subscriber {i}", pace);
            subscriber.Subscribe(topic, lastN: 0);
            subscriber.Flush();
            healthy.Add(subscriber);
        }

        loop.Until(() => healthy.TrueForAll(s => s.Unanswered == 0), AnswerTimeout, "for every subscribe to be answered");
        var publisher = pubsub.Open(loop);
        publisher.PublishTo(topic);
        var closed = new ClosedLoop(loop, publisher, pace, outstanding);
        closed.Run(length); // warm-up

        var before = Record(publisher, () => closed.Run(length));

        var first = closed.Published;
        var slow = pubsub.Open(loop, TinyBuffer);
        var received = new TailInbox();
        slow.Inbox = received;
        slow.MayEnd = true;
        slow.Subscribe(topic, lastN: 0);
        slow.Flush();
        loop.Until(() => slow.Unanswered == 0, AnswerTimeout, "for the slow subscriber's subscribe to be answered");
        loop.Remove(slow);
        var stalled = TimeSpan.Zero;
        var cut = false;
        var during = Record(publisher, () => stalled = closed.Run(limit, Cut(pubsub, topic, subscribers, () => cut = true)));

        var after = Record(publisher, () => closed.Run(length));
        closed.Finish();

        // Whatever the kernels still hold, and then how it ended.
        loop.Return(slow);
        if (cut)
        {
            loop.Until(() => slow.Ending is not null, AnswerTimeout, "for the slow subscriber's connection to end");
        }

        var report = new SlowReport(
            setting, subscribers, payload, closed.Published, before, during, after,
            cut, stalled, slow.Error, slow.Ending, received.Count, closed.Published - first);
        Console.WriteLine(report);
        pubsub.DeleteTopic(topic);
        Results.Write(output, report);
        return cut;
    }

    private static Percentiles? Record(Connection publisher, Action phase)
    {
        publisher.RoundTrips = new Latencies();
        phase();
        return publisher.RoundTrips.Summarize();
    }

    // True once the server counts only the healthy ones. It is asked beside the load, never waited for.
    private static Func<bool> Cut(PubSubContender pubsub, string topic, int healthy, Action then)
    {
        var askedAt = Stopwatch.GetTimestamp();
        var answer = pubsub.CountSubscribers(topic);
        return () =>
        {
            if (!answer.IsCompleted || Stopwatch.GetElapsedTime(askedAt) < PollInterval)
            {
                return false;
            }

            if (answer.GetAwaiter().GetResult() == healthy)
            {
                then();
                return true;
            }

            askedAt = Stopwatch.GetTimestamp();
            answer = pubsub.CountSubscribers(topic);
            return false;
        };
    }
}
