using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>
/// A server that is lost in the middle of a run has violated one requirement; it is neither failed nor passed for what came after, and the
/// run ends soon and says what was asked of it last.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class UnplugTests
{
    /// <summary>Says, between its messages, five info messages every two milliseconds, of which the first comes first.</summary>
    private static readonly Change Babbles = server =>
    {
        server.Variation = server.Variation with { Heartbeat = TimeSpan.FromMilliseconds(2) };
        server.EachFilter(filter => filter.FromServer.Wrap(_ => frame =>
            Enumerable.Repeat(frame, frame.TextPayload.StartsWith("""{"type":"info","msg":""", StringComparison.Ordinal) ? 5 : 1)));
    };

    [Test]
    public async Task A_process_that_is_killed()
    {
        await using var host = await HostServer.LaunchAsync(new Dictionary<string, string>(), CancellationToken.None);
        using var folder = new Folder();
        await using var tool = Tool.Start(["run", "--url", host.Target.Root.AbsoluteUri, "--include", "core", "--repeat", "100", "--parallel", "8", "--out", folder.Root]);
        await tool.SaysAsync("scenarios, 8 at one time");
        await TopicsOf.HasTopicAsync(host.Target.Root, "-orders");

        host.Kill();

        IsLost(await tool.EndAsync(), folder);
    }

    [Test]
    public async Task A_burst_that_kills()
    {
        await using var server = new SmallServer(Crash.AtBurst(3));
        using var folder = new Folder();

        var run = await Tool.RunAsync("run", "--url", server.Origin.AbsoluteUri, "--include", "PUB", "--include", "ROB", "--parallel", "1", "--out", folder.Root);

        var results = IsLost(run, folder);
        Assert.That(results.Ending.LastRequests.Select(request => request.Data), Has.Some.Contains("\"publish\""));
        Assert.That(results.Ending.LastRequests[^1].Scenario, Is.EqualTo(results.Deaths.Single().Culprits.Single()), "one at a time, it is known which");
    }

    [Test]
    public async Task Everything_hangs()
    {
        await using var server = new SmallServer(Crash.AtConnection(151, server => server.Hang()));
        await IsLostAsync(server, "--timeout-scale", "0.1");
    }

    [Test]
    public async Task The_port_is_closed_and_connections_go_on()
    {
        await using var server = new SmallServer(Crash.AtConnection(151, server => server.Close()));
        await IsLostAsync(server);
    }

    [Test]
    public async Task A_gateway_says_502_for_a_server_that_is_gone()
    {
        await using var server = new SmallServer(Crash.BehindGateway(150));

        var results = await IsLostAsync(server, "--include", "REST");

        Assert.That(results.Ending.Message, Does.Contain("502"));
    }

    [Test]
    public async Task A_refusal_of_the_gateway_passes_nothing_that_asks_for_a_refusal()
    {
        await using var server = new SmallServer(Crash.BehindGateway(0));
        Scenario[] scenarios =
        [
            new("PS-REST-001", "refused", async stage => stage.Expect.Equal(false, (await stage.Rest.HealthAsync()).IsSuccess, "it is refused")),
            new("PS-REST-002", "answered", async stage => stage.Expect.Equal(true, (await stage.Rest.HealthAsync()).IsSuccess, "it is answered")),
        ];

        var probed = new ProbedTarget(Target.From(server.Origin), server.Origin);
        var setup = new RunSetup { Catalogue = Catalogue.Embedded, Scenarios = scenarios, Probed = probed };
        var results = await (setup with { Options = Script.Unsupervised with { Parallel = 1 } }).ExecuteAsync();

        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied));
        Assert.That(results.Scenarios.Select(scenario => scenario.Verdict), Is.EqualTo([Verdict.Inconclusive, Verdict.NotEvaluated]));
    }

    [Test]
    public async Task A_server_that_cannot_stop_talking_is_judged_all_the_same_in_little_memory()
    {
        await using var server = new SmallServer(Babbles);
        using var folder = new Folder();
        var limited = new Dictionary<string, string?> { ["DOTNET_GCHeapHardLimit"] = "0x18000000" };

        var run = await Tool.RunAsync(
            ["run", "--url", server.Origin.AbsoluteUri, "--include", "PS-SUB-001", "--include", "PS-FAN-00?", "--transcripts", "all", "--out", folder.Root], limited);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant), run.ToString());
        Assert.That(folder.Results().Target.Findings.Select(finding => finding.What), Has.Some.EqualTo("notices"));
    }

    private static async Task<Results> IsLostAsync(SmallServer server, params string[] options)
    {
        using var folder = new Folder();
        var run = await Tool.RunAsync(["run", "--url", server.Origin.AbsoluteUri, "--include", "core", "--out", folder.Root, .. options], null);
        return IsLost(run, folder);
    }

    private static Results IsLost(ToolResult run, Folder folder)
    {
        Assert.That(run.Exit, Is.EqualTo(ExitCode.Violation), run.ToString());
        var results = folder.Results();
        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied));
        Assert.That(results.Ending.Message, Does.Contain("stopped answering"));
        Assert.That(run.Out, Does.Contain("stopped answering").And.Contain("not evaluated"), "and it is told");
        Assert.That(results.Ending.LastRequests, Is.Not.Empty);
        Assert.That(run.Out, Does.Contain(results.Ending.LastRequests[^1].Scenario), "with what was asked last");

        // A correct server failed nothing before it was lost, and nothing afterwards is its fault.
        var culprit = results.Deaths.Single().Culprits.Single();
        Assert.That(
            results.Scenarios.Where(scenario => scenario.Verdict is Verdict.Fail or Verdict.Warn or Verdict.Error)
                .Select(scenario => (scenario.Id, scenario.CountsFor)),
            Is.EqualTo([(culprit, DeathResult.Requirement)]), run.ToString());
        Assert.That(run.Errors, Does.Contain($"fail  {culprit}"));
        return results;
    }
}
