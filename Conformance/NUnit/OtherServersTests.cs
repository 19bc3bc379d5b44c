using NUnit.Framework;
using PubSub.Conformance.Gallery.Servers;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests;

/// <summary>
/// What the suite says of servers that are not ours, scenario by scenario: nothing of a correct one, nothing of what a dialect allows,
/// and of one that differs exactly what the specification says of the difference.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
public sealed class OtherServersTests
{
    private static readonly (string Scenario, Verdict Verdict)[] OfTheBareServer =
    [
        ("PS-DEL-009/concurrent-deletions", Verdict.Fail), // 204 is not 200, though one of eight does delete
        ("PS-REST-004/shape-of-the-listing", Verdict.Fail),
        ("PS-REST-006/delete", Verdict.Fail),
        ("PS-REST-012/body-of-a-deletion", Verdict.Unsupported), // which speaks of the 200 answer
    ];

    // An error on the WebSocket is a code and no sentence; over REST it is a sentence and no code.
    private static readonly (string Scenario, Verdict Verdict)[] OfStringErrors =
    [
        ("PS-ERR-005/the-bound-that-was-broken", Verdict.Warn),
        ("PS-ERR-005/the-field-and-the-rule", Verdict.Warn),
        ("PS-ERR-005/what-is-not-even-a-request", Verdict.Inconclusive),
        .. new[]
        {
            "control-character-in-path", "create-existing-topic", "delete-unknown-topic", "get-unknown-topic", "illegal-name",
            "illegal-name-in-path", "invalid-utf-8-in-path", "missing-name", "too-large-body", "unknown-path", "unparsable-body",
            "wrong-content-type", "wrong-method",
        }.Select(slug => ($"PS-REST-018/problem-{slug}", Verdict.Warn)),
        .. new[]
        {
            "control-character-in-path", "create-existing-topic", "delete-unknown-topic", "get-unknown-topic", "illegal-name",
            "illegal-name-in-path", "invalid-utf-8-in-path", "missing-name", "unparsable-body",
        }.Select(slug => ($"PS-REST-019/code-{slug}", Verdict.Warn)),
        ("PS-REST-026/detail-names-field-and-rule", Verdict.Warn),
        ("PS-REST-028/unknown-path", Verdict.Warn),
    ];

    // Text that is no JSON is not answered, and ends the connection.
    private static readonly (string Scenario, Verdict Verdict)[] OfHangingUp =
    [
        ("PS-ERR-001/a-byte-order-mark", Verdict.Fail),
        ("PS-ERR-001/a-payload-that-is-no-json", Verdict.Fail),
        ("PS-ERR-001/json-that-breaks-off", Verdict.Fail),
        ("PS-ERR-001/no-json", Verdict.Fail),
        ("PS-ERR-002/a-barrage-leaves-everything-in-place", Verdict.Warn),
        ("PS-ERR-002/a-thousand-in-a-row", Verdict.Warn),
        ("PS-ROB-002/and-never-closed", Verdict.Warn),
        ("PS-ROB-002/in-a-member-that-nobody-asked-for", Verdict.Warn),
        ("PS-ROB-002/ten-thousand-arrays", Verdict.Warn),
        ("PS-ROB-002/ten-thousand-objects", Verdict.Warn),
    ];

