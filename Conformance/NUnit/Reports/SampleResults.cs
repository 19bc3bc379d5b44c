using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>Runs that never happened: with every verdict and every ending, and with everything in the data that breaks reports.</summary>
internal static class SampleResults
{
    /// <summary>What a target, a user or a catalogue may have put into a string.</summary>
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
        .. Enum.GetValues<Verdict>().Select(verdict => Scenario($"PS-TST-{(verdict == Verdict.Warn ? "002" : "001")}", Words(verdict), verdict)),
        Scenario("PS-TST-001", "announced", Verdict.Fail) with { KnownFailing = "PS-TST-001/ann*" },
        Scenario("PS-OTH-001", "other-area", Verdict.Pass) with { Also = ["PS-TST-001"] },
        Scenario("PS-OTH-001", "needs-a-launcher", Verdict.Unsupported),
    ]);

    /// <summary>The hostile strings wherever a string can be.</summary>
    public static Results EvilEverywhere() => Of(Hostile.Select((evil, i) => Evil(evil, $"evil-{i}", i % 2 == 0 ? Verdict.Fail : Verdict.Warn))) with
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
            Requirement("PS-TST-001", Level.Must) with { Text = Everything, Intent = Everything, Source = Everything, Decision = Everything },
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
            Totals = Enum.GetValues<Verdict>().ToDictionary(verdict => verdict, verdict => all.Count(scenario => scenario.Verdict == verdict)),
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
                Requirement("PS-TST-002", Level.ShouldNot) with { Status = RequirementStatus.Warned, Source = null, Decision = "The ruling." },
                Requirement("PS-OTH-001", Level.Should) with { Status = RequirementStatus.LeftOpen, Profile = Profile.Replay },
            ],
            Scenarios = all,
            Traffic = new TrafficResult(12, 4, 123_456, 7_654_321),
        };
    }

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
                .. Enumerable.Range(1, 40).Select(i =>
                    new TranscriptLine(i, "sub1", i % 2 == 0 ? "<" : ">", "text", 20, $$"""{"type":"ping","request_id":"r{{i}}"}""")),
            ],
        };
        return verdict is Verdict.Fail or Verdict.Warn
            ? scenario with { Expectation = $"the sentence of {slug}", Expected = "[m1, m2, m3]", Observed = "[m1, m3]; lost [m2]" }
            : verdict is Verdict.Observed ? scenario with { Observations = [new Observation("the close code", "1001")] }
            : scenario;
    }

    /// <summary>Every requirement and every scenario of the suite, with a given share of failures and transcripts of a given length.</summary>
    public static Results Whole(int failEvery = 23, int lines = 40)
    {
        var random = new Random(7);
        ScenarioResult[] scenarios = [.. All.Scenarios.Select((scenario, i) => Realistic(scenario, i, failEvery, lines, random))];
        RequirementResult[] requirements = [.. Catalogue.Embedded.Requirements.Select(requirement => Judged(requirement, scenarios))];
        return Of(scenarios) with
        {
            Requirements = requirements,
            Profiles = [.. requirements.GroupBy(requirement => requirement.Profile).Select(group => Sum(group.Key.ToString().ToLowerInvariant(), [.. group]))],
            Conclusion = scenarios.Any(scenario => scenario.Verdict == Verdict.Fail)
                ? new Conclusion(ConclusionKind.Violation, 1, $"{requirements.Count(one => one.Status == RequirementStatus.Violated)} requirements are violated")
                : new Conclusion(ConclusionKind.Conformant, 0, "every requirement that was asked for holds"),
        };
    }

    private static ScenarioResult Evil(string evil, string slug, Verdict verdict) => Scenario("PS-TST-001", slug, verdict) with
    {
        Message = evil,
        Expectation = evil,
        Expected = evil,
        Observed = evil + "!",
        Observations = [new Observation(evil, evil)],
        KnownFailing = slug == "evil-3" ? evil : null,
        Transcript = [new TranscriptLine(1.25, evil, "<", evil, evil.Length, evil), new TranscriptLine(2.5, evil, "-", "note", evil.Length, evil)],
        TranscriptDropped = 17,
    };

    private static RequirementResult Requirement(string id, Level level) => new()
    {
        Id = id,
        Level = level,
        Area = id.Split('-')[1],
        Profile = Profile.Core,
        Text = $"A sentence with `code` that {Reports(level)} hold.",
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

    private static string Reports(Level level) => level.ToString().ToUpperInvariant();

    private static string Words(Verdict verdict) => $"slug-of-{verdict.ToString().ToLowerInvariant()}";

    private static ScenarioResult Realistic(Scenario scenario, int i, int failEvery, int lines, Random random)
    {
        var level = Catalogue.Embedded.Find(scenario.Requirement)!;
        var verdict = scenario.IsLaunched ? Verdict.Unsupported
            : failEvery > 0 && i % failEvery == failEvery - 1 ? (level.Binding ? Verdict.Fail : Verdict.Warn)
            : failEvery > 0 && i % 97 == 50 ? Verdict.Inconclusive
            : i % 61 == 20 ? Verdict.Observed
            : Verdict.Pass;
        var sample = Scenario(scenario.Requirement, scenario.Slug, verdict) with
        {
            Also = scenario.Also,
            DurationMs = random.Next(2, 900),
            Transcript = verdict == Verdict.Unsupported ? [] : Talk(lines, random),
        };
        return verdict is not (Verdict.Fail or Verdict.Warn) ? sample : (i / failEvery % 4) switch
        {
            0 => sample with
            {
                Expectation = "every subscriber receives every event once and in order",
                Expected = Names(1, 60),
                Observed = Names(1, 60).Replace("m17, ", "", StringComparison.Ordinal).Replace("m41", "m41, m41", StringComparison.Ordinal),
            },
            1 => sample with
            {
                Expectation = "an unknown topic is answered with an error",
                Expected = "an error TOPIC_NOT_FOUND",
                Observed = """error BAD_REQUEST {"type":"error","request_id":"r4","error":{"code":"BAD_REQUEST","message":"no such topic"}}""",
            },
            2 => sample with
            {
                Expectation = "the payload comes back as it was sent",
                Expected = """{"type":"event","topic":"orders","message":{"id":"m1","payload":{"n":9007199254740993,"text":"Gr\u00fc\u00dfe"}}}""",
                Observed = """{"type":"event","topic":"orders","message":{"id":"m1","payload":{"n":9007199254740992,"text":"Gr\u00fc\u00dfe"}}}""",
                Repetitions = [Verdict.Pass, Verdict.Fail, Verdict.Pass],
            },
            _ => sample with
            {
                Expectation = "the topic is created",
                Expected = "the status 201",
                Observed = "the status 200",
                KnownFailing = i % 2 == 0 ? $"{scenario.Requirement}/*" : null,
            },
        };
    }

    private static string Names(int from, int to) => $"[{string.Join(", ", Enumerable.Range(from, to).Select(n => $"m{n}"))}]";

    private static TranscriptLine[] Talk(int lines, Random random)
    {
        const string Topic = "conformance-1a2b3c4d-12-orders";
        var at = 0.0;
        TranscriptLine[] opening =
        [
            new(0.2, "rest", ">", "http", 96,
                $$"""POST /v1/topics HTTP/1.1\nHost: localhost:8080\nContent-Type: application/json\n\n{"name":"{{Topic}}"}"""),
            new(1.9, "rest", "<", "http", 120,
                $$"""HTTP/1.1 201 Created\nContent-Type: application/json\n\n{"status":"created","topic":"{{Topic}}"}"""),
            new(2.0, "stage", "-", "note", 40, $"established: topic {Topic} is created"),
            new(2.4, "sub1", "-", "note", 22, "connected to 127.0.0.1:8080"),
            new(2.5, "sub1", ">", "handshake", 200, """GET /v1/ws HTTP/1.1\nHost: localhost:8080\nUpgrade: websocket\nConnection: Upgrade\n\n"""),
            new(3.1, "sub1", "<", "handshake", 129, """HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n"""),
            new(3.3, "sub1", ">", "text", 90,
                $$"""{"type":"subscribe","topic":"{{Topic}}","client_id":"sub1","last_n":5,"request_id":"r1"}"""),
            new(3.8, "sub1", "<", "text", 60, $$"""{"type":"ack","request_id":"r1","topic":"{{Topic}}","status":"ok"}"""),
            new(4.0, "sub2", ">", "text", 90, $$"""{"type":"subscribe","topic":"{{Topic}}","client_id":"sub2","request_id":"r1"}"""),
            new(4.4, "sub2", "<", "text", 90,
                """{"type":"error","request_id":"r1","error":{"code":"TOPIC_NOT_FOUND","message":"no such topic"}}"""),
        ];
        return
        [
            .. opening,
            .. Enumerable.Range(1, Math.Max(0, lines - opening.Length)).Select(i => (i % 4) switch
            {
                1 => new TranscriptLine(at = 5 + i * 1.3, "pub", ">", "text", 130,
                    $$"""{"type":"publish","topic":"{{Topic}}","message":{"id":"m{{i}}","payload":[{{random.Next(1000)}}]},"request_id":"r{{i}}"}"""),
                2 => new TranscriptLine(at + .4, "pub", "<", "text", 60, $$"""{"type":"ack","request_id":"r{{i - 1}}","status":"ok"}"""),
                3 => new TranscriptLine(at + .6, "sub1", "<", "text", 150,
                    $$"""{"type":"event","topic":"{{Topic}}","message":{"id":"m{{i - 2}}","payload":[1]},"timestamp":"2026-03-04T12:05:06Z"}"""),
                _ => new TranscriptLine(at + .7, "sub2", "<", "close", 20, "close 1001 going away"),
            }),
        ];
    }

    private static RequirementResult Judged(Requirement requirement, IReadOnlyList<ScenarioResult> scenarios)
    {
        Verdict[] verdicts = [.. scenarios.Where(scenario => scenario.Requirement == requirement.Id).Select(scenario => scenario.Verdict)];
        bool Any(params Verdict[] these) => verdicts.Any(these.Contains);
        return RequirementResult.Of(
            requirement,
            Any(Verdict.Fail) ? RequirementStatus.Violated
                : Any(Verdict.Warn) ? RequirementStatus.Warned
                : !Any(Verdict.Pass, Verdict.Observed) ? RequirementStatus.NotEvaluated
                : Any(Verdict.Unsupported, Verdict.Inconclusive) ? RequirementStatus.PartlyEvaluated
                : RequirementStatus.Satisfied);
    }

    private static ProfileResult Sum(string name, RequirementResult[] requirements)
    {
        int Count(params RequirementStatus[] these) => requirements.Count(requirement => these.Contains(requirement.Status));
        var (violated, warned) = (Count(RequirementStatus.Violated), Count(RequirementStatus.Warned));
        var open = Count(RequirementStatus.NotEvaluated, RequirementStatus.PartlyEvaluated);
        var conformity = violated > 0 ? Conformity.NonConformant
            : open == requirements.Length ? Conformity.NotEvaluated
            : open > 0 ? Conformity.Partial
            : warned > 0 ? Conformity.ConformantWithWarnings
            : Conformity.Conformant;
        return new ProfileResult(name, conformity, Count(RequirementStatus.Satisfied), violated, warned, open, requirements.Length);
    }
}
