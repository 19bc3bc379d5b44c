using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>
/// A server that is lost during a run violates one requirement. Later scenarios neither fail nor pass; the run ends soon and names the
/// last requests.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class UnplugTests
{
    /// <summary>Sends five unsolicited info messages every 2 ms on every connection.</summary>
    private static readonly Change Babbles = server =>
    {
        server.Variation = server.Variation with { Heartbeat = TimeSpan.FromMilliseconds(2) };
        server.EachFilter(filter => filter.FromServer.Wrap(_ => frame =>
            Enumerable.Repeat(frame, frame.TextPayload.StartsWith("""{"type":"info","msg":""", StringComparison.Ordinal) ? 5 : 1)));
    };

    [Test]
    public async Task A_killed_process_is_reported_as_lost()
    {
        await using var host = await HostServer.LaunchAsync(new Dictionary<string, string>(), CancellationToken.None);
        using var folder = new Folder();
        await using var tool = Tool.Start(
            Tool.Words($"run --url {host.Target.Root.AbsoluteUri} --include core --repeat 100 --parallel 8 --out {folder.Root}"));
        await tool.SaysAsync("scenarios, 8 at one time");
        await TopicsOf.HasTopicAsync(host.Target.Root, "-orders");

        host.Kill();

        IsLost(await tool.EndAsync(), folder);
    }

    [Test]
    public async Task A_burst_that_kills_the_server_is_named()
    {
        await using var server = new SmallServer(Crash.AtBurst(3));
        using var folder = new Folder();

        var run = await Tool.RunAsync(
            Tool.Words($"run --url {server.Origin.AbsoluteUri} --include PUB --include ROB --parallel 1 --out {folder.Root}"), null);

        var results = IsLost(run, folder);
        Assert.That(results.Ending.LastRequests.Select(request => request.Data), Has.Some.Contains("\"publish\""));
        Assert.That(
            results.Ending.LastRequests[^1].Scenario,
            Is.EqualTo(results.Deaths.Single().Culprits.Single()),
            "without parallel scenarios the killer is known");
    }

    [Test]
    public async Task A_server_that_hangs_is_reported_as_lost()
    {
        await using var server = new SmallServer(Crash.AtConnection(151, server => server.Hang()));
        await IsLostAsync(server, "--timeout-scale", "0.1");
    }

    [Test]
    public async Task A_server_that_closes_its_port_and_keeps_its_connections_is_reported_as_lost()
    {
        await using var server = new SmallServer(Crash.AtConnection(151, server => server.Close()));
        await IsLostAsync(server);
    }

    [Test]
    public async Task A_server_whose_gateway_answers_502_is_reported_as_lost()
    {
        await using var server = new SmallServer(Crash.BehindGateway(150));

        var results = await IsLostAsync(server, "--include", "REST");

        Assert.That(results.Ending.Message, Does.Contain("502"));
    }

    [Test]
    public async Task A_refusal_by_the_gateway_does_not_pass_a_scenario_that_expects_a_refusal()
    {
        await using var server = new SmallServer(Crash.BehindGateway(0));
        Scenario[] scenarios =
        [
            new("PS-REST-001", "refused", async stage =>
                stage.Expect.Equal(false, (await stage.Rest.HealthAsync()).IsSuccess, "it is refused")),
            new("PS-REST-002", "answered", async stage =>
                stage.Expect.Equal(true, (await stage.Rest.HealthAsync()).IsSuccess, "it is answered")),
        ];

        var probed = new ProbedTarget(Target.From(server.Origin), server.Origin);
        var setup = new RunSetup { Catalogue = Catalogue.Embedded, Scenarios = scenarios, Probed = probed };
        var results = await (setup with { Options = Script.Unsupervised with { Parallel = 1 } }).ExecuteAsync();

        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied));
        Assert.That(results.Scenarios.Select(scenario => scenario.Verdict), Is.EqualTo([Verdict.Inconclusive, Verdict.NotEvaluated]));
    }

    [Test]
    public async Task A_server_that_never_stops_sending_is_judged_in_little_memory()
    {
        await using var server = new SmallServer(Babbles);
        using var folder = new Folder();
        var limited = new Dictionary<string, string?> { ["DOTNET_GCHeapHardLimit"] = "0x18000000" };

        var run = await Tool.RunAsync(
            Tool.Words(
                $"run --url {server.Origin.AbsoluteUri} --include PS-SUB-001 --include PS-FAN-00? --transcripts all --out {folder.Root}"),
            limited);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant), run.ToString());
        Assert.That(folder.Results().Target.Findings.Select(finding => finding.What), Has.Some.EqualTo("notices"));
    }

    private static async Task<Results> IsLostAsync(SmallServer server, params string[] options)
    {
        using var folder = new Folder();
        var run = await Tool.RunAsync(
            ["run", "--url", server.Origin.AbsoluteUri, "--include", "core", "--out", folder.Root, .. options], null);
        return IsLost(run, folder);
    }

    private static Results IsLost(ToolResult run, Folder folder)
    {
        Assert.That(run.Exit, Is.EqualTo(ExitCode.Violation), run.ToString());
        var results = folder.Results();
        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied));
        Assert.That(results.Ending.Message, Does.Contain("stopped answering"));
        Assert.That(run.Out, Does.Contain("stopped answering").And.Contain("not evaluated"), "the output says so");
        Assert.That(results.Ending.LastRequests, Is.Not.Empty);
        Assert.That(run.Out, Does.Contain(results.Ending.LastRequests[^1].Scenario), "the output names the last request");

        // A correct server fails nothing before it is lost, and later failures do not count.
        var culprit = results.Deaths.Single().Culprits.Single();
        Assert.That(
            results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn or Verdict.Error)
                .Select(scenario => (scenario.Id, scenario.CountsFor)),
            Is.EqualTo([(culprit, DeathResult.Requirement)]), run.ToString());
        Assert.That(run.Errors, Does.Contain($"fail  {culprit}"));
        return results;
    }
}
