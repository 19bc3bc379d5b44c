using NUnit.Framework;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>Failures with one cause are reported once, and the list of what to fix first is in the right order.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class CausesTests
{
    [Test]
    public void Scenarios_of_one_requirement_are_one_cause()
    {
        var causes = Causes([.. Enumerable.Range(0, 5).Select(i => Broken("PS-TST-001", $"s{i}")), Broken("PS-TST-002", "other")]);

        Assert.That(causes, Is.EqualTo(["FAIL PS-TST-001 (5 scenarios)", "FAIL PS-TST-002 (1 scenario)"]));
    }

    [Test]
    public void Scenarios_that_a_violation_keeps_undecided_belong_to_its_cause()
    {
        var run = SampleResults.Of(
        [
            Broken("PS-TST-001", "many"), Broken("PS-TST-001", "more"), Broken("PS-TST-002", "publish"),
            Undecided("PS-OTH-001", "a", "the message is published") with { Blames = "PS-TST-002" },
        ]);

        Assert.That(Causes(run.Scenarios)[0], Is.EqualTo("FAIL PS-TST-002 (1 scenario, keeps 1 other undecided)"));
        Assert.That(ToFix(run)[0], Does.StartWith("PS-TST-002 (1 scenario, keeps 1 other undecided): "));
    }

    [Test]
    public void A_violation_that_blames_another_requirement_belongs_to_that_requirement() =>
        Assert.That(
            Causes([Broken("PS-TST-001", "a"), Broken("PS-TST-002", "b") with { Blames = "PS-TST-001" }]),
            Is.EqualTo(["FAIL PS-TST-001 (2 scenarios)"]));

    [Test]
    public void Requirements_that_quote_the_same_error_are_one_cause()
    {
        const string Answer = """{"type":"error","error":{"code":"BAD_REQUEST","message":"client_id is required"}}""";

        var causes = Causes(
        [
            Broken("PS-TST-001", "a", Answer),
            Broken("PS-TST-002", "b", Answer.Replace("client", "owner")),
            Broken("PS-OTH-001", "c", Answer),
            Undecided("PS-OTH-001", "d", $"a request that had to be acked was answered {Answer}"),
        ]);

        Assert.That(
            causes,
            Is.EqualTo(["FAIL PS-TST-001, PS-OTH-001 (2 scenarios, keeps 1 other undecided)", "FAIL PS-TST-002 (1 scenario)"]));
    }

    [Test]
    public void Silence_and_acks_do_not_join_causes([Values("5 s of silence", """{"type":"ack","status":"ok"}""")] string observed) =>
        Assert.That(Causes([Broken("PS-TST-001", "a", observed), Broken("PS-TST-002", "b", observed)]), Has.Count.EqualTo(2));

    [Test]
    public void Reasons_that_differ_only_in_names_and_numbers_are_one_cause()
    {
        var undecided = Enumerable.Range(0, 30).Select(i =>
            Undecided("PS-TST-001", $"s{i}", $"not established: topic conformance-1a2b3c4d-{i}-control is listed. It took {i} s"));

        Assert.That(Causes([.. undecided]), Is.EqualTo(["INCONCLUSIVE (30 scenarios)"]));
    }

    [Test]
    public void At_most_12_causes_and_10_items_to_fix_are_listed()
    {
        var run = SampleResults.Of(
        [
            .. Enumerable.Range(1, 60).Select(i => Broken($"PS-A{i % 15}-{i:D3}", "s")),
            .. Enumerable.Range(1, 40).Select(i => SampleResults.Scenario($"PS-B{i % 9}-{i:D3}", "s", Verdict.Warn)),
            .. Enumerable.Range(1, 30).Select(i => Undecided($"PS-C-{i:D3}", "s", $"reason {(char)('a' + (i % 20))}")),
            .. Enumerable.Range(1, 30).Select(i => SampleResults.Scenario($"PS-D-{i:D3}", "s", (Verdict)(2 + (i % 6)))),
        ]);

        var causes = Causes(run.Scenarios);

        Assert.That(causes, Has.Count.InRange(8, 12));
        Assert.That(causes.Count(cause => cause.StartsWith("FAIL PS-", StringComparison.Ordinal)), Is.AtLeast(2), "the worst stay apart");
        Assert.That(ToFix(run), Has.Count.EqualTo(10));
    }

    [Test]
    public void Blockers_come_first_then_deaths_then_losses_then_MUST_then_SHOULD()
    {
        var run = SampleResults.Of(
        [
            SampleResults.Scenario("PS-WRN-001", "s", Verdict.Warn),
            Broken("PS-MST-001", "s", "404"),
            Broken("PS-LOS-001", "s", "[m1]; lost [m2]"),
            Broken("PS-ROB-001", "s", "it exited with status 139"),
            Broken("PS-HLD-001", "s", "404"),
            Undecided("PS-X-001", "s", "no matter") with { Blames = "PS-HLD-001" },
        ]);

        Assert.That(
            ToFix(run).Select(line => line.Split(' ', ':')[0]),
            Is.EqualTo(["PS-HLD-001", "PS-ROB-001", "PS-LOS-001", "PS-MST-001", "PS-WRN-001"]));
    }

    [Test]
    public void The_number_of_failed_repetitions_is_given()
    {
        var flaky = Broken("PS-TST-001", "s") with { Repetitions = [Verdict.Pass, Verdict.Fail, Verdict.Pass, Verdict.Fail, Verdict.Pass] };

        Assert.That(ToFix(SampleResults.Of([flaky]))[0], Does.EndWith(" (2 of 5)"));
    }

    private static ScenarioResult Broken(string requirement, string slug, string observed = "nothing") =>
        SampleResults.Scenario(requirement, slug, Verdict.Fail) with
        {
            Observed = observed,
            Message = $"a sentence: expected m1; observed {observed}",
        };

    private static ScenarioResult Undecided(string requirement, string slug, string why) =>
        SampleResults.Scenario(requirement, slug, Verdict.Inconclusive) with { Message = why };

    /// <summary>The headings of the causes, as a terminal shows them.</summary>
    private static List<string> Causes(IReadOnlyList<ScenarioResult> scenarios) =>
    [
        .. Story.Render(SampleResults.Of(scenarios), 400).Split('\n').Where(line =>
            line.Length > 0
            && char.IsUpper(line[0])
            && line.EndsWith(')')
            && line.Contains("scenario", StringComparison.Ordinal)),
    ];

    /// <summary>The lines of what to fix first, without their numbers.</summary>
    private static List<string> ToFix(Results run) =>
    [
        .. Story.Render(run, 400).Split("What to fix first\n")[1].Split("\n\n")[0].Split('\n')
            .Select(line => line.Trim().Split(". ", 2)[1]),
    ];
}
