using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;
using NJsonSchema;
using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>What the tool writes can be read by whom it is for.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ReportTests
{
    private static readonly string[] Files = ["badge.json", "junit.xml", "report.html", "results.json", "summary.md", "transcripts.jsonl"];

    [Test]
    public async Task A_run_writes_six_files_that_hold_to_their_laws()
    {
        await using var server = new SmallServer(Variation.Bare);
        using var folder = new Folder();
        var summary = folder.Write("step-summary.md", "# What came before\n");

        var run = await Tool.RunAsync(
            ["run", "--url", server.Origin.AbsoluteUri, "--dialect", "v1", "--include", "PS-REST-00?", "--transcripts", "all", "--out", folder.PathOf("new", "out")],
            new Dictionary<string, string?> { ["GITHUB_STEP_SUMMARY"] = summary });

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Violation), run.ToString());
        Assert.That(Directory.EnumerateFileSystemEntries(folder.PathOf("new", "out")).Select(Path.GetFileName), Is.EquivalentTo(Files));

        var json = folder.Read("new", "out", "results.json");
        var complaints = (await JsonSchema.FromJsonAsync(Resource("results.schema.json"))).Validate(json);
        Assert.That(complaints.Select(complaint => $"{complaint.Path} {complaint.Kind}"), Is.Empty);
        var results = Results.Parse(json);
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(run.Exit));
        Assert.That(results.Scenarios, Has.Count.EqualTo(All.Scenarios.Count));

        var junit = XDocument.Parse(folder.Read("new", "out", "junit.xml"));
        var schemas = new XmlSchemaSet();
        using var xsd = XmlReader.Create(new StringReader(Resource("junit.xsd")));
        schemas.Add(null, xsd);
        junit.Validate(schemas, null);
        Assert.That(junit.Descendants("failure").Count(), Is.EqualTo(results.Totals[Verdict.Fail]).And.Positive);

        using var badge = JsonDocument.Parse(folder.Read("new", "out", "badge.json"));
        Assert.That(badge.RootElement.GetProperty("color").GetString(), Is.EqualTo("red"));
        var lines = File.ReadAllLines(folder.PathOf("new", "out", "transcripts.jsonl"));
        Assert.That(lines, Is.Not.Empty);
        Assert.That(() => Array.ForEach(lines, line => JsonDocument.Parse(line).Dispose()), Throws.Nothing);
        Assert.That(folder.Read("new", "out", "report.html"), Does.StartWith("<!DOCTYPE html>").IgnoreCase.And.Contain("PS-REST-006/delete"));
        Assert.That(
            folder.Read("step-summary.md"), Is.EqualTo($"# What came before\n{folder.Read("new", "out", "summary.md")}").And.Contain("PS-REST-006"), "it is appended");
    }

    [Test]
    public async Task A_summary_that_cannot_be_appended_changes_no_verdict()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();

        var run = await Tool.RunAsync(
            ["run", "--url", server.Origin.AbsoluteUri, "--include", "PS-REST-001", "--quiet"], new Dictionary<string, string?> { ["GITHUB_STEP_SUMMARY"] = folder.Root });

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant), run.ToString());
        Assert.That(run.Errors, Does.Contain("GITHUB_STEP_SUMMARY"));
        Assert.That(run.Out, Is.EqualTo("Nothing that was evaluated is violated.\n"), "and a quiet run says nothing else");
    }

    [Test]
    public async Task Reports_that_found_no_room_do_not_hide_the_verdict()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        Directory.CreateDirectory(folder.PathOf("junit.xml"));

        var run = await Tool.RunAsync("run", "--url", server.Origin.AbsoluteUri, "--include", "PS-REST-001", "--out", folder.Root);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Usage), run.ToString());
        Assert.That(run.Errors, Does.Contain("--out").And.Contain("junit.xml"));
        Assert.That(run.Out, Does.Contain("Nothing that was evaluated is violated."));
    }

    [Test]
    public async Task Runs_are_compared_and_put_side_by_side()
    {
        await using var good = new SmallServer();
        await using var bare = new SmallServer(Variation.Bare);
        await using var strings = new SmallServer(Variation.PlainErrors);
        using var folder = new Folder();
        await Task.WhenAll(new TcpServer[] { good, bare, strings }.Select((server, n) => Tool.RunAsync(
            "run", "--url", server.Origin.AbsoluteUri, "--dialect", "v1", "--include", "PS-REST-00?", "--out", folder.PathOf("all", "gbs"[n..(n + 1)]))));
        string Path(string name) => folder.PathOf("all", name, "results.json");

        var worse = await Tool.RunAsync("compare", Path("g"), Path("b"));
        var better = await Tool.RunAsync("compare", Path("b"), Path("g"), "--format", "md");
        var same = await Tool.RunAsync("compare", Path("s"), Path("s"));
        var matrix = await Tool.RunAsync("matrix", folder.PathOf("all"), "--html", folder.PathOf("matrix.html"));

        Assert.That(worse.Exit, Is.EqualTo(ExitCode.Violation), worse.ToString());
        Assert.That(worse.Out, Does.Match(@"PS-REST-006/delete: pass \S+ fail"));
        Assert.That(better.Exit, Is.Zero, better.ToString());
        Assert.That(better.Out, Does.StartWith("## ").And.Contain("PS-REST-006/delete</code> | fail | pass |"));
        Assert.That(same.Exit, Is.Zero, same.ToString());
        Assert.That(same.Out, Does.Contain("Nothing changed"));
        Assert.That(matrix.Exit, Is.Zero, matrix.ToString());
        Assert.That(matrix.Out.Split('\n').First(line => line.Contains('|', StringComparison.Ordinal)), Does.Match(@"\|.*\bb\b.*\|.*\bg\b.*\|.*\bs\b.*\|"));
        Assert.That(folder.Read("matrix.html"), Does.StartWith("<!DOCTYPE html>").IgnoreCase);

        var unwritable = await Tool.RunAsync("matrix", folder.PathOf("all"), "--html", folder.PathOf("none", "matrix.html"));
        Assert.That(unwritable.Exit, Is.EqualTo(ExitCode.Usage), unwritable.ToString());
        Assert.That(unwritable.Errors, Does.Contain("--html"));
    }

    [Test]
    public async Task The_list_has_every_scenario_in_every_format()
    {
        var text = await Tool.RunAsync("list");
        var json = await Tool.RunAsync("list", "--format", "json");
        var markdown = await Tool.RunAsync("list", "--format", "md");
        var some = await Tool.RunAsync("list", "PS-RPL-001", "backpressure", "--format", "json");

        Assert.That(text.Out.Split('\n').Where(line => line.StartsWith("  ", StringComparison.Ordinal)).Select(line => line.Trim().Split(' ')[0]),
            Is.EquivalentTo(All.Scenarios.Select(scenario => scenario.Id)));
        Assert.That(Listed(json).Select(entry => entry.Scenario), Is.EquivalentTo(All.Scenarios.Select(scenario => scenario.Id)));
        foreach (var requirement in All.Scenarios.Select(scenario => scenario.Requirement).Distinct())
        {
            Assert.That(markdown.Out, Does.Contain($"* **{requirement}** ("));
        }

        Assert.That(Listed(some).Select(entry => entry.Profile).Distinct(), Is.EquivalentTo(["replay", "backpressure"]));
        Assert.That(Listed(some).Where(entry => entry.Profile == "replay").Select(entry => entry.Scenario), Is.All.StartsWith("PS-RPL-001/").And.Not.Empty);
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
        var (matrix, ids) = (SpecFolder.Read("KILLMATRIX.json"), SpecFolder.Read("ids.lock"));
        folder.Write("KILLMATRIX.json", matrix);
        folder.Write("ids.lock", ids.Replace("server null-refuses\n", "", StringComparison.Ordinal));

        var run = await Tool.RunAsync("selftest", "null-refuses", "--write", folder.Root);
        var nowhere = await Tool.RunAsync("selftest", "null-refuses", "--write", folder.PathOf("none"));

        Assert.That(run.Exit, Is.Zero, run.ToString());
        Assert.That(run.Out, Does.Contain("KILLMATRIX.json; rows changed: null-refuses\n"));
        Assert.That(run.Out, Does.Contain("ids.lock; appended: server null-refuses\n"));
        Assert.That(folder.Read("ids.lock"), Does.EndWith("\nserver null-refuses\n"));
        Assert.That(folder.Read("KILLMATRIX.json").Split('\n').Except(matrix.Split('\n')).Count(), Is.EqualTo(1));
        Assert.That(folder.Read("KILLMATRIX.md"), Does.Contain("* null-refuses was shown 1 times, not 10"));
        Assert.That(nowhere.Exit, Is.EqualTo(ExitCode.Usage), nowhere.ToString());
        Assert.That(nowhere.Out, Is.Empty, "before anything is shown");
    }

    [TestCase("PS-SUB-002")]
    [TestCase("ps-sub-002")]
    [TestCase("PS-SUB-002/no-subscription-to-a-later-topic")]
    public async Task A_requirement_is_explained_by_its_name_or_that_of_a_scenario(string id)
    {
        var run = await Tool.RunAsync("explain", id);

        Assert.That(run.Exit, Is.Zero, run.ToString());
        Assert.That(run.Out, Does.Contain(Catalogue.Embedded.Find("PS-SUB-002")!.Text).And.Contain("PS-SUB-002/no-subscription-to-a-later-topic"));
        Assert.That(run.Out, Does.Contain("pubsub-conformance run --url URL --include PS-SUB-002 "));
        Assert.That(
            Collection.Whole.Mutants.Where(mutant => mutant.Kills.Any(kill => kill.Requirement == "PS-SUB-002"))
                .Select(mutant => $"  {mutant.Id}  {mutant.Fault}"),
            Is.Not.Empty.And.SubsetOf(run.Out.Split(Environment.NewLine)));
    }

    [Test]
    public async Task What_a_probe_has_written_a_run_need_not_find_out()
    {
        await using var server = new SmallServer(Variation.Classic);
        using var folder = new Folder();
        var file = folder.PathOf("target.json");
        string[] run = ["run", "--include", "PS-REST-00?", "--include", "PUB"];

        var probed = await Tool.RunAsync("probe", "--url", server.Origin.AbsoluteUri, "--write", file);
        var found = await Tool.RunAsync([.. run, "--url", server.Origin.AbsoluteUri, "--out", folder.PathOf("found")]);
        var told = await Tool.RunAsync([.. run, "--target", file, "--out", folder.PathOf("told")]);

        Assert.That(probed.Exit, Is.Zero, probed.ToString());
        Assert.That(probed.Out, Does.Contain("classic").And.Contain($"Written to {file}"));
        Assert.That((found.Exit, told.Exit), Is.EqualTo((0, 0)), $"{found}{told}");
        var (one, other) = (folder.Results("found"), folder.Results("told"));
        Assert.That(other.Scenarios.Select(scenario => (scenario.Id, scenario.Verdict)), Is.EqualTo(one.Scenarios.Select(scenario => (scenario.Id, scenario.Verdict))));
        string[] declared = ["REST", "WebSocket", "dialect", "message ids", "limits"];
        Assert.That(other.Target.Findings.Where(finding => finding.Source == FindingSource.Declared).Select(finding => finding.What), Is.EquivalentTo(declared));
        Assert.That(one.Target.Findings.Where(finding => finding.Source == FindingSource.Declared), Is.Empty);
    }

    [Test]
    public async Task A_dialect_of_ones_own_is_found_from_where_the_target_file_is()
    {
        await using var server = new SmallServer(Variation.Classic);
        using var folder = new Folder();
        var dialect = folder.Write("dialects/ours.json", Dialect.Classic.ToJson().Replace("\"classic\"", "\"ours\"", StringComparison.Ordinal));
        Directory.CreateDirectory(folder.PathOf("targets"));
        var file = folder.PathOf("targets", "target.json");

        var probed = await Tool.RunAsync("probe", "--url", server.Origin.AbsoluteUri, "--dialect", dialect, "--write", file);
        var again = await Tool.RunAsync("probe", "--target", file, "--write", file);
        var run = await Tool.RunAsync("run", "--target", file, "--include", "PS-SUB-001");

        Assert.That((probed.Exit, again.Exit, run.Exit), Is.EqualTo((0, 0, 0)), $"{probed}{again}{run}");
        Assert.That(TargetFile.Parse(File.ReadAllText(file)).Dialect, Is.EqualTo(Path.Combine("..", "dialects", "ours.json")));
        Assert.That(run.Out, Does.Contain("(dialect ours)"));
    }

    [Test]
    public async Task The_command_line_wins_over_the_target_file()
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

        var run = await Tool.RunAsync("run", "--target", file, "--url", production.Origin.AbsoluteUri, "--include", "PS-REST-001", "--out", folder.PathOf("out"));

        Assert.That(run.Exit, Is.Zero, run.ToString());
        var target = folder.Results("out").Target;
        Assert.That(target.Rest, Does.Contain(production.Origin.Authority));
        Assert.That(target.WebSocket, Does.Contain(production.Origin.Authority));
        Assert.That(target.Limits.Ring, Is.EqualTo(7), "what is said of the server holds wherever it is");
    }

    private static IReadOnlyList<(string Profile, string Scenario)> Listed(ToolResult run)
    {
        using var json = JsonDocument.Parse(run.Out);
        return [.. json.RootElement.EnumerateArray().SelectMany(entry => entry.GetProperty("scenarios").EnumerateArray()
            .Select(scenario => (entry.GetProperty("profile").GetString()!, scenario.GetProperty("id").GetString()!)))];
    }

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(ReportTests).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
