using System.CommandLine;
using PubSub.Conformance.Targets;
using PubSub.Stress.Contenders;
using PubSub.Stress.Measure;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Bars;

/// <summary>Measures several Hosts on one Redis beside the same Host alone, and prints whether the bars for it are met.</summary>
internal sealed class ClusterVerb : Verb
{
    private const int MostNodes = 16;

    private readonly Option<int[]> _nodes = OptionFactory.Wholes("--nodes", "The numbers of nodes to compare.", [1, 2, 3], 1, MostNodes);
    private readonly Option<string?> _server = OptionFactory.Text(
        "--server", "The executable or .dll to start instead of a build of Host; it is given PORT=0 and REDIS.", "PATH");

    private readonly Option<string[]> _set = OptionFactory.Texts("--set", "A setting of every server that is started.", "NAME=VALUE");
    private readonly Option<bool> _faults = OptionFactory.Flag(
        "--faults", "Also counts deliveries per 100 ms while a node is killed, and while Redis is paused.");

    private readonly Option<string?> _out = OptionFactory.Out();
    private readonly LoadOptions _load;

    public ClusterVerb()
        : base(
            Cluster.Scenario,
            "What do several nodes on one Redis carry, and what does it cost, against one node without Redis?",
            "Starts a redis-server, as many Hosts on it as the largest number of --nodes, and one Host without Redis. A cluster of N is\n" +
            "the first N of them. Publishers and subscribers are spread over its nodes, and all clusters take turns under each load. No\n" +
            "message may be lost, doubled or reordered, and all subscribers of a topic must see one order. At the end it prints all\n" +
            "medians, each with its ratio to the Host alone, and the bars. A missed bar does not fail the run; a broken promise does.\n" +
            "Queues are as deep as for `latency` (" + DeepQueues.Words + ").")
    {
        Option[] options = [_nodes, _server, _set, _faults, _out];
        Array.ForEach(options, Options.Add);
        _load = new LoadOptions(this, warmup: 2);
    }

    protected override bool Run(ParseResult parsed)
    {
        using var lineup = new Lineup();
        int[] sizes = [.. parsed.GetValue(_nodes)!.Distinct().Order()];
        var (start, redis) = Start(lineup, parsed, sizes);
        var bench = new Bench(Name, lineup, parsed.GetValue(_out));
        var results = new ClusterBars();
        var kept = bench.CloseAfter(() =>
        {
            results.Measure(bench, _load.Read(parsed));
            if (parsed.GetValue(_faults))
            {
                Fail(bench, start, redis);
            }
        });
        Console.WriteLine();
        Console.WriteLine(results.Table([Cluster.Alone, .. sizes.Select(Cluster.NameOf)]));
        Console.WriteLine();
        Console.WriteLine(Bar.Table(results.Bars()));
        return kept;
    }

    // Each fault has two nodes of its own, which retain more.
    private static void Fail(Bench bench, Func<(string Name, string Value)[], PubSubContender> start, RedisServer redis)
    {
        Once(ClusterFault.NodeKilled, ClusterFault.KillNode);
        Once(ClusterFault.RedisPaused, (first, second) => ClusterFault.PauseRedis(first, second, redis));

        void Once(string fault, Func<PubSubContender, PubSubContender, Measured> once)
        {
            Console.WriteLine(fault);
            using var first = start(ClusterFault.Settings);
            using var second = start(ClusterFault.Settings);
            var load = new Load(Cluster.Scenario, fault, new Dictionary<string, double>(), fault);
            bench.Attempt(load, Cluster.NameOf(2), 1, () => once(first, second));
        }
    }

    // Returns how to start one more node, and Redis.
    private (Func<(string Name, string Value)[], PubSubContender> Start, RedisServer Redis) Start(
        Lineup lineup, ParseResult parsed, int[] sizes)
    {
        var server = parsed.GetValue(_server);
        if (server is not null && !File.Exists(server))
        {
            throw new UsageError($"--server {server}: no such file");
        }

        var path = Programs.Find(RedisServer.Program)
            ?? throw new UsageError($"{Cluster.Scenario} needs {RedisServer.Program}, which is not installed");
        server ??= lineup.Own(new HostBuild(aot: false)).Executable;
        var redis = lineup.Own(new RedisServer(path));
        var settings = DeepQueues.Settings.Concat(ServerOptions.Pairs(parsed.GetValue(_set)!, "--set")).ToArray();

        lineup.Add(new ClusterContender(Cluster.Alone, [lineup.Own(StartHost())], redis: null));
        PubSubContender[] nodes = [.. Enumerable.Range(0, sizes[^1]).Select(_ => lineup.Own(StartNode([])))];
        foreach (var size in sizes)
        {
            lineup.Add(new ClusterContender(Cluster.NameOf(size), nodes[..size], redis));
        }

        lineup.Note("redis", redis.Version);
        return (StartNode, redis);

        PubSubContender StartNode((string Name, string Value)[] more) => StartHost([("REDIS", redis.Url.Authority), .. more]);

        PubSubContender StartHost(params (string Name, string Value)[] more)
        {
            // The last value of a setting holds.
            var all = settings.Concat(more).GroupBy(setting => setting.Name).ToDictionary(same => same.Key, same => same.Last().Value);
            return Servers.Start("node", server, all, Dialect.V1);
        }
    }
}
