using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Subscribers join a busy topic with replay at random times: each must receive a gapless window of the topic's order.</summary>
internal sealed class JoinStorm : ScenarioVerb
{
    public const string Scenario = "join-storm";

    private const int LastN = 100;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);

    private readonly Option<int> _subscribers = OptionFactory.Whole("--subscribers", "Subscribers that join.", 60, 1, 5000);
    private readonly Option<int> _publishers = OptionFactory.Whole("--publishers", "Connections that publish to the topic.", 3, 1, 9);
    private readonly Option<TimeSpan> _window = OptionFactory.Seconds("--seconds", "The time in which they join, at random moments.", 3);
    private readonly Option<int> _rate = OptionFactory.Whole("--rate", "Messages per second, at most.", 2000, 1, 1_000_000);
    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "Storms.", 3, 1, 1000);
    private readonly Option<int> _seed = OptionFactory.Seed();

    public JoinStorm()
        : base(
            Scenario,
            "Is replay seamless while several clients publish and many join?",
            "All requests, answers and events are recorded and judged by the history checker of the conformance suite: no gap and no\n" +
            "duplicate between replay and live events, and one order for all.",
            compares: false)
    {
        Option[] options = [_subscribers, _publishers, _window, _rate, _runs, _seed];
        Array.ForEach(options, option => Add(option));
    }

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var seed = parsed.GetValue(_seed);
        var (subscribers, publishers, rate) = (parsed.GetValue(_subscribers), parsed.GetValue(_publishers), parsed.GetValue(_rate));
        var parameters = new Dictionary<string, double>
        {
            [Names.Subscribers] = subscribers,
            [Names.Publishers] = publishers,
            [Names.Rate] = rate,
            [Names.Window] = parsed.GetValue(_window).TotalSeconds,
            [Names.Seed] = seed,
        };
        var load = new Load(
            Scenario, $"{subscribers:N0} join a topic of {publishers} publishers with last_n={LastN}, seed {seed}", parameters);
        bench.Repeat(load, parsed.GetValue(_runs), run =>
            Once(bench.Lineup.First, subscribers, publishers, parsed.GetValue(_window), rate, new Random(seed + run)));
    }

    public static Measured Once(PubSubContender server, int subscribers, int publishers, TimeSpan window, double rate, Random random)
    {
        var topic = $"join-storm-{Guid.NewGuid():N}";
        using var loop = new Loop();
        using var recorded = new RecordedLoad(loop, server, [topic], publishers, random);
        var witness = recorded.Admit();
        Join(witness, topic);
        loop.Until(() => witness.IsIdle, AnswerTimeout, "for the first subscriber's subscribe to be answered");

        var times = new Queue<double>(Enumerable.Range(0, subscribers).Select(_ => random.NextDouble() * window.TotalSeconds).Order());
        var cpu = new CpuMeter(server.Cost);
        var start = Stopwatch.GetTimestamp();
        recorded.Run(window, rate, () =>
        {
            while (times.TryPeek(out var next) && Stopwatch.GetElapsedTime(start).TotalSeconds >= next)
            {
                times.Dequeue();
                Join(recorded.Admit(), topic);
            }
        });
        cpu.Stop();
        while (times.TryDequeue(out _))
        {
            Join(recorded.Admit(), topic);
        }

        recorded.Drain();
        recorded.Judge();
        if (witness.Received != recorded.Published)
        {
            throw new RunFailed($"the first subscriber received {witness.Received} of {recorded.Published} messages");
        }

        server.DeleteTopic(topic);
        var measured = new Measured()
            .Add(Names.Published, recorded.Published, "messages")
            .Add(Names.Received, recorded.Received, "events")
            .Add("shortest_window", recorded.Members.Min(member => member.Received), "events")
            .Add("longest_window", recorded.Members.Max(member => member.Received), "events");
        cpu.AddTo(measured);
        return measured;
    }

    private static void Join(RecordedClient member, string topic)
    {
        member.Subscribe(topic, LastN);
        member.Flush();
    }
}
