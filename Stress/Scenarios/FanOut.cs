using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>One topic, one publisher, N subscribers, closed loop: the maximum of deliveries per second, and the CPU time of each.</summary>
internal sealed class FanOut : ScenarioVerb
{
    public const string Scenario = "fan-out";

    private readonly Option<int[]> _subscribers = OptionFactory.Wholes(
        "--subscribers", "Subscribers of the topic.", [1, 10, 100, 1000, 10_000], 1, 50_000);

    private readonly LoadOptions _load;

    public FanOut()
        : base(
            Scenario,
            "How many deliveries per second from one publisher to 1 … 10,000 subscribers, and at what cost each?",
            "Closed loop: the publisher is at most --outstanding messages ahead of the slowest subscriber and of the last answer, so no\n" +
            "subscriber is a slow consumer. Every subscriber must receive every message once and in order.",
            compares: true)
    {
        Add(_subscribers);
        _load = new LoadOptions(this);
    }

    /// <param name="bench">The servers that take part, and the results.</param>
    /// <param name="subscribers">The number of subscribers of the topic.</param>
    /// <param name="load">Payload, window and repetitions.</param>
    /// <param name="alone">True to measure only the first contender.</param>
    public static IReadOnlyList<Run> Measure(Bench bench, int subscribers, ClosedLoad load, bool alone = false)
    {
        var parameters = load.Parameters;
        parameters[Names.Subscribers] = subscribers;
        var title = new Load(Scenario, $"1 → {subscribers:N0}, {load.PayloadBytes} bytes, {load.Outstanding} outstanding", parameters);
        return alone
            ? bench.Repeat(title, load.Repetitions, _ => Once(bench.Lineup.First, subscribers, load))
            : bench.Compare(title, load.Repetitions, contender => Once(contender, subscribers, load));
    }

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var load = _load.Read(parsed);
        foreach (var subscribers in parsed.GetValue(_subscribers)!)
        {
            Measure(bench, subscribers, load);
        }
    }

    /// <summary>One run. Other scenarios use its rate as the server's maximum.</summary>
    public static Measured Once(IContender contender, int subscribers, ClosedLoad load)
    {
        var topic = $"fan-out-{Guid.NewGuid():N}";
        contender.CreateTopic(topic);
        var measured = new Measured();
        using (var loops = new Loops(load.Loops))
        {
            var audience = new Audience(loops, contender, topic, subscribers, load.PayloadBytes, load.Outstanding);
            var publisher = contender.Open(loops.Home, load.PayloadBytes);
            publisher.PublishTo(topic);
            var closed = new ClosedLoop(loops.Home, publisher, audience.Paces, load.Outstanding);
            loops.Start();
            closed.Run(load.Warmup);

            publisher.RoundTrips = new Latencies();
            var (published, received) = (closed.Published, closed.Received);
            var cpu = new CpuMeter(contender.Cost);
            closed.Run(load.Window);
            cpu.Stop();
            (published, received) = (closed.Published - published, closed.Received - received);

            measured
                .Add(Names.Deliveries, received / cpu.Window.TotalSeconds, "1/s", Measured.More)
                .Add(Names.Publishes, published / cpu.Window.TotalSeconds, "1/s")
                .Add(Names.CpuPerDelivery, cpu.Server?.TotalMicroseconds / received, "µs", Measured.Less)
                .Add(Names.AckLatency, publisher.RoundTrips);
            cpu.AddTo(measured);
            closed.Finish();
            loops.Stop();
        }

        contender.DeleteTopic(topic);
        return measured;
    }
}
