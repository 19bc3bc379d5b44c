using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Tests.Reports;

namespace PubSub.Conformance.Tests;

/// <summary>What counts as a kill, and what as a wrong one.</summary>
[TestFixture]
public sealed class MutantTrialTests
{
    internal static readonly Mutant Plain = new Mutant("tst-sample", "It is wrong.")
        .KilledBy("PS-TST-001", "the right reason")
        .MayBreak("PS-TST-002");

    private static readonly Mutant Mortal = Plain with { Dies = true };

    [TestCase(Verdict.Fail)]
    [TestCase(Verdict.Warn)]
    public void A_violation_for_the_declared_reason_is_a_kill(Verdict verdict) =>
        Assert.That(Judged(Plain, Scenario("PS-TST-001", verdict, "it is for the right reason")), Is.Empty);

    [TestCase(Verdict.Pass)]
    [TestCase(Verdict.Observed)]
    [TestCase(Verdict.Unsupported)]
    [TestCase(Verdict.Inconclusive)]
    [TestCase(Verdict.Disabled)]
    [TestCase(Verdict.NotEvaluated)]
    public void Nothing_else_is(Verdict verdict) =>
        Assert.That(Judged(Plain, Scenario("PS-TST-001", verdict, "the right reason")), Is.EqualTo(["it survives PS-TST-001, which should have found it out"]));

    [Test]
    public void A_runner_that_is_deaf_is_told_what_survives() =>
        Assert.That(Judged(Plain), Is.EqualTo(["it survives PS-TST-001, which should have found it out"]));

    [Test]
    public void A_runner_that_cries_wolf_is_told_whom_it_blames()
    {
        string[] everything = ["PS-TST-001", "PS-TST-002", "PS-TST-003", "PS-OTH-001"];

        var objections = Judged(Plain, [.. everything.Select(requirement => Scenario(requirement, Verdict.Fail, "the right reason"))]);

        Assert.That(objections, Has.Count.EqualTo(2));
        Assert.That(objections[0], Is.EqualTo("PS-TST-003/slug blames it for what is not its fault: the right reason"));
        Assert.That(objections[1], Does.StartWith("PS-OTH-001/slug blames it"));
    }

    [Test]
    public void A_violation_for_another_reason_is_no_kill() =>
        Assert.That(
            Judged(Plain, Scenario("PS-TST-001", Verdict.Fail, "it is a Monday")),
            Is.EqualTo(["PS-TST-001 finds it out for another reason than 'the right reason': PS-TST-001/slug: it is a Monday"]));

    [Test]
    public void One_scenario_of_a_requirement_with_the_reason_is_enough() =>
        Assert.That(
            Judged(Plain, Scenario("PS-TST-001", Verdict.Fail, "it is a Monday"), Scenario("PS-TST-001", Verdict.Fail, "the right reason") with { Id = "PS-TST-001/other" }),
            Is.Empty);

    [Test]
    public void An_error_of_the_suite_is_never_all_right() =>
        Assert.That(
            Judged(Plain, Scenario("PS-TST-001", Verdict.Fail, "the right reason"), Scenario("PS-TST-002", Verdict.Error, "null")),
            Is.EqualTo(["PS-TST-002/slug erred: null"]));

    [Test]
    public void A_run_that_does_not_end_is_an_objection_unless_the_mutant_dies()
    {
        var results = Results([Scenario("PS-TST-001", Verdict.Fail, "it was the right reason")], new Ending(EndingKind.TargetDied, "gone", "PS-TST-001/slug"));

        Assert.That(MutantTrial.Judge(Mortal, results), Is.Empty);
        Assert.That(MutantTrial.Judge(Plain, results), Has.One.EqualTo("the run did not reach its end: gone"));
    }

    [Test]
    public void A_death_that_is_charged_to_another_requirement_is_no_kill()
    {
        var results = Results([Scenario("PS-OTH-001", Verdict.Fail, "the right reason")], new Ending(EndingKind.TargetDied, "gone", "PS-OTH-001/slug"));

        Assert.That(MutantTrial.Judge(Mortal, results), Has.One.Contains("it survives PS-TST-001").And.One.Contains("PS-OTH-001/slug blames it"));
    }

    [Test]
    public void A_fail_that_blames_another_requirement_kills_for_that_one()
    {
        var blaming = Scenario("PS-OTH-001", Verdict.Fail, "the right reason") with { Blames = "PS-TST-001" };

        Assert.That(Judged(Plain, blaming), Is.Empty);
    }

    [Test]
    public void A_mutant_that_is_to_die_and_does_not_is_an_objection() =>
        Assert.That(Judged(Mortal, Scenario("PS-TST-001", Verdict.Fail, "the right reason")), Has.One.Contains("it did not die"));

    private static List<string> Judged(Mutant mutant, params ScenarioResult[] scenarios) =>
        [.. MutantTrial.Judge(mutant, Results(scenarios, new Ending(EndingKind.Completed, "every scenario had its turn")))];

    private static Results Results(ScenarioResult[] scenarios, Ending ending) => SampleResults.Of(scenarios) with { Ending = ending };

    private static ScenarioResult Scenario(string requirement, Verdict verdict, string message) =>
        SampleResults.Scenario(requirement, "slug", verdict) with { Message = message };
}
