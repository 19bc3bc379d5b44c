using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>Given a command, the tool starts the server, tests it, sends it signals, and ends it.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class LaunchTests
{
    private const string NoShell = "The commands are those of a Unix shell.";
    private const string NoSignals = "Windows has no signals that a process can send to another.";

    private static string Host => $"\"{Tool.Dotnet}\" \"{HostServer.Built}\"";

    [Test]
    [Platform(Exclude = "Win", Reason = NoSignals)]
    public async Task A_launched_server_is_also_tested_with_settings_and_signals()
    {
        using var folder = new Folder();

        var patterns = folder.Write("patterns", "PS-LIF-001\nPS-LIF-005\nPS-LIF-010/*-queue-*\nPS-SUB-001");

        var run = await Tool.ExitsAsync(
            ExitCode.Conformant, $"run --launch {Host} --include @{patterns} --out {folder.Root}", folder.Temporary);

        var verdicts = folder.Results().Scenarios.Select(scenario => scenario.Verdict).Where(verdict => verdict != Verdict.Disabled)
            .ToList();
        Assert.That(verdicts, Is.All.EqualTo(Verdict.Pass), run.ToString());
        Assert.That(verdicts, Has.Count.GreaterThan(8));
        Assert.That(folder.Journals, Is.Empty);
    }

    [Test]
    public async Task With_a_URL_the_command_is_used_only_for_scenarios_with_settings()
    {
        await using var server = new SmallServer(Variation.Bare);
        using var folder = new Folder();

        var run = await Tool.ExitsAsync(
            ExitCode.Conformant,
            $"run --url {server.Origin} --dialect v1 --launch {Host} --include PS-REST-012 --include PS-LIF-008 --out {folder.Root}");

        var scenarios = folder.Results().Scenarios;
        Assert.That(
            scenarios.Single(scenario => scenario.Id == "PS-REST-012/body-of-a-deletion").Verdict,
            Is.EqualTo(Verdict.Unsupported),
            "the target is the server by URL, which answers deletions with 204");
        Assert.That(
            scenarios.Where(scenario => scenario.Requirement == "PS-LIF-008").Select(scenario => scenario.Verdict),
            Is.All.EqualTo(Verdict.Pass),
            run.ToString());
    }

    [Platform(Exclude = "Win", Reason = NoSignals)]
    [TestCase("cd / && {0}")]
    [TestCase("LOG_LEVEL=warn {0}")]
    [TestCase("true; {0}")]
    [TestCase("BIND=::1 {0}")]
    public async Task A_shell_command_works_and_signals_reach_the_server(string command)
    {
        using var folder = new Folder();
        var launch = string.Format(CultureInfo.InvariantCulture, command, Host);

        var run = await Tool.ExitsAsync(
            ExitCode.Conformant,
            $"run --launch {launch} --include PS-LIF-001 --include PS-REST-001 --out {folder.Root}");

        var scenarios = folder.Results().Scenarios.Where(scenario => scenario.Verdict != Verdict.Disabled).ToList();
        Assert.That(scenarios.Select(scenario => scenario.Verdict), Is.All.EqualTo(Verdict.Pass), run.ToString());
        Assert.That(scenarios.Select(scenario => scenario.Requirement).Distinct(), Is.EquivalentTo(["PS-LIF-001", "PS-REST-001"]));
    }

    [Platform("Win", Reason = "The commands are those of cmd.")]
    [TestCase("cd \\ && {0}")]
    [TestCase("set \"LOG_LEVEL=warn\" & {0}")]
    public async Task A_command_of_cmd_works(string command)
    {
        using var folder = new Folder();
        var launch = string.Format(CultureInfo.InvariantCulture, command, Host);

        var run = await Tool.ExitsAsync(ExitCode.Conformant, $"run --launch {launch} --include PS-REST-001 --out {folder.Root}");

        Assert.That(folder.Results().Totals[Verdict.Pass], Is.Positive, run.ToString());
    }

    [Platform(Exclude = "Win", Reason = NoShell)]
    [TestCase("sh -c 'exit 3'", "status 3")]
    [TestCase("sh -c 'echo no such thing as PORT=$PORT >&2; exit 1'", "no such thing as PORT=")]
    [TestCase("no-such-command --port $PORT", "no-such-command")]
    [TestCase("true", "status 0")]
    public async Task A_command_that_ends_at_once_is_reported_with_its_output(string command, string says)
    {
        var clock = Stopwatch.StartNew();

        var run = await Tool.ExitsAsync(ExitCode.Unreachable, $"run --launch {command}");

        run.Complains("--launch", says);
        Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(10));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = NoShell)]
    public async Task A_command_that_never_listens_times_out()
    {
        var run = await Tool.ExitsAsync(ExitCode.Unreachable, $"run --launch {"sh -c 'echo thinking; exec sleep 60'"} --timeout-scale 0.1");

        run.Complains("no open port within 2.3 s", "thinking");
    }
}
