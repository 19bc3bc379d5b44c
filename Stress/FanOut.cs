using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>One topic, one publisher, N subscribers, closed loop: the most deliveries a server sustains, and what each costs it.</summary>
internal static class FanOut
{
    public static readonly Verb Verb = new("fan-out", "how many deliveries per second, at what cost each?", $"""
          --subscribers N,...   subscribers of the one topic (1,100,1000)
          --payload BYTES       characters of the payload (100)
          --outstanding N       publishes not yet received by all and answered (50)
          --seconds S           timed window of a run (5)
          --warmup S            load before the window (3)
          --runs N              runs per contender, alternating (5)
          --against nats        compare with nats-server from PATH
          --out FILE            write the results as JSON
        {PubSubContender.Help}
        """, Run);

    private static readonly TimeSpan SubscribeTimeout = TimeSpan.FromSeconds(30);

    private static bool Run(Arguments arguments)
    {
        var load = new FanOutLoad(
            arguments.Numbers("--subscribers", [1, 100, 1000], 1, 15_000),
            arguments.Number("--payload", 100, Digits.Width, 60_000),
            arguments.Number("--outstanding", 50, 1, PubSubConnection.MaxUnanswered),
            arguments.Seconds("--seconds", 5),
            arguments.Seconds("--warmup", 3),
            arguments.Number("--runs", 5, 1, 1000));
        var against = arguments.Text("--against");
        var output = arguments.Output("--out");
        if (against is not (null or "nats"))
        {
            throw new UsageError($"--against {against}: only nats is known");
        }

        using var pubsub = new PubSubContender(arguments, load.PayloadBytes);
        using var nats = against is null ? null : NatsContender.Find(load.PayloadBytes);
        IContender[] contenders = nats is null ? [pubsub] : [pubsub, nats];
        string[] absent = against is not null && nats is null ? ["nats-server: absent, not on PATH"] : [];
        var setting = Setting.Of([.. contenders.Select(c => $"{c.Name}: {c.Version}"), .. absent]);
        setting.Print();

        var results = load.Subscribers.Select(subscribers => Measure(contenders, subscribers, load)).ToArray();
        Results.Write(output, new FanOutReport(setting, load, results));
        return results.All(r => r.Contenders.All(c => c.Runs.All(run => run.Failure is null)));
    }

    private static FanOutResult Measure(IContender[] contenders, int subscribers, FanOutLoad load)
    {
        Console.WriteLine($"1 -> {subscribers}, {load.PayloadBytes} bytes, {load.Outstanding} outstanding");
        var runs = contenders.ToDictionary(c => c, _ => new List<FanOutRun>());
        for (var i = 1; i <= load.Runs; i++)
        {
            foreach (var contender in contenders)
            {
                var run = Once(contender, subscribers, load);
                runs[contender].Add(run);
                Console.WriteLine($"  run {i}  {contender.Name,-7}{run}");
            }
        }

        var results = contenders.Select(c => new FanOutContender(
            c.Name,
            Spread.Of(runs[c].Where(r => r.Failure is null).Select(r => r.DeliveriesPerSecond)),
            Spread.Of(runs[c].Where(r => r.Failure is null).Select(r => r.ServerMicrosecondsPerDelivery).OfType<double>()),
            [.. runs[c]])).ToArray();
        foreach (var result in results)
        {
            Console.WriteLine($"  median {result}");
        }

        var comparison = contenders.Length == 2 ? FanOutRatio.Of(results[0], results[1]) : null;
        Console.WriteLine(comparison is null ? "" : $"  {comparison}\n");
        return new FanOutResult(subscribers, results, comparison);
    }

    private static FanOutRun Once(IContender contender, int subscribers, FanOutLoad load)
    {
        try
        {
            return Load(contender, subscribers, load);
        }
        catch (RunFailed e)
        {
            return new FanOutRun(0, null, 0, null, e.Message);
        }
    }

    private static FanOutRun Load(IContender contender, int subscribers, FanOutLoad load)
    {
        var topic = $"fan-out-{Guid.NewGuid():N}";
        contender.CreateTopic(topic);
        var (window, deliveries, serverCpu, clientCpu, roundTrips) = (TimeSpan.Zero, 0L, TimeSpan.Zero, TimeSpan.Zero, new Latencies());
        using (var loop = new Loop())
        {
            var pace = new Pace(subscribers, load.Outstanding);
            Join(loop, contender, topic, subscribers, pace);
            var publisher = contender.Open(loop);
            publisher.PublishTo(topic);
            var closed = new ClosedLoop(loop, publisher, pace, load.Outstanding);
            closed.Run(load.Warmup);

            publisher.RoundTrips = roundTrips;
            deliveries = -pace.Received;
            serverCpu = -(contender.Cost?.Cpu ?? default);
            clientCpu = -Environment.CpuUsage.TotalTime;
            window = closed.Run(load.Window);
            deliveries += pace.Received;
            serverCpu += contender.Cost?.Cpu ?? default;
            clientCpu += Environment.CpuUsage.TotalTime;

            publisher.RoundTrips = null;
            closed.Finish();
        }

        contender.DeleteTopic(topic);
        return new FanOutRun(
            deliveries / window.TotalSeconds,
            contender.Cost is null ? null : serverCpu.TotalMicroseconds / deliveries,
            clientCpu / window,
            roundTrips.Summarize(),
            Failure: null);
    }

    private static void Join(Loop loop, IContender contender, string topic, int subscribers, Pace pace)
    {
        var joined = new List<Connection>();
        for (var i = 1; i <= subscribers; i++)
        {
            var subscriber = contender.Open(loop);
            subscriber.Inbox = new OrderedInbox($"subscriber {i}", pace);
            subscriber.Subscribe(topic, lastN: 0);
            subscriber.Flush();
            joined.Add(subscriber);
            loop.Turn(0);
        }

        loop.Until(() => joined.TrueForAll(s => s.Unanswered == 0), SubscribeTimeout, "for every subscribe to be answered");
    }
}
