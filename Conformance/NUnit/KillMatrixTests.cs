using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Tests.Reports;

namespace PubSub.Conformance.Tests;

/// <summary>What a matrix remembers of trials, and what it notices when the world has moved on.</summary>
[TestFixture]
public sealed class KillMatrixTests
{
    private static readonly Mutant First = MutantTrialTests.Plain with { Id = "tst-first" };
    private static readonly Mutant Second = MutantTrialTests.Plain with { Id = "tst-second" };
    private static readonly BenignServer Odd = new("benign-sample", "It is odd.");
    private static readonly NullTarget Nothing = Collection.Whole.NullTargets[0];
    private static readonly Collection Both = new([First, Second], [Odd], [Nothing]);

    private static readonly Scenario[] Scenarios =
        [new("PS-TST-001", "one", _ => Task.CompletedTask), new("PS-TST-002", "other", _ => Task.CompletedTask)];

    private static KillMatrix Matrix => KillMatrix.From(
        [Trial(First, "PS-TST-001/one", "PS-TST-002/other"), Trial(First, "PS-TST-001/one"), Trial(Second, "PS-TST-001/one"), Trial(Second, "PS-TST-001/one")],
        Both, Script.Catalogue, Scenarios);

    [Test]
    public void What_failed_each_time_and_what_failed_at_times_are_two_things()
    {
        var row = Matrix.Mutants[0];

        Assert.That(Matrix.Repetitions, Is.EqualTo(2));
        Assert.That(row.Always, Is.EqualTo(["PS-TST-001/one"]));
        Assert.That(row.Sometimes, Is.EqualTo(["PS-TST-002/other"]));
        Assert.That(Matrix.Toothless, Is.EqualTo(["PS-TST-002/other"]), "killed once out of twice is no proof");
    }

    [Test]
    public void It_survives_its_own_json()
    {
        var matrix = Matrix;

        Assert.That(KillMatrix.Parse(matrix.ToJson()).ToJson(), Is.EqualTo(matrix.ToJson()));
        Assert.That(() => KillMatrix.Parse(matrix.ToJson().Replace("\"schemaVersion\": 1", "\"schemaVersion\": 2", StringComparison.Ordinal)), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void Nothing_is_stale_while_nothing_has_changed() => Assert.That(Stale(Both), Is.Empty);

    [Test]
    public void Whatever_changes_makes_it_stale()
    {
        Assert.That(Stale(Both with { Mutants = [First] }), Has.One.StartsWith("mutant only in the matrix: tst-second"));
        Assert.That(Stale(Both with { Mutants = [First, Second, First with { Id = "tst-third" }] }), Has.One.StartsWith("mutant not in the matrix: tst-third"));
        Assert.That(Stale(Both with { Mutants = [First.MayBreak("PS-TST-003"), Second] }), Has.Count.EqualTo(2), "the old declaration and the new");
        Assert.That(Stale(Both with { Mutants = [First.KilledBy("PS-TST-001", "another reason"), Second] }), Has.Count.EqualTo(2));
        Assert.That(Stale(Both with { Benign = [] }), Has.One.StartsWith("benign server only in the matrix"));
        Assert.That(Stale(Both with { NullTargets = [] }), Has.One.StartsWith("null target only in the matrix"));
        Assert.That(Matrix.Stale(Both, Script.Catalogue, [.. Scenarios, new("PS-TST-002", "new", _ => Task.CompletedTask)]), Has.One.EqualTo("scenario not in the matrix: PS-TST-002/new"));
        Assert.That(Matrix.Stale(Both, Catalogue.Embedded, Scenarios), Has.One.EqualTo("the catalogue has changed"));
    }

    [Test]
    public void A_run_in_which_a_killer_was_silent_differs_and_one_in_which_it_failed_does_not()
    {
        Assert.That(Matrix.Differences([Trial(First)]), Is.EqualTo(["tst-first: PS-TST-001 always found it out, but not now"]));
        Assert.That(Matrix.Differences([Trial(First, "PS-TST-001/one")]), Is.Empty, "who failed at times need not");
    }

    [Test]
    public void A_part_takes_the_place_of_its_rows_and_leaves_the_others()
    {
        var matrix = Matrix.With([Trial(Second, "PS-TST-002/other")], Both, Script.Catalogue, Scenarios);

        Assert.That(matrix.Mutants.Select(row => row.Id), Is.EqualTo(["tst-first", "tst-second"]));
        Assert.That(matrix.Mutants[0].Always, Is.EqualTo(["PS-TST-001/one"]));
        Assert.That(matrix.Mutants[1].Always, Is.EqualTo(["PS-TST-002/other"]));
        Assert.That(matrix.Repetitions, Is.EqualTo(1), "no more can be said of all of it");
    }

    [Test]
    public void The_page_shows_survivors_and_scenarios_without_teeth()
    {
        var matrix = KillMatrix.From([Trial(First), Trial(Second, "PS-TST-001/one")], Both, Script.Catalogue, Scenarios);

        var page = KillMatrixPage.Render(matrix);

        Assert.That(page, Does.Contain("* `tst-first`: It is wrong."));
        Assert.That(page, Does.Not.Contain("* `tst-second`"));
        Assert.That(page, Does.Contain("* `PS-TST-002/other`"));
    }

    private static List<string> Stale(Collection today) => [.. Matrix.Stale(today, Script.Catalogue, Scenarios)];

    private static MutantTrial Trial(Mutant mutant, params string[] failed) => new(
        mutant, SampleResults.Of(failed.Select(id => SampleResults.Scenario(id.Split('/')[0], id.Split('/')[1], Verdict.Fail))), []);
}
