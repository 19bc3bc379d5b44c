using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Latency over load: at shares of each server's own maximum.</summary>
internal sealed class Saturation : ScenarioVerb
{
    public const string Scenario = "saturation";

    private readonly Option<int[]> _shares = OptionFactory.Wholes(
        "--shares", "Shares of the closed loop's maximum, in percent.", [10, 25, 50, 75, 90, 100], 1, 200);

    private readonly Option<int> _subscribers = OptionFactory.Whole("--subscribers", "Subscribers of the topic.", 10, 1, 50_000);
    private readonly LoadOptions _load;

    public Saturation()
        : base(
            Scenario,
            "How does latency grow with load, up to a server's maximum?",
            "First a closed loop finds each server's maximum; then an open loop publishes at shares of it. The shares are those of the\n" +
            "server's own maximum, so the faster server has the higher load. Queues are as deep as those of a peer\n" +
            "(" + DeepQueues.Words + ").",
            compares: true)
    {
        Add(_shares);
        Add(_subscribers);
        _load = new LoadOptions(this, warmup: 2, window: 5);
    }

    protected override (string Name, string Value)[] Settings => DeepQueues.Settings;

    /// <returns>The runs at each share.</returns>
    public static IReadOnlyDictionary<int, IReadOnlyList<Run>> Measure(Bench bench, int[] shares, int subscribers, ClosedLoad load)
    {
        var parameters = load.Parameters;
        parameters[Names.Subscribers] = subscribers;
        var maximum = bench.Compare(
            new Load(Scenario, $"1 → {subscribers:N0}, {load.PayloadBytes} bytes, closed loop", parameters, "maximum"),
            load.Repetitions,
            contender => FanOut.Once(contender, subscribers, load));
        var runs = new Dictionary<int, IReadOnlyList<Run>>();
        foreach (var share in shares)
        {
            var at = load.Parameters;
            at.Remove(Names.Outstanding);
            at[Names.Subscribers] = subscribers;
            at[Names.Share] = share;
            runs[share] = bench.Compare(
                new Load(Scenario, $"1 → {subscribers:N0} at {share} % of the maximum", at, "open loop"),
                load.Repetitions,
                contender => Once(contender, share, maximum, subscribers, load));
        }

        return runs;
    }

    protected override void Measure(Bench bench, ParseResult parsed) =>
        Measure(bench, parsed.GetValue(_shares)!, parsed.GetValue(_subscribers), _load.Read(parsed));

    private static Measured Once(IContender contender, int share, IReadOnlyList<Run> maximum, int subscribers, ClosedLoad load)
    {
        var most = Summary.Of(maximum.Where(run => run.Contender == contender.Name), Names.Publishes)
            ?? throw new RunFailed("the server's maximum is not known");
        return Latency.Once(contender, most.Median * share / 100, subscribers, load);
    }
}
