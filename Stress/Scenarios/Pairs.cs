using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Many topics with one publisher and one subscriber each: the pairs share only the server.</summary>
internal sealed class Pairs : ScenarioVerb
{
    public const string Scenario = "pairs";

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private readonly Option<int[]> _pairs = OptionFactory.Wholes(
        "--pairs", "Topics with a publisher and a subscriber each.", [1, 10, 50, 100, 1000], 1, 9000);

    private readonly LoadOptions _load;

    public Pairs()
        : base(
            Scenario,
            "How many deliveries per second over 1 … 1,000 topics with one publisher and one subscriber each?",
            "Closed loop in every pair: --outstanding messages of each may be under way. Every subscriber must receive its publisher's\n" +
            "messages, each once and in order, and no others.",
            compares: true)
    {
        Add(_pairs);
        _load = new LoadOptions(this);
    }

    public static IReadOnlyList<Run> Measure(Bench bench, int pairs, ClosedLoad load)
    {
        var parameters = load.Parameters;
        parameters[Names.Pairs] = pairs;
        return bench.Compare(
            new Load(Scenario, $"{pairs:N0} pairs, {load.PayloadBytes} bytes, {load.Outstanding} outstanding each", parameters),
            load.Repetitions,
            contender => Once(contender, pairs, load));
    }

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        foreach (var pairs in parsed.GetValue(_pairs)!)
        {
            Measure(bench, pairs, _load.Read(parsed));
        }
    }

    public static Measured Once(IContender contender, int count, ClosedLoad load)
    {
        var topics = Enumerable.Range(0, count).Select(_ => $"pairs-{Guid.NewGuid():N}").ToArray();
        Array.ForEach(topics, contender.CreateTopic);
        var measured = new Measured();
        using (var loops = new Loops(load.Loops))
        {
            Pair[] pairs =
            [
                .. topics.Select((topic, n) => new Pair(loops[n], contender, topic, n + 1, load.PayloadBytes, load.Outstanding)),
            ];
            loops.Until(() => Array.TrueForAll(pairs, pair => pair.IsReady), AnswerTimeout, "for every subscribe to be answered");
            Array.ForEach(pairs, pair => pair.Start());
            loops.Start();
            loops.Home.For(load.Warmup);

            var received = -pairs.Sum(pair => pair.Received);
            var cpu = new CpuMeter(contender.Cost);
            loops.Home.For(load.Window);
            received += pairs.Sum(pair => pair.Received);
            cpu.Stop();
            loops.Stop();

            Array.ForEach(pairs, pair => pair.Stop());
            loops.Until(
                () => Array.TrueForAll(pairs, pair => pair.IsDrained),
                AnswerTimeout,
                "for the last messages to be received and answered");
            measured
                .Add(Names.Deliveries, received / cpu.Window.TotalSeconds, "1/s", Measured.More)
                .Add(Names.CpuPerDelivery, cpu.Server?.TotalMicroseconds / received, "µs", Measured.Less);
            cpu.AddTo(measured);
        }

        Array.ForEach(topics, contender.DeleteTopic);
        return measured;
    }
}
