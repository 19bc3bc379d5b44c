using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>A tool that is suspended, lacks file descriptors or meets a full disk says so, and does not blame the server.</summary>
[TestFixture]
[Platform("Linux", Reason = "Limits and signals are those of Linux.")]
[Parallelizable(ParallelScope.All)]
public sealed class OwnTroubleTests
{
    private const int Stalls = 3;

    /// <summary>Longer than every wait at this scale.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(2.5);

    [Test]
    public async Task A_run_that_is_suspended_reports_no_violation()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        await using var tool = Tool.Start(
        [
            .. Tool.Words($"run --url {server.Origin} --include core --exclude PS-*/*concurrent* --out {folder.PathOf("out")}"),
            .. Tool.Words($"--repeat 5 --parallel 8 --timeout-scale 0.25"),
        ]);
        for (var stall = 0; stall < Stalls; stall++)
        {
            await tool.SaysAsync(stall == 0 ? "scenarios, 8 at one time" : " failed, ");
            tool.Suspend();
            await Task.Delay(Stall);
            tool.Resume();
        }

        var run = await tool.EndAsync();

        var results = folder.Results("out");
        Assert.That(results.Totals[Verdict.Fail] + results.Totals[Verdict.Warn] + results.Totals[Verdict.Error], Is.Zero, run.ToString());
        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant).Or.EqualTo(ExitCode.NotEvaluated));
        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.Completed));
    }

    [Test]
    public async Task A_run_with_few_descriptors_reports_no_violation()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();

        var run = await Tool.ShellAsync(
            $"ulimit -n 150; \"$DOTNET\" \"$TOOL\" run --url {server.Origin} "
            + $"--include PS-REST-02? --include DEL --include FAN --out {folder.PathOf("out")}");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant).Or.EqualTo(ExitCode.NotEvaluated), run.ToString());
        var results = folder.Results("out");
        Assert.That(results.Totals[Verdict.Fail] + results.Totals[Verdict.Error], Is.Zero, run.ToString());
        Assert.That(
            results.Scenarios.Where(scenario => scenario.Verdict == Verdict.Inconclusive).Select(scenario => scenario.Message),
            Has.All.Contains("EMFILE"));
    }

    [Test]
    public async Task A_run_without_enough_descriptors_does_not_start()
    {
        await using var server = new SmallServer();

        var run = await Tool.ShellAsync($"ulimit -n 90; \"$DOTNET\" \"$TOOL\" run --url {server.Origin}");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.SuiteError), run.ToString());
        run.Complains("90 file descriptors", "ulimit -n");
        Assert.That(run.Errors, Does.Not.Contain("report this"));
    }

    [Test]
    public async Task All_reports_are_written_although_standard_output_is_full()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();

        var run = await Tool.ShellAsync(
            $"\"$DOTNET\" \"$TOOL\" run --url {server.Origin} --include PS-REST-001 --out {folder.PathOf("out")} > /dev/full");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant), run.ToString());
        run.Complains("Standard output cannot be written");
        Assert.That(Directory.EnumerateFiles(folder.PathOf("out")).Count(), Is.EqualTo(6));
    }

    [Test]
    public async Task A_report_that_cannot_be_written_is_named_and_the_others_are_written()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        Directory.CreateDirectory(folder.PathOf("out"));
        File.CreateSymbolicLink(folder.PathOf("out", "junit.xml"), "/dev/full");

        var run = await Tool.RunAsync("run", "--url", $"{server.Origin}", "--include", "PS-REST-001", "--out", folder.PathOf("out"));

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Usage), run.ToString());
        run.Complains("junit.xml", "No space left", "not written: junit.xml");
        Assert.That(run.Errors, Does.Not.Contain("report this"));
        Assert.That(folder.Results("out").Totals[Verdict.Pass], Is.Positive);
    }

    [Test]
    public async Task A_command_that_cannot_write_its_output_fails()
    {
        var run = await Tool.ShellAsync("\"$DOTNET\" \"$TOOL\" list > /dev/full");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Usage), run.ToString());
        run.Complains("Standard output cannot be written");
    }

    [Test]
    public async Task A_reader_that_closes_the_pipe_early_causes_no_error()
    {
        var run = await Tool.ShellAsync("{ \"$DOTNET\" \"$TOOL\" list; echo $? >&2; } | head -1");

        Assert.That(run.Errors.Trim(), Is.EqualTo("0"), run.ToString());
    }
}
