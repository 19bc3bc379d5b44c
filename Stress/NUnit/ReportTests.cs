using System.Diagnostics;
using NUnit.Framework;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Measure;
using PubSub.Stress.Reports;
using PubSub.Stress.Results;
using PubSub.Stress.Scenarios;

namespace PubSub.Stress.Tests;

/// <summary>A report draws what was measured and leaves out the rest.</summary>
[TestFixture]
[Platform("Linux", Reason = Tool.LinuxOnly)]
public sealed class ReportTests
{
    [Test]
    public void Every_scenario_with_a_chart_is_drawn()
    {
        var folder = Directory.CreateTempSubdirectory("stress-test-");
        try
        {
            var runs = Measured().ToArray();
            var setting = Setting.Of([new("pubsub", "1", Absent: false), new("redis", "not installed", Absent: true)]);
            new ResultsFile(ResultsFile.CurrentSchema, setting, runs).Write(Path.Combine(folder.FullName, "all.json"));

            var page = File.ReadAllText(ReportVerb.Render(folder.FullName, folder.FullName, new Dictionary<string, string>()));

            var charts = Directory.GetFiles(Path.Combine(folder.FullName, "charts"), "*.png").Select(Path.GetFileNameWithoutExtension);
            Assert.That(charts, Is.SupersetOf(new[]
            {
                "fan-out-throughput", "fan-out-cost", "pairs-throughput", "payload-throughput", "payload-cost", "idle-memory", "idle-1",
                "topics-cost", "allocations", "latency-1-per-second-to-10", "latency-against-load", "slow", "faults", "memory",
                "cluster-one-topic", "cluster-50-topics", "cluster-fan-out", "cluster-latency", "cluster-node-killed",
            }));
            Assert.That(page, Does.Contain("absent: redis: not installed"));
            Assert.That(page, Does.Contain("1 failed: it lost &lt;one&gt;"));
            Assert.That(page, Does.Not.Contain("src=\"charts"), "the page needs nothing beside it");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Test]
    public void Failed_runs_give_no_charts()
    {
        var (none, parameters) = (new Measured(), Parameters("subscribers", 1));
        var failed = new Run("fan-out", "pubsub", 1, null, parameters, none.Figures, none.Latencies, "it lost one");

        Assert.That(Charts.Of(RunGroup.Of([failed])), Is.Empty);
    }

    [Test]
    public void Repetitions_are_one_group_and_loads_are_several_groups()
    {
        var runs = Measured().Where(run => run.Scenario == FanOut.Scenario).ToArray();

        var groups = RunGroup.Of(runs);

        Assert.That(groups, Has.Count.EqualTo(4));
        Assert.That(groups.Sum(group => group.Runs.Count), Is.EqualTo(runs.Length));
    }

    private static IEnumerable<Run> Measured()
    {
        (string Scenario, string Parameter, string? Variant)[] scenarios =
        [
            (FanOut.Scenario, Names.Subscribers, null),
            (Pairs.Scenario, Names.Pairs, null),
            (Payload.Scenario, Names.Payload, null),
            (Idle.Scenario, Names.Connections, null),
            (Topics.Scenario, Names.Topics, null),
            (Allocations.Scenario, Names.Subscribers, null),
            (Latency.Scenario, Names.Rate, null),
            (Saturation.Scenario, Names.Share, "open loop"),
            (Slow.Scenario, Slow.SlowOnes, Slow.Never),
            (Faults.Scenario, Names.Rate, "reset"),
            (Memory.Scenario, Names.Window, "JIT"),
            (Cluster.Scenario, Names.Publishers, Cluster.OneTopic),
            (Cluster.Scenario, Names.Pairs, Cluster.ManyTopics),
            (Cluster.Scenario, Names.Subscribers, Cluster.FanOutTo100),
            (Cluster.Scenario, Names.Rate, Cluster.AtRate),
        ];
        string[] figures =
        [
            Names.Deliveries, Names.Publishes, Names.CpuPerDelivery, Names.CpuPerPublish, Names.PayloadDelivered, Idle.ResidentWith,
            Names.BytesPerConnection, Names.Resident, Names.P99Ratio, Allocations.PerDelivery,
        ];
        foreach (var (scenario, parameter, variant) in scenarios)
        {
            foreach (var contender in (string[])["pubsub", "limit"])
            {
                for (var n = 0; n < 4; n++)
                {
                    var measured = new Measured();
                    Array.ForEach(figures, figure => measured.Add(figure, (n + 1) * 10, "unit"));
                    var latencies = new Latencies();
                    latencies.Add((n + 1) * Stopwatch.Frequency / 1000);
                    measured.Add(Names.DeliveryLatency, latencies);
                    yield return new Run(
                        scenario,
                        contender,
                        1 + (n / 2),
                        variant,
                        Parameters(parameter, 1 + (n % 2)),
                        measured.Figures,
                        measured.Latencies,
                        null);
                }
            }
        }

        var none = new Measured();
        yield return new Run(
            Cluster.Scenario, "2 nodes", 1, ClusterFault.NodeKilled, Parameters("rate", 1), none.Figures, none.Latencies, null, [5, 0, 10]);
        yield return new Run("churn", "pubsub", 1, null, Parameters("rate", 1), none.Figures, none.Latencies, "it lost <one>");
    }

    private static Dictionary<string, double> Parameters(string name, double value)
    {
        var parameters = new Dictionary<string, double> { [Names.Subscribers] = 10 };
        parameters[name] = value;
        return parameters;
    }
}
