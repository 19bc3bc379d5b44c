using PubSub.Conformance.Reports;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>Made-up results with every verdict, every ending, and data that could break a report.</summary>
internal static class SampleResults
{
    /// <summary>Strings that a target, a user or a catalogue might contain.</summary>
    public static readonly IReadOnlyList<string> Hostile =
    [
        "</script><script>alert(1)</script><img src=x onerror=alert(2)>",
        "<!-- <![CDATA[ ]]> --> & &amp; &#0; \" '",
        "| a | b |\n|---|---|\n# heading\n- list\n> quote\n```\nfence\n````",
        "`code` **bold** _it_ [link](https://example.org) @somebody #1 $x$ :tada: www.example.org ~~gone~~",
        "\u0000\u0001\u0007\u0008\u000b\u001b[31mred\u001b[0m\u007f\u0085\r\n\ttab",
        "lone \ud800 high, lone \udc00 low, \ufffe and \uffff and \U0001fffe",
        "emoji \U0001f469\u200d\U0001f680 \u65e5\u672c\u8a9e e\u0301",
        "right to left \u202eevil\u202c \u05e9\u05dc\u05d5\u05dd \u2066isolate\u2069",
        "{{results}} {{style}} {{title}} ]]&gt;",
        new('x', 10_000),
    ];

    public static string Everything => string.Join('\n', Hostile);

    /// <summary>One scenario of every verdict, one of them known to fail, in two areas.</summary>
    public static Results Every() => Of(
    [
        .. Enum.GetValues<Verdict>().Select(verdict =>
            Scenario(verdict == Verdict.Warn ? "PS-TST-002" : "PS-TST-001", $"slug-of-{verdict.ToString().ToLowerInvariant()}", verdict)),
        Scenario("PS-TST-001", "announced", Verdict.Fail) with { KnownFailing = "PS-TST-001/ann*" },
        Scenario("PS-OTH-001", "other-area", Verdict.Pass) with { Also = ["PS-TST-001"] },
        Scenario("PS-OTH-001", "needs-a-launcher", Verdict.Unsupported),
        Scenario("PS-OTH-001", "repeated", Verdict.Fail) with { Repetitions = [Verdict.Pass, Verdict.Fail, Verdict.Pass] },
    ]);

    /// <summary>The same scenarios, with every requirement satisfied.</summary>
    public static Results AllSatisfied() => Every() with
    {
        Requirements = [.. Every().Requirements.Select(one => one with { Status = RequirementStatus.Satisfied })],
    };

    /// <summary>A run of every ending and every conclusion, by name; the violation is one of a strict run.</summary>
    public static IReadOnlyDictionary<string, Results> Endings()
    {
        var pass = Of([Scenario("PS-TST-001", "slug", Verdict.Pass)]);
        var strict = Of(
        [
            Scenario("PS-TST-002", "slug", Verdict.Warn),
            Scenario("PS-TST-002", "announced", Verdict.Warn) with { KnownFailing = "*/announced" },
        ]);
        return new Dictionary<string, Results>
        {
            ["conformant"] = pass,
            ["conformant in everything"] = pass with { Requirements = [Requirement("PS-TST-001", Level.Must)] },
            ["strict"] = strict with
            {
                Options = new Dictionary<string, string> { ["strict"] = "true" },
                Conclusion = new Conclusion(ConclusionKind.Violation, 1, "PS-TST-002 is violated"),
            },
            ["stale"] = pass with
            {
                Conclusion = new Conclusion(ConclusionKind.Stale, 5, "expectations went stale"),
                Stale = [.. Enumerable.Range(1, 12).Select(n => $"PS-TST-{n:D3}/* matches nothing")],
                Leftovers = ["conformance-1a2b3c4d-1-orders"],
            },
            ["target died"] = pass with
            {
                Conclusion = new Conclusion(ConclusionKind.NotEvaluated, 6, "the target was lost"),
                Ending = new Ending(EndingKind.TargetDied, "connection refused", "PS-TST-001/slug")
                {
                    LastRequests = [new(12.5, "PS-TST-001/slug", "rude", "text", "[[[[")],
                },
                Restarts = 2,
                Deaths =
                [
                    new DeathResult
                    {
                        AtSeconds = 12.5,
                        Message = "PS-TST-001/slug kills the target: it exited with status 139, twice",
                        How = "it exited with status 139",
                        Culprits = ["PS-TST-001/slug"],
                        Proof = DeathProof.Confirmed,
                        Times = 2,
                        RestartedBy = RestartedBy.Launcher,
                    },
                ],
            },
            ["deadline"] = Of([Scenario("PS-TST-001", "slug", Verdict.NotEvaluated)]) with
            {
                Conclusion = new Conclusion(ConclusionKind.NotEvaluated, 6, "time ran out"),
                Ending = new Ending(EndingKind.Deadline, "it took more than 30 min"),
                DurationSeconds = 1805,
                Profiles = [new ProfileResult("core", Conformity.NotEvaluated, 0, 0, 0, 80, 80)],
            },
            ["cancelled"] = pass with
            {
                Conclusion = new Conclusion(ConclusionKind.Cancelled, 130, "it was stopped"),
                Ending = new Ending(EndingKind.Cancelled, "somebody pressed Ctrl-C"),
            },
            ["error"] = Of([Scenario("PS-TST-001", "slug", Verdict.Error)]) with
            {
                Conclusion = new Conclusion(ConclusionKind.Error, 4, "the suite erred"),
            },
            ["nothing"] = Of([]) with { Profiles = [], Conclusion = new Conclusion(ConclusionKind.NotEvaluated, 6, "nothing ran") },
        };
    }