    [Test]
    public async Task A_server_that_is_correct_is_told_nothing()
    {
        await using var server = new SmallServer();

        var results = await JudgeAsync(server, options: new RunOptions { AllowLoad = true, Strict = true }, launch: LaunchAsync);

        Shows(results, []);
        Assert.That(results.Scenarios.Select(scenario => scenario.Verdict), Is.All.AnyOf(Verdict.Pass, Verdict.Observed), "with load and with settings");
        Assert.That(results.Scenarios, Has.Count.EqualTo(All.Scenarios.Count));
        Assert.That(results.Target.Dialect, Is.EqualTo("v1"));
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant));
        Assert.That(server.Faults, Is.Empty);
    }

    [Test]
    public async Task A_server_in_this_process_starts_and_ends_as_one_of_its_own_does()
    {
        await using var server = new InProcessServer(new Parts(), new Dictionary<string, string> { ["MAX_MESSAGES"] = "7" });
        await using var second = new InProcessServer(new Parts(), new Dictionary<string, string> { ["PORT"] = $"{server.Target.Rest.Port}" });
        await using var refused = new InProcessServer(new Parts(), new Dictionary<string, string> { ["MAX_TOPICS"] = "many" });

        Assert.That(server.Target.Limits.Ring, Is.EqualTo(7));
        Assert.That(server.StandardOutput, Is.EqualTo($"info: Now listening on: http://127.0.0.1:{server.Target.Rest.Port}\n"));
        Assert.That(await server.TerminateAsync(), Is.Zero);
        Assert.That(server.StandardOutput, Does.EndWith("info: drained\n"));
        server.Kill();
        server.Terminate();
        Assert.That(await server.Exited, Is.Zero, "who has ended does not mind");

        Assert.That(new[] { second.Listened, refused.Listened }, Is.All.False);
        Assert.That(new[] { second.Exited.Result, refused.Exited.Result }, Is.All.EqualTo(1));
        Assert.That(second.StandardError, Is.EqualTo($"the port {server.Target.Rest.Port} is in use\n"));
        Assert.That(refused.StandardError, Does.Match(@"\AMAX_TOPICS [^\n]+\n\z"));

        var killed = new InProcessServer(new Parts(), new Dictionary<string, string>());
        killed.Kill();
        Assert.That(await killed.ExitedAsync(), Is.Not.Zero);
    }

    [Test]
    public async Task A_classic_server_is_told_nothing_of_what_its_dialect_allows()
    {
        await using var server = new ClassicServer(new ClassicOptions { ApiKey = "the-key-of-the-house", DeletionStatus = 204 });

        var results = await JudgeAsync(server, probing => probing with { Headers = new Dictionary<string, string> { ["X-API-Key"] = "the-key-of-the-house" } });

        Shows(results,
        [
            ("PS-PUB-006/ids-of-any-characters", Verdict.Unsupported),
            ("PS-REST-012/body-of-a-deletion", Verdict.Unsupported),
        ]);
        Assert.That(results.Target.Dialect, Is.EqualTo("classic"));
        Assert.That(VerdictOn(results, "PS-PUB-007/no-uuid"), Is.EqualTo(Verdict.Observed));
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant));
        Assert.That(results.ToJson(), Does.Not.Contain("the-key-of-the-house"));
    }

    [Test]
    public async Task A_classic_server_may_leave_its_messages_undated_and_drop_the_oldest()
    {
        await using var server = new ClassicServer(new ClassicOptions { SaysTime = false, DropsOldest = true });
        var overflow = new RunOptions { AllowLoad = true, Selection = Selected("PS-BPR-001", "PS-BPR-002", "PS-BPR-003", "PS-BPR-004", "PS-BPR-007", "PS-BPR-008", "ENV", "FAN", "PING", "DEL") };

        var results = await JudgeAsync(server, options: overflow);

        Shows(results,
        [
            ("PS-BPR-002/slow-consumer-is-the-last-message", Verdict.Unsupported),
            ("PS-BPR-003/closed-with-1008", Verdict.Unsupported),
            ("PS-BPR-007/gone-from-every-topic", Verdict.Unsupported),
            ("PS-BPR-008/everything-up-to-the-cut", Verdict.Unsupported),
            ("PS-FAN-006/one-time-for-all-and-for-replay", Verdict.Unsupported),
            ("PS-FAN-006/the-time-of-acceptance", Verdict.Unsupported),
        ]);
        Assert.That(VerdictOn(results, "PS-BPR-001/who-does-not-read-is-disconnected"), Is.EqualTo(Verdict.Observed));
    }

    [Test]
    public async Task A_classic_server_taken_for_v1_is_told_how_it_differs()
    {
        await using var server = new ClassicServer();
        var options = new RunOptions { Selection = Selected("PS-ENV-002", "PS-OBS-001", "PS-REST-006", "PS-FAN-001") };

        var results = await JudgeAsync(server, probing => probing with { Dialect = Dialect.V1, Rest = server.Origin }, options);

        Assert.That(VerdictOn(results, "PS-ENV-002/acks-events-and-errors-are-dated"), Is.EqualTo(Verdict.Fail));
        Assert.That(results.Requirements.Single(requirement => requirement.Id == "PS-OBS-001").Status, Is.EqualTo(RequirementStatus.Violated));
        Assert.That(results.Requirements.Single(requirement => requirement.Id == "PS-FAN-001").Status, Is.EqualTo(RequirementStatus.Satisfied));
    }

    [Test]
    public async Task A_server_whose_errors_are_strings_and_which_hangs_up_is_told_that_and_no_more()
    {
        await using var server = new StringErrorServer();

        var results = await JudgeAsync(server);

        Shows(results, [.. OfStringErrors, .. OfHangingUp, ("PS-ERR-004/code-and-message", Verdict.Fail)]);
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Violation));
    }

    [Test]
    public async Task A_dialect_file_can_allow_string_errors_and_what_it_leaves_open_is_observed()
    {
        await using var server = new StringErrorServer();
        var dialect = Dialect.V1 with
        {
            Name = "strings",
            Error = [ErrorShape.Plain],
            LeavesOpen = new Dictionary<string, string> { ["PS-ERR-001"] = "Broken JSON ends the connection." },
        };

        var results = await JudgeAsync(
            server, probing => probing with { Dialect = Dialect.Parse(dialect.ToJson()) }, new RunOptions { Selection = Selected("PS-ERR-001", "PS-ERR-004") });

        Assert.That(VerdictOn(results, "PS-ERR-004/code-and-message"), Is.EqualTo(Verdict.Pass));
        Assert.That(VerdictOn(results, "PS-ERR-001/no-json"), Is.EqualTo(Verdict.Observed));
    }

    [Test]
    public async Task A_server_of_bare_lists_and_empty_answers_is_told_that_and_no_more()
    {
        await using var server = new BareServer();

        var results = await JudgeAsync(server);

        Shows(results, OfTheBareServer);
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Violation));
    }

    [Test]
    public async Task A_dialect_file_can_allow_bare_lists_and_empty_answers()
    {
        await using var server = new BareServer();
        var dialect = Dialect.V1 with { Name = "bare", List = [ListShape.Bare, ListShape.Wrapped], Deleted = [200, 204] };
        var options = new RunOptions { Selection = Selected("REST", "DEL") };

        var results = await JudgeAsync(server, probing => probing with { Dialect = Dialect.Parse(dialect.ToJson()) }, options);

        Shows(results, [("PS-REST-012/body-of-a-deletion", Verdict.Unsupported)]);
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant));
    }

    [TestCase(1)]
    [TestCase(8)]
    public async Task A_server_that_crashes_on_its_third_burst_is_not_told_that_it_fails_everything(int parallel)
    {
        await using var server = new CrashingServer();

        var results = await JudgeAsync(server, options: new RunOptions { Parallel = parallel });

        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.TargetDied), results.Ending.Message);
        Assert.That(results.Conclusion.ExitCode, Is.EqualTo(ExitCode.NotEvaluated));
        Assert.That(results.Totals[Verdict.Fail] + results.Totals[Verdict.Warn] + results.Totals[Verdict.Error], Is.Zero);
        Assert.That(results.Totals[Verdict.Inconclusive], Is.EqualTo(1), "the one that saw it");
        Assert.That(VerdictOn(results, results.Ending.Witness!), Is.EqualTo(Verdict.Inconclusive));
        Assert.That(results.Totals[Verdict.Pass], Is.GreaterThan(0), "what was over by then stands");
        Assert.That(results.Totals[Verdict.NotEvaluated], Is.GreaterThan(100));
        Assert.That(results.Ending.LastRequests, Is.Not.Empty);
        if (parallel == 1)
        {
            // Of many at once, which was too much only the one after the other can tell.
            Assert.That(results.Ending.LastRequests.Select(request => request.Data), Has.Some.Contains("\"publish\""), "the burst that killed it");
        }
    }

    [Test]
    public async Task A_server_300_ms_away_is_told_nothing()
    {
        await using var server = new FarServer();

        var results = await JudgeAsync(server, options: new RunOptions { Parallel = RunOptions.MostParallel });

        Shows(results, []);
        Assert.That(results.Target.RoundTrips!.MedianMs, Is.GreaterThan(295));
        Assert.That(results.Leftovers, Is.Empty);
    }

    /// <summary>A whole run as the command line does it; unless asked for without what needs a launcher, and without load.</summary>
    private static async Task<Results> JudgeAsync(
        SmallServer server, Func<ProbeOptions, ProbeOptions>? probing = null, RunOptions? options = null, Launch? launch = null)
    {
        var probe = new ProbeOptions { Url = server.Origin };
        probe = probing?.Invoke(probe) ?? probe;
        var probed = await Probe.ExecuteAsync(probe);
        var run = new Run(new()
        {
            Catalogue = Catalogue.Embedded,
            Scenarios = All.Scenarios,
            Probed = probed,
            Options = options ?? new RunOptions(),
            Redaction = new Redaction(probe.Headers),
            Launch = launch,
        });
        return await run.ExecuteAsync(default);
    }

    private static Task<LaunchedServer> LaunchAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation) =>
        Task.FromResult<LaunchedServer>(new InProcessServer(new Parts(), settings));

    /// <summary>Whatever ran and is not listed passed, or is a legal alternative.</summary>
    private static void Shows(Results results, IEnumerable<(string Scenario, Verdict Verdict)> listed)
    {
        var launched = All.Scenarios.Where(scenario => scenario.IsLaunched).Select(scenario => scenario.Id).ToHashSet();
        var shown = results.Scenarios
            .Where(scenario => scenario.Verdict is not (Verdict.Pass or Verdict.Observed or Verdict.Disabled)
                && !(scenario.Verdict == Verdict.Unsupported && launched.Contains(scenario.Id)))
            .ToList();
        var expected = listed.ToList();
        var surprises = shown.Where(scenario => !expected.Contains((scenario.Id, scenario.Verdict)));
        Assert.That(
            shown.Select(scenario => (scenario.Id, scenario.Verdict)),
            Is.EquivalentTo(expected),
            $"{results.Ending.Message}\n{string.Join("\n", surprises.Select(scenario => $"{scenario.Id}: {scenario.Verdict}, {scenario.Message}"))}");
        Assert.That(results.Ending.Kind, Is.EqualTo(EndingKind.Completed));
    }

    private static Selection Selected(params string[] patterns) => new() { Include = Selection.Parse(patterns) };

    private static Verdict VerdictOn(Results results, string id) => results.Scenarios.Single(scenario => scenario.Id == id).Verdict;
}
