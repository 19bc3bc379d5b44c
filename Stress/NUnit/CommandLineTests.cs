using System.Text.Json;
using NUnit.Framework;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Tests;

[TestFixture]
[Platform("Linux", Reason = Tool.LinuxOnly)]
public sealed class CommandLineTests
{
    private static readonly string[] Quick =
    [
        "--seconds", "0.3", "--warmup", "0.1", "--runs", "2", "--subscribers", "1,2", "--payload", "20",
    ];

    private DirectoryInfo _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("stress-test-");

    [TearDown]
    public void RemoveFolder() => _folder.Delete(recursive: true);

    [Test]
    public void A_run_is_written_to_a_file_and_drawn()
    {
        using var server = new ScriptedServer();

        var status = Tool.Run(["fan-out", "--url", server.Url.AbsoluteUri, "--out", _folder.FullName, .. Quick]);
        var drawn = Tool.Run(["report", _folder.FullName]);

        var results = ResultsFile.Read(_folder.GetFiles("fan-out-*.json").Single().FullName);
        Assert.That((status, drawn), Is.EqualTo((ExitCode.Ok, ExitCode.Ok)));
        Assert.That(results.Runs, Has.Count.EqualTo(4));
        Assert.That(results.Runs, Has.All.Matches<Run?>(run => run is { Failure: null, Scenario: "fan-out", Contender: "pubsub" }));
        Assert.That(
            results.Runs.SelectMany(run => run.Figures.Values),
            Has.None.Matches<Figure?>(figure => string.IsNullOrEmpty(figure?.Unit)));
        Assert.That(results.Setting.Contenders[0].Version, Does.Contain("http://"));
        Assert.That(File.ReadAllText(Path.Combine(_folder.FullName, "report.html")), Does.Contain("data:image/png;base64,"));
        Assert.That(Directory.GetFiles(Path.Combine(_folder.FullName, "charts"), "*.svg"), Is.Not.Empty);
    }

    [Test]
    public void The_results_file_has_the_expected_names_and_units()
    {
        using var server = new ScriptedServer();

        Tool.Run(["fan-out", "--url", server.Url.AbsoluteUri, "--out", _folder.FullName, .. Quick]);

        using var json = JsonDocument.Parse(File.ReadAllBytes(_folder.GetFiles("*.json").Single().FullName));
        var run = json.RootElement.GetProperty("runs")[0];
        Assert.That(json.RootElement.GetProperty("schema").GetInt32(), Is.EqualTo(ResultsFile.CurrentSchema));
        Assert.That(json.RootElement.GetProperty("setting").GetProperty("cores").GetInt32(), Is.GreaterThan(0));
        Assert.That(run.GetProperty("parameters").GetProperty("subscribers").GetDouble(), Is.EqualTo(1));
        Assert.That(run.GetProperty("figures").GetProperty("deliveries").GetProperty("unit").GetString(), Is.EqualTo("1/s"));
        Assert.That(run.GetProperty("latencies").GetProperty("publish_to_ack").GetProperty("p99_9").GetDouble(), Is.GreaterThan(0));
        Assert.That(run.GetProperty("failure").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public void A_fast_run_that_lost_a_message_is_a_failed_run()
    {
        using var server = new ScriptedServer("loses one");

        var status = Tool.Run(["fan-out", "--url", server.Url.AbsoluteUri, "--out", _folder.FullName, .. Quick]);

        var results = ResultsFile.Read(_folder.GetFiles("*.json").Single().FullName);
        Assert.That(status, Is.EqualTo(ExitCode.Failed));
        Assert.That(results.Runs.First(run => run.Failure is not null), Has.Property("Figures").Empty);
    }

    [TestCase("fan-out", "--subscribers", "0")]
    [TestCase("fan-out", "--runs", "many")]
    [TestCase("fan-out", "--url", "ftp://example.net")]
    [TestCase("fan-out", "--url", "http://127.0.0.1:1", "--aot")]
    [TestCase("fan-out", "--url", "http://127.0.0.1:1", "--dialect", "no such file")]
    [TestCase("cluster", "--nodes", "0")]
    [TestCase("cluster", "--server", "no such file")]
    [TestCase("report", "no such folder")]
    [TestCase("no-such-verb")]
    public void Wrong_usage_is_reported_before_a_server_is_started(params string[] arguments) =>
        Assert.That(Tool.Run(arguments), Is.EqualTo(ExitCode.Usage));

    [Test]
    public void An_unreachable_server_fails_the_run_without_a_crash() =>
        Assert.That(Tool.Run(["fan-out", "--url", "http://127.0.0.1:1", "--subscribers", "1", "--runs", "1"]), Is.EqualTo(ExitCode.Failed));

    [Test]
    public void Every_verb_has_help_of_its_own()
    {
        string[] verbs =
        [
            "fan-out", "pairs", "latency", "saturation", "payload", "idle", "connect", "topics", "churn", "join-storm", "slow", "faults",
            "soak", "memory", "reconnect", "http-publish", "wrong-keys", "allocations", "cluster", "bars", "report",
        ];
        foreach (var verb in verbs)
        {
            Assert.That(Tool.Run([verb, "--help"]), Is.EqualTo(ExitCode.Ok), verb);
        }
    }
}
