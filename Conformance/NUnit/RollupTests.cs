using NUnit.Framework;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Tests;

/// <summary>How verdicts are summed up: an undecided one never counts as a good one.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class RollupTests
{
    private static readonly Ending Completed = new(EndingKind.Completed, "Every scenario had its turn.");

    private static readonly Verdict[] Undecided =
        [Verdict.Unsupported, Verdict.Inconclusive, Verdict.Disabled, Verdict.NotEvaluated];

    // One requirement ------------------------------------------------------------------------------------------------

    [TestCase(RequirementStatus.NotEvaluated)]
    [TestCase(RequirementStatus.Satisfied, Verdict.Pass)]
    [TestCase(RequirementStatus.Satisfied, Verdict.Pass, Verdict.Pass)]
    [TestCase(RequirementStatus.Satisfied, Verdict.Pass, Verdict.Observed)]
    [TestCase(RequirementStatus.LeftOpen, Verdict.Observed)]
    [TestCase(RequirementStatus.LeftOpen, Verdict.Observed, Verdict.Observed)]
    [TestCase(RequirementStatus.PartlyEvaluated, Verdict.Pass, Verdict.Unsupported)]
    [TestCase(RequirementStatus.PartlyEvaluated, Verdict.Observed, Verdict.Inconclusive)]
    [TestCase(RequirementStatus.PartlyEvaluated, Verdict.Pass, Verdict.Disabled)]
    [TestCase(RequirementStatus.PartlyEvaluated, Verdict.Pass, Verdict.NotEvaluated)]
    [TestCase(RequirementStatus.Warned, Verdict.Warn)]
    [TestCase(RequirementStatus.Warned, Verdict.Pass, Verdict.Warn, Verdict.Inconclusive)]
    [TestCase(RequirementStatus.Violated, Verdict.Fail)]
    [TestCase(RequirementStatus.Violated, Verdict.Pass, Verdict.Fail, Verdict.Warn, Verdict.Unsupported)]
    [TestCase(RequirementStatus.Error, Verdict.Error)]
    [TestCase(RequirementStatus.Error, Verdict.Fail, Verdict.Error, Verdict.Pass)]
    public void The_status_of_a_requirement_follows_from_the_verdicts_of_its_scenarios(
        RequirementStatus status, params Verdict[] verdicts) =>
        Assert.That(Rollup.Status(verdicts), Is.EqualTo(status));

    [Test]
    public void A_requirement_with_an_undecided_scenario_is_not_satisfied([Values] Verdict one, [Values] Verdict other)
    {
        var status = Rollup.Status([one, other]);

        Assert.That(Rollup.Status([other, one]), Is.EqualTo(status), "the order does not matter");
        if (Undecided.Contains(one) || Undecided.Contains(other))
        {
            Assert.That(status, Is.Not.EqualTo(RequirementStatus.Satisfied).And.Not.EqualTo(RequirementStatus.LeftOpen));
        }

        if (Undecided.Contains(one) && Undecided.Contains(other))
        {
            Assert.That(status, Is.EqualTo(RequirementStatus.NotEvaluated));
        }
    }

    [Test]
    public void The_worst_verdict_of_the_repetitions_counts()
    {
        Verdict[] fromTheWorst =
        [
            Verdict.Error, Verdict.Fail, Verdict.Warn, Verdict.Inconclusive, Verdict.NotEvaluated, Verdict.Observed, Verdict.Pass,
            Verdict.Unsupported, Verdict.Disabled,
        ];

        Assert.That(fromTheWorst, Is.EquivalentTo(Enum.GetValues<Verdict>()));
        for (var worse = 0; worse < fromTheWorst.Length; worse++)
        {
            for (var better = worse; better < fromTheWorst.Length; better++)
            {
                Assert.That(Rollup.Worst([fromTheWorst[better], fromTheWorst[worse]]), Is.EqualTo(fromTheWorst[worse]));
                Assert.That(Rollup.Worst([fromTheWorst[worse], fromTheWorst[better]]), Is.EqualTo(fromTheWorst[worse]));
            }
        }
    }

    [TestCase(Verdict.Fail, Verdict.NotEvaluated, Verdict.Fail)]
    [TestCase(Verdict.Warn, Verdict.NotEvaluated, Verdict.Warn)]
    [TestCase(Verdict.Inconclusive, Verdict.Inconclusive, null)]
    [TestCase(Verdict.Pass, Verdict.Pass, null)]
    public void A_violation_that_blames_another_requirement_counts_only_for_that_requirement(Verdict verdict, Verdict own, Verdict? blamed)
    {
        var scenario = Scenario(verdict) with { Blames = "PS-TST-999" };

        var counted = Rollup.Counts(scenario).ToDictionary(entry => entry.Requirement, entry => entry.Verdict);

        Assert.That(counted[scenario.Requirement], Is.EqualTo(own));
        Assert.That(counted.TryGetValue("PS-TST-999", out var there) ? there : (Verdict?)null, Is.EqualTo(blamed));
        Assert.That(Rollup.Counts(scenario with { Blames = scenario.Requirement }), Is.EqualTo([(scenario.Requirement, verdict)]));
    }

    // One profile ----------------------------------------------------------------------------------------------------

    [TestCase(Conformity.Conformant, RequirementStatus.Satisfied)]
    [TestCase(Conformity.Conformant, RequirementStatus.Satisfied, RequirementStatus.LeftOpen)]
    [TestCase(Conformity.ConformantWithWarnings, RequirementStatus.Satisfied, RequirementStatus.Warned)]
    [TestCase(Conformity.Partial, RequirementStatus.Satisfied, RequirementStatus.NotEvaluated)]
    [TestCase(Conformity.Partial, RequirementStatus.Satisfied, RequirementStatus.PartlyEvaluated)]
    [TestCase(Conformity.Partial, RequirementStatus.PartlyEvaluated)]
    [TestCase(Conformity.Partial, RequirementStatus.Satisfied, RequirementStatus.Error)]
    [TestCase(Conformity.Partial, RequirementStatus.Warned, RequirementStatus.NotEvaluated)]
    [TestCase(Conformity.NotEvaluated, RequirementStatus.NotEvaluated, RequirementStatus.NotEvaluated)]
    [TestCase(Conformity.NotEvaluated, RequirementStatus.NotEvaluated, RequirementStatus.Error)]
    [TestCase(Conformity.NonConformant, RequirementStatus.Violated)]
    [TestCase(Conformity.NonConformant, RequirementStatus.Satisfied, RequirementStatus.Violated, RequirementStatus.NotEvaluated)]
    public void A_profile_is_conformant_only_if_all_its_requirements_are_decided(Conformity conformity, params RequirementStatus[] statuses)
    {
        var profile = Profiles(statuses).Single(row => row.Name == "replay");

        Assert.That(profile.Conformity, Is.EqualTo(conformity));
        Assert.That(
            profile.Satisfied + profile.Violated + profile.Warned + profile.NotEvaluated,
            Is.EqualTo(profile.Requirements).And.EqualTo(statuses.Length));
    }

    [Test]
    public void A_profile_with_an_undecided_requirement_is_not_conformant()
    {
        RequirementStatus[] open = [RequirementStatus.NotEvaluated, RequirementStatus.PartlyEvaluated, RequirementStatus.Error];
        var all = Enum.GetValues<RequirementStatus>();
        foreach (var (one, other, third) in from one in all from other in all from third in all select (one, other, third))
        {
            foreach (var profile in Profiles([one, other, third]).Where(_ => new[] { one, other, third }.Any(open.Contains)))
            {
                Assert.That(
                    profile.Conformity,
                    Is.Not.EqualTo(Conformity.Conformant).And.Not.EqualTo(Conformity.ConformantWithWarnings),
                    $"{profile.Name}: {one}, {other}, {third}");
            }
        }
    }

    [Test]
    public void In_the_strict_profile_a_violated_SHOULD_is_a_violation()
    {
        var profiles = Profiles([RequirementStatus.Satisfied, RequirementStatus.Warned]);

        Assert.That(profiles.Select(profile => profile.Name), Is.EqualTo((string[])["replay", Rollup.Strict]));
        Assert.That(profiles[^1].Conformity, Is.EqualTo(Conformity.NonConformant));
    }

    [Test]
    public void Without_requirements_only_the_strict_profile_is_listed_and_is_not_evaluated()
    {
        var profiles = Rollup.Profiles([]);

        Assert.That(
            profiles.Select(profile => (profile.Name, profile.Conformity)),
            Is.EqualTo(new[] { (Rollup.Strict, Conformity.NotEvaluated) }));
    }

    // The whole ------------------------------------------------------------------------------------------------------

    /// <summary>Starts with all problems at once and removes them one by one, in the documented order.</summary>
    [Test]
    public void The_conclusion_is_the_first_problem_in_the_documented_order()
    {
        List<ScenarioResult> scenarios =
        [
            Scenario(Verdict.Error),
            Scenario(Verdict.Fail),
            Scenario(Verdict.Inconclusive),
            Scenario(Verdict.Warn, Level.Should),
            Scenario(Verdict.Pass),
        ];
        List<string> stale = ["it passed"];

        Assert.That(Conclude(EndingKind.Cancelled), Is.EqualTo((ConclusionKind.Cancelled, ExitCode.Cancelled)));
        Assert.That(
            Conclude(EndingKind.TargetDied),
            Is.EqualTo((ConclusionKind.Error, ExitCode.SuiteError)),
            "an error comes before an incomplete run");
        Assert.That(Conclude(EndingKind.Deadline), Is.EqualTo((ConclusionKind.Error, ExitCode.SuiteError)));
        Assert.That(Conclude(EndingKind.Completed), Is.EqualTo((ConclusionKind.Error, ExitCode.SuiteError)));
        scenarios.RemoveAt(0);
        Assert.That(
            Conclude(EndingKind.TargetDied),
            Is.EqualTo((ConclusionKind.Violation, ExitCode.Violation)),
            "a violation comes before an incomplete run");
        Assert.That(Conclude(EndingKind.Deadline), Is.EqualTo((ConclusionKind.Violation, ExitCode.Violation)));
        Assert.That(Conclude(EndingKind.Completed), Is.EqualTo((ConclusionKind.Violation, ExitCode.Violation)));
        scenarios.RemoveAt(0);
        Assert.That(
            Conclude(EndingKind.TargetDied),
            Is.EqualTo((ConclusionKind.NotEvaluated, ExitCode.NotEvaluated)),
            "an incomplete run comes before a stale expectation");
        Assert.That(Conclude(EndingKind.Deadline), Is.EqualTo((ConclusionKind.NotEvaluated, ExitCode.NotEvaluated)));
        Assert.That(Conclude(EndingKind.Completed, strict: true), Is.EqualTo((ConclusionKind.Violation, ExitCode.Violation)));
        Assert.That(Conclude(EndingKind.Completed), Is.EqualTo((ConclusionKind.Stale, ExitCode.Stale)), "stale comes before undecided");
        stale.Clear();
        Assert.That(Conclude(EndingKind.Completed), Is.EqualTo((ConclusionKind.NotEvaluated, ExitCode.NotEvaluated)));
        scenarios.RemoveAt(0);
        Assert.That(
            Conclude(EndingKind.Completed),
            Is.EqualTo((ConclusionKind.Conformant, ExitCode.Conformant)),
            "a warning is no violation");
        scenarios.RemoveAt(0);
        Assert.That(Conclude(EndingKind.Completed, strict: true), Is.EqualTo((ConclusionKind.Conformant, ExitCode.Conformant)));
        scenarios.Clear();
        Assert.That(
            Conclude(EndingKind.Completed),
            Is.EqualTo((ConclusionKind.NotEvaluated, ExitCode.NotEvaluated)),
            "nothing decided is not conformant");

        (ConclusionKind, int) Conclude(EndingKind kind, bool strict = false)
        {
            var conclusion = Rollup.Conclude(new(kind, "The end."), scenarios, Script.Catalogue, stale, strict);
            Assert.That(conclusion.Message, Does.EndWith("."));
            return (conclusion.Kind, conclusion.ExitCode);
        }
    }

    [TestCase(Verdict.Pass, ExitCode.Conformant)]
    [TestCase(Verdict.Observed, ExitCode.Conformant)]
    [TestCase(Verdict.Warn, ExitCode.Conformant)]
    [TestCase(Verdict.Fail, ExitCode.Violation)]
    [TestCase(Verdict.Error, ExitCode.SuiteError)]
    [TestCase(Verdict.Inconclusive, ExitCode.NotEvaluated)]
    [TestCase(Verdict.Unsupported, ExitCode.NotEvaluated)]
    [TestCase(Verdict.Disabled, ExitCode.NotEvaluated)]
    [TestCase(Verdict.NotEvaluated, ExitCode.NotEvaluated)]
    public void A_single_verdict_gives_its_exit_code(Verdict verdict, int code) =>
        Assert.That(Rollup.Conclude(Completed, [Scenario(verdict)], Script.Catalogue, [], strict: false).ExitCode, Is.EqualTo(code));

    [TestCase(Level.Must, ExitCode.NotEvaluated)]
    [TestCase(Level.MustNot, ExitCode.NotEvaluated)]
    [TestCase(Level.Should, ExitCode.Conformant)]
    [TestCase(Level.ShouldNot, ExitCode.Conformant)]
    public void Only_binding_requirements_have_to_be_decided(Level level, int code)
    {
        ScenarioResult[] scenarios = [Scenario(Verdict.Pass), Scenario(Verdict.Inconclusive, level)];

        Assert.That(Rollup.Conclude(Completed, scenarios, Script.Catalogue, [], strict: false).ExitCode, Is.EqualTo(code));
    }

    [Test]
    public void A_known_failure_is_neither_a_violation_nor_undecided()
    {
        ScenarioResult[] scenarios =
        [
            Scenario(Verdict.Pass),
            Scenario(Verdict.Fail) with { KnownFailing = "PS-TST-*" },
            Scenario(Verdict.Inconclusive) with { KnownFailing = "PS-TST-*" },
            Scenario(Verdict.Warn, Level.Should) with { KnownFailing = "PS-TST-*" },
            Scenario(Verdict.Disabled) with { KnownFailing = "PS-TST-*" },
        ];

        var conclusion = Rollup.Conclude(Completed, scenarios, Script.Catalogue, [], strict: true);

        Assert.That(conclusion.ExitCode, Is.EqualTo(ExitCode.Conformant));
        Assert.That(conclusion.Message, Does.Contain("2 known failures"), "excluded and undecided scenarios did not fail");
    }

    [Test]
    public void A_known_failure_does_not_excuse_an_error_of_the_suite() =>
        Assert.That(
            Rollup.Conclude(Completed, [Scenario(Verdict.Error) with { KnownFailing = "*" }], Script.Catalogue, [], strict: false).ExitCode,
            Is.EqualTo(ExitCode.SuiteError));

    [Test]
    public void The_conclusion_gives_the_numbers_of_scenarios()
    {
        ScenarioResult[] scenarios =
        [
            Scenario(Verdict.Fail), Scenario(Verdict.Fail), Scenario(Verdict.Warn, Level.Should), Scenario(Verdict.Pass),
        ];

        Assert.That(Message(scenarios, strict: false), Does.Contain("2 scenarios failed"));
        Assert.That(Message(scenarios, strict: true), Does.Contain("2 scenarios failed").And.Contain("1 recommendation not followed"));
        Assert.That(Message(scenarios[1..], strict: false), Does.Contain("1 scenario failed"));
        Assert.That(Message(scenarios[2..], strict: false), Does.Contain("1 scenario warned"));
        Assert.That(Message([], strict: false), Does.Contain("Nothing was decided"));

        static string Message(ScenarioResult[] scenarios, bool strict) =>
            Rollup.Conclude(Completed, scenarios, Script.Catalogue, [], strict).Message;
    }

    [Test]
    public void The_conclusion_names_both_the_violation_and_the_incomplete_run()
    {
        ScenarioResult[] scenarios =
        [
            Scenario(Verdict.Fail), Scenario(Verdict.Pass), Scenario(Verdict.NotEvaluated), Scenario(Verdict.NotEvaluated),
        ];
        var ending = new Ending(EndingKind.TargetDied, "The target stopped answering.");

        var conclusion = Rollup.Conclude(ending, scenarios, Script.Catalogue, [], strict: false, [Death("PS-TST-001/Fail", times: 2)]);

        Assert.That(conclusion.ExitCode, Is.EqualTo(ExitCode.Violation));
        Assert.That(conclusion.Message, Is.EqualTo(
            "1 scenario failed. The target died twice. 2 scenarios not evaluated: The target stopped answering."));
    }

    [Test]
    public void A_death_during_the_probe_is_a_violation_although_no_scenario_failed()
    {
        var conclusion = Rollup.Conclude(
            Completed, [Scenario(Verdict.Pass)], Script.Catalogue, [], strict: false, [Death(DeathResult.Probe, times: 1)]);

        Assert.That((conclusion.ExitCode, conclusion.Message), Is.EqualTo((ExitCode.Violation, "The target died once.")));
    }

    [Test]
    public void A_death_without_a_culprit_is_a_violation()
    {
        var uncharged = Death("", times: 1) with { Culprits = [] };

        var conclusion = Rollup.Conclude(Completed, [Scenario(Verdict.Pass)], Script.Catalogue, [], strict: false, [uncharged]);

        Assert.That((conclusion.ExitCode, conclusion.Message), Is.EqualTo((ExitCode.Violation, "The target died once.")));
    }

    [Test]
    public void Exit_codes_have_the_documented_values() =>
        Assert.That(
            (int[])
            [
                ExitCode.Conformant, ExitCode.Violation, ExitCode.Usage, ExitCode.Unreachable, ExitCode.SuiteError, ExitCode.Stale,
                ExitCode.NotEvaluated, ExitCode.Cancelled,
            ],
            Is.EqualTo((int[])[0, 1, 2, 3, 4, 5, 6, 130]));

    private static IReadOnlyList<ProfileResult> Profiles(RequirementStatus[] statuses) => Rollup.Profiles(
    [
        .. statuses.Select((status, n) => new RequirementResult
        {
            Id = $"PS-TST-{n:D3}",
            Level = Level.Must,
            Area = "TST",
            Profile = Profile.Replay,
            Text = "The sentence.",
            Intent = "The intent.",
            Status = status,
        }),
    ]);

    private static DeathResult Death(string culprit, int times) => new()
    {
        AtSeconds = 1,
        Message = "It died.",
        How = "it accepts no connections any more",
        Culprits = [culprit],
        Proof = DeathProof.SeenOnce,
        Times = times,
        RestartedBy = RestartedBy.Nothing,
    };

    private static ScenarioResult Scenario(Verdict verdict, Level level = Level.Must) =>
        new() { Id = $"{Script.IdOf(level)}/{verdict}", Requirement = Script.IdOf(level), Verdict = verdict, Message = "Because." };
}
