using PubSub.Conformance.Fixture;
using PubSub.Conformance.Network;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>Makes the results of a run from the outcomes of its scenarios.</summary>
internal sealed class ResultsBuilder(RunSetup setup)
{
    private const int KeptLines = 300;

    /// <param name="outcomes">In order; several outcomes of one scenario are its repetitions.</param>
    public Results Build(
        DateTimeOffset started, TimeSpan duration, IEnumerable<Outcome> outcomes, Ending ending, Deaths deaths, Traffic traffic)
    {
        var byScenario = outcomes.ToLookup(outcome => outcome.Scenario.Id, StringComparer.Ordinal);
        List<ScenarioResult> scenarios =
        [
            .. setup.Scenarios.Select(scenario => Of(byScenario[scenario.Id].DefaultIfEmpty(NotRun(scenario, ending.Kind)).ToList())),
        ];
        var died = deaths.Results.Select(setup.Redaction.Clean).ToList();
        var verdicts = scenarios.SelectMany(Rollup.Counts)
            .Concat(died.Select(_ => (Requirement: DeathResult.Requirement, Verdict: Verdict.Fail)))
            .ToLookup(counted => counted.Requirement, counted => counted.Verdict, StringComparer.Ordinal);
        List<RequirementResult> requirements = [.. setup.Catalogue.Requirements.Select(requirement =>
            RequirementResult.Of(requirement, setup.Probed.Target.Offers(requirement.Profile)
                ? Rollup.Status([.. verdicts[requirement.Id]])
                : RequirementStatus.Unsupported))];
        List<string> stale =
        [
            .. setup.Options.Selection.Idle(setup.Scenarios, setup.Catalogue),
            .. scenarios.Where(scenario => scenario is { KnownFailing: not null, Verdict: Verdict.Pass or Verdict.Observed })
                .Select(scenario => $"{scenario.Id} is known to fail by '{scenario.KnownFailing}', but it passed"),
        ];

        return new Results
        {
            Run = setup.Names.Run,
            Suite = Run.Identity(setup.Catalogue),
            Started = started,
            DurationSeconds = Math.Round(duration.TotalSeconds, 3),
            Target = setup.Probed.Describe(setup.Redaction),
            Options = setup.Options.Described.ToDictionary(option => option.Key, option => setup.Redaction.Clean(option.Value)),
            Ending = setup.Redaction.Clean(ending),
            Deaths = died,
            Restarts = deaths.Restarts,
            Conclusion = setup.Redaction.Clean(Rollup.Conclude(ending, scenarios, setup.Catalogue, stale, setup.Options.Strict, died)),
            Totals = Enum.GetValues<Verdict>()
                .ToDictionary(verdict => verdict, verdict => scenarios.Count(scenario => scenario.Verdict == verdict)),
            Profiles = Rollup.Profiles(requirements, isAccommodated: !setup.Probed.Target.Accommodations.AreNone),
            Requirements = requirements,
            Scenarios = scenarios,
            Stale = stale,
            Leftovers = setup.Names.Journal?.Left ?? [],
            Traffic = new TrafficResult(traffic.Connections, traffic.MostOpen, traffic.BytesSent, traffic.BytesReceived),
        };
    }

    /// <summary>The result of one scenario: its worst repetition, with secrets redacted.</summary>
    public ScenarioResult Of(IReadOnlyList<Outcome> repetitions)
    {
        var worst = Rollup.Worst(repetitions.Select(outcome => outcome.Verdict));
        var outcome = repetitions.First(candidate => candidate.Verdict == worst);
        var same = repetitions.Count(repetition => repetition.Verdict == worst);
        return setup.Redaction.Clean(outcome.ToResult() with
        {
            Message = same == repetitions.Count ? outcome.Message : $"{outcome.Message} (in {same} of {repetitions.Count} repetitions)",
            KnownFailing = setup.Options.Selection.Expecting(outcome.Scenario, outcome.Requirement)?.ToString(),
            Repetitions = setup.Options.Repeat > 1 ? [.. repetitions.Select(repetition => repetition.Verdict)] : [],
        });
    }

    /// <summary>
    /// Drops the transcript lines that the results do not keep: whole transcripts of a thousand repetitions would fill the memory.
    /// </summary>
    public Outcome Shortened(Outcome outcome)
    {
        var kept = setup.Options.Transcripts switch
        {
            KeptTranscripts.All => true,
            KeptTranscripts.Failed => outcome.Verdict is not (Verdict.Pass or Verdict.Unsupported or Verdict.Disabled),
            _ => false,
        };
        if (!kept)
        {
            return outcome with { Transcript = [], TranscriptDropped = 0 };
        }

        var (transcript, dropped) = Network.Transcript.Abridge(outcome.Transcript, KeptLines);
        return outcome with { Transcript = transcript, TranscriptDropped = outcome.TranscriptDropped + dropped };
    }

    private Outcome NotRun(Scenario scenario, EndingKind ending)
    {
        var requirement = setup.Catalogue.Find(scenario.Requirement);
        return setup.Options.Refusal(scenario, requirement) is { } refusal
            ? new(scenario, requirement, Verdict.Disabled, refusal)
            : new(scenario, requirement, Verdict.NotEvaluated, ending switch
            {
                EndingKind.TargetDied => "the target had stopped answering",
                EndingKind.Cancelled => "the run was cancelled",
                _ => "the run was out of time",
            });
    }
}
