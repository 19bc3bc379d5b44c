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
/// Scripts rely on the meaning of each exit status. 3, 6 and 130 have tests of their own. A wrong scenario tests 4, because no target is
/// known to cause an error of the suite.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ExitCodeTests
{
    // {folder} is a temporary folder and {url} a correct server. The list has the words that the message must contain.
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
        ($"run {string.Join(' ', Enumerable.Range(1, 17).Select(door => $"--url http://h{door}"))}", ["--url", "16", "17"]),
        ("run --url http://h --url localhost:8080", ["--url", "http://", "localhost:8080"]),
        ("run --url http://h --url http://i?token=s3cr3t", ["--url", "--query"]),
        ("run --url http://h --url http://i --url http://h/", ["--url", "once", "http://h/"]),
        ("run --url http://h/a --url http://i/b", ["--url", "same path", "http://i/b"]),
        ("run --url http://h --url http://i --rest-url http://h/v1", ["--rest-url", "2 doors"]),
        ("run --url http://h --url http://i --ws-url ws://h/ws", ["--ws-url", "2 doors"]),
        ("run --url http://h --nodes 2", ["--nodes", "--launch"]),
        ("run --launch true --nodes 0", ["--nodes", "1", "16"]),
        ("run --launch true --nodes 17", ["--nodes", "1", "16"]),
        ("run --launch true --nodes two", ["--nodes", "whole", "two"]),
        ("cleanup --url http://h --url http://i", ["--url", "one", "door"]),
        ("probe --url http://h --url http://i --stats-url http://h/stats", ["--stats-url", "2 doors"]),
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

    // {folder} contains files with patterns. The list has the words that the output must contain.
    private static readonly (string Server, string Line, int Exit, string[] Says)[] Runs =
    [
        ("small", "--include @{folder}/patterns --exclude */create-again*", ExitCode.Conformant, ["Nothing that was evaluated"]),
        ("small", "--include PS-REST-001 --include PS-NOT-001", ExitCode.Stale, ["--include", "PS-NOT-001"]),
        ("small", "--include PS-REST-001 --exclude PS-NOT-001", ExitCode.Stale, ["--exclude", "PS-NOT-001"]),
        ("bare", "--include PS-REST-006", ExitCode.Violation, ["PS-REST-006/as-specified"]),
        ("bare", $"{OneFails} --known-failing {{folder}}/fails", ExitCode.Conformant, ["1 known failure"]),
        ("bare", $"{OneFails} --known-failing {{folder}}/one-passes", ExitCode.Stale, ["PS-REST-001"]),
        ("bare", $"{OneFails} --known-failing {{folder}}/one-fits-nothing", ExitCode.Stale, ["PS-NOT-001"]),
        ("bare", $"{OneFails} --known-failing {{folder}}/fits-nothing", ExitCode.Violation, ["PS-REST-006/as-specified"]),
        ("strings", "--include PS-REST-018", ExitCode.Conformant, ["PS-REST-018/every-error"]),
        ("strings", "--include PS-REST-018 --strict", ExitCode.Violation, ["PS-REST-018/every-error"]),
    ];

    private const string OneFails = "--include PS-REST-006/as-specified --include PS-REST-001";

    private static IEnumerable<TestCaseData> WrongLines =>
        Wrong.Select(wrong => new TestCaseData(wrong.Line, wrong.Says).SetArgDisplayNames(wrong.Line));

    private static IEnumerable<TestCaseData> RunLines =>
        Runs.Select(run => new TestCaseData(run.Server, run.Line, run.Exit, run.Says).SetArgDisplayNames(run.Server, run.Line));

    [TestCaseSource(nameof(WrongLines))]
    public async Task Wrong_usage_exits_with_2_and_says_what_is_wrong(string line, string[] says)
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

        var run = await Tool.ExitsAsync(ExitCode.Usage, Arguments(line, folder, server), environment);

        run.Complains(says.Select(words => Filled(words, folder, server)));
        Assert.That(run.Everything, Does.Not.Contain("s3cr3t"), "possible secrets are not repeated");
    }

    [TestCaseSource(nameof(RunLines))]
    public async Task The_exit_status_of_a_run_gives_its_conclusion(string kind, string line, int exit, string[] says)
    {
        await using var server = new SmallServer(kind switch
        {
            "bare" => Variation.Bare,
            "strings" => Variation.PlainErrors,
            _ => new Variation(),
        });
        using var folder = new Folder();
        folder.Write("patterns", "# what a client needs first\nPS-REST-001\nPS-SUB-001 # and then\n\n");
        folder.Write("fails", "PS-REST-006/as-specified");
        folder.Write("one-passes", "PS-REST-006/as-specified\nPS-REST-001");
        folder.Write("one-fits-nothing", "PS-REST-006/as-specified\nPS-NOT-001");
        folder.Write("fits-nothing", "PS-NOT-001");

        var run = await Tool.ExitsAsync(exit, Arguments($"run --url {{url}} --dialect v1 {line}", folder, server));

        foreach (var words in says)
        {
            Assert.That(run.Out, Does.Contain(words));
        }

        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task A_failure_is_printed_at_once()
    {
        await using var server = new SmallServer(Variation.Bare);

        var run = await Tool.ExitsAsync(ExitCode.Violation, $"run --url {server.Origin} --dialect v1 --include PS-REST-006");

        Assert.That(run.Errors, Does.Contain("fail  PS-REST-006/as-specified"));
    }

    [TestCase("--version")]
    [TestCase("--help")]
    [TestCase("run --help")]
    public async Task Help_and_version_go_to_standard_output(string line)
    {
        var run = await Tool.ExitsAsync(ExitCode.Conformant, line.Split(' '));

        Assert.That(run.Out, Is.Not.Empty);
        Assert.That(run.Errors, Is.Empty);
    }

    [Test]
    public async Task An_error_of_the_suite_exits_with_4_even_if_there_is_a_violation()
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

    private static IEnumerable<string> Arguments(string line, Folder folder, TcpServer server) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => Filled(word, folder, server));

    private static string Filled(string text, Folder folder, TcpServer server) => text
        .Replace("{folder}", folder.Root, StringComparison.Ordinal)
        .Replace("{url}", server.Origin.AbsoluteUri, StringComparison.Ordinal);
}
