using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>The first signal ends a run with cleanup and reports; the second one ends it at once.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class CancelTests
{
    private const int EndedBySigterm = 143;

    [TestCase("Ctrl-C")]
    [TestCase("SIGTERM")]
    [TestCase("SIGHUP twice")]
    public async Task A_stopped_run_writes_its_reports_and_leaves_nothing_behind(string how)
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        await using var tool = Tool.Start(
            Tool.Words($"run --url {server.Origin} --include core --repeat 100 --parallel 8 --out {folder.PathOf("out")}"),
            folder.Temporary);
        await tool.SaysAsync("scenarios, 8 at one time");
        await server.HasTopicAsync("conformance-");

        switch (how)
        {
            case "SIGTERM":
                tool.Terminate();
                break;
            case "SIGHUP twice":
                // When a terminal closes, the kernel sends one SIGHUP and the shell another.
                tool.HangUp();
                tool.HangUp();
                break;
            default:
                tool.Interrupt();
                break;
        }

        var run = await tool.EndAsync();
        Assert.That(run.Exit, Is.EqualTo(ExitCode.Cancelled), run.ToString());
        Assert.That(run.Out, Does.Contain("cancelled"));
        var results = folder.Results("out");
        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.Cancelled));
        Assert.That(results.Totals[Verdict.NotEvaluated], Is.Positive);
        Assert.That(results.Totals[Verdict.Fail] + results.Totals[Verdict.Error], Is.Zero, run.ToString());
        Assert.That(Directory.EnumerateFiles(folder.PathOf("out")).Count(), Is.EqualTo(6));
        Assert.That(results.Leftovers, Is.Empty);
        Assert.That(await server.TopicsAsync(), Is.Empty);
        Assert.That(folder.Journals, Is.Empty);
    }

    [Test]
    public async Task A_stopped_probe_deletes_its_topic_and_leaves_no_journal()
    {
        await using var server = new SmallServer(LongLine.Far(TimeSpan.FromMilliseconds(250)));
        using var folder = new Folder();
        await using var tool = Tool.Start(["run", "--url", server.Origin.AbsoluteUri], folder.Temporary);
        await server.HasTopicAsync("-probe");

        tool.Interrupt();

        var run = await tool.EndAsync();
        Assert.That(run.Exit, Is.EqualTo(ExitCode.Cancelled), run.ToString());
        Assert.That(await server.TopicsAsync(), Is.Empty);
        Assert.That(folder.Journals, Is.Empty);
    }

    [Test]
    public async Task A_second_signal_ends_the_run_at_once()
    {
        var lost = new TaskCompletionSource();
        await using var server = new SmallServer(Crash.AtConnection(101, server =>
        {
            server.Hang();
            lost.SetResult();
        }));
        using var folder = new Folder();
        await using var tool = Tool.Start(
            ["run", "--url", server.Origin.AbsoluteUri, "--include", "core", "--timeout-scale", "10", "--out", folder.PathOf("out")],
            folder.Temporary);
        await lost.Task;

        tool.Terminate();
        await tool.SaysAsync("Once more ends it at once");
        tool.Terminate();

        // The cleanup after a server that hangs would take longer than this test waits.
        var run = await tool.EndAsync();
        Assert.That(run.Exit, Is.EqualTo(EndedBySigterm), run.ToString());
        Assert.That(File.Exists(folder.PathOf("out", "results.json")), Is.False);
        Assert.That(folder.Journals, Is.Not.Empty, "the journal names what was left behind");
    }
}
