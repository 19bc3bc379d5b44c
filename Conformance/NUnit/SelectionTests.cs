using System.Diagnostics;
using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;

namespace PubSub.Conformance.Tests;

/// <summary>The patterns by which a user selects scenarios.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class SelectionTests
{
    private static readonly Requirement Newest = Requirement("PS-RPL-001", "RPL", Profile.Replay);
    private static readonly Requirement Created = Requirement("PS-REST-001", "REST", Profile.Core);
    private static readonly Catalogue Catalogue = new([Newest, Created]);
    private static readonly Scenario NewestFirst = new("PS-RPL-001", "newest-first", _ => Task.CompletedTask);
    private static readonly Scenario CreatedOnce = new("PS-REST-001", "created-once", _ => Task.CompletedTask);
    private static readonly IReadOnlyList<Scenario> Both = [NewestFirst, CreatedOnce];

    [TestCase("PS-RPL-001/newest-first")]
    [TestCase("PS-RPL-001")]
    [TestCase("RPL")]
    [TestCase("replay")]
    [TestCase("ps-rpl-001/NEWEST-first")]
    [TestCase("rpl")]
    [TestCase("REPLAY")]
    [TestCase("PS-RPL-*")]
    [TestCase("PS-RPL-00?")]
    [TestCase("*/newest-*")]
    [TestCase("*newest*")]
    [TestCase("R?L")]
    [TestCase("*")]
    [TestCase("PS-RPL-001/newest-first*")]
    public void A_pattern_matches_a_scenario_a_requirement_an_area_or_a_profile(string pattern) =>
        Assert.That(new Pattern(pattern).Fits(NewestFirst, Newest), Is.True);

    [TestCase("PS-RPL-001/newest")]
    [TestCase("newest-first")]
    [TestCase("PS-RPL")]
    [TestCase("PS-RPL-001?")]
    [TestCase("RP")]
    [TestCase("RPL?")]
    [TestCase("core")]
    [TestCase("PS-RPL-001/")]
    [TestCase("PS.RPL.001")]
    [TestCase("(PS-RPL-001|x)")]
    [TestCase("[R]PL")]
    [TestCase("R.L")]
    [TestCase(".*")]
    [TestCase("^RPL$")]
    [TestCase(" RPL")]
    [TestCase("RPL\n")]
    [TestCase("")]
    public void A_pattern_matches_whole_names_and_has_only_two_wildcards(string pattern) =>
        Assert.That(new Pattern(pattern).Fits(NewestFirst, Newest), Is.False);

    [Test]
    public void A_scenario_of_an_unknown_requirement_is_matched_by_its_id() =>
        Assert.That(new Pattern("PS-RPL-*").Fits(NewestFirst, null) && !new Pattern("replay").Fits(NewestFirst, null), Is.True);

    [Test]
    public void A_pattern_of_many_wildcards_is_matched_within_5_seconds()
    {
        var start = Stopwatch.GetTimestamp();

        Assert.That(new Pattern($"{string.Concat(Enumerable.Repeat("*?*", 40))}!").Fits(NewestFirst, Newest), Is.False);
        Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(5)));
    }

    [Test]
    public void A_pattern_file_has_one_pattern_per_line_and_comments()
    {
        var patterns = Selection.Parse(["# what we know", "", "   ", "  PS-RPL-*  # since 1.2", "REST\r", "#REST", "a#b#c"]);

        Assert.That(patterns.Select(pattern => pattern.ToString()), Is.EqualTo((string[])["PS-RPL-*", "REST", "a"]));
    }

    [Test]
    public void Without_an_include_pattern_every_scenario_is_included()
    {
        Assert.That(new Selection().Includes(NewestFirst, Newest), Is.True);
        Assert.That(new Selection { Include = [new("REST")] }.Includes(NewestFirst, Newest), Is.False);
        Assert.That(new Selection { Include = [new("REST"), new("replay")] }.Includes(NewestFirst, Newest), Is.True);
    }

    [Test]
    public void An_excluded_scenario_is_not_run_even_if_it_is_included()
    {
        var options = new RunOptions { Selection = new() { Include = [new("*")], Exclude = [new("PS-RPL-001")] } };

        Assert.That(Run.Chosen(Catalogue, Both, options), Is.EqualTo(new[] { CreatedOnce }));
    }

    [Test]
    public void A_scenario_that_is_known_to_fail_is_run()
    {
        var selection = new Selection { KnownFailing = [new("nothing"), new("RPL"), new("PS-RPL-001")] };

        Assert.That(Run.Chosen(Catalogue, Both, new RunOptions { Selection = selection }), Is.EqualTo(Both));
        Assert.That(selection.Expecting(NewestFirst, Newest)?.ToString(), Is.EqualTo("RPL"), "the first pattern that matches is named");
        Assert.That(selection.Expecting(CreatedOnce, Created), Is.Null);
    }

    [Test]
    public void Load_scenarios_run_only_if_load_is_allowed()
    {
        var flood = NewestFirst with { IsLoad = true };

        Assert.That(Run.Chosen(Catalogue, [flood, CreatedOnce], new RunOptions()), Is.EqualTo(new[] { CreatedOnce }));
        Assert.That(
            Run.Chosen(Catalogue, [flood, CreatedOnce], new RunOptions { AllowLoad = true }),
            Is.EqualTo(new[] { flood, CreatedOnce }));
    }

    [Test]
    public void Every_pattern_that_matches_nothing_is_reported_with_its_option()
    {
        var selection = new Selection
        {
            Include = [new("RPL"), new("RLP")],
            Exclude = [new("PS-REST-001/created-twice")],
            KnownFailing = [new("core"), new("PS-RPL-009")],
        };

        Assert.That(selection.Idle(Both, Catalogue), Is.EqualTo((string[])
        [
            "--include: 'RLP' fits no scenario",
            "--exclude: 'PS-REST-001/created-twice' fits no scenario",
            "--known-failing: 'PS-RPL-009' fits no scenario",
        ]));
    }

    private static Requirement Requirement(string id, string area, Profile profile) => new()
    {
        Id = id,
        Level = Level.Must,
        Area = area,
        Text = "The sentence.",
        Intent = "The intent.",
        Profile = profile,
        Testability = Testability.Blackbox,
    };
}
