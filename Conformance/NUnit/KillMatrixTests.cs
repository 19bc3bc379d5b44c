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
    private static readonly Stranger Strange = new("stranger-sample", "It is strange.");
    private static readonly NullTarget Nothing = Collection.Whole.NullTargets[0];
    private static readonly Collection Both = new([First, Second], [Odd], [Strange], [Nothing]);

    private static readonly Scenario[] Scenarios =
        [new("PS-TST-001", "one", _ => Task.CompletedTask), new("PS-TST-002", "other", _ => Task.CompletedTask)];

    private static KillMatrix Matrix => Shown(
        Trial(First, "PS-TST-001/one", "PS-TST-002/other"), Trial(First, "PS-TST-001/one"),
        Trial(Second, "PS-TST-001/one", "PS-TST-002/other"), Trial(Second, "PS-TST-001/one", "PS-TST-002/other"));

    [Test]
    public void What_failed_each_time_and_what_failed_at_times_are_two_things()
    {
        var row = Matrix.Mutants[0];

        Assert.That(row.Repetitions, Is.EqualTo(2));
        Assert.That(row.Always, Is.EqualTo(["PS-TST-001/one"]));
        Assert.That(row.Sometimes, Is.EqualTo(["PS-TST-002/other"]));
        Assert.That(
            Stale(Both, Shown(Trial(First, "PS-TST-001/one", "PS-TST-002/other"), Trial(First, "PS-TST-001/one"))),
            Has.One.EqualTo("scenario not in the matrix: PS-TST-002/other kills no mutant"), "killed once out of twice is no proof");
    }

    [Test]
    public void It_survives_its_own_json_with_one_line_a_row()
    {
        var json = Matrix.ToJson();

        Assert.That(KillMatrix.Parse(json).ToJson(), Is.EqualTo(json));
        Assert.That(json.Split('\n').Count(line => line.StartsWith("{\"id\":", StringComparison.Ordinal)), Is.EqualTo(5));
        Assert.That(
            () => KillMatrix.Parse(json.Replace("\"schemaVersion\": 2", "\"schemaVersion\": 3", StringComparison.Ordinal)),
            Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void Nothing_is_stale_while_nothing_has_changed() => Assert.That(Stale(Both), Is.Empty);

    [Test]
    public void Whatever_changes_makes_it_stale()
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
    public void A_requirement_that_changes_makes_only_the_rows_stale_that_were_shown_the_old_one()
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
            Is.EqualTo(["PS-TST-002 has changed since it was shown tst-first"]), "another row cannot vouch for it");
        Assert.That(matrix.With(Result(first), frugal, reworded).Stale(frugal, reworded, Scenarios), Is.Empty);
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
        var part = new SelfTestResult([Showing(Second.Id)], [Trial(Second, "PS-TST-002/other")], []);

        var matrix = Matrix.With(part, Both, Script.Catalogue);

        Assert.That(matrix.Mutants.Select(row => (row.Id, row.Repetitions)), Is.EqualTo([("tst-first", 2), ("tst-second", 1)]));
        Assert.That(matrix.Mutants[0].Always, Is.EqualTo(["PS-TST-001/one"]));
        Assert.That(matrix.Mutants[1].Always, Is.EqualTo(["PS-TST-002/other"]));
        Assert.That(matrix.Benign.Concat(matrix.NullTargets).Select(row => row.Repetitions), Is.EqualTo([2, 2]));
        Assert.That(matrix.Changed(Matrix), Is.EqualTo(["tst-second"]));
    }

    [Test]
    public void A_server_that_is_gone_takes_its_row_with_it_and_one_that_was_not_shown_gets_none()
    {
        var matrix = Matrix.With(Result(), new([Second, First with { Id = "tst-third" }], [], [], []), Script.Catalogue);

        Assert.That(matrix.Mutants.Select(row => row.Id), Is.EqualTo(["tst-second"]));
        Assert.That(matrix.Benign.Concat(matrix.NullTargets), Is.Empty);
    }

    [Test]
    public void Servers_that_survive_or_are_judged_wrongly_or_seldom_shown_are_weaknesses()
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

    /// <summary>These trials; the servers that are no mutants were shown as often as the first mutant.</summary>
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
