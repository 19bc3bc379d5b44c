using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Tests.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Which verdicts count as a kill of a mutant, and which as an objection.</summary>
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
    public void No_other_verdict_is_a_kill(Verdict verdict) =>
        Assert.That(
            Judged(Plain, Scenario("PS-TST-001", verdict, "the right reason")),
            Is.EqualTo(["it survives PS-TST-001, which should have found it out"]));

    [Test]
    public void A_run_without_scenarios_kills_nothing() =>
        Assert.That(Judged(Plain), Is.EqualTo(["it survives PS-TST-001, which should have found it out"]));

    [Test]
    public void A_violation_of_an_undeclared_requirement_is_an_objection()
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
    public void One_scenario_with_the_declared_reason_is_enough() =>
        Assert.That(
            Judged(
                Plain,
                Scenario("PS-TST-001", Verdict.Fail, "it is a Monday"),
                Scenario("PS-TST-001", Verdict.Fail, "the right reason") with { Id = "PS-TST-001/other" }),
            Is.Empty);

    [Test]
    public void An_error_of_the_suite_is_an_objection() =>
        Assert.That(
            Judged(Plain, Scenario("PS-TST-001", Verdict.Fail, "the right reason"), Scenario("PS-TST-002", Verdict.Error, "null")),
            Is.EqualTo(["PS-TST-002/slug erred: null"]));

    [Test]
    public void An_incomplete_run_is_an_objection_unless_the_mutant_is_declared_to_die()
    {
        var results = Results(
            [Scenario("PS-TST-001", Verdict.Fail, "it was the right reason")],
            new Ending(EndingKind.TargetDied, "gone", "PS-TST-001/slug"));

        Assert.That(MutantTrial.Judge(Mortal, results), Is.Empty);
        Assert.That(MutantTrial.Judge(Plain, results), Has.One.EqualTo("the run did not reach its end: gone"));
    }

    [Test]
    public void A_death_that_counts_for_another_requirement_is_no_kill()
    {
        var results = Results(
            [Scenario("PS-OTH-001", Verdict.Fail, "the right reason")], new Ending(EndingKind.TargetDied, "gone", "PS-OTH-001/slug"));

        Assert.That(
            MutantTrial.Judge(Mortal, results),
            Has.One.Contains("it survives PS-TST-001").And.One.Contains("PS-OTH-001/slug blames it"));
    }

    [Test]
    public void A_failure_that_blames_another_requirement_is_a_kill_for_that_requirement()
    {
        var blaming = Scenario("PS-OTH-001", Verdict.Fail, "the right reason") with { Blames = "PS-TST-001" };

        Assert.That(Judged(Plain, blaming), Is.Empty);
    }

    [Test]
    public void A_mutant_that_is_declared_to_die_and_does_not_is_an_objection() =>
        Assert.That(Judged(Mortal, Scenario("PS-TST-001", Verdict.Fail, "the right reason")), Has.One.Contains("it did not die"));

    private static List<string> Judged(Mutant mutant, params ScenarioResult[] scenarios) =>
        [.. MutantTrial.Judge(mutant, Results(scenarios, new Ending(EndingKind.Completed, "every scenario had its turn")))];

    private static Results Results(ScenarioResult[] scenarios, Ending ending) => SampleResults.Of(scenarios) with { Ending = ending };

    private static ScenarioResult Scenario(string requirement, Verdict verdict, string message) =>
        SampleResults.Scenario(requirement, "slug", verdict) with { Message = message };
}
