using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Open loop: how long a message takes from when it was due to its arrival, at fixed rates.</summary>
internal sealed class Latency : ScenarioVerb
{
    public const string Scenario = "latency";

    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(60);

    private readonly Option<int[]> _rates = OptionFactory.Wholes("--rates", "Messages per second.", [100, 1000, 10_000], 1, 10_000_000);
    private readonly Option<int> _subscribers = OptionFactory.Whole("--subscribers", "Subscribers of the topic.", 10, 1, 50_000);
    private readonly LoadOptions _load;

    public Latency()
        : base(
            Scenario,
            "How long does a message take at a fixed rate?",
            "Open loop: messages are due at a fixed rate, and latency counts from then, not from when a message was sent. So a pause of\n" +
            "the server counts for every message that waits (no coordinated omission). The lateness of the load generator itself is\n" +
            "printed beside it. Queues are as deep as those of a peer (" + DeepQueues.Words + "),\n" +
            "so that the limit of a queue does not decide the outcome.",
            compares: true)
    {
        Add(_rates);
        Add(_subscribers);
        _load = new LoadOptions(this, warmup: 2, window: 10);
    }

    protected override (string Name, string Value)[] Settings => DeepQueues.Settings;

    /// <param name="bench">The servers that take part, and the results.</param>
    /// <param name="rate">Messages per second.</param>
    /// <param name="subscribers">The number of subscribers of the topic.</param>
    /// <param name="load">Payload, window and repetitions.</param>
    public static IReadOnlyList<Run> Measure(Bench bench, int rate, int subscribers, ClosedLoad load)
    {
        var parameters = load.Parameters;
        parameters.Remove(Names.Outstanding);
        parameters[Names.Rate] = rate;
        parameters[Names.Subscribers] = subscribers;
        return bench.Compare(
            new Load(Scenario, $"{rate:N0} messages/s → {subscribers:N0} subscribers, {load.PayloadBytes} bytes", parameters),
            load.Repetitions,
            contender => Once(contender, rate, subscribers, load));
    }

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        foreach (var rate in parsed.GetValue(_rates)!)
        {
            Measure(bench, rate, parsed.GetValue(_subscribers), _load.Read(parsed));
        }
    }

    /// <summary>One run. Fails if a message does not arrive; lateness is measured and does not fail the run.</summary>
    /// <param name="contender">The server.</param>
    /// <param name="rate">Messages per second.</param>
    /// <param name="subscribers">The number of subscribers of the topic.</param>
    /// <param name="load">Payload and window.</param>
    /// <param name="besides">What the load generator does in each turn besides; null for nothing.</param>
    public static Measured Once(IContender contender, double rate, int subscribers, ClosedLoad load, Func<Loop, Action>? besides = null)
    {
        var topic = $"latency-{Guid.NewGuid():N}";
        contender.CreateTopic(topic);
        var measured = new Measured();
        using (var loops = new Loops(load.Loops))
        {
            var schedule = new Schedule(rate);
            var audience = new Audience(loops, contender, topic, subscribers, load.PayloadBytes, outstanding: null, schedule);
            var publisher = contender.Open(loops.Home, load.PayloadBytes);
            publisher.PublishTo(topic);
            var open = new OpenLoop(loops.Home, publisher, schedule);
            var beside = besides?.Invoke(loops.Home);
            loops.Start();
            schedule.Start();
            var first = (long)(rate * load.Warmup.TotalSeconds) + 1;
            var last = first + (long)Math.Ceiling(rate * load.Window.TotalSeconds) - 1;
            schedule.Count(first, last);
            open.Run(load.Warmup, beside);

            var (published, received) = (open.Published, audience.Received);
            var cpu = new CpuMeter(contender.Cost);
            open.Run(load.Window, beside);
            cpu.Stop();
            (published, received) = (open.Published - published, audience.Received - received);

            open.Sentinel();
            loops.Stop();
            loops.Until(
                () => audience.HasAll(open.Published) && publisher.Unanswered == 0,
                DrainTimeout,
                "for the last messages to be received by all and answered");
            measured
                .Add(Names.Publishes, published / cpu.Window.TotalSeconds, "1/s")
                .Add(Names.Offered, rate, "1/s")
                .Add(Names.Deliveries, received / cpu.Window.TotalSeconds, "1/s")
                .Add(Names.CpuPerDelivery, cpu.Server?.TotalMicroseconds / received, "µs", Measured.Less)
                .Add(Names.DeliveryLatency, audience.Latencies)
                .Add(Names.SendLateness, open.Lateness);
            cpu.AddTo(measured);
        }

        contender.DeleteTopic(topic);
        return measured;
    }
}
