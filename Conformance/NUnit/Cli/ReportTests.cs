using System.Text.Json;
using System.Xml.Linq;
using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Tests.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>The files and the listings that the commands write.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ReportTests
{
    private static readonly string[] Files = ["badge.json", "junit.xml", "report.html", "results.json", "summary.md", "transcripts.jsonl"];

    [Test]
    public async Task A_run_writes_six_valid_files()
    {
        await using var server = new SmallServer(Variation.Bare);
        using var folder = new Folder();
        var summary = folder.Write("step-summary.md", "# What came before\n");
        var place = folder.PathOf("new", "out");

        var run = await Tool.ExitsAsync(
            ExitCode.Violation,
            $"run --url {server.Origin} --dialect v1 --include PS-REST-00? --transcripts all --out {place}",
            new Dictionary<string, string?> { ["GITHUB_STEP_SUMMARY"] = summary });

        Assert.That(Directory.EnumerateFileSystemEntries(place).Select(Path.GetFileName), Is.EquivalentTo(Files));
        Assert.That(await Schemas.ResultsComplaintsAsync(folder.Read("new", "out", "results.json")), Is.Empty);
        var results = folder.Results("new", "out");
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(run.Exit));
        Assert.That(results.Scenarios, Has.Count.EqualTo(All.Scenarios.Count));

        var junit = XDocument.Parse(folder.Read("new", "out", "junit.xml"));
        Assert.That(Schemas.JUnitComplaints(junit), Is.Empty);
        Assert.That(junit.Descendants("testcase").Count(), Is.EqualTo(All.Scenarios.Count));
        Assert.That(junit.Descendants("failure").Count(), Is.EqualTo(results.Totals[Verdict.Fail]).And.Positive);

        Assert.That(JsonElement.Parse(folder.Read("new", "out", "badge.json")).GetProperty("color").GetString(), Is.EqualTo("red"));
        var lines = File.ReadAllLines(Path.Combine(place, "transcripts.jsonl"));
        Assert.That(lines, Is.Not.Empty);
        Assert.That(() => lines.Select(line => JsonElement.Parse(line)).ToList(), Throws.Nothing);
        Assert.That(
            folder.Read("new", "out", "report.html"), Does.StartWith("<!DOCTYPE html>").IgnoreCase.And.Contain("PS-REST-006/as-specified"));
        Assert.That(
            folder.Read("step-summary.md"),
            Is.EqualTo($"# What came before\n{folder.Read("new", "out", "summary.md")}").And.Contain("PS-REST-006"),
            "it is appended");
    }

    [Test]
    public async Task A_summary_that_cannot_be_appended_changes_no_verdict()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();

        var run = await Tool.ExitsAsync(
            ExitCode.Conformant,
            $"run --url {server.Origin} --include PS-REST-001 --quiet",
            new Dictionary<string, string?> { ["GITHUB_STEP_SUMMARY"] = folder.Root });

        run.Complains("GITHUB_STEP_SUMMARY");
        Assert.That(run.Out, Is.EqualTo("Nothing that was evaluated is violated.\n"), "a quiet run prints nothing else");
    }

    [Test]
    public async Task The_verdict_is_printed_even_if_a_report_cannot_be_written()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        Directory.CreateDirectory(folder.PathOf("junit.xml"));

        var run = await Tool.ExitsAsync(ExitCode.Usage, $"run --url {server.Origin} --include PS-REST-001 --out {folder.Root}");

        run.Complains("--out", "junit.xml");
        Assert.That(run.Out, Does.Contain("Nothing that was evaluated is violated."));
    }

    [Test]
    public async Task Runs_can_be_compared_and_put_into_a_matrix()
    {
        await using var good = new SmallServer();
        await using var bare = new SmallServer(Variation.Bare);
        await using var strings = new SmallServer(Variation.PlainErrors);
        using var folder = new Folder();
        await Task.WhenAll(new (TcpServer Server, string Name)[] { (good, "g"), (bare, "b"), (strings, "s") }.Select(run => Tool.RunAsync(
            Tool.Words($"run --url {run.Server.Origin} --dialect v1 --include PS-REST-00? --out {folder.PathOf("all", run.Name)}"), null)));
        string ResultsOf(string name) => folder.PathOf("all", name, "results.json");

        var worse = await Tool.ExitsAsync(ExitCode.Violation, $"compare {ResultsOf("g")} {ResultsOf("b")}");
        var better = await Tool.ExitsAsync(ExitCode.Conformant, $"compare {ResultsOf("b")} {ResultsOf("g")} --format md");
        var same = await Tool.ExitsAsync(ExitCode.Conformant, $"compare {ResultsOf("s")} {ResultsOf("s")}");
        var matrix = await Tool.ExitsAsync(ExitCode.Conformant, $"matrix {folder.PathOf("all")} --html {folder.PathOf("matrix.html")}");
        var unwritable = await Tool.ExitsAsync(
            ExitCode.Usage, $"matrix {folder.PathOf("all")} --html {folder.PathOf("none", "matrix.html")}");

        Assert.That(worse.Out, Does.Match(@"PS-REST-006/as-specified: pass \S+ fail"));
        Assert.That(better.Out, Does.StartWith("## ").And.Contain("PS-REST-006/as-specified</code> | fail | pass |"));
        Assert.That(same.Out, Does.Contain("Nothing changed"));
        Assert.That(matrix.Out, Does.StartWith("| Profile | b | g | s |\n"));
        Assert.That(folder.Read("matrix.html"), Does.StartWith("<!DOCTYPE html>").IgnoreCase);
        unwritable.Complains("--html");
    }

    [Test]
    public async Task The_list_has_every_scenario_in_every_format()
    {
        var ids = All.Scenarios.Select(scenario => scenario.Id).ToList();

        var text = await Tool.ExitsAsync(ExitCode.Conformant, $"list");
        var json = await Tool.ExitsAsync(ExitCode.Conformant, $"list --format json");
        var markdown = await Tool.ExitsAsync(ExitCode.Conformant, $"list --format md");
        var some = await Tool.ExitsAsync(ExitCode.Conformant, $"list PS-RPL-001 backpressure --format json");

        Assert.That(
            text.Out.Split('\n').Where(line => line.StartsWith("  ", StringComparison.Ordinal)).Select(line => line.Trim().Split(' ')[0]),
            Is.EquivalentTo(ids));
        Assert.That(Listed(json).Select(entry => entry.Scenario), Is.EquivalentTo(ids));
        foreach (var requirement in All.Scenarios.Select(scenario => scenario.Requirement).Distinct())
        {
            Assert.That(markdown.Out, Does.Contain($"* **{requirement}** ("));
        }

        Assert.That(Listed(some).Select(entry => entry.Profile).Distinct(), Is.EquivalentTo(["replay", "backpressure"]));
        Assert.That(
            Listed(some).Where(entry => entry.Profile == "replay").Select(entry => entry.Scenario),
            Is.All.StartsWith("PS-RPL-001/").And.Not.Empty);
    }

    [Test]
    public async Task The_list_as_json_has_every_requirement_with_all_its_fields()
    {
        using var json = JsonDocument.Parse((await Tool.RunAsync("list", "--format", "json")).Out);

        Assert.That(json.RootElement.EnumerateArray().Select(Read), Is.EqualTo(Catalogue.Embedded.Requirements.Select(requirement => (
            requirement.Id, requirement.Area, requirement.Keyword, requirement.Profile.ToString().ToLowerInvariant(),
            requirement.Testability.ToString().ToLowerInvariant(), requirement.Text, requirement.Intent,
            requirement.Source, requirement.Decision, requirement.Reason))));

        static (string?, string?, string?, string?, string?, string?, string?, string?, string?, string?) Read(JsonElement entry)
        {
            return (
                Of("id"), Of("area"), Of("level"), Of("profile"), Of("testability"), Of("text"), Of("intent"),
                Of("source"), Of("decision"), Of("reason"));

            string? Of(string member) => entry.TryGetProperty(member, out var value) ? value.GetString() : null;
        }
    }

    [Test]
    public async Task A_self_test_says_what_it_has_written()
    {
        using var folder = new Folder();
        const string Row = "{\"id\":\"null-refuses\",\"repetitions\":";
        var matrix = SpecFolder.Read("KILLMATRIX.json").Replace(Row, $"{Row}1", StringComparison.Ordinal);
        var ids = SpecFolder.Read("ids.lock");
        folder.Write("KILLMATRIX.json", matrix);
        folder.Write("ids.lock", ids.Replace("server null-refuses\n", "", StringComparison.Ordinal));

        var run = await Tool.RunAsync("selftest", "null-refuses", "--write", folder.Root);
        var nowhere = await Tool.RunAsync("selftest", "null-refuses", "--write", folder.PathOf("none"));

        Assert.That(run.Exit, Is.Zero, run.ToString());
        Assert.That(run.Out, Does.Contain("KILLMATRIX.json; rows changed: null-refuses\n"));
        Assert.That(run.Out, Does.Contain("ids.lock; appended: server null-refuses\n"));
        Assert.That(folder.Read("ids.lock"), Does.EndWith("\nserver null-refuses\n"));
        Assert.That(folder.Read("KILLMATRIX.json").Split('\n').Except(matrix.Split('\n')).Count(), Is.EqualTo(1));
        Assert.That(folder.Read("KILLMATRIX.md"), Does.Contain("## Needs attention"));
        Assert.That(nowhere.Exit, Is.EqualTo(ExitCode.Usage), nowhere.ToString());
        Assert.That(nowhere.Out, Is.Empty, "it fails before any server is started");
    }

    [TestCase("PS-SUB-002")]
    [TestCase("ps-sub-002")]
    [TestCase("PS-SUB-002/no-subscription-to-a-later-topic")]
    public async Task A_requirement_is_explained_by_its_id_or_that_of_a_scenario(string id)
    {
        var run = await Tool.ExitsAsync(ExitCode.Conformant, $"explain {id}");

        Assert.That(run.Out, Does.Contain(Catalogue.Embedded.Find("PS-SUB-002")!.Text));
        Assert.That(run.Out, Does.Contain("PS-SUB-002/no-subscription-to-a-later-topic"));
        Assert.That(run.Out, Does.Contain("pubsub-conformance run --url URL --include PS-SUB-002 "));
        Assert.That(
            Collection.Whole.Mutants.Where(mutant => mutant.Kills.Any(kill => kill.Requirement == "PS-SUB-002"))
                .Select(mutant => $"  {mutant.Id}  {mutant.Fault}"),
            Is.Not.Empty.And.SubsetOf(run.Out.Split(Environment.NewLine)));
    }

    [Test]
    public async Task A_run_uses_the_target_file_that_a_probe_has_written()
    {
        await using var server = new SmallServer(Variation.Classic);
        using var folder = new Folder();
        var file = folder.PathOf("target.json");

        var probed = await Tool.ExitsAsync(ExitCode.Conformant, $"probe --url {server.Origin} --write {file}");
        var found = await ResultsOfAsync("--url", server.Origin.AbsoluteUri);
        var told = await ResultsOfAsync("--target", file);

        Assert.That(probed.Out, Does.Contain("classic").And.Contain($"Written to {file}"));
        Assert.That(
            told.Scenarios.Select(scenario => (scenario.Id, scenario.Verdict)),
            Is.EqualTo(found.Scenarios.Select(scenario => (scenario.Id, scenario.Verdict))));
        Assert.That(Declared(told), Is.EquivalentTo(
            ["REST", "WebSocket", "dialect", "limits", "message ids", "ring", "message size", "resume", "http", "sse", "metrics"]));
        Assert.That(Declared(found), Is.Empty);

        async Task<Results> ResultsOfAsync(string option, string value)
        {
            await Tool.ExitsAsync(
                ExitCode.Conformant, $"run --include PS-REST-00? --include PUB {option} {value} --out {folder.PathOf(option)}");
            return folder.Results(option);
        }

        static IEnumerable<string> Declared(Results results) =>
            results.Target.Findings.Where(finding => finding.Source == FindingSource.Declared).Select(finding => finding.What);
    }

    [Test]
    public async Task A_dialect_file_is_found_relative_to_the_target_file()
    {
        await using var server = new SmallServer(Variation.Classic);
        using var folder = new Folder();
        var ours = Dialect.Classic.ToJson().Replace("\"classic\"", "\"ours\"", StringComparison.Ordinal);
        var dialect = folder.Write("dialects/ours.json", ours);
        Directory.CreateDirectory(folder.PathOf("targets"));
        var file = folder.PathOf("targets", "target.json");

        await Tool.ExitsAsync(ExitCode.Conformant, $"probe --url {server.Origin} --dialect {dialect} --write {file}");
        await Tool.ExitsAsync(ExitCode.Conformant, $"probe --target {file} --write {file}");
        var run = await Tool.ExitsAsync(ExitCode.Conformant, $"run --target {file} --include PS-SUB-001");

        Assert.That(TargetFile.Parse(File.ReadAllText(file)).Dialect, Is.EqualTo(Path.Combine("..", "dialects", "ours.json")));
        Assert.That(run.Out, Does.Contain("(dialect ours)"));
    }

    [Test]
    public async Task The_command_line_overrides_the_target_file()
    {
        await using var staging = new SmallServer();
        await using var production = new SmallServer();
        using var folder = new Folder();
        var declared = new TargetFile
        {
            Url = staging.Origin,
            Rest = new Uri(staging.Origin, "/v1"),
            WebSocket = new Uri($"ws://{staging.Origin.Authority}/v1/ws"),
            Limits = new Limits { Ring = 7 },
        };
        var file = folder.Write("target.json", declared.ToJson());

        await Tool.ExitsAsync(
            ExitCode.Conformant, $"run --target {file} --url {production.Origin} --include PS-REST-001 --out {folder.Root}");

        var target = folder.Results().Target;
        Assert.That(target.Rest, Does.Contain(production.Origin.Authority));
        Assert.That(target.WebSocket, Does.Contain(production.Origin.Authority));
        Assert.That(target.Limits.Ring, Is.EqualTo(7), "declared limits also hold at another URL");
    }

    private static IReadOnlyList<(string Profile, string Scenario)> Listed(ToolResult run)
    {
        using var json = JsonDocument.Parse(run.Out);
        return [.. json.RootElement.EnumerateArray().SelectMany(entry => entry.GetProperty("scenarios").EnumerateArray()
            .Select(scenario => (entry.GetProperty("profile").GetString()!, scenario.GetProperty("id").GetString()!)))];
    }
}
