using NUnit.Framework;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>What two runs say about the same sentences.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ComparisonTests
{
    [TestCase(Verdict.Pass, Verdict.Fail, ChangeKind.Worse)]
    [TestCase(Verdict.Pass, Verdict.Warn, ChangeKind.Worse)]
    [TestCase(Verdict.Pass, Verdict.Error, ChangeKind.Worse)]
    [TestCase(Verdict.Pass, Verdict.Inconclusive, ChangeKind.Worse)]
    [TestCase(Verdict.Observed, Verdict.NotEvaluated, ChangeKind.Worse)]
    [TestCase(Verdict.Unsupported, Verdict.Fail, ChangeKind.Worse)]
    [TestCase(Verdict.Warn, Verdict.Fail, ChangeKind.Worse)]
    [TestCase(Verdict.Fail, Verdict.Pass, ChangeKind.Better)]
    [TestCase(Verdict.Inconclusive, Verdict.Pass, ChangeKind.Better)]
    [TestCase(Verdict.Fail, Verdict.Warn, ChangeKind.Better)]
    [TestCase(Verdict.Fail, Verdict.Inconclusive, ChangeKind.Other)]
    [TestCase(Verdict.Fail, Verdict.Unsupported, ChangeKind.Other)]
    [TestCase(Verdict.Pass, Verdict.Disabled, ChangeKind.Other)]
    [TestCase(Verdict.Pass, Verdict.Observed, ChangeKind.Other)]
    [TestCase(Verdict.Fail, Verdict.Error, ChangeKind.Other)]
    public void A_change_is_worse_only_when_something_was_lost(Verdict before, Verdict after, ChangeKind kind)
    {
        var comparison = Comparison.Of(One(before), One(after));

        Assert.That(comparison.Scenarios.Single().Kind, Is.EqualTo(kind));
        Assert.That(comparison.HasRegressions, Is.EqualTo(kind == ChangeKind.Worse));
    }

    [Test]
    public void A_run_does_not_differ_from_itself()
    {
        var comparison = Comparison.Of(SampleResults.Every(), SampleResults.Every());

        Assert.That(comparison.Scenarios, Is.Empty);
        Assert.That(comparison.LikeForLike, Is.True);
        Assert.That(comparison.ToText(), Does.Contain("Nothing changed"));
    }

    [Test]
    public void What_is_new_or_gone_is_named_and_is_no_regression()
    {
        var before = SampleResults.Of([SampleResults.Scenario("PS-TST-001", "old", Verdict.Pass)]);
        var after = SampleResults.Of([SampleResults.Scenario("PS-TST-001", "new", Verdict.Fail)]);

        var comparison = Comparison.Of(before, after);

        Assert.That(comparison.Scenarios, Is.EqualTo(new[]
        {
            new Change("PS-TST-001/new", ChangeKind.New, null, "fail"),
            new Change("PS-TST-001/old", ChangeKind.Gone, "pass", null),
        }));
        Assert.That(comparison.HasRegressions, Is.False);
    }

    [Test]
    public void Requirements_are_compared_as_well()
    {
        var after = SampleResults.Every();
        after = after with { Requirements = [after.Requirements[0] with { Status = RequirementStatus.Satisfied }, .. after.Requirements.Skip(1)] };

        Assert.That(
            Comparison.Of(SampleResults.Every(), after).Requirements.Single(),
            Is.EqualTo(new Change("PS-TST-001", ChangeKind.Better, "violated", "satisfied")));
        Assert.That(Comparison.Of(after, SampleResults.Every()).HasRegressions, Is.True);
    }

    [Test]
    public void Runs_that_do_not_compare_like_for_like_say_why()
    {
        var one = SampleResults.Every();
        var other = one with
        {
            Suite = one.Suite with { Catalogue = new string('b', 64) },
            Target = one.Target with { Dialect = "other", Limits = new Limits { Ring = 10 } },
            Options = new Dictionary<string, string> { ["profile"] = "core,replay", ["url"] = "http://elsewhere" },
            Ending = new Ending(EndingKind.Deadline, "too slow"),
        };

        var caveats = Comparison.Of(one, other).Caveats;

        Assert.That(caveats, Has.Count.EqualTo(5));
        foreach (var reason in new[] { "requirements differ", "dialect", "limits", "option profile", "did not come to its end" })
        {
            Assert.That(caveats, Has.Some.Contains(reason));
        }

        Assert.That(Comparison.Of(one, other).ToMarkdown(), Does.Contain("do not compare like for like"));
    }

    [Test]
    public void Both_forms_list_the_worse_ones_first()
    {
        var before = Two(Verdict.Fail, Verdict.Pass);
        var after = Two(Verdict.Pass, Verdict.Fail);

        var comparison = Comparison.Of(before, after);

        foreach (var text in new[] { comparison.ToText(), comparison.ToMarkdown() })
        {
            Assert.That(text.IndexOf("broken", StringComparison.Ordinal), Is.Positive.And.LessThan(text.IndexOf("mended", StringComparison.Ordinal)));
        }

        Assert.That(comparison.ToMarkdown(), Does.StartWith("## \u274c Something became worse"));
    }

    private static Results Two(Verdict mended, Verdict broken) => SampleResults.Of(
        [SampleResults.Scenario("PS-TST-001", "mended", mended), SampleResults.Scenario("PS-TST-001", "broken", broken)]);

    private static Results One(Verdict verdict) => SampleResults.Of([SampleResults.Scenario("PS-TST-001", "slug", verdict)]);
}
