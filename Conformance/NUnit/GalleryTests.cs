using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Gallery;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests;

/// <summary>The specification, the scenarios, the galleries and the kill matrix agree, and no id is ever lost.</summary>
[TestFixture]
public sealed partial class GalleryTests
{
    private static readonly KillMatrix Matrix = KillMatrix.Parse(SpecFolder.Read("KILLMATRIX.json"));

    [Test]
    public void The_galleries_have_their_minimum_sizes()
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
        Assert.That(
            Collection.Whole.Mutants.Where(mutant => !areas.Contains(mutant.Id.Split('-')[0])).Select(mutant => mutant.Id),
            Is.Empty);
        Assert.That(
            Collection.Whole.Benign.Where(server => !server.Id.StartsWith("benign-", StringComparison.Ordinal)).Select(server => server.Id),
            Is.Empty);
        Assert.That(
            Collection.Whole.NullTargets.Where(target => !target.Id.StartsWith("null-", StringComparison.Ordinal))
                .Select(target => target.Id),
            Is.Empty);
    }

    [Test]
    public void Every_mutant_declares_its_kills_and_names_existing_requirements()
    {
        Assert.That(Collection.Whole.Mutants.Where(mutant => mutant.Kills.Count == 0).Select(mutant => mutant.Id), Is.Empty);
        Assert.That(
            Collection.Whole.Mutants.Where(mutant => mutant.Kills.Any(kill => kill.Because.Length < 9)).Select(mutant => mutant.Id),
            Is.Empty,
            "each kill has a reason of at least 9 characters");
        Assert.That(
            Collection.Whole.Mutants.SelectMany(mutant => mutant.Kills.Select(kill => kill.Requirement).Concat(mutant.Also)
                .Where(requirement => Catalogue.Embedded.Find(requirement) is null)
                .Select(requirement => $"{mutant.Id} names {requirement}")),
            Is.Empty);
        Assert.That(
            Collection.Whole.Mutants
                .Where(mutant => mutant.Kills.Select(kill => kill.Requirement).Distinct().Concat(mutant.Also)
                    .GroupBy(id => id).Any(group => group.Count() > 1))
                .Select(mutant => mutant.Id),
            Is.Empty, "each requirement is named once");
    }

    [Test]
    public void Every_tested_MUST_kills_at_least_one_mutant()
    {
        var killers = Collection.Whole.Mutants.SelectMany(mutant => mutant.Kills).Select(kill => kill.Requirement).ToHashSet();
        var tested = All.Scenarios.Select(scenario => scenario.Requirement).ToHashSet();

        Assert.That(
            Catalogue.Embedded.Requirements
                .Where(requirement => requirement.Binding && tested.Contains(requirement.Id) && !killers.Contains(requirement.Id))
                .Select(requirement => requirement.Id),
            Is.Empty);
    }

    [Test]
    public void Every_excuse_names_an_existing_scenario_and_a_reason()
    {
        var known = All.Scenarios.Select(scenario => scenario.Id).ToHashSet();
        var excuses = Collection.Whole.Benign.SelectMany(server => server.Unsupported)
            .Concat(Collection.Whole.NullTargets.SelectMany(target => target.Earns))
            .ToList();

        Assert.That(excuses.Where(excuse => !known.Contains(excuse.Key)).Select(excuse => excuse.Key), Is.Empty);
        Assert.That(excuses.Where(excuse => excuse.Value.Length < 10).Select(excuse => excuse.Key), Is.Empty);
    }

    [Test]
    public void The_matrix_is_up_to_date() =>
        Assert.That(Stale, Is.Empty, "show the servers in question: ci/selftest 'PATTERN' --repeat 10 --write Conformance");

    [Test]
    public void The_matrix_shows_that_every_server_is_judged_rightly() => Assert.That(Matrix.Mistakes, Is.Empty);

    [Test]
    public void The_page_is_rendered_from_the_matrix_and_has_fewer_than_120_lines()
    {
        var page = SpecFolder.Read("KILLMATRIX.md").ReplaceLineEndings("\n");

        Assert.That(page, Is.EqualTo(KillMatrixPage.Render(Matrix, [.. Stale, .. Matrix.Weaknesses]).ReplaceLineEndings("\n")));
        Assert.That(page.Split('\n'), Has.Length.LessThan(120));
    }

    [Test]
    public void No_id_is_lost_and_none_is_used_again()
    {
        var register = new IdRegister(SpecFolder.Read(IdRegister.FileName));
        var used = IdRegister.InUse(Catalogue.Embedded, All.Scenarios, Collection.Whole);

        Assert.That(register.Missing(used), Is.Empty, "ci/selftest 'PATTERN' --repeat 10 --write Conformance appends them");
        Assert.That(register.Objections(used), Is.Empty);
    }

    private static IEnumerable<string> Stale => Matrix.Stale(Collection.Whole, Catalogue.Embedded, All.Scenarios);

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)+$")]
    private static partial Regex Slug();
}
