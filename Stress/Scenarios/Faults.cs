using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>
/// Clients that reset, vanish, stall or take all descriptors, and other faults: the other clients must not notice, and nothing may leak.
/// </summary>
internal sealed class Faults : ScenarioVerb
{
    public const string Scenario = "faults";

    private static readonly TimeSpan SettleTimeout = TimeSpan.FromSeconds(45); // more than keep-alive's interval and timeout
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CatchUp = TimeSpan.FromMilliseconds(500);

    private const double LeastSeconds = 0.1;

    private readonly Option<string?> _only = OptionFactory.Text(
        "--only", $"A single fault: {string.Join(", ", Fault.All.Select(fault => fault.Name))}.", "FAULT");

    private readonly Option<TimeSpan> _window = OptionFactory.Seconds(
        "--seconds", "The length of each phase: without the fault, with it, and without.", 3, LeastSeconds);

    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "Runs of each fault.", 1, 1, 1000);
    private readonly Option<TimeSpan> _together = OptionFactory.Seconds(
        "--together", "All faults at once for this long, instead of each alone.", 0);

    private readonly Option<int> _seed = OptionFactory.Seed();

    public Faults()
        : base(
            Scenario,
            "Does a server survive faults of clients and of the machine, without leaks and without slowing other clients?",
            "Open loop to well-behaved subscribers: undisturbed, while a fault is committed again and again, and undisturbed again.\n" +
            "Afterwards the server must be alive and accept connections, the well-behaved subscribers must have every message and be\n" +
            "the only ones counted, and the number of descriptors must be as before. The ratio of the p99 with the fault to the p99\n" +
            "without it shows the effect on the others. Keep-alive is set to 2 s and 2 s, so that the server notices vanished clients\n" +
            "within the run.",
            compares: false)
    {
        Option[] options = [_only, _window, _runs, _together, _seed];
        Array.ForEach(options, option => Add(option));
    }

    protected override (string Name, string Value)[] Settings =>
    [
        ("KEEPALIVE_INTERVAL", "2"), ("KEEPALIVE_TIMEOUT", "2"), ("HANDSHAKE_TIMEOUT", "2"), ("WRITE_TIMEOUT", "3"), ("CLOSE_TIMEOUT", "2"),
        ("MAX_RETAINED_BYTES", "8388608"), ("MAX_OUTSTANDING_BYTES", "8388608"),
    ];

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var only = parsed.GetValue(_only);
        var chosen = Fault.All.Where(fault => only is null || fault.Name == only).ToArray();
        var window = parsed.GetValue(_together);
        if (window > TimeSpan.Zero)
        {
            bench.Repeat(
                new Load(
                    FaultsTogether.Scenario,
                    $"{window}: all at once, beside clients that come and go",
                    new Dictionary<string, double> { [Names.Window] = window.TotalSeconds }),
                1,
                _ => FaultsTogether.Once(bench.Lineup.First, window, new Random(parsed.GetValue(_seed))));
            return;
        }

        if (chosen.Length == 0)
        {
            throw new UsageError($"--only {only}: expected one of {string.Join(", ", Fault.All.Select(fault => fault.Name))}");
        }

        foreach (var fault in chosen)
        {
            var parameters = new Dictionary<string, double>
            {
                [Names.Subscribers] = FaultLoad.Subscribers,
                [Names.Rate] = FaultLoad.Rate,
                [Names.Window] = parsed.GetValue(_window).TotalSeconds,
            };
            var instead = fault.Fallback();
            bench.Repeat(
                new Load(Scenario, $"{fault.Name}: {fault.What}{(instead is null ? "" : $" ({instead})")}", parameters, fault.Name),
                parsed.GetValue(_runs),
                _ => Once(bench.Lineup.First, fault, parsed.GetValue(_window)));
        }
    }

    public static Measured Once(PubSubContender server, Fault fault, TimeSpan window)
    {
        var cost = server.Cost ?? throw new UsageError("--url needs --pid here: descriptors are read from the server's process");
        var topic = $"faults-{Guid.NewGuid():N}";
        server.CreateTopic(topic);
        using var loops = new Loops(1);
        var loop = loops.Home;
        var schedule = new Schedule(FaultLoad.Rate);
        var audience = new Audience(loops, server, topic, FaultLoad.Subscribers, FaultLoad.PayloadBytes, outstanding: null, schedule);
        var publisher = server.Open(loop, FaultLoad.PayloadBytes);
        publisher.PublishTo(topic);
        var open = new OpenLoop(loop, publisher, schedule);
        schedule.Start();
        open.Run(window / 2); // warm-up
        var descriptors = cost.Descriptors;
        var before = Phase.Of(open, audience, schedule, window, DrainTimeout);

        using var injection = fault.Begin(new FaultContext(server, loop, topic, cost, () => new TailInbox()));
        open.Run(CatchUp); // messages that came due while the fault was prepared are late because of the load generator
        var during = Phase.Of(open, audience, schedule, window, DrainTimeout, injection.Commit);
        injection.End();

        // The load continues while the server notices the clients that are gone.
        var start = Stopwatch.GetTimestamp();
        var cut = new CutWatch(server, topic, FaultLoad.Subscribers);
        cut.Start();
        while (cost.Descriptors > descriptors + FaultLoad.DescriptorsOfSlack || !cut.IsSeen)
        {
            if (Stopwatch.GetElapsedTime(start) > SettleTimeout)
            {
                throw new RunFailed(
                    $"after {SettleTimeout.TotalSeconds:0} s {cost.Descriptors - descriptors} descriptors are left over" +
                    (cut.IsSeen ? "" : ", and subscribers that are gone are still counted"));
            }

            open.Run(TimeSpan.FromMilliseconds(50), cut.Look);
        }

        var settled = Stopwatch.GetElapsedTime(start);
        var without = before.With(Phase.Of(open, audience, schedule, window, DrainTimeout));
        open.Sentinel();
        loops.Until(
            () => audience.HasAll(open.Published) && publisher.Unanswered == 0,
            DrainTimeout,
            "for the last messages of the well-behaved subscribers");
        server.Open(loop, FaultLoad.PayloadBytes).Dispose();
        if (!cost.IsAlive)
        {
            throw new RunFailed("the server has exited");
        }

        server.DeleteTopic(topic);
        var measured = new Measured()
            .Add(Names.P99Ratio, during.P99 / without.P99, "x", Measured.Less)
            .Add("committed", injection.Count, "times")
            .Add("as_described", fault.Fallback() is null ? 1 : 0, "of 1")
            .Add("descriptors_back_after", settled.TotalSeconds, "s");
        without.AddTo(measured, "without");
        during.AddTo(measured, "with");
        return measured;
    }
}

/// <summary>The load beside every fault.</summary>
internal static class FaultLoad
{
    public const int Subscribers = 10;
    public const int Rate = 500; // messages per second
    public const int PayloadBytes = 1000;
    public const int DescriptorsOfSlack = 2; // a connection of the tool's HTTP client may be open or not
}
