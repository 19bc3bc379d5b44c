using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests;

/// <summary>The document, the catalogue and the scenarios tell one story.</summary>
[TestFixture]
public sealed partial class CatalogueTests
{
    private static readonly Catalogue Catalogue = Catalogue.Embedded;
    private static readonly SpecDocument Spec = SpecDocument.Load();

    [Test]
    public void The_document_and_the_catalogue_list_the_same_ids_in_the_same_order() =>
        Assert.That(Spec.Items.Select(item => item.Id), Is.EqualTo(Catalogue.Requirements.Select(requirement => requirement.Id)));

    [Test]
    public void The_document_and_the_catalogue_agree_about_every_requirement()
    {
        var differences = Spec.Items
            .Select(item => (Item: item, Requirement: Catalogue.Find(item.Id)))
            .Where(pair => pair.Requirement is not null)
            .SelectMany(pair => Differences(pair.Item, pair.Requirement!));

        Assert.That(differences, Is.Empty);
    }

    [Test]
    public void Every_id_is_well_formed_and_names_its_area() =>
        Assert.That(Catalogue.Requirements.Where(r => !Id().IsMatch(r.Id) || r.Id.Split('-')[1] != r.Area).Select(r => r.Id), Is.Empty);

    [Test]
    public void Normative_keywords_stand_only_in_numbered_requirements() =>
        Assert.That(Spec.StrayKeywords, Is.Empty);

    [Test]
    public void The_level_of_a_requirement_is_the_keyword_in_its_text()
    {
        var wrong = Catalogue.Requirements.Where(requirement =>
            !SpecDocument.Keywords(requirement.Text).Distinct().SequenceEqual([requirement.Keyword]));

        Assert.That(wrong.Select(requirement => $"{requirement.Id} {requirement.Keyword}: {requirement.Text}"), Is.Empty);
    }

    [Test]
    public void Every_requirement_that_can_be_decided_from_outside_has_a_scenario()
    {
        var covered = All.Scenarios.SelectMany(scenario => scenario.Also.Append(scenario.Requirement)).ToHashSet();

        var uncovered = Catalogue.Requirements.Where(requirement =>
            !covered.Contains(requirement.Id)
            && ((requirement.Binding && requirement.DecidableFromOutside) || (requirement.Recommended && requirement.Reason is null)));

        Assert.That(uncovered.Select(requirement => requirement.Id), Is.Empty);
    }

    [Test]
    public void What_cannot_be_decided_from_outside_says_why() =>
        Assert.That(Catalogue.Requirements.Where(r => !r.DecidableFromOutside && string.IsNullOrWhiteSpace(r.Reason)).Select(r => r.Id), Is.Empty);

    [Test]
    public void Every_requirement_rests_on_a_source_or_a_decision() =>
        Assert.That(Catalogue.Requirements.Where(r => r.Source is null && r.Decision is null).Select(r => r.Id), Is.Empty);

    [Test]
    public void Every_scenario_names_requirements_that_exist()
    {
        var unknown = All.Scenarios.SelectMany(scenario => scenario.Also.Append(scenario.Requirement).Where(id => Catalogue.Find(id) is null)
            .Select(id => $"{scenario.Id} names {id}"));

        Assert.That(unknown, Is.Empty);
    }

    [Test]
    public void Scenario_ids_are_unique_and_their_slugs_are_plain()
    {
        Assert.That(All.Scenarios.Select(scenario => scenario.Id), Is.Unique);
        Assert.That(All.Scenarios.Where(scenario => !Slug().IsMatch(scenario.Slug)).Select(scenario => scenario.Id), Is.Empty);
    }

    private static IEnumerable<string> Differences(SpecItem item, Requirement requirement)
    {
        (string What, string? Document, string? Catalogue)[] pairs =
        [
            ("text", item.Text, SpecDocument.Plain(requirement.Text)),
            ("intent", item.Meta("Intent"), SpecDocument.Plain(requirement.Intent)),
            ("decision", item.Meta("Decision"), SpecDocument.Plain(requirement.Decision)),
            ("level", item.Meta("Level")?.Replace('_', ' '), requirement.Keyword),
            ("profile", item.Meta("Profile"), requirement.Profile.ToString().ToLowerInvariant()),
            ("test", item.Meta("Test"), requirement.Testability.ToString().ToLowerInvariant()),
        ];
        return pairs.Where(pair => pair.Document != pair.Catalogue)
            .Select(pair => $"{item.Id} {pair.What}: the document says \"{pair.Document}\", the catalogue \"{pair.Catalogue}\"");
    }

    [GeneratedRegex(@"^PS-[A-Z]+-\d{3}$")]
    private static partial Regex Id();

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex Slug();
}
