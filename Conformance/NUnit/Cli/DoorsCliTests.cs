using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Tests.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>The tool tests one server through several doors, and starts one with several nodes.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class DoorsCliTests
{
    [Test]
    public async Task Every_door_is_used_and_named_and_what_is_not_judged_is_said()
    {
        await using var cluster = new Cluster();
        using var folder = new Folder();

        var (one, other) = (cluster.First.Origin, cluster.Second.Origin);

        var run = await Tool.ExitsAsync(
            ExitCode.Conformant, $"run --url {one} --url {other} --include FAN --transcripts all --out {folder.Root}");

        var results = folder.Results();
        Assert.That(await Schemas.ResultsComplaintsAsync(folder.Read("results.json")), Is.Empty);
        Assert.That(results.Target.Doors, Is.EqualTo([one.AbsoluteUri, other.AbsoluteUri]));
        Assert.That(results.Scenarios.Where(scenario => scenario.Requirement.StartsWith("PS-FAN", StringComparison.Ordinal))
            .Select(scenario => scenario.Verdict), Is.All.AnyOf(Verdict.Pass, Verdict.Disabled));
        Assert.That(folder.Read("transcripts.jsonl"), Does.Contain("\"rest@1\"").And.Contain("\"rest@2\""));
        Assert.That(run.Out, Does.Contain($"{one}, {other}"));
        run.Complains(OneNode.Reasons.Select(one => $"{one.Key} is not judged over several nodes: {one.Value}"));
    }

    [Test]
    public async Task Two_servers_that_share_nothing_are_not_one_server()
    {
        await using var one = new SmallServer();
        await using var other = new SmallServer();

        var run = await Tool.ExitsAsync(
            ExitCode.Violation, $"run --url {one.Origin} --url {other.Origin} --include PS-REST-003 --include PS-FAN-001");

        Assert.That(run.Out, Does.Contain("PS-REST-003"));
    }

    [TestCase("run")]
    [TestCase("probe")]
    public async Task A_door_that_does_not_answer_is_named(string verb)
    {
        await using var server = new SmallServer();
        await using var dead = new SmallServer();
        dead.Crash();

        var run = await Tool.ExitsAsync(ExitCode.Unreachable, $"{verb} --url {server.Origin} --url {dead.Origin}");

        run.Complains(dead.Origin.Authority);
    }

    [Test]
    public async Task The_probe_describes_every_door()
    {
        await using var cluster = new Cluster();

        var run = await Tool.ExitsAsync(ExitCode.Conformant, $"probe --url {cluster.First.Origin} --url {cluster.Second.Origin}");

        Assert.That(run.Out, Does.Contain($"Target {cluster.First.Origin}").And.Contain($"Target {cluster.Second.Origin}"));
    }

    [Test]
    public async Task Interfaces_at_another_origin_are_wrong_usage_with_several_doors()
    {
        await using var cluster = new Cluster();
        using var folder = new Folder();
        var (here, there) = (cluster.First.Origin, cluster.Second.Origin);
        var target = folder.Write("target.json", $$"""{"url":"{{here}}","rest":"{{there}}v1"}""");

        var run = await Tool.ExitsAsync(ExitCode.Usage, $"run --target {target} --url {here} --url {there}");

        run.Complains("several doors", $"{there}v1");
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "The command is that of a Unix shell.")]
    public async Task Each_node_has_a_port_and_a_number_and_all_nodes_of_a_server_share_one()
    {
        using var folder = new Folder();
        var log = folder.PathOf("log");
        var launch = $"echo {{server}} {{node}} {{port}} $PORT >> {log}; exec \"{Tool.Dotnet}\" \"{HostServer.Built}\"";

        var patterns = folder.Write("patterns", "PS-REST-003\nPS-ROB-011\nPS-LIF-001/sigterm-without-connections");

        // Two Hosts that know nothing of each other: topics exist at one of them. A signal is sent to a server of one node.
        var run = await Tool.ExitsAsync(
            ExitCode.Violation, $"run --launch {launch} --nodes 2 --include @{patterns} --out {folder.Root}");

        var started = folder.Read("log").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).ToList();
        Assert.That(started.Select(line => line[2]), Is.EqualTo(started.Select(line => line[3])).And.Unique);
        Assert.That(
            started.GroupBy(line => line[0], line => line[1]).Select(server => string.Concat(server)),
            Is.EquivalentTo(["12", "12", "1"]),
            run.ToString());
        var results = folder.Results();
        Assert.That(results.Target.Doors, Has.Count.EqualTo(2));
        Assert.That(VerdictOf("PS-LIF-001/sigterm-without-connections"), Is.EqualTo(Verdict.Pass));
        Assert.That(VerdictOf("PS-ROB-011/one-too-many"), Is.EqualTo(Verdict.Warn));
        Assert.That(run.Out, Does.Match(new Regex("FAIL +PS-REST-003")));

        Verdict VerdictOf(string id) => results.Scenarios.Single(scenario => scenario.Id == id).Verdict;
    }
}
