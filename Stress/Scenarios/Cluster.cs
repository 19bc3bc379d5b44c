using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Scenarios;

/// <summary>The same loads for a Host alone and for several Hosts on one Redis.</summary>
internal static class Cluster
{
    public const string Scenario = "cluster";
    public const string OneTopic = "one topic", ManyTopics = "50 topics", FanOutTo100 = "1 → 100", AtRate = "1,000 messages/s";

    public const string Alone = "alone"; // without Redis

    private const int Publishers = 6; // the same number at each of 1, 2 or 3 nodes
    private const int Topics = 50;
    private const int Subscribers = 100;
    private const int Rate = 1000; // messages per second

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    public static string NameOf(int nodes) => nodes == 1 ? "1 node" : $"{nodes} nodes";

    /// <summary>Six publishers of one topic, and a subscriber at each node.</summary>
    public static IReadOnlyList<Run> MeasureOneTopic(Bench bench, ClosedLoad load)
    {
        var parameters = load.Parameters;
        parameters[Names.Publishers] = Publishers;
        parameters[Names.Loops] = 1;
        var title = $"one topic, {Publishers} publishers, a subscriber at each node, {load.Outstanding} outstanding each";
        return Compare(bench, title, OneTopic, parameters, load, cluster => Once(cluster, Publishers, cluster.Nodes, load));
    }

    /// <summary>A publisher and a subscriber of each topic, at different nodes.</summary>
    public static IReadOnlyList<Run> MeasureManyTopics(Bench bench, ClosedLoad load)
    {
        var parameters = load.Parameters;
        parameters[Names.Pairs] = Topics;
        var title = $"{Topics} topics, a publisher and a subscriber of each, {load.Outstanding} outstanding each";
        return Compare(bench, title, ManyTopics, parameters, load, cluster => Pairs.Once(cluster, Topics, load));
    }

    /// <summary>One publisher of one topic, and subscribers spread over the nodes.</summary>
    public static IReadOnlyList<Run> MeasureFanOut(Bench bench, ClosedLoad load)
    {
        var parameters = load.Parameters;
        parameters[Names.Subscribers] = Subscribers;
        var title = $"1 → {Subscribers}, subscribers spread over the nodes, {load.Outstanding} outstanding";
        return Compare(bench, title, FanOutTo100, parameters, load, cluster => FanOut.Once(cluster, Subscribers, load));
    }

    /// <summary>Open loop: one publisher, and one subscriber at another node if there are several.</summary>
    public static IReadOnlyList<Run> MeasureLatency(Bench bench, ClosedLoad load)
    {
        var parameters = load.Parameters;
        parameters.Remove(Names.Outstanding);
        parameters[Names.Rate] = Rate;
        parameters[Names.Subscribers] = 1;
        var title = $"{Rate:N0} messages/s from one node to another";
        return Compare(bench, title, AtRate, parameters, load, cluster => Latency.Once(cluster, Rate, 1, load));
    }

    /// <summary>One run of several publishers of one topic.</summary>
    public static Measured Once(IContender contender, int publishers, int subscribers, ClosedLoad load)
    {
        var topic = $"cluster-{Guid.NewGuid():N}";
        contender.CreateTopic(topic);
        var measured = new Measured();
        using (var loops = new Loops(1))
        {
            var shared = new SharedTopic(loops, contender, topic, publishers, subscribers, load.PayloadBytes, load.Outstanding);
            shared.Start();
            loops.Home.For(load.Warmup);

            shared.RoundTrips.Reset();
            var acked = -shared.Acked;
            var cpu = new CpuMeter(contender.Cost);
            loops.Home.For(load.Window);
            acked += shared.Acked;
            cpu.Stop();

            measured
                .Add(Names.Publishes, acked / cpu.Window.TotalSeconds, "1/s", Measured.More)
                .Add(Names.CpuPerPublish, cpu.Server?.TotalMicroseconds / acked, "µs", Measured.Less)
                .Add(Names.AckLatency, shared.RoundTrips);
            cpu.AddTo(measured);
            shared.Stop();
            loops.Until(() => shared.IsDrained, AnswerTimeout, "for the last messages to be received by all and answered");
            shared.CheckOrder();
        }

        contender.DeleteTopic(topic);
        return measured;
    }

    private static IReadOnlyList<Run> Compare(
        Bench bench,
        string title,
        string variant,
        Dictionary<string, double> parameters,
        ClosedLoad load,
        Func<ClusterContender, Measured> once) =>
        bench.Compare(new Load(Scenario, title, parameters, variant), load.Repetitions, contender =>
        {
            var cluster = (ClusterContender)contender;
            cluster.Rewind();
            return once(cluster);
        });
}
