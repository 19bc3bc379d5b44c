using NUnit.Framework;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Contenders;
using PubSub.Stress.Loads;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;
using PubSub.Stress.Verbs;

namespace PubSub.Stress.Tests;

/// <summary>The reference server under each load for a moment: it keeps its promises, and its costs have the expected ratios.</summary>
[TestFixture]
[Platform("Linux", Reason = Tool.LinuxOnly)]
public sealed class HostTests
{
    private static readonly ClosedLoad Short = new(
        PayloadBytes: 100,
        Outstanding: 50,
        Warmup: TimeSpan.FromMilliseconds(300),
        Window: TimeSpan.FromMilliseconds(500),
        Repetitions: 1,
        Loops: 1);

    private PubSubContender _host = null!;
    private PubSubContender _patient = null!; // deleting a topic does not end connections

    [OneTimeSetUp]
    public void StartHost()
    {
        _host = Start(new()
        {
            ["KEEPALIVE_INTERVAL"] = "2",
            ["MAX_RETAINED_BYTES"] = "8388608",
            ["MAX_OUTSTANDING_BYTES"] = "8388608",
            ["KEEPALIVE_TIMEOUT"] = "2",
            ["WRITE_TIMEOUT"] = "3",
            ["HANDSHAKE_TIMEOUT"] = "2",
        });
        _patient = Start(new() { ["TOPIC_DELETION"] = "unsubscribe" });
    }

    [OneTimeTearDown]
    public void StopHost()
    {
        _host.Dispose();
        _patient.Dispose();
    }

    [Test]
    public void A_delivery_to_one_of_many_subscribers_costs_less_than_to_a_single_one()
    {
        var one = FanOut.Once(_host, 1, Short);
        var many = FanOut.Once(_host, 100, Short with { Loops = 2 });

        Assert.That(many.Figures[Names.CpuPerDelivery].Value, Is.LessThan(one.Figures[Names.CpuPerDelivery].Value));
        Assert.That(many.Figures[Names.Deliveries].Value, Is.EqualTo(100 * many.Figures[Names.Publishes].Value).Within(20).Percent);
    }

    [Test]
    public void Wrong_keys_are_refused_while_others_go_on_and_a_server_that_takes_one_fails()
    {
        using var host = Start(WrongKeys.Files);
        host.Authenticate(WrongKeys.Key);

        var measured = WrongKeys.Once(host, 100, 2, Short, WrongKeys.Guessing, 1000);

        Assert.That(measured.Figures[WrongKeys.Guesses].Value, Is.GreaterThan(100));
        Assert.That(measured.Latencies[Names.DeliveryLatency].Count, Is.EqualTo(100));
        Assert.That(
            () => WrongKeys.Once(_host, 100, 2, Short, WrongKeys.Guessing, 1000),
            Throws.TypeOf<RunFailed>().With.Message.Contains("HTTP/1.1 200"),
            "a server without access");
    }

    [Test]
    public void Independent_pairs_lose_no_message() =>
        Assert.That(() => Pairs.Once(_host, 20, Short with { Loops = 2 }), Throws.Nothing);

    [Test]
    public void Publishers_that_share_a_topic_have_one_order() =>
        Assert.That(Cluster.Once(_host, 2, 2, Short with { Outstanding = 20 }).Figures[Names.Publishes].Value, Is.GreaterThan(0));

    [Test]
    public void An_open_loop_keeps_its_rate()
    {
        var measured = Latency.Once(_host, 500, 5, Short);

        Assert.That(measured.Figures[Names.Publishes].Value, Is.EqualTo(500).Within(20).Percent);
        Assert.That(measured.Latencies[Names.DeliveryLatency].Count, Is.EqualTo(5 * 250).Within(2).Percent);
    }

    [Test]
    public void Churn_passes_the_history_checker() =>
        Assert.That(() => Churn.Once(_patient, new ChurnLoad(10, 2, 3, 1000, 300, TimeSpan.FromSeconds(2)), new Random(7)), Throws.Nothing);

    [Test]
    public void A_join_storm_causes_no_gap() =>
        Assert.That(() => JoinStorm.Once(_host, 20, 3, TimeSpan.FromSeconds(1), 1500, new Random(7)), Throws.Nothing);

    [Test]
    public void The_server_accepts_a_connect_storm_and_a_reconnect_storm()
    {
        Assert.That(() => Connect.Storm(_host, 300, 50), Throws.Nothing);
        Assert.That(() => Connect.Reconnect(_host, 100, 50, 200, new Random(7)), Throws.Nothing);
    }

    [Test]
    public void A_thousand_topics_retain_the_acknowledged_messages()
    {
        using var lineup = new Lineup();
        lineup.Lend(_patient); // the other has room for less
        var bench = new Bench("test", lineup, folder: null);

        Topics.Measure(bench, 1000, Short, seed: 7);

        Assert.That(bench.Close(), Is.True);
    }

    [Test]
    public void A_subscriber_that_never_reads_is_cut_and_the_others_lose_nothing()
    {
        var measured = Slow.Once(_host, 2, never: true, new SlowLoad(10, 1000, 8192, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(30)));

        var admitted = measured.Figures[Slow.Admitted].Value;
        Assert.That(admitted, Is.GreaterThan(2), "another subscriber replaces each one that is cut");
        Assert.That(measured.Figures[Slow.Present].Value, Is.InRange(1, 2), "slow subscribers are present while the healthy are measured");
        Assert.That(measured.Figures[Slow.Told].Value + measured.Figures[Slow.Reset].Value, Is.EqualTo(admitted));
        Assert.That(measured.Latencies["with"].Count, Is.EqualTo(8 * 3000).Within(8 * 30));
        Assert.That(measured.Latencies["without"].Count, Is.EqualTo(2 * 8 * 3000).Within(2 * 8 * 30));
        Assert.That(measured.Latencies["with_due_to_sent"].Count, Is.EqualTo(3000).Within(30));
    }

    [TestCase("mid-frame")]
    [TestCase("reset")]
    [TestCase("half-open")]
    [TestCase("vanish")]
    [TestCase("mute")]
    [TestCase("silent")]
    [TestCase("unread-log")]
    [TestCase("memory")]
    public void A_client_fault_leaves_nothing_behind(string fault) =>
        Assert.That(() => Faults.Once(_host, Fault.All.First(one => one.Name == fault), TimeSpan.FromMilliseconds(500)), Throws.Nothing);

    [Test]
    public void A_short_soak_leaves_no_descriptor_open()
    {
        var measured = Soak.Once(_host, TimeSpan.FromSeconds(3), TimeSpan.FromMilliseconds(150), 5, 500, slack: 200);

        Assert.That(measured.Figures["descriptors_late"].Value, Is.LessThanOrEqualTo(measured.Figures["descriptors_early"].Value + 8));
    }

    /// <summary>Starts this tree's Host in a process of its own, with these settings.</summary>
    internal static PubSubContender Start(Dictionary<string, string> settings) =>
        Servers.Start("pubsub", FindHost(), settings, Conformance.Targets.Dialect.V1);

    /// <summary>This tree's build of Host.</summary>
    internal static string FindHost()
    {
        var output = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar); // …/Stress/NUnit/bin/CONFIGURATION/FRAMEWORK
        var (framework, configuration) = (Path.GetFileName(output), Path.GetFileName(Path.GetDirectoryName(output)!));
        var root = Path.GetFullPath(Path.Combine(output, "../../../../.."));
        return Path.Combine(root, "Host", "bin", configuration, framework, "PubSub.Host.dll");
    }
}
