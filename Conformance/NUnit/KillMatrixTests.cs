using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Tests.Reports;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>What a kill matrix records of trials, and when it is stale.</summary>
[TestFixture]
public sealed class KillMatrixTests
{
    private static readonly Mutant First = MutantTrialTests.Plain with { Id = "tst-first" };
    private static readonly Mutant Second = MutantTrialTests.Plain with { Id = "tst-second" };
    private static readonly BenignServer Odd = new("benign-sample", "It is odd.");
    private static readonly Stranger Strange = new("stranger-sample", "It is strange.");
    private static readonly NullTarget Nothing = Collection.Whole.NullTargets[0];
    private static readonly Collection Both = new([First, Second], [Odd], [Strange], [Nothing]);

    private static readonly Scenario[] Scenarios =
        [new("PS-TST-001", "one", _ => Task.CompletedTask), new("PS-TST-002", "other", _ => Task.CompletedTask)];

    private static KillMatrix Matrix => Shown(
        Trial(First, "PS-TST-001/one", "PS-TST-002/other"), Trial(First, "PS-TST-001/one"),
        Trial(Second, "PS-TST-001/one", "PS-TST-002/other"), Trial(Second, "PS-TST-001/one", "PS-TST-002/other"));

    [Test]
    public void Scenarios_that_always_failed_and_that_sometimes_failed_are_kept_apart()
    {
        var row = Matrix.Mutants[0];

        Assert.That(row.Repetitions, Is.EqualTo(2));
        Assert.That(row.Always, Is.EqualTo(["PS-TST-001/one"]));
        Assert.That(row.Sometimes, Is.EqualTo(["PS-TST-002/other"]));
        Assert.That(
            Stale(Both, Shown(Trial(First, "PS-TST-001/one", "PS-TST-002/other"), Trial(First, "PS-TST-001/one"))),
            Has.One.EqualTo("scenario not in the matrix: PS-TST-002/other kills no mutant"), "one kill in two runs is not enough");
    }