    /// <summary>Four implementations, one of them hostile, judged by two catalogues.</summary>
    public static Matrix SideBySide()
    {
        var stopped = Every() with { Ending = new Ending(EndingKind.Cancelled, "stopped") };
        return Matrix.Of(
        [
            new("red", Every()),
            new("green", AllSatisfied()),
            new("other", stopped with { Suite = stopped.Suite with { Catalogue = new string('b', 64) } }),
            new("<b>|evil", EvilEverywhere()),
        ]);
    }

    /// <summary>The hostile strings in every member that is a string.</summary>
    public static Results EvilEverywhere() => Of(Hostile.Select(Evil)) with
    {
        Target = Target() with
        {
            Url = "http://" + Everything,
            Findings = [new Finding(Everything, Everything, FindingSource.Assumed, Everything)],
            Fingerprint = new Dictionary<string, string> { [Everything] = Everything },
        },
        Options = new Dictionary<string, string> { ["name"] = Everything },
        Ending = new Ending(EndingKind.TargetDied, Everything, Everything)
        {
            LastRequests = [new(1.5, Everything, Everything, Everything, Everything)],
        },
        Conclusion = new Conclusion(ConclusionKind.Violation, 1, Everything),
        Stale = [.. Hostile],
        Leftovers = [.. Hostile],
        Profiles = [new ProfileResult(Hostile[2], Conformity.NonConformant, 1, 2, 3, 4, 10)],
        Requirements =
        [
            Requirement("PS-TST-001", Level.Must) with
            {
                Text = Everything, Intent = Everything, Source = Everything, Decision = Everything,
            },
        ],
    };

    public static Results Of(IEnumerable<ScenarioResult> scenarios)
    {
        ScenarioResult[] all = [.. scenarios];
        return new Results
        {
            Run = "1a2b3c4d",
            Suite = new SuiteIdentity("0.1.0", "PubSubSpec", "1.0", new string('a', 64)),
            Started = new DateTimeOffset(2026, 3, 4, 13, 5, 6, TimeSpan.FromHours(1)),
            DurationSeconds = 42.25,
            Target = Target(),
            Options = new Dictionary<string, string> { ["profile"] = "core", ["url"] = "http://localhost:8080" },
            Ending = new Ending(EndingKind.Completed, "every scenario had its turn"),
            Conclusion = all.Any(scenario => scenario is { Verdict: Verdict.Fail, KnownFailing: null })
                ? new Conclusion(ConclusionKind.Violation, 1, "PS-TST-001 is violated")
                : new Conclusion(ConclusionKind.Conformant, 0, "every requirement that was asked for holds"),
            Totals = Enum.GetValues<Verdict>().ToDictionary(verdict => verdict, verdict => all.Count(one => one.Verdict == verdict)),
            Profiles =
            [
                new ProfileResult("core", Conformity.NonConformant, 78, 1, 1, 0, 80),
                new ProfileResult("replay", Conformity.ConformantWithWarnings, 13, 0, 1, 0, 14),
                new ProfileResult("strict", Conformity.Conformant, 94, 0, 0, 0, 94),
                new ProfileResult("lifecycle", Conformity.NotEvaluated, 0, 0, 0, 24, 24),
                new ProfileResult("backpressure", Conformity.Partial, 4, 0, 0, 8, 12),
            ],
            Requirements =
            [
                Requirement("PS-TST-001", Level.Must) with { Status = RequirementStatus.Violated },
                Requirement("PS-TST-002", Level.ShouldNot) with
                {
                    Status = RequirementStatus.Warned, Source = null, Decision = "The ruling.",
                },
                Requirement("PS-OTH-001", Level.Should) with { Status = RequirementStatus.LeftOpen, Profile = Profile.Replay },
            ],
            Scenarios = all,
            Traffic = new TrafficResult(12, 4, 123_456, 7_654_321),
        };
    }

