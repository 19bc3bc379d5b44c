using System.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>The size of the idle reference server, as built for Native AOT and for the JIT.</summary>
internal sealed class Memory : Verb
{
    public const string Scenario = "memory";

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "Starts of each build; they take turns.", 5, 1, 100);
    private readonly Option<string?> _out = OptionFactory.Out();

    public Memory()
        : base(
            Scenario,
            "How large is the server, on disk and in memory, before any client connects?",
            "Publishes Host for Native AOT and for the JIT, starts each, creates a topic, waits for memory to settle, and reads the\n" +
            "resident set. Native AOT needs clang or gcc and zlib's headers.")
    {
        Add(_runs);
        Add(_out);
    }

    public static IReadOnlyList<Run> Measure(Bench bench, HostBuild[] builds, int runs)
    {
        var first = bench.Runs.Count;
        Console.WriteLine("resident when idle");
        for (var repetition = 1; repetition <= runs; repetition++)
        {
            foreach (var build in builds)
            {
                Progress.Say($"{Scenario}: start {repetition} of {runs}, {build.Kind}");
                var load = new Load(Scenario, "", new Dictionary<string, double>(), build.Kind);
                bench.Attempt(load, build.Kind, repetition, () => Once(build));
            }
        }

        var measured = bench.Runs.Skip(first).ToArray();
        Summary.Print(measured, builds.Select(build => build.Kind));
        return measured;
    }

    protected override bool Run(ParseResult parsed)
    {
        using var lineup = new Lineup();
        HostBuild[] builds = [lineup.Own(new HostBuild(aot: true)), lineup.Own(new HostBuild(aot: false))];
        Array.ForEach(builds, build => lineup.Note(build.Kind, "Host, published Release"));
        var bench = new Bench(Name, lineup, parsed.GetValue(_out));
        return bench.CloseAfter(() => Measure(bench, builds, parsed.GetValue(_runs)));
    }

    private static Measured Once(HostBuild build)
    {
        using var server = Servers.Start(build.Kind, build.Executable, new Dictionary<string, string>(), Conformance.Targets.Dialect.V1);
        server.CreateTopic("memory");
        server.DeleteTopic("memory");
        using var loop = new Loop();
        loop.For(Rest);
        return new Measured()
            .Add(Names.Resident, SettledMemory.Resident(loop, server.Cost!) / 1e6, "MB", Measured.Less)
            .Add("on_disk", build.Size / 1e6, "MB", Measured.Less)
            .Add("threads", server.Cost!.Threads, "threads");
    }
}
