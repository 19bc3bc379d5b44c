using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Subscribers that never read, or read a trickle: how they affect the others, and how the server cuts them.</summary>
internal sealed class Slow : ScenarioVerb
{
    public const string Scenario = "slow";
    public const string Never = "never reads";
    public const string Trickle = "reads a trickle";
    public const string SlowOnes = "slow";
    public const string Admitted = "admitted";
    public const string Present = "slow_present"; // the average number at a time
    public const string Told = "cut_and_told";
    public const string Reset = "cut_and_reset";

    private static readonly TimeSpan CatchUp = TimeSpan.FromMilliseconds(500);

    private const double LeastSeconds = 0.1;

    private readonly Option<int> _subscribers = OptionFactory.Whole(
        "--subscribers", "Subscribers, including the slow ones.", 100, 2, 10_000);
    private readonly Option<int[]> _shares = OptionFactory.Wholes(
        "--shares", "The share of slow subscribers, in percent; at least one is slow.", [1, 10, 50], 1, 99);

    private readonly Option<int> _rate = OptionFactory.Whole("--rate", "Messages per second.", 200, 1, 100_000);
    private readonly Option<int> _payload = OptionFactory.Whole("--payload", "Characters of the payload.", 4096, Digits.Width, 60_000);
    private readonly Option<TimeSpan> _window = OptionFactory.Seconds(
        "--seconds", "The length of each phase: without the slow ones, with them, and without.", 5, LeastSeconds);

    private readonly Option<TimeSpan> _limit = OptionFactory.Seconds("--limit", "The time to cut all subscribers that never read.", 30);
    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "Runs of each kind.", 5, 1, 1000);

    public Slow()
        : base(
            Scenario,
            "Do subscribers that never read, or read a trickle, affect the others?",
            "Open loop at a fixed rate: the same healthy subscribers are measured without the slow ones, with them, and without them\n" +
            "again. The ratio of their p99 with the slow ones to the p99 without shows the effect. They must receive every message.\n" +
            "The server must cut a subscriber that never reads; during the measurement another one replaces it, which must be cut too.\n" +
            "What the slow ones read at the end must have no gap.",
            compares: false)
    {
        Option[] options = [_subscribers, _shares, _rate, _payload, _window, _limit, _runs];
        Array.ForEach(options, option => Add(option));
    }

    /// <param name="bench">The servers that take part, and the results.</param>
    /// <param name="slow">The number of slow subscribers.</param>
    /// <param name="kind"><see cref="Never"/> or <see cref="Trickle"/>.</param>
    /// <param name="load">The other parameters of the load.</param>
    /// <param name="runs">The number of runs.</param>
    public static IReadOnlyList<Run> Measure(Bench bench, int slow, string kind, SlowLoad load, int runs)
    {
        var parameters = new Dictionary<string, double>
        {
            [Names.Subscribers] = load.Subscribers,
            [SlowOnes] = slow,
            [Names.Rate] = load.Rate,
            [Names.Payload] = load.PayloadBytes,
            [Names.Window] = load.Window.TotalSeconds,
        };
        return bench.Repeat(
            new Load(Scenario, $"{slow} of {load.Subscribers:N0} subscribers {Plural(kind, slow)}", parameters, kind),
            runs,
            _ => Once(bench.Lineup.First, slow, kind == Never, load));
    }

    /// <summary>"reads" becomes "read" for several subscribers.</summary>
    public static string Plural(string kind, int count) => count == 1 ? kind : kind.Replace("reads", "read", StringComparison.Ordinal);

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var load = new SlowLoad(
            parsed.GetValue(_subscribers),
            parsed.GetValue(_rate),
            parsed.GetValue(_payload),
            parsed.GetValue(_window),
            parsed.GetValue(_limit));
        foreach (var share in parsed.GetValue(_shares)!)
        {
            Measure(bench, Math.Max(1, load.Subscribers * share / 100), Never, load, parsed.GetValue(_runs));
        }

        Measure(bench, Math.Max(1, load.Subscribers / 10), Trickle, load, parsed.GetValue(_runs));
    }

    public static Measured Once(PubSubContender server, int slow, bool never, SlowLoad load)
    {
        var topic = $"slow-{Guid.NewGuid():N}";
        server.CreateTopic(topic);
        using var loops = new Loops(1);
        var loop = loops.Home;
        var healthy = load.Subscribers - slow;
        var schedule = new Schedule(load.Rate);
        var audience = new Audience(loops, server, topic, healthy, load.PayloadBytes, outstanding: null, schedule);
        var publisher = server.Open(loop, load.PayloadBytes);
        publisher.PublishTo(topic);
        var open = new OpenLoop(loop, publisher, schedule);
        schedule.Start();
        var cut = new CutWatch(server, topic, healthy);
        open.Run(load.Window / 2, cut.Look); // warm-up
        var before = Phase.Of(open, audience, schedule, load.Window, load.Limit, cut.Look);

        var slowReaders = new SlowReaders(loop, server, topic, slow, load.PayloadBytes, never);
        open.Run(CatchUp, Besides); // messages that came due while they subscribed are late because of the load generator
        var (present, answers) = (0L, 0);
        cut.Heard = (others, askedAt) =>
        {
            present += Math.Min(others, slow);
            answers++;
            if (never)
            {
                slowReaders.Replace(others, askedAt);
            }
        };
        var during = Phase.Of(open, audience, schedule, load.Window, load.Limit, Besides);
        cut.Heard = null;

        // The load continues until the last of them is cut, but no longer counts.
        cut.Start();
        while (never && (slowReaders.IsComing || !cut.IsSeen))
        {
            if (cut.Elapsed > load.Limit)
            {
                throw new RunFailed(
                    $"not all of {slowReaders.Admitted} subscribers that never read were cut within {load.Limit.TotalSeconds:0} s");
            }

            open.Run(TimeSpan.FromMilliseconds(20), cut.Look);
        }

        slowReaders.Finish(loops, open.Published, load.Limit);
        open.Run(CatchUp, cut.Look);
        var after = Phase.Of(open, audience, schedule, load.Window, load.Limit, cut.Look);

        open.Sentinel();
        loops.Until(
            () => audience.HasAll(open.Published) && publisher.Unanswered == 0,
            load.Limit,
            "for the last messages of the healthy subscribers");
        server.DeleteTopic(topic);
        var without = before.With(after);
        var measured = new Measured()
            .Add(Names.P99Ratio, during.P99 / without.P99, "x", Measured.Less)
            .Add("all_cut_after", never ? cut.Elapsed.TotalSeconds : null, "s")
            .Add(Admitted, slowReaders.Admitted, "subscribers")
            .Add(Present, answers == 0 ? null : (double)present / answers, "subscribers")
            .Add(Told, slowReaders.Told, "subscribers")
            .Add(Reset, slowReaders.Reset, "subscribers")
            .Add("slow_received", slowReaders.Received, "events");
        without.AddTo(measured, "without");
        during.AddTo(measured, "with");
        return measured;

        void Besides()
        {
            slowReaders.Sip();
            cut.Look();
        }
    }
}

internal sealed record SlowLoad(int Subscribers, double Rate, int PayloadBytes, TimeSpan Window, TimeSpan Limit);
