using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Scenarios;

namespace PubSub.Conformance.Tests;

/// <summary>SPEC.md is parsed correctly, and the scenarios fit its requirements.</summary>
[TestFixture]
public sealed partial class CatalogueTests
{
    private const string Sample =
        """
        # SampleSpec 2.1

        ## Conventions

        `MUST`, and also MAY, are as in RFC 2119.

        ## Ping

        ```
        What is fenced MUST be left alone.
        ```

        **[PS-TST-001]** A `MAY` in code is none, and a ping MUST be
        answered.
        > *Intent:* To see that
        > the server lives.
        > *Source:* RFC 6455.
        > *Level:* MUST · *Profile:* core · *Test:* blackbox

        **[PS-TST-002]** A ping SHOULD NOT be answered twice.
        > *Intent:* One is enough.
        > *Decision:* The seed is silent.
        > *Level:* SHOULD_NOT · *Profile:* robustness · *Test:* timing
        > *Reason:* It takes forever.

        """;

    private static readonly Catalogue Catalogue = Catalogue.Embedded;

    [Test]
    public void A_document_is_read_with_its_title_and_all_fields()
    {
        var catalogue = Specification.Parse(Sample);

        Assert.That((catalogue.Spec, catalogue.Version), Is.EqualTo(("SampleSpec", "2.1")));
        Assert.That(catalogue.Requirements, Is.EqualTo((Requirement[])
        [
            new()
            {
                Id = "PS-TST-001",
                Level = Level.Must,
                Area = "TST",
                Text = "A `MAY` in code is none, and a ping MUST be answered.",
                Intent = "To see that the server lives.",
                Source = "RFC 6455.",
                Profile = Profile.Core,
                Testability = Testability.Blackbox,
            },
            new()
            {
                Id = "PS-TST-002",
                Level = Level.ShouldNot,
                Area = "TST",
                Text = "A ping SHOULD NOT be answered twice.",
                Intent = "One is enough.",
                Decision = "The seed is silent.",
                Profile = Profile.Robustness,
                Testability = Testability.Timing,
                Reason = "It takes forever.",
            },
        ]));
    }

    [Test]
    public void The_embedded_catalogue_has_the_requirements_of_the_document()
    {
        Assert.That((Catalogue.Spec, Catalogue.Version), Is.EqualTo(("PubSubSpec", "1.1")));
        Assert.That(
            Catalogue.Requirements.Select(requirement => requirement.Id),
            Is.EqualTo(IdInBold().Matches(SpecFolder.Read("SPEC.md")).Select(match => match.Groups[1].Value)).And.Not.Empty);
    }

    [TestCase("# SampleSpec 2.1", "SampleSpec", "line 1: 'SampleSpec'")]
    [TestCase("> *Intent:* One is enough.\n", "", "PS-TST-002: Intent is missing")]
    [TestCase("*Intent:* One is enough.", "*Intent:*", "PS-TST-002: Intent is empty")]
    [TestCase("> *Decision:* The seed is silent.\n", "", "PS-TST-002: Source is missing, and so is Decision")]
    [TestCase("*Level:* MUST ·", "", "PS-TST-001: Level is missing")]
    [TestCase("*Level:* MUST ·", "*Level:* SHOULD ·", "PS-TST-001: Level is 'SHOULD'")]
    [TestCase("*Level:* MUST ·", "*Level:* MAY ·", "PS-TST-001: Level is 'MAY', but must be one of MUST, MUST_NOT, SHOULD, SHOULD_NOT")]
    [TestCase("MUST be", "MUST and SHOULD be", "PS-TST-001: Level is 'MUST'")]
    [TestCase("SHOULD NOT be", "is not", "PS-TST-002: Level is 'SHOULD NOT'")]
    [TestCase("*Profile:* core ·", "", "PS-TST-001: Profile is missing")]
    [TestCase("*Profile:* core", "*Profile:* kernel", "PS-TST-001: Profile is 'kernel', but must be one of core,")]
    [TestCase("*Profile:* core", "*Profile:* core · *Profile:* replay", "PS-TST-001: Profile stands there twice")]
    [TestCase("*Test:* blackbox", "", "PS-TST-001: Test is missing")]
    [TestCase("*Test:* blackbox", "*Test:* 0", "PS-TST-001: Test is '0', but must be one of blackbox,")]
    [TestCase("*Source:*", "*Origin:*", "PS-TST-001: Origin is none of the fields")]
    [TestCase("PS-TST-002", "PS-TST-001", "PS-TST-001: the id stands there twice")]
    [TestCase("[PS-TST-002]", "[PS-TST-2]", "line 20: 'SHOULD NOT' stands outside a requirement")]
    [TestCase("## Ping", "## Ping\n\nIt is OPTIONAL.", "line 9: 'OPTIONAL' stands outside a requirement")]
    public void A_malformed_document_is_refused_with_the_requirement_and_the_field(string right, string wrong, string message)
    {
        var sample = Sample.ReplaceLineEndings("\n");
        var malformed = sample.Replace(right, wrong, StringComparison.Ordinal);

        Assert.That(malformed, Is.Not.EqualTo(sample));
        Assert.That(() => Specification.Parse(malformed), Throws.TypeOf<InvalidDataException>().With.Message.Contains(message));
    }

    [Test]
    public void Every_requirement_has_a_scenario_or_a_reason_why_not()
    {
        var covered = All.Scenarios.SelectMany(scenario => scenario.Also.Append(scenario.Requirement)).ToHashSet();

        var uncovered = Catalogue.Requirements.Where(requirement =>
            !covered.Contains(requirement.Id) && (requirement.Binding || requirement.Reason is null));

        Assert.That(uncovered.Select(requirement => requirement.Id), Is.Empty);
    }

    [Test]
    public void Every_scenario_names_requirements_that_exist()
    {
        var unknown = All.Scenarios.SelectMany(scenario => scenario.Also.Append(scenario.Requirement)
            .Where(id => Catalogue.Find(id) is null)
            .Select(id => $"{scenario.Id} names {id}"));

        Assert.That(unknown, Is.Empty);
    }

    [Test]
    public void Scenario_ids_are_unique_and_their_slugs_are_plain()
    {
        Assert.That(All.Scenarios.Select(scenario => scenario.Id), Is.Unique);
        Assert.That(All.Scenarios.Where(scenario => !Slug().IsMatch(scenario.Slug)).Select(scenario => scenario.Id), Is.Empty);
    }

    [GeneratedRegex(@"^\*\*\[(PS-[^\]]*)\]\*\*", RegexOptions.Multiline)]
    private static partial Regex IdInBold();

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex Slug();
}
