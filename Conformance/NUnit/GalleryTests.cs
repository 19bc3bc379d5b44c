using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests;

/// <summary>The specification, the catalogue, the scenarios, the galleries and the matrix tell one story, and no id is ever lost.</summary>
[TestFixture]
public sealed partial class GalleryTests
{
    private static string Json => File.ReadAllText(Path.Combine(SpecDocument.Folder, "KILLMATRIX.json"));

    [Test]
    public void The_galleries_are_as_large_as_they_have_to_be()
    {
        Assert.That(Collection.Whole.Mutants, Has.Count.GreaterThanOrEqualTo(80));
        Assert.That(Collection.Whole.Benign, Has.Count.GreaterThanOrEqualTo(20));
        Assert.That(Collection.Whole.NullTargets, Has.Count.GreaterThanOrEqualTo(8));
    }

    [Test]
    public void Ids_are_unique_and_begin_with_an_area_or_a_kind()
    {
        var areas = Catalogue.Embedded.Requirements.Select(requirement => requirement.Area.ToLowerInvariant()).ToHashSet();

        Assert.That(Collection.Whole.Ids, Is.Unique);
        Assert.That(Collection.Whole.Ids.Where(id => !Slug().IsMatch(id)), Is.Empty);
        Assert.That(Collection.Whole.Mutants.Where(mutant => !areas.Contains(mutant.Id.Split('-')[0])).Select(mutant => mutant.Id), Is.Empty);
        Assert.That(Collection.Whole.Benign.Where(server => !server.Id.StartsWith("benign-", StringComparison.Ordinal)).Select(server => server.Id), Is.Empty);
        Assert.That(Collection.Whole.NullTargets.Where(target => !target.Id.StartsWith("null-", StringComparison.Ordinal)).Select(target => target.Id), Is.Empty);
    }

    [Test]
    public void Every_mutant_says_what_must_kill_it_and_names_what_exists()
    {
        Assert.That(Collection.Whole.Mutants.Where(mutant => mutant.Kills.Count == 0).Select(mutant => mutant.Id), Is.Empty);
        Assert.That(Collection.Whole.Mutants.Where(mutant => mutant.Kills.Any(kill => kill.Because.Length < 9)).Select(mutant => mutant.Id), Is.Empty, "a fragment says why");
        Assert.That(
            Collection.Whole.Mutants.SelectMany(mutant => mutant.Kills.Select(kill => kill.Requirement).Concat(mutant.Also)
                .Where(requirement => Catalogue.Embedded.Find(requirement) is null).Select(requirement => $"{mutant.Id} names {requirement}")),
            Is.Empty);
        Assert.That(
            Collection.Whole.Mutants.Where(mutant => mutant.Kills.Select(kill => kill.Requirement).Distinct().Concat(mutant.Also).GroupBy(id => id).Any(group => group.Count() > 1))
                .Select(mutant => mutant.Id),
            Is.Empty, "once each");
    }

    [Test]
    public void Every_tested_must_kills_at_least_one_mutant()
    {
        var killers = Collection.Whole.Mutants.SelectMany(mutant => mutant.Kills).Select(kill => kill.Requirement).ToHashSet();
        var tested = All.Scenarios.Select(scenario => scenario.Requirement).ToHashSet();

        Assert.That(
            Catalogue.Embedded.Requirements.Where(requirement => requirement.Binding && tested.Contains(requirement.Id) && !killers.Contains(requirement.Id))
                .Select(requirement => requirement.Id),
            Is.Empty);
    }

    [Test]
    public void What_is_excused_names_scenarios_that_exist_and_says_why()
    {
        var known = All.Scenarios.Select(scenario => scenario.Id).ToHashSet();
        var excuses = Collection.Whole.Benign.SelectMany(server => server.Unsupported).Concat(Collection.Whole.NullTargets.SelectMany(target => target.Earns)).ToList();

        Assert.That(excuses.Where(excuse => !known.Contains(excuse.Key)).Select(excuse => excuse.Key), Is.Empty);
        Assert.That(excuses.Where(excuse => excuse.Value.Length < 10).Select(excuse => excuse.Key), Is.Empty);
    }

    [Test]
    public void Trials_of_endurance_are_scenarios_that_exist() =>
        Assert.That(SelfTest.Lengthy, Is.SubsetOf(All.Scenarios.Select(scenario => scenario.Id)));

    [Test]
    public void The_matrix_is_up_to_date() =>
        Assert.That(
            KillMatrix.Parse(Json).Stale(Collection.Whole, Catalogue.Embedded, All.Scenarios),
            Is.Empty,
            "pubsub-conformance selftest --repeat 10 --write Conformance");

    [Test]
    public void The_matrix_shows_that_every_scenario_has_teeth_and_every_mutant_is_killed()
    {
        var matrix = KillMatrix.Parse(Json);

        Assert.That(matrix.Repetitions, Is.GreaterThanOrEqualTo(10));
        Assert.That(matrix.Toothless, Is.Empty);
        Assert.That(matrix.Mutants.Where(row => row.Kills.Keys.Except(row.AlwaysBy).Any()).Select(row => row.Id), Is.Empty);
    }

    [Test]
    public void The_page_is_made_of_the_matrix_and_of_nothing_else() =>
        Assert.That(
            File.ReadAllText(Path.Combine(SpecDocument.Folder, "KILLMATRIX.md")).ReplaceLineEndings("\n"),
            Is.EqualTo(KillMatrixPage.Render(KillMatrix.Parse(Json)).ReplaceLineEndings("\n")));

    /// <summary>
    /// <c>Conformance/ids.lock</c> only grows: an id that is no longer used stays there, marked <c>retired</c>, so that it never comes to
    /// mean something else.
    /// </summary>
    [Test]
    public void No_id_is_lost_and_none_is_used_again()
    {
        var rows = File.ReadAllLines(Path.Combine(SpecDocument.Folder, "ids.lock")).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ')).ToList();
        var locked = rows.Select(row => $"{row[0]} {row[1]}").ToList();
        var retired = rows.Where(row => row is [_, _, "retired"]).Select(row => $"{row[0]} {row[1]}").ToHashSet();
        var used = Catalogue.Embedded.Requirements.Select(requirement => $"requirement {requirement.Id}")
            .Concat(All.Scenarios.Select(scenario => $"scenario {scenario.Id}"))
            .Concat(Collection.Whole.Ids.Select(id => $"server {id}"))
            .ToList();

        Assert.That(locked, Is.Unique);
        Assert.That(used.Where(id => !locked.Contains(id)), Is.Empty, "a new id is to be added at the end of ids.lock");
        Assert.That(used.Where(retired.Contains), Is.Empty, "a retired id is used again");
        Assert.That(locked.Where(id => !used.Contains(id) && !retired.Contains(id)), Is.Empty, "an id that is gone is to be marked retired");
        Assert.That(rows.Where(row => row is not ([_, _] or [_, _, "retired"])), Is.Empty);
    }

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)+$")]
    private static partial Regex Slug();
}
