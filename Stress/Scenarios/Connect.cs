using System.CommandLine;
using System.Diagnostics;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>Many clients connect at once; then all subscribers lose their connection and come back at once, with replay.</summary>
internal sealed class Connect : ScenarioVerb
{
    public const string Scenario = "connect";

    private const int LastN = 100;
    private const int PayloadBytes = 100;
    private static readonly TimeSpan StormTimeout = TimeSpan.FromSeconds(120);

    private readonly Option<int> _connections = OptionFactory.Whole("--connections", "Connections of the connect storm.", 5000, 1, 50_000);
    private readonly Option<int> _reconnections = OptionFactory.Whole(
        "--reconnections", "Subscribers of the reconnect storm, each with last_n=100.", 1000, 1, 10_000);

    private readonly Option<int> _parallel = OptionFactory.Whole("--parallel", "Handshakes under way at a time.", 200, 1, 4000);
    private readonly Option<int> _rate = OptionFactory.Whole(
        "--rate", "Messages per second during the reconnect storm, at most.", 200, 1, 100_000);

    private readonly Option<int> _runs = OptionFactory.Whole("--runs", "Storms of each kind.", 3, 1, 1000);
    private readonly Option<int> _seed = OptionFactory.Seed();

    public Connect()
        : base(
            Scenario,
            "How fast does the server accept thousands of connections, and accept them again with replay after all were lost?",
            "Connect storm: each connection upgrades and subscribes; then a message must reach every one. Reconnect storm: all\n" +
            "subscribers of a busy topic are reset and come back with last_n=100; the history checker judges what they received.",
            compares: false)
    {
        Option[] options = [_connections, _reconnections, _parallel, _rate, _runs, _seed];
        Array.ForEach(options, option => Add(option));
    }

    protected override void Measure(Bench bench, ParseResult parsed)
    {
        var (connections, reconnections) = (parsed.GetValue(_connections), parsed.GetValue(_reconnections));
        var (parallel, rate) = (parsed.GetValue(_parallel), parsed.GetValue(_rate));
        var (seed, runs) = (parsed.GetValue(_seed), parsed.GetValue(_runs));
        bench.Repeat(
            new Load(
                Scenario,
                $"connect storm: {connections:N0} connections, {parallel} handshakes at a time",
                new Dictionary<string, double> { [Names.Connections] = connections, ["parallel"] = parallel },
                "connect"),
            runs,
            _ => Storm(bench.Lineup.First, connections, parallel));
        bench.Repeat(
            new Load(
                Scenario,
                $"reconnect storm: {reconnections:N0} subscribers come back with last_n={LastN}, seed {seed}",
                new Dictionary<string, double>
                {
                    [Names.Connections] = reconnections,
                    [Names.Rate] = rate,
                    ["parallel"] = parallel,
                    [Names.Seed] = seed,
                },
                "reconnect"),
            runs,
            run => Reconnect(bench.Lineup.First, reconnections, parallel, rate, new Random(seed + run)));
    }

    public static Measured Storm(PubSubContender server, int connections, int parallel)
    {
        var topic = $"connect-{Guid.NewGuid():N}";
        server.CreateTopic(topic);
        var (opening, subscribing) = (new Latencies(), new Latencies());
        var measured = new Measured();
        using (var loop = new Loop())
        {
            var all = new List<PubSubConnection>();
            var subscribed = 0;
            var cpu = new CpuMeter(server.Cost);
            loop.Until(
                () =>
                {
                    for (; all.Count < connections && all.Count - subscribed < parallel;)
                    {
                        all.Add(Begin());
                    }

                    return subscribed == connections;
                },
                StormTimeout,
                "for every connection to be subscribed");
            cpu.Stop();

            var publisher = server.Open(loop, PayloadBytes);
            publisher.PublishTo(topic);
            for (var id = 1; id <= 2; id++)
            {
                publisher.Publish(id);
                publisher.Flush();
                loop.Until(
                    () => publisher.Unanswered == 0 && all.TrueForAll(c => c.Inbox!.Count == id),
                    StormTimeout,
                    $"for message {id} to reach every connection");
            }

            measured
                .Add("connects", connections / cpu.Window.TotalSeconds, "1/s", Measured.More)
                .Add("server_cpu_per_connect", cpu.Server?.TotalMicroseconds / connections, "µs", Measured.Less)
                .Add("connect_to_open", opening)
                .Add("open_to_subscribed", subscribing);
            cpu.AddTo(measured);

            PubSubConnection Begin()
            {
                var begun = Stopwatch.GetTimestamp();
                var connection = server.Begin(loop, PayloadBytes);
                connection.Inbox = new OrderedInbox($"connection {all.Count + 1}");
                connection.Opened = () =>
                {
                    var opened = Stopwatch.GetTimestamp();
                    opening.Add(opened - begun);
                    connection.Subscribe(topic, lastN: 0);
                    connection.OnAnswer = error =>
                    {
                        subscribed += error is null ? 1 : throw new RunFailed($"a subscribe was refused with {error}");
                        subscribing.Add(Stopwatch.GetTimestamp() - opened);
                    };
                };
                return connection;
            }
        }

        server.DeleteTopic(topic);
        return measured;
    }

    public static Measured Reconnect(PubSubContender server, int subscribers, int parallel, double rate, Random random)
    {
        var topic = $"reconnect-{Guid.NewGuid():N}";
        using var loop = new Loop();
        using var recorded = new RecordedLoad(loop, server, [topic], publishers: 1, random);
        Gather();
        recorded.Run(TimeSpan.FromSeconds(Math.Max(1, (LastN + 20) / rate)), rate, () => { }); // so that the topic retains LastN messages

        foreach (var member in recorded.Members.ToArray())
        {
            member.BreakOff();
            recorded.Dismiss(member);
        }

        var received = recorded.Received;
        var cpu = new CpuMeter(server.Cost);
        Gather();
        cpu.Stop();
        received = recorded.Received - received;
        recorded.Drain();
        recorded.Judge();
        server.DeleteTopic(topic);
        var measured = new Measured()
            .Add("reconnects", subscribers / cpu.Window.TotalSeconds, "1/s", Measured.More)
            .Add("server_cpu_per_reconnect", cpu.Server?.TotalMicroseconds / subscribers, "µs", Measured.Less)
            .Add("events_meanwhile", received, "events");
        cpu.AddTo(measured);
        return measured;

        // A subscriber is back when its subscribe, and its probe if any, is answered.
        void Gather()
        {
            var start = Stopwatch.GetTimestamp();
            var published = recorded.Published;
            var (arrived, coming) = (0, new List<RecordedClient>());
            while (arrived < subscribers)
            {
                for (; arrived + coming.Count < subscribers && coming.Count < parallel;)
                {
                    var member = recorded.Admit();
                    member.Subscribe(topic, LastN);
                    member.Flush();
                    coming.Add(member);
                }

                recorded.Publish((int)((Stopwatch.GetElapsedTime(start).TotalSeconds * rate) - (recorded.Published - published)));
                loop.Turn(1);
                arrived += coming.RemoveAll(member => member.IsIdle
                    || (member.Ending is null ? false : throw new RunFailed($"a subscriber was cut while it came back: {member.Ending}")));
                if (Stopwatch.GetElapsedTime(start) > StormTimeout)
                {
                    throw new RunFailed($"{arrived} of {subscribers} were back after {StormTimeout.TotalSeconds:0} s");
                }
            }
        }
    }
}
