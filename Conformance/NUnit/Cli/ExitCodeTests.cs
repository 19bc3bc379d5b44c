using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>
/// What scripts rely on: each status of the process means one thing. 3, 6 and 130 have tests of their own; no target can make the suite
/// err, as far as anybody knows, so 4 is shown of a run with a wrong scenario.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ExitCodeTests
{
    // {folder} is an empty folder, {url} a server that conforms; what follows names what the message must say.
    private static readonly (string Line, string[] Says)[] Wrong =
    [
        ("", ["command", "--help"]),
        ("nonsense", ["nonsense", "--help"]),
        ("run", ["--url", "--target"]),
        ("run --nonsense", ["--nonsense", "run --help"]),
        ("run --url", ["--url"]),
        ("run --url localhost:8080", ["--url", "http://", "localhost:8080"]),
        ("run --url ftp://localhost", ["--url", "http://", "wss://"]),
        ("run --url http://", ["--url", "http://"]),
        ("run --url http://me:s3cr3t@h", ["--url", "--header-env"]),
        ("run --url http://h?token=s3cr3t", ["--url", "--query"]),
        ("run --url http://h#s3cr3t", ["--url", "--query"]),
        ("run --url http://h --url http://i", ["--url", "2"]),
        ("run --url http://h also", ["also"]),
        ("run --url http://h --rest-url ws://h", ["--rest-url", "http://"]),
        ("run --url http://h --ws-url http://h/ws", ["--ws-url", "ws://"]),
        ("run --url http://h --parallel 0", ["--parallel", "1", "64"]),
        ("run --url http://h --parallel 65", ["--parallel", "1", "64"]),
        ("run --url http://h --parallel 1.5", ["--parallel", "whole", "1.5"]),
        ("run --url http://h --repeat many", ["--repeat", "whole", "many"]),
        ("run --url http://h --repeat 1001", ["--repeat", "1000"]),
        ("run --url http://h --seed -1", ["--seed", "-1"]),
        ("run --url http://h --seed 4294967296", ["--seed", "2147483647"]),
        ("run --url http://h --deadline 0", ["--deadline"]),
        ("run --url http://h --timeout-scale 0", ["--timeout-scale", "0.1", "100"]),
        ("run --url http://h --timeout-scale 1,5", ["--timeout-scale", "1,5"]),
        ("run --url http://h --timeout-scale NaN", ["--timeout-scale", "NaN"]),
        ("run --url http://h --allow everything", ["everything", "load"]),
        ("run --url http://h --transcripts some", ["some", "failed", "none"]),
        ("run --url http://h --namespace a-b", ["--namespace", "a-b"]),
        ("run --url http://h --namespace aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx", ["--namespace", "40"]),
        ("run --url http://h --include PS-NOT-001", ["Nothing is left", "--include", "PS-NOT-001"]),
        ("run --url http://h --include core --exclude PS-*", ["Nothing is left"]),
        ("run --url http://h --include PS-BPR-001", ["Nothing is left", "--allow load"]),
        ("run --url http://h --include @{folder}/none", ["--include", "none"]),
        ("run --url http://h --exclude @{folder}/none", ["--exclude", "none"]),
        ("run --url http://h --known-failing {folder}/none", ["--known-failing", "none"]),
        ("run --url http://h --known-failing {folder}", ["--known-failing", "{folder}"]),
        ("run --url http://h --dialect v2", ["--dialect", "v1", "classic", "v2"]),
        ("run --url http://h --dialect {folder}/dialect.json", ["--dialect", "dialect.json", "name"]),
        ("run --url http://h --dialect {folder}/no.json", ["--dialect", "no.json", "JSON"]),
        ("run --target {folder}/none", ["--target", "none"]),
        ("run --target {folder}/target.json", ["--target", "target.json", "limits"]),
        ("run --target {folder}/typo.json", ["--target", "typo.json", "dialekt"]),
        ("run --target {folder}/empty.json", ["--url"]),
        ("run --url http://h --header s3cr3t", ["--header", "colon"]),
        ("run --url http://h --header :s3cr3t", ["--header", "colon"]),
        ("run --url http://h --header Bad(Name:s3cr3t", ["Bad(Name", "header"]),
        ("run --url http://h --header-env X-API-Key", ["--header-env", "Name=VARIABLE"]),
        ("run --url http://h --header-env X-API-Key=NO_SUCH_VARIABLE", ["--header-env", "NO_SUCH_VARIABLE", "not set"]),
        ("run --url http://h --header-env X-API-Key=EMPTY_VARIABLE", ["--header-env", "EMPTY_VARIABLE", "empty"]),
        ("run --url http://h --header-env X-API-Key=BROKEN_VARIABLE", ["X-API-Key", "header"]),
        ("run --url http://h --query s3cr3t", ["--query", "name=value"]),
        ("run --url http://h --redact [", ["--redact", "regular expression"]),
        ("run --url https://h --ca {folder}/none", ["--ca", "none"]),
        ("run --url https://h --ca {folder}/no.json", ["--ca", "no.json", "PEM"]),
        ("run --url https://h --client-cert {folder}/none", ["--client-cert", "none"]),
        ("run --url https://h --client-cert {folder}/no.json", ["certificate"]),
        ("run --url http://h --out {folder}/no.json", ["--out", "no.json"]),
        ("run --url http://h --out {folder}/no.json/below", ["--out", "no.json"]),
        ("run --url {url} --include PS-REST-001 --out {folder}/taken", ["--out", "results.json"]),
        ("probe", ["--url", "--target"]),
        ("probe --url {url} --write {folder}/none/target.json", ["--write", "target.json"]),
        ("list PS-NOT-001", ["PS-NOT-001"]),
        ("list --format xml", ["xml", "json"]),
        ("explain", ["argument", "explain --help"]),
        ("explain PS-NOT-001", ["PS-NOT-001", "list"]),
        ("explain PS-REST-001/not-there", ["PS-REST-001/not-there", "list"]),
        ("compare {folder}/none {folder}/none", ["none"]),
        ("compare {folder}/no.json {folder}/no.json", ["no.json"]),
        ("compare {folder}/empty.json {folder}/empty.json", ["empty.json"]),
        ("matrix {folder}/none", ["none"]),
        ("matrix {folder}/hollow", ["results.json", "hollow"]),
        ("cleanup", ["--url", "--target"]),
        ("cleanup --journal {folder}/none", ["journal", "none"]),
    ];

    private static IEnumerable<TestCaseData> Lines => Wrong.Select(wrong => new TestCaseData(wrong.Line, wrong.Says).SetArgDisplayNames(wrong.Line));

    [TestCaseSource(nameof(Lines))]
    public async Task Wrong_usage_is_2_and_says_what_is_wrong(string line, string[] says)
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        folder.Write("no.json", "no JSON");
        folder.Write("empty.json", "{}");
        folder.Write("typo.json", """{"url":"http://h","dialekt":"v1"}""");
        folder.Write("target.json", """{"url":"http://h","limits":{"ring":0}}""");
        folder.Write("dialect.json", Dialect.V1.ToJson().Replace("\"v1\"", "\"\"", StringComparison.Ordinal));
        Directory.CreateDirectory(folder.PathOf("taken", "results.json"));
        Directory.CreateDirectory(folder.PathOf("hollow"));
        var environment = new Dictionary<string, string?> { ["EMPTY_VARIABLE"] = "", ["BROKEN_VARIABLE"] = "a\r\nX-Other: s3cr3t" };

        var run = await Tool.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Filled), environment);

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Usage), run.ToString());
        foreach (var words in says)
        {
            Assert.That(run.Errors, Does.Contain(Filled(words)).IgnoreCase);
        }

        Assert.That(run.Errors, Does.Not.Contain("   at "), "a message and no stack trace");
        Assert.That(run.Everything, Does.Not.Contain("s3cr3t"), "what may be a secret is not repeated");

        string Filled(string text) => text
            .Replace("{folder}", folder.Root, StringComparison.Ordinal)
            .Replace("{url}", server.Origin.AbsoluteUri, StringComparison.Ordinal);
    }

    [TestCase("--version")]
    [TestCase("--help")]
    [TestCase("run --help")]
    public async Task Who_asks_is_answered(string line)
    {
        var run = await Tool.RunAsync(line.Split(' '));

        Assert.That(run.Exit, Is.Zero, run.ToString());
        Assert.That(run.Out, Is.Not.Empty);
        Assert.That(run.Errors, Is.Empty);
    }

    [Test]
    public async Task Nothing_violated_is_0()
    {
        await using var server = new SmallServer();
        using var folder = new Folder();
        var patterns = folder.Write("patterns", "# what a client needs first\nPS-REST-001\nPS-SUB-001 # and then\n\n");

        var run = await Tool.RunAsync("run", "--url", server.Origin.AbsoluteUri, "--include", $"@{patterns}", "--exclude", "*/create-again*");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Conformant), run.ToString());
        Assert.That(run.Out, Does.Contain("PS-SUB").Or.Contain("Nothing that was evaluated is violated"));
        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task A_violated_duty_is_1()
    {
        await using var server = new SmallServer(Variation.Bare);

        var run = await Tool.RunAsync("run", "--url", server.Origin.AbsoluteUri, "--dialect", "v1", "--include", "PS-REST-006");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Violation), run.ToString());
        Assert.That(run.Out, Does.Contain("PS-REST-006/delete"));
        Assert.That(run.Errors, Does.Contain("fail  PS-REST-006/delete"), "at once");
    }

    [TestCase(false, ExitCode.Conformant)]
    [TestCase(true, ExitCode.Violation)]
    public async Task A_recommendation_that_is_not_followed_is_1_in_a_strict_run_alone(bool strict, int status)
    {
        await using var server = new SmallServer(Variation.PlainErrors);

        string[] options = ["run", "--url", server.Origin.AbsoluteUri, "--dialect", "v1", "--include", "PS-REST-026"];
        var run = await Tool.RunAsync([.. options, .. strict ? ["--strict"] : Array.Empty<string>()]);

        Assert.That(run.Exit, Is.EqualTo(status), run.ToString());
        Assert.That(run.Out, Does.Contain("PS-REST-026/detail-names-field-and-rule"));
    }

    [TestCase("PS-REST-006/delete", ExitCode.Conformant, "1 known failure")]
    [TestCase("PS-REST-006/delete\nPS-REST-001", ExitCode.Stale, "PS-REST-001")]
    [TestCase("PS-REST-006/delete\nPS-NOT-001", ExitCode.Stale, "PS-NOT-001")]
    [TestCase("PS-NOT-001", ExitCode.Violation, "PS-REST-006/delete")]
    public async Task A_known_failure_is_no_violation_and_one_that_passes_or_fits_nothing_is_5(string known, int status, string says)
    {
        await using var server = new SmallServer(Variation.Bare);
        using var folder = new Folder();
        var file = folder.Write("known-failing", known);

        var run = await Tool.RunAsync(
            "run", "--url", server.Origin.AbsoluteUri, "--dialect", "v1", "--include", "PS-REST-006/delete", "--include", "PS-REST-001", "--known-failing", file);

        Assert.That(run.Exit, Is.EqualTo(status), run.ToString());
        Assert.That(run.Out, Does.Contain(says));
    }

    [TestCase("--include")]
    [TestCase("--exclude")]
    public async Task A_pattern_that_fits_nothing_is_5(string option)
    {
        await using var server = new SmallServer();

        var run = await Tool.RunAsync("run", "--url", server.Origin.AbsoluteUri, "--include", "PS-REST-001", option, "PS-NOT-001");

        Assert.That(run.Exit, Is.EqualTo(ExitCode.Stale), run.ToString());
        Assert.That(run.Out, Does.Contain(option).And.Contain("PS-NOT-001"));
    }

    [Test]
    public async Task An_error_of_the_suite_is_4_whatever_else_there_is()
    {
        await using var server = new SmallServer();
        var probed = await Probe.ExecuteAsync(new ProbeOptions { Url = server.Origin });
        Scenario[] scenarios =
        [
            new("PS-REST-001", "erring", _ => throw new InvalidOperationException("a bug")),
            new("PS-REST-002", "failing", _ => throw new Violation("expectation", "expected", "observed")),
        ];

        var setup = new RunSetup { Catalogue = Catalogue.Embedded, Scenarios = scenarios, Probed = probed };
        var results = await new Run(setup).ExecuteAsync(CancellationToken.None);

        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.SuiteError));
        Assert.That(results.Conclusion.Message, Does.Contain("not the target"));
    }
}
