using System.CommandLine;
using System.Globalization;

namespace PubSub.Stress;

/// <summary>Measures every bar that was set for the reference server, and says of each whether it is met.</summary>
internal sealed class BarsVerb : Verb
{
    private const string Nats = "nats", Redis = "redis", Limit = "limit", Ours = "pubsub";
    private const double ClaimedPerSecond = 50_000; // messages of one topic, by the protocol's first description
    private const double Kilobyte = 1024;

    private readonly ServerOptions _servers;
    private readonly LoadOptions _load;
    private readonly Option<string?> _out = Offer.Text("--out", "Writes the results as JSON into this folder; `report` draws what is there.", "FOLDER");

    public BarsVerb()
        : base(
            "bars",
            "Which of the bars that were set for the reference server are met?",
            "Runs what is needed of the other verbs against nats-server, Redis and the limit, where they are installed, and whatever --against\n" +
            "names besides; then prints a table: the bar, what was measured, and whether it is met. A ratio is that of the medians; its range is\n" +
            "that of the repetitions. Takes about half an hour; --runs 1 --seconds 1 --warmup 1 shows that it works. A bar that is missed does\n" +
            "not fail the run; a broken promise does.")
    {
        _servers = new ServerOptions(this, compares: true);
        _load = new LoadOptions(this);
        Options.Add(_out);
    }

    protected override bool Run(ParseResult parsed)
    {
        using var keeper = new Lineup();
        var load = _load.Read(parsed);
        var bars = new List<Bar>();
        Func<bool>[] parts =
        [
            () => Closed(parsed, keeper, load, bars),
            () => Open(parsed, keeper, load, bars),
            () => Fresh(parsed, keeper, load, bars),
            () => !_servers.IsOurs(parsed) || Builds(parsed, load, bars),
        ];
        var kept = parts.Select(Part).ToArray().All(part => part);
        Console.WriteLine(Bar.Table(bars));
        return kept;
    }

    // What breaks in one part is not the end of the others, nor of what was measured before it.
    private static bool Part(Func<bool> measure)
    {
        try
        {
            return measure();
        }
        catch (RunFailed e)
        {
            Progress.Done();
            Console.WriteLine($"FAILED: {e.Message}");
            return false;
        }
    }

