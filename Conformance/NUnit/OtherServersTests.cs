using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Probing;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>
/// The verdicts of the suite on servers that are not our Host, scenario by scenario. A correct server passes, also where a dialect allows
/// the difference. A server that differs fails exactly the requirements that forbid the difference.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class OtherServersTests
{
    private static readonly Dialect Strings = Dialect.V1 with
    {
        Name = "strings",
        Error = [ErrorShape.Plain],
        LeavesOpen = new Dictionary<string, string> { ["PS-ERR-001"] = "Broken JSON ends the connection." },
    };

    private static readonly Dialect Bare = Dialect.V1 with
    {
        Name = "bare",
        List = [ListShape.Bare, ListShape.Wrapped],
        Deleted = [200, 204],
    };

    private static readonly Row[] Rows =
    [
        new("a correct server", _ => { })
        {
            Options = new RunOptions { AllowLoad = true, Strict = true, Exclusive = true },
            Launch = (settings, _) => Task.FromResult<LaunchedServer>(new InProcessServer(null, settings)),
            Holds = results => results.Target.Dialect == "v1"
                && results.Totals[Verdict.Pass] + results.Totals[Verdict.Observed] // with load and with settings
                    == All.Scenarios.Count(scenario => scenario.Area != "ACC"),
        },
        new("the classic dialect, with a key", As(Variation.Classic with { ApiKey = "the-key-of-the-house", DeletionStatus = 204 }))
        {
            Probing = probing => probing with { Headers = new Dictionary<string, string> { ["X-API-Key"] = "the-key-of-the-house" } },
            Unsupported = "PS-PUB-006/ids-of-any-characters PS-HTTP-002/ids PS-REST-012/body-of-a-deletion",
            Observed = "PS-PUB-007/no-uuid",
            Holds = results => results.Target.Dialect == "classic"
                && !results.ToJson().Contains("the-key-of-the-house", StringComparison.Ordinal),
        },
        new("the classic dialect, undated, dropping the oldest", server =>
        {
            server.Variation = Variation.Classic with { TimeMember = null, DropsOldest = true };
            server.Settings = server.Settings with { WriteTimeout = TimeSpan.FromMinutes(1) }; // no write fails, also on a busy machine
        })
        {
            Options = Selected("PS-BPR-001 PS-BPR-002 PS-BPR-003 PS-BPR-004 PS-BPR-007 PS-BPR-008 ENV FAN PING DEL") with
            {
                AllowLoad = true,
            },
            Unsupported = "PS-BPR-002/slow-consumer-is-the-last-message PS-BPR-003/closed-with-1008 PS-BPR-007/gone-from-every-topic"
                + " PS-BPR-008/everything-up-to-the-cut PS-FAN-006/one-time-for-all-and-for-replay PS-FAN-006/the-time-of-acceptance",
            Observed = "PS-BPR-001/who-does-not-read-is-disconnected",
        },
        new("the classic dialect, dropping the oldest until one write takes too long", server =>
        {
            server.Variation = Variation.Classic with { DropsOldest = true };
            server.Settings = server.Settings with { WriteTimeout = TimeSpan.FromSeconds(1) };
        })
        {
            Options = Selected("PS-BPR-001 PS-BPR-002 PS-BPR-003 PS-BPR-004 PS-BPR-007 PS-BPR-008") with { AllowLoad = true },
            Unsupported = "PS-BPR-002/slow-consumer-is-the-last-message PS-BPR-003/closed-with-1008 PS-BPR-008/everything-up-to-the-cut",
        },
        new("the classic dialect, taken for v1", As(Variation.Classic))
        {
            Options = Selected("PS-ENV-002 PS-OBS-001 PS-REST-006 PS-FAN-001"),
            Probing = probing => probing with { Dialect = Dialect.V1, Rest = probing.Url },
            Fail = "PS-ENV-002/acks-events-and-errors-are-dated PS-OBS-001/shape-of-health",
        },
        new("errors are strings, and broken JSON ends the connection", As(Variation.PlainErrors))
        {
            // An error on the WebSocket is a code without a sentence; over REST it is a sentence without a code.
            Fail = "PS-ERR-001/a-byte-order-mark PS-ERR-001/a-payload-that-is-no-json PS-ERR-001/json-that-breaks-off PS-ERR-001/no-json"
                + " PS-ERR-004/code-and-message",
            Warn = "PS-ERR-002/a-barrage-leaves-everything-in-place PS-RES-004/no-time PS-RES-004/with-last-n"
                + " PS-REST-018/every-error PS-ROB-002/wherever-it-is-deep",
            Unsupported = "PS-ERR-002/a-thousand-in-a-row PS-ERR-005/the-field-and-the-rule PS-REST-019/every-code"
                + " PS-REST-026/detail-names-field-and-rule",
        },
        new("the same, and a dialect file allows it", As(Variation.PlainErrors))
        {
            Options = Selected("PS-ERR-001 PS-ERR-004"),
            Probing = probing => probing with { Dialect = Dialect.Parse(Strings.ToJson()) },
            Observed = "PS-ERR-001/no-json",
        },
        new("bare lists and empty answers", As(Variation.Bare))
        {
            // One scenario demands 200 and gets 204; PS-REST-012 is only about the body of a 200.
            Fail = "PS-REST-004/shape-of-the-listing PS-REST-006/as-specified",
            Unsupported = "PS-REST-012/body-of-a-deletion",
        },
        new("the same, and a dialect file allows it too", As(Variation.Bare))
        {
            Options = Selected("REST DEL"),
            Probing = probing => probing with { Dialect = Dialect.Parse(Bare.ToJson()) },
            Unsupported = "PS-REST-012/body-of-a-deletion",
        },
        new("a server 300 ms away", LongLine.Far(TimeSpan.FromMilliseconds(300)))
        {
            Options = new RunOptions { Parallel = RunOptions.MostParallel },
            Holds = results => results.Target.RoundTrips!.MedianMs > 295 && results.Leftovers.Count == 0,
        },
    ];

    private static IEnumerable<TestCaseData> Servers => Rows.Select(row => new TestCaseData(row).SetName(row.Name));

    [TestCaseSource(nameof(Servers))]
    public async Task A_server_gets_exactly_the_declared_verdicts(object server)
    {
        var row = (Row)server;
        await using var other = new SmallServer(row.Change);

        var results = await JudgeAsync(other, row.Probing, row.Options, row.Launch);

        // Access is judged only with credentials; AccessTests have some.
        var left = All.Scenarios.Where(scenario => (scenario.IsLaunched && row.Launch is null) || scenario.Area == "ACC")
            .Select(scenario => scenario.Id).ToList();
        var shown = results.Scenarios.Where(scenario => !left.Contains(scenario.Id)
            && scenario.Verdict is not (Verdict.Pass or Verdict.Observed or Verdict.Disabled));
        Assert.That(
            shown.Select(scenario => (scenario.Id, scenario.Verdict)),
            Is.EquivalentTo(row.Verdicts),
            $"{results.Ending.Message}\n"
            + string.Join("\n", shown.Select(scenario => $"{scenario.Id}: {scenario.Verdict}, {scenario.Message}")));
        Assert.That(
            results.Scenarios.Where(scenario => scenario.Verdict == Verdict.Observed).Select(scenario => scenario.Id),
            Is.SupersetOf(Row.Ids(row.Observed)));
        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.Completed));
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(row.Fail.Length > 0 ? ExitCode.Violation : ExitCode.Conformant));
        Assert.That(row.Holds(results), Is.True, results.ToJson());
        Assert.That(other.Faults, Is.Empty);
    }

    [TestCase(1)]
    [TestCase(8)]
    public async Task A_server_that_crashes_fails_only_the_scenario_that_killed_it(int parallel)
    {
        await using var server = new SmallServer(Crash.AtBurst(3));

        var results = await JudgeAsync(
            server, probing => probing with { Limits = new Limits() }, Script.Unsupervised with { Parallel = parallel });

        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied), results.Ending.Message);
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Violation));
        Assert.That(results.Totals[Verdict.Warn] + results.Totals[Verdict.Error], Is.Zero);
        Assert.That(
            results.Scenarios.Where(scenario => scenario.Verdict == Verdict.Fail).Select(scenario => (scenario.Id, scenario.CountsFor)),
            Is.EqualTo([(results.Deaths.Single().Culprits.Single(), DeathResult.Requirement)]), "only the scenario that killed it fails");
        Assert.That(results.Totals[Verdict.NotEvaluated], Is.GreaterThan(100));
        Assert.That(results.Ending.LastRequests, Is.Not.Empty);
        if (parallel == 1)
        {
            // In parallel runs no scenario need have ended yet, and the last requests may be those of another scenario.
            Assert.That(results.Totals[Verdict.Pass], Is.GreaterThan(0), "scenarios that ended before the crash count");
            var last = results.Ending.LastRequests.Select(request => request.Data);
            Assert.That(last, Has.Some.Contains("\"publish\""), "the burst that killed it");
        }
    }

    [Test]
    public async Task A_server_in_this_process_starts_and_ends_like_a_launched_process()
    {
        await using var server = new InProcessServer(null, new Dictionary<string, string> { ["MAX_MESSAGES"] = "7" });
        await using var second = new InProcessServer(null, new Dictionary<string, string> { ["PORT"] = $"{server.Target.Rest.Port}" });
        await using var refused = new InProcessServer(null, new Dictionary<string, string> { ["MAX_TOPICS"] = "many" });

        Assert.That(server.Target.Limits.Ring, Is.EqualTo(7));
        Assert.That(server.StandardOutput, Is.EqualTo($"info: Now listening on: http://127.0.0.1:{server.Target.Rest.Port}\n"));
        Assert.That(await server.TerminateAsync(), Is.Zero);
        Assert.That(server.StandardOutput, Does.EndWith("info: drained\n"));
        server.Kill();
        server.Terminate();
        Assert.That(await server.Exited, Is.Zero, "the first exit code stands");

        Assert.That(new[] { second.Listened, refused.Listened }, Is.All.False);
        Assert.That(new[] { second.Exited.Result, refused.Exited.Result }, Is.All.EqualTo(1));
        Assert.That(second.StandardError, Is.EqualTo($"the port {server.Target.Rest.Port} is in use\n"));
        Assert.That(refused.StandardError, Does.Match(@"\AMAX_TOPICS [^\n]+\n\z"));

        var killed = new InProcessServer(null, new Dictionary<string, string>());
        killed.Kill();
        Assert.That(await killed.ExitedAsync(), Is.Not.Zero);
    }

    private static Change As(Variation variation) => server => server.Variation = variation;

    private static RunOptions Selected(string patterns) =>
        new() { Selection = new Selection { Include = Selection.Parse(patterns.Split(' ')) } };

    /// <summary>A whole run as the command line does it. By default it has no launcher and no load.</summary>
    private static async Task<Results> JudgeAsync(
        SmallServer server, Func<ProbeOptions, ProbeOptions> probing, RunOptions options, Launch? launch = null)
    {
        var probe = probing(new ProbeOptions { Url = server.Origin });
        var probed = await Probe.ExecuteAsync(probe);
        var run = new Run(new()
        {
            Catalogue = Catalogue.Embedded,
            Scenarios = All.Scenarios,
            Probed = probed,
            Options = options,
            Redaction = new Redaction(probe.Headers),
            Launch = launch,
        });
        return await run.ExecuteAsync(default);
    }

    /// <summary>One server, the options of its run, and the scenarios that do not pass, by verdict. All others that ran pass.</summary>
    private sealed record Row(string Name, Change Change)
    {
        public Func<ProbeOptions, ProbeOptions> Probing { get; init; } = probing => probing;
        public RunOptions Options { get; init; } = new();
        public Launch? Launch { get; init; }
        public string Fail { get; init; } = "";
        public string Warn { get; init; } = "";
        public string Inconclusive { get; init; } = "";
        public string Unsupported { get; init; } = "";

        /// <summary>Scenarios that must be observed; others may be.</summary>
        public string Observed { get; init; } = "";

        public Func<Results, bool> Holds { get; init; } = _ => true;

        public IReadOnlyList<(string Id, Verdict Verdict)> Verdicts =>
        [
            .. Ids(Fail).Select(id => (id, Verdict.Fail)),
            .. Ids(Warn).Select(id => (id, Verdict.Warn)),
            .. Ids(Inconclusive).Select(id => (id, Verdict.Inconclusive)),
            .. Ids(Unsupported).Select(id => (id, Verdict.Unsupported)),
        ];

        public static string[] Ids(string list) => list.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
