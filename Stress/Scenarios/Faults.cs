using System.CommandLine;
using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>Clients that break off, vanish, stall or crowd the door, and a server without descriptors: everybody else is to notice nothing.</summary>
internal sealed class Faults : ScenarioVerb
{
    public const string Scenario = "faults";

    private static readonly TimeSpan SettleTimeout = TimeSpan.FromSeconds(45); // a keep-alive's interval and deadline, and a little more
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CatchUp = TimeSpan.FromMilliseconds(500);

    private const double LeastSeconds = 0.1;

    private readonly Option<string?> _only = Offer.Text("--only", $"One of them: {string.Join(", ", Fault.All.Select(fault => fault.Name))}.", "FAULT");
    private readonly Option<TimeSpan> _window = Offer.Seconds("--seconds", "Each phase: without the fault, with it, and without.", 3, LeastSeconds);
    private readonly Option<int> _runs = Offer.Whole("--runs", "Runs of each fault.", 1, 1, 1000);
    private readonly Option<TimeSpan> _together = Offer.Seconds("--together", "All faults at once for so long, instead of each alone.", 0);
    private readonly Option<int> _seed = Offer.Seed();

    public Faults()
        : base(
            Scenario,
            "Does a server survive rude and unlucky clients, without leaking and without slowing others?",
            "Open loop to subscribers that behave, undisturbed, while a fault is committed again and again, and undisturbed again. Afterwards the server\n" +
            "must be alive, everyone who behaved must have every message, connections must be accepted, nobody else may be counted as a\n" +
            "subscriber, and the descriptors must be back to what they were. The ratio of the p99 with it to that without says what the others noticed. Keep-alive is set to 2 s and 2 s, so that the\n" +
            "peers that vanish are noticed within the run.",
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
        if (parsed.GetValue(_together) is { } window && window > TimeSpan.Zero)
        {
            bench.Repeat(
                new Load(FaultsTogether.Scenario, $"{window}: all at once, beside clients that come and go", new Dictionary<string, double> { [Names.Window] = window.TotalSeconds }),
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
            var instead = fault.Falls();
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

        using var damage = fault.Begin(new FaultScene(server, loop, topic, cost, () => new TailInbox()));
        open.Run(CatchUp); // what came due while the fault was prepared is late by the load generator's fault
        var during = Phase.Of(open, audience, schedule, window, DrainTimeout, damage.Commit);
        damage.End();

        // It goes on while the server finds out about those that are gone.
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
        loops.Until(() => audience.HasAll(open.Published) && publisher.Unanswered == 0, DrainTimeout, "for the last messages of those who behaved");
        server.Open(loop, FaultLoad.PayloadBytes).Dispose();
        if (!cost.IsAlive)
        {
            throw new RunFailed("the server is gone");
        }

        server.DeleteTopic(topic);
        var measured = new Measured()
            .Add(Names.P99Ratio, during.P99 / without.P99, "x", Measured.Less)
            .Add("committed", damage.Count, "times")
            .Add("as_described", fault.Falls() is null ? 1 : 0, "of 1")
            .Add("descriptors_back_after", settled.TotalSeconds, "s");
        without.AddTo(measured, "without");
        during.AddTo(measured, "with");
        return measured;
    }
}

/// <summary>What goes on beside every fault.</summary>
internal static class FaultLoad
{
    public const int Subscribers = 10;
    public const int Rate = 500; // messages per second
    public const int PayloadBytes = 1000;
    public const int DescriptorsOfSlack = 2; // a connection of the tool's HTTP client may be open or not
}
