using NUnit.Framework;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Net;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;

namespace PubSub.Stress.Tests;

/// <summary>The loads for several nodes: what they check, where connections go, and the whole verb.</summary>
[TestFixture]
[Platform("Linux", Reason = Tool.LinuxOnly)]
public sealed class ClusterTests
{
    // With one message of each publisher under way, neighbours in the topic's order are of different publishers.
    private static readonly ClosedLoad OneByOne = ScriptedServer.Short with { Outstanding = 1 };

    [TestCase("loses one", "lost or reordered")]
    [TestCase("doubles one", "duplicated or reordered")]
    [TestCase("doubles the last", "duplicated or reordered")]
    [TestCase("swaps two for one", "in different orders")]
    public void A_shared_topic_fails_for_the_right_reason(string wrong, string reason)
    {
        using var server = new ScriptedServer(wrong);

        Assert.That(
            () => Cluster.Once(server.Contender, 3, 2, OneByOne), Throws.TypeOf<RunFailed>().With.Message.Contains(reason));
    }

    [Test]
    public void A_publisher_and_its_subscriber_are_at_different_nodes()
    {
        using var one = new ScriptedServer();
        using var other = new ScriptedServer();
        using var cluster = new ClusterContender("2 nodes", [one.Contender, other.Contender], redis: null);
        using var loop = new Loop();
        int[] ports = [one.Url.Port, other.Url.Port];

        var first = Peer(cluster.BeginSubscriber(loop, 20));
        cluster.Rewind();
        int[] subscribers = [.. Enumerable.Range(0, 4).Select(_ => Peer(cluster.BeginSubscriber(loop, 20)))];
        int[] publishers = [.. Enumerable.Range(0, 4).Select(_ => Peer(cluster.Begin(loop, 20)))];

        Assert.That(first, Is.EqualTo(ports[0]));
        Assert.That(subscribers, Is.EqualTo((int[])[.. ports, .. ports]));
        Assert.That(publishers, Is.EqualTo((int[])[.. ports.Reverse(), .. ports.Reverse()]));

        int Peer(Connection connection)
        {
            loop.Until(() => connection.IsOpen, TimeSpan.FromSeconds(10), "for the connection");
            return ((System.Net.IPEndPoint)connection.Socket.RemoteEndPoint!).Port;
        }
    }

    [Test]
    public void Without_redis_server_the_verb_says_so_in_one_line()
    {
        var (path, error) = (Environment.GetEnvironmentVariable("PATH"), Console.Error);
        using var said = new StringWriter();
        Environment.SetEnvironmentVariable("PATH", "");
        Console.SetError(said);
        try
        {
            Assume.That(Programs.Find(RedisServer.Program), Is.Null, "it is in a folder that the tool searches besides PATH");
            Assert.That(Tool.Run(["cluster", "--server", HostTests.FindHost()]), Is.EqualTo(ExitCode.Usage));
        }
        finally
        {
            Console.SetError(error);
            Environment.SetEnvironmentVariable("PATH", path);
        }

        Assert.That(said.ToString(), Is.EqualTo("cluster needs redis-server, which is not installed" + Environment.NewLine));
    }

    [Test]
    public void Two_nodes_keep_every_promise_under_each_load()
    {
        if (Programs.Find(RedisServer.Program) is null)
        {
            Assert.Ignore("redis-server is not installed");
        }

        var folder = Directory.CreateTempSubdirectory("stress-test-");
        try
        {
            string[] quick = ["--nodes", "1,2", "--runs", "1", "--seconds", "0.3", "--warmup", "0.1", "--outstanding", "20"];

            var status = Tool.Run(["cluster", "--server", HostTests.FindHost(), "--out", folder.FullName, .. quick]);

            var runs = ResultsFile.Read(folder.GetFiles("cluster-*.json").Single().FullName).Runs;
            Assert.That(runs.Select(run => run.Failure), Has.All.Null);
            Assert.That(status, Is.EqualTo(ExitCode.Ok));
            Assert.That(runs.Select(run => run.Contender).Distinct(), Is.EqualTo((string[])[Cluster.Alone, "1 node", "2 nodes"]));
            Assert.That(
                runs.Select(run => run.Variant).Distinct(),
                Is.EqualTo((string[])[Cluster.OneTopic, Cluster.ManyTopics, Cluster.FanOutTo100, Cluster.AtRate]));
            Assert.That(
                runs.Select(run => (run.Figures.GetValueOrDefault(Names.Deliveries) ?? run.Figures[Names.Publishes]).Value),
                Has.All.GreaterThan(0));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
