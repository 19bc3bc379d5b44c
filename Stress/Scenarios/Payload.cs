using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>The same fan-out with small and large messages.</summary>
internal sealed class Payload : ScenarioVerb
{
    public const string Scenario = "payload";

    private readonly Option<int[]> _sizes = OptionFactory.Wholes(
        "--sizes", "Characters of the payload.", [16, 64, 256, 1024, 4096, 16_384, 65_536], Digits.Width, LoadOptions.LargestPayload);

    private readonly Option<int> _subscribers = OptionFactory.Whole("--subscribers", "Subscribers of the topic.", 10, 1, 50_000);
    private readonly LoadOptions _load;

    public Payload()
        : base(
            Scenario,
            "What does a message cost as it grows from 16 bytes to 64 KiB?",
            "Closed loop, as fan-out. Queues are as deep as those of a peer (" + DeepQueues.Words + ").",
            compares: true)
    {
        Add(_sizes);
        Add(_subscribers);
        _load = new LoadOptions(this);
    }

    protected override (string Name, string Value)[] Settings => DeepQueues.Settings;

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var subscribers = parsed.GetValue(_subscribers);
        foreach (var size in parsed.GetValue(_sizes)!)
        {
            var load = _load.Read(parsed) with { PayloadBytes = size };
            var parameters = load.Parameters;
            parameters[Names.Subscribers] = subscribers;
            bench.Compare(
                new Load(Scenario, $"1 → {subscribers:N0}, {size:N0} bytes, {load.Outstanding} outstanding", parameters),
                load.Repetitions,
                contender => Once(contender, subscribers, load));
        }
    }

    private static Measured Once(IContender contender, int subscribers, ClosedLoad load)
    {
        var measured = FanOut.Once(contender, subscribers, load);
        return measured.Add(Names.PayloadDelivered, measured.Figures[Names.Deliveries].Value * load.PayloadBytes / 1e6, "MB/s");
    }
}