    [Test]
    public void A_matrix_is_the_same_after_writing_and_reading_with_one_line_per_row()
    {
        var json = Matrix.ToJson();

        Assert.That(KillMatrix.Parse(json).ToJson(), Is.EqualTo(json));
        Assert.That(json.Split('\n').Count(line => line.StartsWith("{\"id\":", StringComparison.Ordinal)), Is.EqualTo(5));
        Assert.That(
            () => KillMatrix.Parse(json.Replace("\"schemaVersion\": 2", "\"schemaVersion\": 3", StringComparison.Ordinal)),
            Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void A_matrix_is_not_stale_without_a_change() => Assert.That(Stale(Both), Is.Empty);

    [Test]
    public void Every_change_makes_a_matrix_stale()
    {
        Assert.That(Stale(Both with { Mutants = [First] }), Has.One.StartsWith("mutant only in the matrix: tst-second"));
        Assert.That(
            Stale(Both with { Mutants = [First, Second, First with { Id = "tst-third" }] }),
            Has.One.StartsWith("mutant not in the matrix: tst-third"));
        Assert.That(Stale(Both with { Mutants = [First.MayBreak("PS-TST-003"), Second] }), Has.Count.EqualTo(2), "the old and the new one");
        Assert.That(
            Stale(Both with { Mutants = [First.KilledBy("PS-TST-001", "another reason"), Second] }), Has.Count.EqualTo(2));
        Assert.That(Stale(Both with { Benign = [] }), Has.One.StartsWith("benign server only in the matrix"));
        Assert.That(Stale(Both with { Strangers = [] }), Has.One.StartsWith("stranger only in the matrix"));
        Assert.That(Stale(Both with { NullTargets = [] }), Has.One.StartsWith("null target only in the matrix"));
        Assert.That(
            Matrix.Stale(Both, Script.Catalogue, [.. Scenarios, new("PS-TST-002", "new", _ => Task.CompletedTask)]),
            Is.EqualTo(["scenario not in the matrix: PS-TST-002/new kills no mutant"]));
        Assert.That(
            Matrix.Stale(Both, Script.Catalogue, Scenarios[..1]),
            Is.EqualTo(
            [
                "scenario only in the matrix: PS-TST-002/other, shown to tst-first",
                "scenario only in the matrix: PS-TST-002/other, shown to tst-second",
            ]));
    }

    [Test]
    public void A_changed_requirement_makes_only_the_rows_stale_that_used_it()
    {
        var frugal = Both with
        {
            Mutants = [First, new Mutant("tst-second", "It is wrong.").KilledBy("PS-TST-001", "the right reason")],
        };
        var (first, second) = (Trial(frugal.Mutants[0], "PS-TST-001/one"), Trial(frugal.Mutants[1], "PS-TST-002/other"));
        var matrix = KillMatrix.Empty.With(Result(first, second), frugal, Script.Catalogue);
        var (reworded, reasoned) = (
            Changed("PS-TST-002", requirement => requirement with { Text = "Another sentence." }),
            Changed("PS-TST-002", requirement => requirement with { Intent = "Another intent." }));

        Assert.That(matrix.Stale(frugal, reworded, Scenarios), Is.EqualTo(["PS-TST-002 has changed since it was shown tst-first"]));
        Assert.That(matrix.Stale(frugal, reasoned, Scenarios), Is.Empty, "no verdict depends on the intent");
        Assert.That(
            matrix.With(Result(second), frugal, reworded).Stale(frugal, reworded, Scenarios),
            Is.EqualTo(["PS-TST-002 has changed since it was shown tst-first"]), "another row does not count for it");
        Assert.That(matrix.With(Result(first), frugal, reworded).Stale(frugal, reworded, Scenarios), Is.Empty);
    }

    [Test]
    public void A_run_differs_if_and_only_if_a_sure_killer_did_not_fail()
    {
        Assert.That(Matrix.Differences([Trial(First)]), Is.EqualTo(["tst-first: PS-TST-001 always found it out, but not now"]));
        Assert.That(Matrix.Differences([Trial(First, "PS-TST-001/one")]), Is.Empty, "a scenario that failed only sometimes need not fail");
    }

    [Test]
    public void A_partial_run_replaces_only_its_own_rows()
    {
        var part = new SelfTestResult([Showing(Second.Id)], [Trial(Second, "PS-TST-002/other")], []);

        var matrix = Matrix.With(part, Both, Script.Catalogue);

        Assert.That(matrix.Mutants.Select(row => (row.Id, row.Repetitions)), Is.EqualTo([("tst-first", 2), ("tst-second", 1)]));
        Assert.That(matrix.Mutants[0].Always, Is.EqualTo(["PS-TST-001/one"]));
        Assert.That(matrix.Mutants[1].Always, Is.EqualTo(["PS-TST-002/other"]));
        Assert.That(matrix.Benign.Concat(matrix.NullTargets).Select(row => row.Repetitions), Is.EqualTo([2, 2]));
        Assert.That(matrix.Changed(Matrix), Is.EqualTo(["tst-second"]));
    }

    [Test]
    public void A_removed_server_loses_its_row_and_an_untested_server_gets_none()
    {
        var matrix = Matrix.With(Result(), new([Second, First with { Id = "tst-third" }], [], [], []), Script.Catalogue);

        Assert.That(matrix.Mutants.Select(row => row.Id), Is.EqualTo(["tst-second"]));
        Assert.That(matrix.Benign.Concat(matrix.NullTargets), Is.Empty);
    }

    [Test]
    public void Survivors_wrong_verdicts_and_too_few_repetitions_are_weaknesses()
    {
        MutantTrial[] ten = [.. Enumerable.Repeat(Trial(First, "PS-TST-001/one"), 10)];
        var shown = Result([.. ten, Trial(Second, "PS-TST-002/other")]);
        var others = shown.Showings.Where(showing => showing.Id != Odd.Id);
        var matrix = KillMatrix.Empty.With(
            shown with { Showings = [.. others, Showing(Odd.Id), Showing(Odd.Id, "it was blamed")] }, Both, Script.Catalogue);

        Assert.That(matrix.Weaknesses, Is.EqualTo(
        [
            "shown only 1 of 10 times: tst-second",
            "shown only 2 of 10 times: benign-sample",
            "benign-sample was judged wrongly, 1 times out of 2",
            "tst-second survived PS-TST-001",
        ]));
    }

    [Test]
    public void The_page_counts_by_area_and_shows_what_needs_attention()
    {
        var page = KillMatrixPage.Render(Matrix, ["one is weak", "another is stale"]);

        Assert.That(page, Does.Contain("| TST | 2 | 2 | 2 | 1 | 0 |"), "one scenario kills only one mutant");
        Assert.That(page, Does.EndWith("## Needs attention\n\n* one is weak\n* another is stale\n"));
        Assert.That(KillMatrixPage.Render(Matrix, []), Does.EndWith("## Needs attention\n\nNothing.\n"));
    }

    private static List<string> Stale(Collection today, KillMatrix? matrix = null) =>
        [.. (matrix ?? Matrix).Stale(today, Script.Catalogue, Scenarios)];

    private static Catalogue Changed(string id, Func<Requirement, Requirement> change) =>
        new(Script.Catalogue.Requirements.Select(requirement => requirement.Id == id ? change(requirement) : requirement));

    private static KillMatrix Shown(params MutantTrial[] trials) => KillMatrix.Empty.With(Result(trials), Both, Script.Catalogue);

    /// <summary>The result of these trials. The servers that are no mutants ran as often as the first mutant.</summary>
    private static SelfTestResult Result(params MutantTrial[] trials)
    {
        var times = trials.Count(trial => trial.Mutant == trials[0].Mutant);
        return new(
            [
                .. trials.Select(trial => Showing(trial.Mutant.Id)),
                .. Enumerable.Repeat(Showing(Odd.Id), times),
                .. Enumerable.Repeat(Showing(Strange.Id), times),
                .. Enumerable.Repeat(Showing(Nothing.Id), times),
            ],
            trials,
            []);
    }

    private static Showing Showing(string id, params string[] objections) => new(id, TimeSpan.Zero, objections);

    private static MutantTrial Trial(Mutant mutant, params string[] failed) => new(
        mutant, SampleResults.Of(failed.Select(id => SampleResults.Scenario(id.Split('/')[0], id.Split('/')[1], Verdict.Fail))), []);
}
