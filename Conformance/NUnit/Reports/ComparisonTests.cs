using NUnit.Framework;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>The difference between two runs. The approved comparisons list the change for each pair of verdicts.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ComparisonTests
{
    /// <summary>A run compared with itself, with a better one, and with one that had other options; and every possible change.</summary>
    internal static IEnumerable<Comparison> Samples
    {
        get
        {
            var one = SampleResults.Every();
            yield return Comparison.Of(one, one);
            yield return Comparison.Of(one, SampleResults.AllSatisfied());
            yield return Comparison.Of(one, one with
            {
                Suite = one.Suite with { Catalogue = new string('b', 64), Version = "0.2.0" },
                Target = one.Target with { Dialect = "other", Limits = new Limits { Ring = 10 } },
                Options = new Dictionary<string, string> { ["profile"] = "core,replay", ["url"] = "http://elsewhere", ["strict"] = "true" },
                Ending = new Ending(EndingKind.Deadline, "too slow"),
            });
            yield return Comparison.Of(EveryChange(first: true), EveryChange(first: false));
        }
    }

    [Test]
    public void Runs_are_like_for_like_unless_their_suite_target_or_options_differ() =>
        Assert.That(Samples.Select(sample => sample.LikeForLike), Is.EqualTo([true, true, false, true]));

    [Test]
    public void A_worse_result_is_a_regression_and_a_new_scenario_is_not()
    {
        Assert.That(Samples.Select(sample => sample.HasRegressions()), Is.EqualTo([false, false, false, true]));
        Assert.That(Comparison.Of(SampleResults.AllSatisfied(), SampleResults.Every()).HasRegressions(), Is.True, "only requirements");
        Assert.That(Comparison.Of(One("old", Verdict.Pass), One("old", Verdict.Fail)).HasRegressions(), Is.True, "only a scenario");
        Assert.That(Comparison.Of(One("old", Verdict.Disabled), One("new", Verdict.Fail)).HasRegressions(), Is.False);
    }

    [Test]
    public void A_loss_of_evidence_is_a_regression_unless_it_is_accepted(
        [Values(Verdict.Pass, Verdict.Observed, Verdict.Warn, Verdict.Fail)] Verdict before,
        [Values(Verdict.Disabled, Verdict.Unsupported, Verdict.Inconclusive, Verdict.NotEvaluated, null)] Verdict? after)
    {
        var comparison = Comparison.Of(One("old", before), after is { } verdict ? One("old", verdict) : One("new", Verdict.Pass));

        Assert.That(
            comparison.Scenarios.Single(change => change.Id.EndsWith("/old", StringComparison.Ordinal)).Kind,
            Is.EqualTo(ChangeKind.Lost));
        Assert.That(comparison.HasRegressions(), Is.True);
        Assert.That(comparison.HasRegressions(allowMissing: true), Is.False);
        Assert.That(comparison.ToText(), Does.Contain("something is not decided any more"));
    }

    private static Results One(string slug, Verdict verdict) =>
        SampleResults.Of([SampleResults.Scenario("PS-TST-001", slug, verdict)]);

    /// <summary>One scenario for each pair of verdicts, one requirement for each pair of statuses.</summary>
    /// <param name="first">Whether this is the run with the first of each pair.</param>
    private static Results EveryChange(bool first)
    {
        var run = SampleResults.Of(
        [
            .. Pairs<Verdict>().Select(pair =>
                SampleResults.Scenario("PS-TST-001", $"{pair.Before}-then-{pair.After}", first ? pair.Before : pair.After)),
            SampleResults.Scenario("PS-TST-001", first ? "old" : "new", Verdict.Fail),
        ]);
        return run with
        {
            Requirements =
            [
                .. Pairs<RequirementStatus>().Select(pair =>
                    run.Requirements[0] with { Id = $"PS-{pair.Before}-then-{pair.After}", Status = first ? pair.Before : pair.After }),
            ],
        };
    }

    private static IEnumerable<(T Before, T After)> Pairs<T>() where T : struct, Enum =>
        Enum.GetValues<T>().SelectMany(before => Enum.GetValues<T>().Select(after => (before, after)));
}
