using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Tests.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Which verdicts on a stranger are objections. The command <c>selftest</c> runs the strangers themselves.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
public sealed class StrangerTests
{
    private static readonly Stranger Plain = new("stranger-sample", "It has no habits.");
    private static readonly Scenario[] Scenarios = [new("PS-TST-001", "one", _ => Task.CompletedTask)];

    [TestCase(Verdict.Pass)]
    [TestCase(Verdict.Observed)]
    [TestCase(Verdict.Disabled)]
    public void A_good_verdict_needs_no_declaration(Verdict verdict) => Assert.That(Judged(Plain, verdict), Is.Empty);

    [TestCase(Verdict.Fail)]
    [TestCase(Verdict.Warn)]
    [TestCase(Verdict.Inconclusive)]
    [TestCase(Verdict.Unsupported)]
    [TestCase(Verdict.Error)]
    [TestCase(Verdict.NotEvaluated)]
    public void Any_other_verdict_that_is_not_declared_is_an_objection(Verdict verdict) =>
        Assert.That(Judged(Plain, verdict), Has.One.StartsWith($"PS-TST-001/one says {verdict.ToString().ToLowerInvariant()}"));

    [Test]
    public void A_declared_verdict_needs_the_declared_reason()
    {
        var wrong = Plain.Violates("PS-TST-001", "the reason");

        Assert.That(Judged(wrong, Verdict.Fail, "it is the reason"), Is.Empty);
        Assert.That(Judged(wrong, Verdict.Fail, "another"), Has.One.Contains("has another reason than 'the reason'"));
        Assert.That(Judged(wrong, Verdict.Pass), Has.One.EqualTo("no scenario gives the declared verdict: fail PS-TST-001"));
        Assert.That(Judged(wrong, Verdict.Warn), Has.Exactly(2).Items);
    }

    [Test]
    public void Every_stranger_describes_its_habits_and_names_existing_requirements()
    {
        Assert.That(Collection.Whole.Strangers.Select(server => server.Id), Is.Unique.And.All.StartsWith("stranger-"));
        Assert.That(Collection.Whole.Strangers.Select(server => server.Habits), Is.Unique.And.All.EndsWith("."));
        Assert.That(
            Collection.Whole.Strangers.SelectMany(server => server.Verdicts).Select(declared => declared.Requirement).Distinct(),
            Is.SubsetOf(Catalogue.Embedded.Requirements.Select(requirement => requirement.Id)));
        Assert.That(
            Collection.Whole.Strangers.SelectMany(server => server.Verdicts).Select(declared => declared.Because.Length),
            Is.All.GreaterThan(8));
    }

    private static IEnumerable<string> Judged(Stranger server, Verdict verdict, string message = "a message") =>
        StrangerTrial.Judge(
            server,
            Scenarios,
            SampleResults.Of([SampleResults.Scenario("PS-TST-001", "one", verdict) with { Message = message }]) with
            {
                Ending = new Ending(EndingKind.Completed, "It ended."),
            });
}
