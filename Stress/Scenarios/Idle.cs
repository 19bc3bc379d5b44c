using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Many idle connections: the server's memory for each, and whether a message still reaches them all.</summary>
internal sealed class Idle : ScenarioVerb
{
    public const string Scenario = "idle";

    public const string ResidentWith = "resident_with";

    private const int WarmConnections = 200;
    private const int PayloadBytes = 100;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);

    private readonly Option<int[]> _connections = OptionFactory.Wholes(
        "--connections", "Connections with one subscription each.", [10_000], 1, 60_000);

    private readonly Option<TimeSpan> _window = OptionFactory.Seconds(
        "--seconds", "The idle time over which processor time is measured.", 5);
    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "Runs of each contender; they take turns.", 1, 1, 1000);

    public Idle()
        : base(
            Scenario,
            "What does an idle connection cost in memory and time, and does a message still reach all 10,000?",
            "Memory is the growth of the server's resident set, once settled, from before the connections to after them. A few\n" +
            "connections come and go first, so that one-time costs are not counted. All runs use the same process: memory that a server\n" +
            "keeps for later connections makes the later runs look better, so a bar is measured with --runs 1.",
            compares: true)
    {
        Option[] options = [_connections, _window, _runs];
        Array.ForEach(options, option => Add(option));
    }

    public static IReadOnlyList<Run> Measure(Bench bench, int connections, TimeSpan window, int runs) => bench.Compare(
        new Load(
            Scenario,
            $"{connections:N0} connections with one subscription each",
            new Dictionary<string, double> { [Names.Connections] = connections, [Names.Window] = window.TotalSeconds }),
        runs,
        contender => Once(contender, connections, window));

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        foreach (var connections in parsed.GetValue(_connections)!)
        {
            Measure(bench, connections, parsed.GetValue(_window), parsed.GetValue(_runs));
        }
    }

    private static Measured Once(IContender contender, int connections, TimeSpan window)
    {
        var cost = contender.Cost ?? throw new UsageError("--url needs --pid here: memory is read from the server's process");
        var measured = new Measured();
        Reach(contender, WarmConnections, measured: null, _ => { });
        long before;
        using (var quiet = new Loop())
        {
            before = SettledMemory.Resident(quiet, cost);
        }

        Reach(contender, connections, measured, loop =>
        {
            var after = SettledMemory.Resident(loop, cost);
            var cpu = new CpuMeter(cost);
            loop.For(window);
            cpu.Stop();
            measured
                .Add(Names.BytesPerConnection, (double)(after - before) / connections, "bytes", Measured.Less)
                .Add("resident_before", before / 1e6, "MB")
                .Add(ResidentWith, after / 1e6, "MB")
                .Add(Names.ServerCpu, cpu.Server / cpu.Window, "cores", Measured.Less);
        });
        return measured;
    }

    // Opens and subscribes all, calls rest, then checks that a message reaches each exactly once.
    private static void Reach(IContender contender, int connections, Measured? measured, Action<Loop> rest)
    {
        var topic = $"idle-{Guid.NewGuid():N}";
        contender.CreateTopic(topic);
        using (var loops = new Loops(1))
        {
            var loop = loops.Home;
            var schedule = new Schedule(1);
            var latencies = new Latencies();
            var all = Gathering.Subscribe(
                loops,
                contender,
                topic,
                connections,
                PayloadBytes,
                n => new TimedInbox(new OrderedInbox($"connection {n + 1}"), schedule, latencies));
            rest(loop);

            // The second message follows any duplicate of the first one, and so reveals it.
            var publisher = contender.Open(loop, PayloadBytes);
            publisher.PublishTo(topic);
            schedule.Count(1, 1);
            schedule.Start();
            for (var id = 1; id <= 2; id++)
            {
                publisher.Publish(id);
                publisher.Flush();
                loop.Until(
                    () => publisher.Unanswered == 0 && all.TrueForAll(c => c.Inbox!.Count == id),
                    AnswerTimeout,
                    $"for message {id} to reach every connection");
            }

            measured?.Add(Names.DeliveryLatency, latencies);
        }

        contender.DeleteTopic(topic);
    }
}
