using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>Many connections that do nothing: what each keeps in the server's memory, and whether a message still reaches them all.</summary>
internal static class Idle
{
    public static readonly Verb Verb = new("idle", "what does an idle connection cost in memory and time?", $"""
          --connections N       connections with one subscription each (10000)
          --topics N            topics they are spread over (1)
          --seconds S           idle window for processor time (5)
          --out FILE            write the results as JSON
        {PubSubContender.Help}
        """, Run);

    private const int WarmConnections = 200;
    private const int SettledSamples = 4;
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SettleTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private static bool Run(Arguments arguments)
    {
        var connections = arguments.Number("--connections", 10_000, 1, 19_000);
        var topics = arguments.Number("--topics", 1, 1, 10_000);
        var window = arguments.Seconds("--seconds", 5);
        var output = arguments.Output("--out");
        using var pubsub = new PubSubContender(arguments, payloadBytes: 100);
        var cost = pubsub.Cost ?? throw new UsageError("--url needs --pid here: memory is read from the server's process");
        var setting = Setting.Of($"{pubsub.Name}: {pubsub.Version}");
        setting.Print();

        // Code is compiled and pools are filled by the first connections; that is not the price of the later ones.
        Reach(pubsub, WarmConnections, topics: 1, _ => { });

        var (before, after, cores) = (0L, 0L, 0.0);
        using (var quiet = new Loop())
        {
            before = Settle(quiet, cost);
        }

        Reach(pubsub, connections, topics, loop =>
        {
            after = Settle(loop, cost);
            var cpu = cost.Cpu;
            var start = Stopwatch.GetTimestamp();
            loop.For(window);
            cores = (cost.Cpu - cpu) / Stopwatch.GetElapsedTime(start);
        });

        var report = new IdleReport(setting, connections, topics, before, after, (double)(after - before) / connections, cores);
        Console.WriteLine(report);
        Results.Write(output, report);
        return true;
    }

    // Opens and subscribes all, lets the rest happen, then proves that a message reaches each exactly once.
    private static void Reach(PubSubContender pubsub, int connections, int topics, Action<Loop> rest)
    {
        var names = Enumerable.Range(0, topics).Select(_ => $"idle-{Guid.NewGuid():N}").ToArray();
        foreach (var name in names)
        {
            pubsub.CreateTopic(name);
        }

        using (var loop = new Loop())
        {
            var all = new List<Connection>();
            for (var i = 0; i < connections; i++)
            {
                var connection = pubsub.Open(loop);
                connection.Inbox = new OrderedInbox($"connection {i + 1}");
                connection.Subscribe(names[i % topics], lastN: 0);
                connection.Flush();
                all.Add(connection);
                loop.Turn(0);
            }

            loop.Until(() => all.TrueForAll(c => c.Unanswered == 0), AnswerTimeout, "for every subscribe to be answered");
            rest(loop);

            // The second message stands behind whatever the first one may have caused twice.
            var publisher = pubsub.Open(loop);
            for (var id = 1; id <= 2; id++)
            {
                foreach (var name in names)
                {
                    publisher.PublishTo(name);
                    publisher.Publish(id);
                    publisher.Flush();
                    loop.Until(() => publisher.Unanswered == 0, AnswerTimeout, "for a publish to be answered");
                }

                loop.Until(() => all.TrueForAll(c => c.Inbox!.Count == id), AnswerTimeout, $"for message {id} to reach every connection");
            }
        }

        foreach (var name in names)
        {
            pubsub.DeleteTopic(name);
        }
    }

    // Resident bytes once they stay within 1 % for some samples, or after the timeout.
    private static long Settle(Loop loop, ProcessCost cost)
    {
        var start = Stopwatch.GetTimestamp();
        var reference = cost.Resident;
        for (var same = 0; same < SettledSamples && Stopwatch.GetElapsedTime(start) < SettleTimeout;)
        {
            loop.For(Sample);
            var now = cost.Resident;
            if (Math.Abs(now - reference) <= reference / 100)
            {
                same++;
            }
            else
            {
                (reference, same) = (now, 0);
            }
        }

        return cost.Resident;
    }
}
