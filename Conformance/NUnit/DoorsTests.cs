using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Tests.Reports;
using PubSub.Conformance.Verdicts;
using Change = PubSub.Conformance.Gallery.Servers.Change;

namespace PubSub.Conformance.Tests;

/// <summary>A server with several doors is tested through all of them, and a cluster that is wrong in one way is found out.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class DoorsTests
{
    private static readonly Row[] Wrong =
    [
        new("topics exist at one door only", _ => (_ => { }, _ => { }), "REST", "PS-REST-003"),
        new("doors share topics, but no events", Cluster.SharesOnlyNames, "FAN SUB", "PS-FAN-001"),
        new("events come to the other door later", Cluster.DeliversLocallyFirst, "FAN", "PS-FAN-003"),
        new("events come twice to the other door", Cluster.DoublesEvents, "FAN", "PS-FAN-001"),
        new("deletions are told at one door only", Cluster.TellsDeletionsAtOneDoor, "DEL", "PS-DEL-002"),
        new("doors count their own subscriptions", Cluster.CountsOfOneNode, "OBS", "PS-OBS-009"),
    ];

    private static IEnumerable<TestCaseData> WrongClusters => Wrong.Select(row => new TestCaseData(row).SetName(row.Name));

    // A correct cluster ----------------------------------------------------------------------------------------------

    [Test]
    public async Task Over_two_doors_a_correct_server_passes_everything_that_is_judged()
    {
        await using var cluster = new Cluster();

        var results = await JudgeAsync(cluster, new RunOptions { AllowLoad = true, Strict = true, Exclusive = true });

        var withoutCredentials = results.Scenarios.Where(scenario => scenario.Requirement.StartsWith("PS-ACC-", StringComparison.Ordinal));
        var judged = results.Scenarios.Except(withoutCredentials)
            .Where(scenario => !OneNode.Reasons.ContainsKey(scenario.Requirement)).ToList();
        Assert.That(
            judged.Where(scenario => scenario.Verdict is not (Verdict.Pass or Verdict.Observed))
                .Select(scenario => $"{scenario.Id}: {scenario.Verdict}, {scenario.Message}"),
            Is.Empty);
        Assert.That(results.Scenarios.Except(judged).Select(scenario => scenario.Verdict), Is.All.EqualTo(Verdict.Unsupported));
        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.Completed));
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant));
        Assert.That(cluster.First.Faults.Concat(cluster.Second.Faults), Is.Empty);
    }

    [TestCaseSource(nameof(WrongClusters))]
    public async Task A_wrong_cluster_is_found_out(object server)
    {
        var row = (Row)server;
        await using var cluster = new Cluster(row.Fault);

        var results = await JudgeAsync(
            cluster, new RunOptions { Selection = new Selection { Include = Selection.Parse(row.Areas.Split(' ')) } });

        var broken = results.Requirements
            .Where(one => one.Status is RequirementStatus.Violated or RequirementStatus.Warned)
            .Select(one => one.Id);
        Assert.That(broken, Has.Member(row.Killer));
    }

    // What is spread -------------------------------------------------------------------------------------------------

    [Test]
    public async Task Connections_and_requests_take_the_doors_in_turn_and_the_transcript_names_them()
    {
        await using var cluster = new Cluster();

        var outcome = await new Runner(Script.Catalogue, cluster.Target).RunAsync(Script.Scene("spread", async stage =>
        {
            var topic = await stage.TopicAsync();
            for (var i = 0; i < 4; i++)
            {
                await stage.ConnectAsync("socket");
                await stage.RawStreamAsync("stream", topic);
            }

            await Script.AskAsync(stage);
        }));

        Assert.That(outcome.Verdict, Is.EqualTo(Verdict.Pass), outcome.Message);
        Assert.That(InTurn("socket", "handshake"), Is.AnyOf("1212", "2121"));
        Assert.That(InTurn("rest|stream", "http"), Is.AnyOf("121212", "212121"), "requests for streams and others");
        Assert.That(
            outcome.Transcript.Where(entry => entry.Data.StartsWith("connected to", StringComparison.Ordinal))
                .Select(entry => (entry.Connection[^1], entry.Data.Split(':')[^1])).Distinct(),
            Is.EquivalentTo([('1', $"{cluster.First.Origin.Port}"), ('2', $"{cluster.Second.Origin.Port}")]));

        string InTurn(string names, string kind) => string.Concat(outcome.Transcript
            .Where(entry => entry is { Direction: ">" } && entry.Kind == kind)
            .Select(entry => Regex.Match(entry.Connection, $@"\A(?:{names})@(\d)\z").Groups[1].Value));
    }

    [Test]
    public async Task A_handshake_that_a_scenario_writes_itself_names_the_door_that_it_goes_to()
    {
        await using var cluster = new Cluster();
        var hosts = new List<(int Door, string Host)>();

        foreach (var slug in (string[])["a", "b"])
        {
            var outcome = await new Runner(Script.Catalogue, cluster.Target).RunAsync(Script.Scene(slug, async stage =>
            {
                await stage.ConnectAsync("other");
                await stage.ConnectAsync("another");
                var raw = await stage.RawAsync("raw", new ConnectOptions { Handshake = false });
                stage.Expect.Status(101, await raw.HandshakeAsync(), "the handshake succeeds");
                hosts.Add((stage.Target.Door, stage.Target.WebSocket.Authority));
            }));

            var sent = outcome.Transcript.Single(entry => entry is { Direction: ">", Connection: ['r', 'a', 'w', ..] });
            Assert.That(sent.Connection, Is.EqualTo($"raw@{hosts[^1].Door}"));
            Assert.That(sent.Data, Does.Contain($"Host: {hosts[^1].Host}"));
        }

        Assert.That(hosts.Select(host => host.Door), Is.EquivalentTo([1, 2]), "each door comes first in some scenarios");
    }

    [Test]
    public async Task With_one_door_no_report_mentions_doors()
    {
        await using var server = new SmallServer();
        var probed = new ProbedTarget(Target.From(server.Origin), server.Origin);

        var json = (await ExecuteAsync(probed, [Script.Asks("health")])).ToJson();

        Assert.That(json, Does.Not.Contain("\"doors\"").And.Not.Contain("rest@").And.Contain("\"rest\""));
    }

    [Test]
    public async Task With_two_doors_every_report_names_both()
    {
        await using var cluster = new Cluster();

        var results = await ExecuteAsync(Probed(cluster), [Script.Asks("health")]);

        Assert.That(await Schemas.ResultsComplaintsAsync(results.ToJson()), Is.Empty);
        Assert.That(results.Target.Doors, Is.EqualTo([cluster.First.Origin.AbsoluteUri, cluster.Second.Origin.AbsoluteUri]));
        Assert.That(Results.Parse(results.ToJson()).Scenarios[0].Transcript.Select(line => line.Connection), Has.All.Match("rest@[12]"));
        foreach (var report in (string[])[Story.Render(results), Summary.Render(results), $"{JUnit.Render(results)}"])
        {
            Assert.That(report, Does.Contain($"{cluster.First.Origin.Port}").And.Contain($"{cluster.Second.Origin.Port}"));
        }
    }

    // What is not judged ---------------------------------------------------------------------------------------------

    [Test]
    public void At_most_five_requirements_describe_one_node_and_none_of_them_is_about_messages()
    {
        var requirements = OneNode.Reasons.Keys.Select(Catalogue.Embedded.Find).ToList();

        Assert.That(requirements, Has.Count.InRange(1, 5).And.All.Not.Null);
        Assert.That(requirements.Select(one => one!.Area), Has.All.AnyOf("OBS", "BPR", "ROB", "LIF"));
        Assert.That(requirements.Where(one => one!.Area == "BPR").Select(one => one!.Binding), Has.All.False);
    }

    [Test]
    public void The_specification_and_the_guide_name_these_requirements()
    {
        var rows = OneNode.Reasons.Select(one => $"| {one.Key} | {one.Value} |");
        var spec = SpecFolder.Read("SPEC.md").Split("\n## ")
            .Single(section => section.Contains("Several nodes\n", StringComparison.Ordinal));

        Assert.That(
            spec.Replace("`", "", StringComparison.Ordinal).Split('\n').Where(line => line.StartsWith("| PS-", StringComparison.Ordinal)),
            Is.EqualTo(rows));
        Assert.That(
            SpecFolder.Read("README.md").ReplaceLineEndings(" "),
            Does.Contain($"they describe one node: {string.Join(", ", OneNode.Reasons.Keys)}."));
    }

    [Test]
    public async Task A_requirement_about_one_node_is_judged_at_one_door_only()
    {
        await using var cluster = new Cluster();
        var uptime = All.Scenarios.First(scenario => scenario.Requirement == "PS-OBS-002");

        var one = await new Runner(Catalogue.Embedded, cluster.Target with { Others = [] }).RunAsync(uptime);
        var two = await new Runner(Catalogue.Embedded, cluster.Target).RunAsync(uptime);

        Assert.That(one.Verdict, Is.EqualTo(Verdict.Pass), one.Message);
        Assert.That((two.Verdict, two.Message), Is.EqualTo((
            Verdict.Unsupported, $"not judged over several nodes: {OneNode.Reasons["PS-OBS-002"]}")));
    }

    // Doors that end -------------------------------------------------------------------------------------------------

    [TestCase(1)]
    [TestCase(2)]
    public async Task A_door_that_dies_ends_the_run_and_is_named(int door)
    {
        await using var cluster = new Cluster();
        var killer = Script.Scene("killer", stage =>
        {
            stage.Expect.True(true, "the scenario itself passes");
            (door == 1 ? cluster.First : cluster.Second).Crash();
            return Task.CompletedTask;
        });
        var setup = new RunSetup
        {
            Catalogue = Script.Catalogue,
            Scenarios = [Script.Asks("before"), killer],
            Probed = Probed(cluster),
            Options = Script.Unsupervised with { Parallel = 1 },
        };

        var results = await setup.ExecuteAsync();

        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied));
        Assert.That(results.Ending.Message, Does.Contain($"door {door} ("));
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Violation));
    }

    [Test]
    public async Task A_node_that_does_not_listen_ends_the_others()
    {
        InProcessServer? first = null;

        await using var server = await LaunchedNodes.StartAsync(
            2,
            node => Task.FromResult<LaunchedServer>(node == 1
                ? first = new InProcessServer(null, new Dictionary<string, string>())
                : new InProcessServer(null, new Dictionary<string, string> { ["MAX_TOPICS"] = "many" })),
            new Timeouts());

        Assert.That(server.Listened, Is.False);
        Assert.That(server.Tail(), Does.Contain("MAX_TOPICS"));
        Assert.That(first!.Exited.IsCompleted);
    }

    [Test]
    public async Task All_nodes_of_a_launched_server_end_with_it_and_the_first_to_end_is_noticed()
    {
        var nodes = new List<InProcessServer>();
        await using var server = await LaunchedNodes.StartAsync(
            3,
            node =>
            {
                nodes.Add(new InProcessServer(null, new Dictionary<string, string> { ["MAX_MESSAGES"] = "7" }));
                return Task.FromResult<LaunchedServer>(nodes[^1]);
            },
            new Timeouts());

        Assert.That(
            server.Target.Doors.Select(door => (door.Door, door.Root)), Is.EqualTo(nodes.Select((node, n) => (n + 1, node.Target.Root))));
        Assert.That(server.Target.Doors.Select(door => door.Limits.Ring), Has.All.EqualTo(7));
        nodes[2].Kill();
        Assert.That(await server.ExitedAsync(), Is.Not.Zero);
        Assert.That(server.Process, Is.EqualTo("the process of its node 3"));
        Assert.That(nodes[0].Exited.IsCompleted, Is.False);

        await server.DisposeAsync();
        Assert.That(nodes.Select(node => node.Exited.IsCompleted), Has.All.True);
    }

    private static ProbedTarget Probed(Cluster cluster) => new(cluster.Target, cluster.First.Origin);

    private static Task<Results> ExecuteAsync(ProbedTarget probed, IReadOnlyList<Scenario> scenarios) => new RunSetup
    {
        Catalogue = Script.Catalogue,
        Scenarios = scenarios,
        Probed = probed,
        Options = new RunOptions { Transcripts = KeptTranscripts.All },
    }.ExecuteAsync();

    private static Task<Results> JudgeAsync(Cluster cluster, RunOptions options) => new RunSetup
    {
        Catalogue = Catalogue.Embedded,
        Scenarios = All.Scenarios,
        Probed = Probed(cluster),
        Options = options,
        Launch = (settings, _) => Task.FromResult<LaunchedServer>(new InProcessServer(null, settings)),
        LaunchNodes = Cluster.LaunchAsync,
    }.ExecuteAsync();

    /// <summary>A cluster with a fault, the areas that are run, and the requirement that has to be violated.</summary>
    private sealed record Row(string Name, Func<Cluster, (Change First, Change Second)> Fault, string Areas, string Killer);
}