    // Throughput and its cost, with settings as they are.
    private bool Closed(ParseResult parsed, Lineup keeper, ClosedLoad load, List<Bar> bars)
    {
        using var lineup = _servers.Open(parsed, [], [Nats, Redis, Limit], keeper);
        var bench = new Bench("bars-closed-loop", lineup, parsed.GetValue(_out));
        var (one, hundred, thousand) = (FanOut.Measure(bench, 1, load), FanOut.Measure(bench, 100, load), FanOut.Measure(bench, 1000, load));
        var pairs = Pairs.Measure(bench, 50, load);
        AddRatio(bars, "1 → 100 deliveries/s, against nats over WebSocket", 1.25, 1.75, true, hundred, Nats, Names.Deliveries);
        AddRatio(bars, "1 → 1,000 deliveries/s, against nats over WebSocket", 1.25, 1.75, true, thousand, Nats, Names.Deliveries);
        AddRatio(bars, "1 → 100 deliveries/s, against Redis", 1, null, true, hundred, Redis, Names.Deliveries);
        AddRatio(bars, "1 → 1,000 deliveries/s, against Redis", 1, null, true, thousand, Redis, Names.Deliveries);
        AddRatio(bars, "1 → 1 deliveries/s, against nats over WebSocket", 0.9, 1.25, true, one, Nats, Names.Deliveries);
        AddRatio(bars, "50 pairs deliveries/s, against nats over WebSocket", 0.6, 1, true, pairs, Nats, Names.Deliveries);
        AddRatio(bars, "1 → 100 server CPU per delivery, against bare C", 3, 2, false, hundred, Limit, Names.CpuPerDelivery);

        var others = lineup.All.Select(contender => contender.Name).Except([Ours, Nats, Redis, Limit, "nats-tcp", "mosquitto"]).ToArray();
        IReadOnlyList<Run>[] loads = [one, hundred, thousand, pairs];
        var worst = others.SelectMany(other => loads.Select(runs => Ratio.Of(runs, Ours, other, Ratio.Figure(Names.Deliveries)))).OfType<Spread>().MinBy(ratio => ratio.Median);
        bars.Add(new Bar(
            "every load, against the fastest other implementation", 10, 20, true, "x", worst,
            worst is null ? "name one: --against NAME=URL or NAME=COMMAND" : $"the closest of {string.Join(", ", others)}"));
        bars.Add(new Bar(
            "one topic, messages/s with acks", 4 * ClaimedPerSecond, 10 * ClaimedPerSecond, true, "1/s",
            Summary.Of(one.Where(run => run.Contender == Ours), Names.Publishes), ""));

        var (few, many) = (FanOut.Measure(bench, 10, load, alone: true), FanOut.Measure(bench, 10_000, load, alone: true));
        bars.Add(new Bar(
            "server CPU per delivery, 10,000 against 10 subscribers", 1.5, 1, false, "x", Ratio.Of(many, few, Ratio.Figure(Names.CpuPerDelivery)), Sides(many, few, Names.CpuPerDelivery)));

        var slow = Slow.Measure(
            bench, 1, Slow.Never, new SlowLoad(20, 500, 4096, load.Window, TimeSpan.FromSeconds(30)), load.Repetitions);
        bars.Add(new Bar("p99 of 19 healthy subscribers, with one that never reads", 1.2, 1, false, "x", Summary.Of(slow, Names.P99Ratio), "open loop, 500 messages/s of 4 KiB"));
        return bench.Close();
    }

    // Latency, with queues as deep as the peer's.
    private bool Open(ParseResult parsed, Lineup keeper, ClosedLoad load, List<Bar> bars)
    {
        using var lineup = _servers.Open(parsed, DeepQueues.Settings, [Nats], keeper, others: false);
        var bench = new Bench("bars-open-loop", lineup, parsed.GetValue(_out));
        var calm = Latency.Measure(bench, 1000, 10, load).Where(run => run.Contender == Ours).ToArray();
        bars.Add(new Bar(
            "p99 at 1,000 messages/s → 10 subscribers", 1, null, false, "ms", Milliseconds(Summary.Of(calm, Names.DeliveryLatency, p => p.P99)), "open loop, from when each was due"));
        bars.Add(new Bar(
            "p99.9 at 1,000 messages/s → 10 subscribers", 1, null, false, "ms", Milliseconds(Summary.Of(calm, Names.DeliveryLatency, p => p.P999)), "the moonshot"));
        var half = Saturation.Measure(bench, [50], 10, load)[50];
        var p99 = Ratio.Latency(Names.DeliveryLatency, p => p.P99);
        bars.Add(new Bar(
            "p99 at half of its own maximum, against nats at half of its", 1.5, 1, false, "x", Ratio.Of(half, Ours, Nats, p99),
            Ratio.Of(half, Ours, Nats, p99) is null ? Why(lineup, Nats) : ""));
        return bench.Close();
    }

