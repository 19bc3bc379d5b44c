using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Scenarios;
using PubSub.Conformance.Tests.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>Which verdicts on a benign server are objections. The command <c>selftest</c> runs the servers themselves.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
public sealed class BenignTests
{
    private const string One = "PS-TST-001/one";

    private static readonly BenignServer Plain = new("benign-sample", "Nothing is odd.");

    private static readonly Scenario[] Scenarios =
    [
        new("PS-TST-001", "one", _ => Task.CompletedTask),
        new("PS-TST-001", "launched", _ => Task.CompletedTask) { Launch = new Dictionary<string, string>() },
        new("PS-TST-001", "launching", _ => Task.CompletedTask) { NeedsLauncher = true },
    ];

    [TestCase(Verdict.Pass)]
    [TestCase(Verdict.Observed)]
    [TestCase(Verdict.Disabled)]
    public void A_good_verdict_is_no_objection(Verdict verdict) => Assert.That(Judged(Plain, verdict), Is.Empty);

    [TestCase(Verdict.Fail)]
    [TestCase(Verdict.Warn)]
    [TestCase(Verdict.Inconclusive)]
    [TestCase(Verdict.Unsupported)]
    [TestCase(Verdict.Error)]
    [TestCase(Verdict.NotEvaluated)]
    public void Any_other_verdict_is_an_objection(Verdict verdict) =>
        Assert.That(Judged(Plain, verdict), Has.Some.StartsWith($"{One} says {verdict.ToString().ToLowerInvariant()} of it"));

    [Test]
    public void Scenarios_that_need_a_launcher_are_left_out()
    {
        var results = Results(
            SampleResults.Scenario("PS-TST-001", "launched", Verdict.Unsupported),
            SampleResults.Scenario("PS-TST-001", "launching", Verdict.Unsupported));

        Assert.That(BenignTrial.Judge(Plain, Scenarios, results), Is.Empty);
    }

    [Test]
    public void An_unsupported_scenario_has_to_be_declared()
    {
        var lacking = Plain with { Unsupported = new Dictionary<string, string> { [One] = "it has none" } };

        Assert.That(Judged(lacking, Verdict.Unsupported), Is.Empty);
        Assert.That(Judged(lacking, Verdict.Disabled), Is.Empty);
        Assert.That(Judged(lacking, Verdict.Pass), Has.One.StartsWith($"{One} has something to say of it after all"));
    }

    [Test]
    public void A_requirement_that_the_server_does_not_keep_has_to_be_observed()
    {
        var other = Plain with { Observed = ["PS-TST-001"] };

        Assert.That(Judged(other, Verdict.Observed), Is.Empty);
        Assert.That(Judged(other, Verdict.Disabled), Is.Empty);
        Assert.That(Judged(other, Verdict.Pass), Has.One.EqualTo("no scenario observed that it does not keep PS-TST-001"));
    }

    [Test]
    public void An_incomplete_run_is_an_objection()
    {
        var results = Results(SampleResults.Scenario("PS-TST-001", "one", Verdict.Pass)) with
        {
            Ending = new Ending(EndingKind.Deadline, "it was late"),
            Conclusion = new Conclusion(ConclusionKind.NotEvaluated, ExitCode.NotEvaluated, "not all was seen"),
        };

        Assert.That(string.Join('|', BenignTrial.Judge(Plain, Scenarios, results)), Is.EqualTo(
            $"the run did not reach its end: it was late|the run ended with the exit code {ExitCode.NotEvaluated}: not all was seen"));
    }

    [Test]
    public void Every_benign_server_describes_its_oddity_and_names_existing_ids()
    {
        Assert.That(Collection.Whole.Benign.Select(server => server.Id), Is.Unique.And.All.StartsWith("benign-"));
        Assert.That(Collection.Whole.Benign.Select(server => server.Oddity), Is.Unique.And.All.EndsWith("."));
        Assert.That(
            Collection.Whole.Benign.SelectMany(server => server.Unsupported.Keys).Distinct(),
            Is.SubsetOf(All.Scenarios.Select(scenario => scenario.Id)));
        Assert.That(
            Collection.Whole.Benign.SelectMany(server => server.Observed).Distinct(),
            Is.SubsetOf(Catalogue.Embedded.Requirements.Select(requirement => requirement.Id)));
    }

    [Test]
    public async Task A_benign_server_gets_no_objection()
    {
        var odd = Collection.Whole.Benign.Single(server => server.Id == "benign-uuids");
        var selection = new Selection { Include = Selection.Parse(["PS-ENV-001", "PS-PUB-006", "PS-PUB-007", "PS-FAN-001"]) };
        var options = new RunOptions { Selection = selection };

        var trial = await BenignTrial.ExecuteAsync(odd, Catalogue.Embedded, All.Scenarios, options, CancellationToken.None);

        Assert.That(trial.Objections, Is.Empty);
        Assert.That(trial.Results.Totals[Verdict.Pass], Is.GreaterThan(3));
    }

    private static IEnumerable<string> Judged(BenignServer server, Verdict verdict) =>
        BenignTrial.Judge(server, Scenarios, Results(SampleResults.Scenario("PS-TST-001", "one", verdict)));

    // SampleResults concludes a violation from a failed scenario. That is another objection, with a test of its own.
    private static Results Results(params ScenarioResult[] scenarios) => SampleResults.Of(scenarios) with
    {
        Conclusion = new Conclusion(ConclusionKind.Conformant, ExitCode.Conformant, "every requirement that was asked for holds"),
    };
}