    /// <summary>A scenario with a short transcript; that of <c>slug-of-fail</c> is longer than any report shows.</summary>
    public static ScenarioResult Scenario(string requirement, string slug, Verdict verdict)
    {
        var scenario = new ScenarioResult
        {
            Id = $"{requirement}/{slug}",
            Requirement = requirement,
            Verdict = verdict,
            Message = verdict switch
            {
                Verdict.Pass => "3 check(s) held",
                Verdict.Unsupported => "needs a launcher to start a server with its defaults",
                Verdict.Disabled => "left out by --exclude",
                Verdict.NotEvaluated => "the target was gone by then",
                Verdict.Error => "System.InvalidOperationException: a bug\n   at Somewhere()",
                _ => $"the sentence of {slug}: expected m1; observed m2",
            },
            Checks = 3,
            DurationMs = 12.345,
            Transcript =
            [
                .. Enumerable.Range(1, slug == "slug-of-fail" ? 40 : 2).Select(i =>
                    new TranscriptLine(i, "sub1", i % 2 == 0 ? "<" : ">", "text", 20, $$"""{"type":"ping","request_id":"r{{i}}"}""")),
            ],
        };
        return verdict is Verdict.Fail or Verdict.Warn
            ? scenario with { Expectation = $"the sentence of {slug}", Expected = "[m1, m2, m3]", Observed = "[m1, m3]; lost [m2]" }
            : verdict is Verdict.Observed ? scenario with { Observations = [new Observation("the close code", "1001")] }
            : scenario;
    }

    private static ScenarioResult Evil(string evil, int i) => Scenario(
        "PS-TST-001", $"evil-{i}", i % 2 == 0 ? Verdict.Fail : Verdict.Warn) with
    {
        Message = evil,
        Expectation = evil,
        Expected = evil,
        Observed = evil + "!",
        Observations = [new Observation(evil, evil)],
        KnownFailing = i == 3 ? evil : null,
        Transcript =
        [
            new TranscriptLine(1.25, evil, "<", evil, evil.Length, evil),
            new TranscriptLine(2.5, evil, "-", "note", evil.Length, evil),
        ],
        TranscriptDropped = 17,
    };

    private static RequirementResult Requirement(string id, Level level) => new()
    {
        Id = id,
        Level = level,
        Area = id.Split('-')[1],
        Profile = Profile.Core,
        Text = $"A sentence with `code` that {level.ToString().ToUpperInvariant()} hold.",
        Intent = "What it is good for.",
        Source = "seed: Sample",
        Status = RequirementStatus.Satisfied,
    };

    private static TargetResult Target() => new()
    {
        Url = "http://localhost:8080",
        Rest = "http://localhost:8080/v1",
        WebSocket = "ws://localhost:8080/v1/ws",
        Dialect = "v1",
        Findings =
        [
            new Finding("ws endpoint", "ws://localhost:8080/v1/ws", FindingSource.Probed, "/ws answered 404, /v1/ws 101"),
            new Finding("ring.capacity", "100", FindingSource.Declared, "target.json"),
            new Finding("auth.required", "no", FindingSource.Assumed, "no request was answered 401 or 403"),
        ],
        Fingerprint = new Dictionary<string, string> { ["address"] = "127.0.0.1:8080", ["server"] = "Kestrel" },
        Limits = new Limits(),
        RoundTrips = new RoundTrips(20, 0.4, 1.2, 3.5, 5, 90),
    };
}
