using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>A closed loop against a server that reports its allocations before and after.</summary>
internal sealed class Allocations : Verb
{
    public const string Scenario = "allocations";
    public const string PerPublish = "allocated_per_publish";
    public const string PerDelivery = "allocated_per_delivery";

    private const string Contender = "pubsub";

    private readonly Option<string?> _server = OptionFactory.Text(
        "--server", "The executable or .dll of a .NET build for the JIT to start instead of a build of Host.", "PATH");

    private readonly Option<int[]> _subscribers = OptionFactory.Wholes(
        "--subscribers", "Subscribers of the topic.", [1, 10, 100, 1000], 1, 10_000);

    private readonly Option<string?> _out = OptionFactory.Out();
    private readonly LoadOptions _load;

    public Allocations()
        : base(
            Scenario,
            "How many bytes does the server allocate for a publish, and for a delivery?",
            "Counts the bytes that the server's process allocates on its managed heap over the timed window of a closed loop, by a\n" +
            "startup hook that the runtime loads into it: the server itself is not changed. The figure includes everything the process\n" +
            "does in that time, and memory that is collected later. The hook needs a build for the JIT; Native AOT runs the same code\n" +
            "on the same heap.")
    {
        Options.Add(_server);
        Options.Add(_subscribers);
        _load = new LoadOptions(this, runs: 3);
        Options.Add(_out);
    }

    /// <summary>Starts the server itself, with the startup hook.</summary>
    public static IReadOnlyList<Run> Measure(Bench bench, string server, int[] subscribers, ClosedLoad load)
    {
        var first = bench.Runs.Count;
        var meter = new AllocationMeter();
        using var contender = Servers.Start(Contender, server, meter.Environment, Conformance.Targets.Dialect.V1);
        var overhead = meter.Overhead();
        foreach (var count in subscribers)
        {
            var parameters = load.Parameters;
            parameters[Names.Subscribers] = count;
            var title = new Load(Scenario, $"1 → {count:N0}, {load.PayloadBytes} bytes, {load.Outstanding} outstanding", parameters);
            Console.WriteLine(title.Title);
            for (var repetition = 1; repetition <= load.Repetitions; repetition++)
            {
                Progress.Say($"{Scenario}: run {repetition} of {load.Repetitions}");
                bench.Attempt(title, Contender, repetition, () => Once(contender, meter, overhead, count, load));
            }
        }

        return [.. bench.Runs.Skip(first)];
    }

    protected override bool Run(ParseResult parsed)
    {
        using var lineup = new Lineup();
        var server = parsed.GetValue(_server) ?? lineup.Own(new HostBuild(aot: false)).Executable;
        lineup.Note(Contender, $"{Path.GetFileName(server)}, with a startup hook");
        var bench = new Bench(Name, lineup, parsed.GetValue(_out));
        return bench.CloseAfter(() => Measure(bench, server, parsed.GetValue(_subscribers)!, _load.Read(parsed)));
    }

    private static Measured Once(PubSubContender server, AllocationMeter meter, long overhead, int subscribers, ClosedLoad load)
    {
        var topic = $"allocations-{Guid.NewGuid():N}";
        server.CreateTopic(topic);
        var measured = new Measured();
        using (var loops = new Loops(1))
        {
            var audience = new Audience(loops, server, topic, subscribers, load.PayloadBytes, load.Outstanding);
            var publisher = server.Open(loops.Home, load.PayloadBytes);
            publisher.PublishTo(topic);
            var closed = new ClosedLoop(loops.Home, publisher, audience.Paces, load.Outstanding);
            closed.Run(load.Warmup);

            // At both readings everything published so far is delivered and answered.
            closed.Finish();
            var (published, received, allocated) = (closed.Published, closed.Received, meter.Read());
            closed.Run(load.Window);
            closed.Finish();
            allocated = meter.Read() - allocated - overhead;
            (published, received) = (closed.Published - published, closed.Received - received);
            measured
                .Add(PerPublish, (double)allocated / published, "B", Measured.Less)
                .Add(PerDelivery, (double)allocated / received, "B", Measured.Less)
                .Add(Names.Published, published, "messages");
        }

        server.DeleteTopic(topic);
        return measured;
    }
}
