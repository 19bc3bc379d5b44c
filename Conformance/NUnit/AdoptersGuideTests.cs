using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>The statements of Conformance/README.md about the tool are true.</summary>
public sealed partial class AdoptersGuideTests
{
    private static string Guide => SpecFolder.Read("README.md");

    [Test]
    public void The_numbers_in_the_guide_are_those_of_the_suite()
    {
        Assert.That(Number("about ([0-9]+) numbered requirements"), Is.EqualTo(Catalogue.Embedded.Requirements.Count).Within(10).Percent);
        Assert.That(Number("some ([0-9]+) scenarios"), Is.EqualTo(All.Scenarios.Count).Within(10).Percent);
        Assert.That(
            Number($"([0-9]+) scenarios, {RunOptions.UsualParallel} at one time"),
            Is.EqualTo(All.Scenarios.Count(scenario => !scenario.IsLoad)).Within(10).Percent);
        Assert.That(
            Guide,
            Does.Contain($"at most {Scenario.UsualConnections} connections and moves at most {Scenario.UsualBytes / 1024 / 1024} MiB"));
    }

    [Test]
    public async Task Every_option_in_the_guide_is_one_of_the_tool()
    {
        string[] verbs = ["run", "probe", "list", "explain", "compare", "matrix", "cleanup", "selftest"];
        var help = string.Concat(await Task.WhenAll(verbs.Select(HelpAsync)));
        var offered = OptionInHelp().Matches(help).Select(match => match.Groups[1].Value).ToHashSet();
        string[] foreign = ["--global", "--add-source", "--project", "--depth"];

        var named = OptionInCode().Matches(Guide).Select(match => match.Value).Except(foreign).ToHashSet();

        Assert.That(named, Has.Count.GreaterThan(15));
        Assert.That(named.Except(offered), Is.Empty);
    }

    [Test]
    public void Every_exit_status_is_in_the_table()
    {
        var documented = StatusRow().Matches(Guide).Select(match => int.Parse(match.Groups[1].Value));
        int[] statuses =
        [
            ExitCode.Conformant, ExitCode.Violation, ExitCode.Usage, ExitCode.Unreachable, ExitCode.SuiteError, ExitCode.Stale,
            ExitCode.NotEvaluated, ExitCode.Cancelled,
        ];

        Assert.That(documented, Is.EqualTo(statuses));
    }

    [Test]
    public void Every_verdict_is_in_the_table() =>
        Assert.That(
            VerdictRow().Matches(Guide).Select(match => match.Groups[1].Value.Replace("-", "", StringComparison.Ordinal)),
            Is.SupersetOf(Enum.GetNames<Verdict>().Select(name => name.ToLowerInvariant())));

    [Test]
    public void Every_member_of_a_dialect_is_in_the_table()
    {
        var members = MemberInJson().Matches(Dialect.V1.ToJson()).Select(match => match.Groups[1].Value).Except(["name", "description"]);

        Assert.That(members.Where(member => !Guide.Contains($"`{member}`", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Every_requirement_and_scenario_in_the_guide_exists()
    {
        var known = All.Scenarios.SelectMany(scenario => new[] { scenario.Id, scenario.Requirement }).ToHashSet();

        var named = IdInText().Matches(Guide).Select(match => match.Value).ToList();

        Assert.That(named, Is.Not.Empty);
        Assert.That(named.Where(id => !known.Contains(id)), Is.Empty);
    }

    /// <summary>The number that the pattern captures in the guide. Fails if the pattern does not match.</summary>
    private static int Number(string pattern) => int.Parse(Regex.Match(Guide, pattern).Groups[1].Value, CultureInfo.InvariantCulture);

    private static async Task<string> HelpAsync(string verb)
    {
        var tool = Path.Combine(AppContext.BaseDirectory, "pubsub-conformance.dll");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [tool, verb, "--help"])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        return await process.StandardOutput.ReadToEndAsync();
    }

    [GeneratedRegex(@"^\s+(--[a-z-]+)", RegexOptions.Multiline)]
    private static partial Regex OptionInHelp();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]+")]
    private static partial Regex OptionInCode();

    [GeneratedRegex(@"^\| ([0-9]+) \|", RegexOptions.Multiline)]
    private static partial Regex StatusRow();

    [GeneratedRegex(@"^\| ([a-z-]+) \|", RegexOptions.Multiline)]
    private static partial Regex VerdictRow();

    [GeneratedRegex(@"^  ""([A-Za-z]+)"":", RegexOptions.Multiline)]
    private static partial Regex MemberInJson();

    [GeneratedRegex(@"PS-[A-Z]+-[0-9]{3}(/[a-z0-9-]+)?(?![\w*-])")]
    private static partial Regex IdInText();
}