    // Memory and topics: each in a process that did nothing before.
    private bool Fresh(ParseResult parsed, Lineup keeper, ClosedLoad load, List<Bar> bars)
    {
        bool kept;
        using (var lineup = _servers.Open(parsed, [], [Nats, Redis], keeper, others: false))
        {
            var bench = new Bench("bars-idle", lineup, parsed.GetValue(_out));
            var idle = Idle.Measure(bench, 10_000, load.Window, 1).Where(run => run.Contender == Ours);
            var each = Summary.Of(idle, Names.BytesPerConnection);
            bars.Add(new Bar(
                "memory of an idle connection with one subscription, of 10,000", 14, 8, false, "KiB",
                each is null ? null : new Spread(each.Median / Kilobyte, each.Min / Kilobyte, each.Max / Kilobyte), "resident set"));
            kept = bench.Close();
        }

        using (var lineup = _servers.Open(parsed, [("MAX_TOPICS", "1000000")], [], keeper, others: false))
        {
            var bench = new Bench("bars-topics", lineup, parsed.GetValue(_out));
            var (one, many) = (Topics.Measure(bench, 1, load, seed: 1), Topics.Measure(bench, 100_000, load, seed: 1));
            bars.Add(new Bar(
                "server CPU per publish, 100,000 topics against 1", 1.2, null, false, "x", Ratio.Of(many, one, Ratio.Figure(Names.CpuPerPublish)), Sides(many, one, Names.CpuPerPublish)));
            return bench.Close() && kept;
        }
    }

    // What only a build of our own can be asked.
    private bool Builds(ParseResult parsed, ClosedLoad load, List<Bar> bars)
    {
        using var lineup = new Lineup();
        HostBuild[] builds = [lineup.Own(new HostBuild(aot: true)), lineup.Own(new HostBuild(aot: false))];
        Array.ForEach(builds, build => lineup.Note(build.Kind, "Host, published Release"));
        lineup.Note(Ours, "Host, published Release for the JIT, with a startup hook");
        var bench = new Bench("bars-builds", lineup, parsed.GetValue(_out));
        var idle = Memory.Measure(bench, builds, load.Repetitions);
        bars.Add(new Bar("resident when idle, Native AOT", 20, 12, false, "MB", Summary.Of(idle.Where(run => run.Contender == builds[0].Kind), Names.Resident), ""));

        var allocations = Allocations.Measure(bench, builds[1].Executable, [10, 100], load);
        var few = Summary.Of(allocations.Where(run => run.Parameters[Names.Subscribers] < 100), Allocations.PerPublish);
        var many = Summary.Of(allocations.Where(run => run.Parameters[Names.Subscribers] >= 100), Allocations.PerPublish);
        const double more = 90; // subscribers; a byte each is nothing that is allocated for each
        bars.Add(new Bar(
            "bytes allocated for each further delivery of a publish", 1, null, false, "B",
            few is null || many is null ? null : new Spread((many.Median - few.Median) / more, (many.Min - few.Max) / more, (many.Max - few.Min) / more), "100 less 10 subscribers"));
        bars.Add(new Bar("bytes allocated per publish, 1 → 10", 1, null, false, "B", few, "the moonshot"));
        return bench.Close();
    }

    private static void AddRatio(
        List<Bar> bars, string name, double target, double? moonshot, bool isLeast, IReadOnlyList<Run> runs, string other, string figure)
    {
        var ratio = Ratio.Of(runs, Ours, other, Ratio.Figure(figure));
        var (ours, theirs) = (runs.Where(run => run.Contender == Ours).ToArray(), runs.Where(run => run.Contender == other).ToArray());
        bars.Add(new Bar(name, target, moonshot, isLeast, "x", ratio, ratio is null ? $"{other} is absent, or failed" : Sides(ours, theirs, figure)));
    }

    private static string Why(Lineup lineup, string peer) => lineup.Notes.FirstOrDefault(note => note.Name == peer && note.Absent)?.Version ?? "every run failed";

    private static string Sides(IReadOnlyList<Run> ours, IReadOnlyList<Run> theirs, string figure) =>
        Summary.Of(ours, figure) is { } one && Summary.Of(theirs, figure) is { } other
            ? string.Create(CultureInfo.InvariantCulture, $"{Summary.Number(one.Median)} against {Summary.Number(other.Median)} {ours.Concat(theirs).First(run => run.Failure is null).Figures[figure].Unit}")
            : "";

    private static Spread? Milliseconds(Spread? spread) => spread is null ? null : new Spread(spread.Median / 1000, spread.Min / 1000, spread.Max / 1000);
}
