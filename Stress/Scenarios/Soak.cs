using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>A mixed load for a long time: memory and descriptors must stay flat.</summary>
internal sealed class Soak : ScenarioVerb
{
    public const string Scenario = "soak";

    private const int PayloadBytes = 200;
    private const double ReconnectsPerSecond = 20;
    private const double TopicsPerSecond = 5; // created, deleted
    private const double MegabytesOfSlack = 4;
    private const double DescriptorsOfSlack = 8;
    private const double ShareOfSlack = 0.05;

    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Told = TimeSpan.FromSeconds(10);

    private const double LeastSeconds = 0.1;
    private const int LeastSamples = 4; // a quarter, and three thirds

    private readonly Option<TimeSpan> _window = OptionFactory.Seconds("--seconds", "The length of the run.", 600, LeastSeconds);
    private readonly Option<TimeSpan> _interval = OptionFactory.Seconds("--sample", "The time between two samples.", 1, LeastSeconds);
    private readonly Option<int> _subscribers = OptionFactory.Whole("--subscribers", "Subscribers that stay.", 20, 1, 10_000);
    private readonly Option<int> _rate = OptionFactory.Whole("--rate", "Messages per second.", 1000, 1, 1_000_000);

    public Soak()
        : base(
            Scenario,
            "Are memory and descriptors flat after minutes, or hours?",
            "Open loop to subscribers that stay, while others come with replay and leave, and topics are created and deleted. The rule\n" +
            "for flat: the first quarter of the samples is warm-up; of the rest, the median of the last third may exceed the median of\n" +
            "the first third by 5 % and 4 MB of memory, or by 5 % and 8 descriptors. The subscribers that stay must receive every\n" +
            "message. For four hours: --seconds 14400.",
            compares: false)
    {
        Option[] options = [_window, _interval, _subscribers, _rate];
        Array.ForEach(options, option => Add(option));
    }

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var (window, interval, subscribers, rate) =
            (parsed.GetValue(_window), parsed.GetValue(_interval), parsed.GetValue(_subscribers), parsed.GetValue(_rate));
        if (window < interval * LeastSamples)
        {
            throw new UsageError(
                $"--seconds {window.TotalSeconds} is too short for {LeastSamples} samples, one every {interval.TotalSeconds} s (--sample)");
        }

        var parameters = new Dictionary<string, double>
        {
            [Names.Subscribers] = subscribers,
            [Names.Rate] = rate,
            [Names.Window] = window.TotalSeconds,
            [Names.Payload] = PayloadBytes,
        };
        bench.Repeat(
            new Load(Scenario, $"{window}: {rate:N0} messages/s → {subscribers:N0} subscribers, with coming and going", parameters),
            1,
            _ => Once(bench.Lineup.First, window, interval, subscribers, rate));
    }

    /// <param name="server">A server whose process is known.</param>
    /// <param name="window">The length of the run.</param>
    /// <param name="interval">The time between two samples.</param>
    /// <param name="subscribers">The number of subscribers that stay.</param>
    /// <param name="rate">Messages per second.</param>
    /// <param name="slack">Megabytes of growth allowed; a run too short for the heap to settle needs more.</param>
    public static Measured Once(
        PubSubContender server, TimeSpan window, TimeSpan interval, int subscribers, double rate, double slack = MegabytesOfSlack)
    {
        var cost = server.Cost ?? throw new UsageError("--url needs --pid here: memory is read from the server's process");
        var topic = $"soak-{Guid.NewGuid():N}";
        server.CreateTopic(topic);
        using var loops = new Loops(1);
        var loop = loops.Home;
        var schedule = new Schedule(rate);
        var audience = new Audience(loops, server, topic, subscribers, PayloadBytes, outstanding: null, schedule);
        var publisher = server.Open(loop, PayloadBytes);
        publisher.PublishTo(topic);
        var open = new OpenLoop(loop, publisher, schedule);
        var shortLived = new ShortLivedSubscribers(loop, server, topic, PayloadBytes);
        var memory = new Flatness("resident", "MB", ShareOfSlack, slack);
        var descriptors = new Flatness("descriptors", "descriptors", ShareOfSlack, DescriptorsOfSlack);
        var (start, told) = (Stopwatch.GetTimestamp(), TimeSpan.Zero);
        schedule.Start();
        schedule.Count((long)(rate * window.TotalSeconds / 4) + 1, long.MaxValue); // the first quarter is warm-up
        var cpu = new CpuMeter(cost);
        open.Run(window, () =>
        {
            var elapsed = Stopwatch.GetElapsedTime(start);
            shortLived.Keep(elapsed.TotalSeconds * ReconnectsPerSecond, elapsed.TotalSeconds * TopicsPerSecond);
            if (elapsed >= interval * (memory.Count + 1))
            {
                memory.Add(cost.Resident / 1e6);
                descriptors.Add(cost.Descriptors);
            }

            if (elapsed - told > Told && memory.Count > 0)
            {
                told = elapsed;
                Progress.Say(
                    $"{Scenario}: {elapsed:hh\\:mm\\:ss}, {open.Published:N0} messages, {memory.Last:0.0} MB, " +
                    $"{descriptors.Last} descriptors");
            }
        });
        cpu.Stop();
        schedule.Count((long)(rate * window.TotalSeconds / 4) + 1, open.Published);
        open.Sentinel();
        loops.Until(
            () => audience.HasAll(open.Published) && publisher.Unanswered == 0 && shortLived.IsIdle,
            DrainTimeout,
            "for the last messages to be received by all and answered");
        shortLived.Dispose();
        server.DeleteTopic(topic);

        var measured = new Measured()
            .Add(Names.Published, open.Published, "messages")
            .Add(Names.Received, audience.Received, "events")
            .Add("visitors", shortLived.Count, "connections")
            .Add("topics_used", shortLived.TopicsUsed, "topics")
            .Add(Names.DeliveryLatency, audience.Latencies)
            .Add(Names.SendLateness, open.Lateness);
        cpu.AddTo(measured);
        return string.Join("; ", new[] { memory.Judge(measured), descriptors.Judge(measured) }.OfType<string>()) is { Length: > 0 } leak
            ? throw new RunFailed(leak)
            : measured;
    }
}
