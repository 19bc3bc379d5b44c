using System.Collections.Concurrent;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Gallery.Null;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Reports;
using PubSub.Conformance.Requirements;
using PubSub.Conformance.Running;
using PubSub.Conformance.Targets;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Gallery;

/// <summary>The outcome of every scenario on one null target, and the objections to them.</summary>
/// <param name="Objections">One sentence each; none when only the declared scenarios passed.</param>
internal sealed record NullSweep(NullTarget Target, IReadOnlyList<Outcome> Outcomes, IReadOnlyList<string> Objections)
{
    private const int AtOnce = 64;

    // A null target sends nothing useful, so waiting longer is no use. Waits that are too short can only make passing easier.
    private static readonly Timeouts Impatient = new()
    {
        Connect = TimeSpan.FromSeconds(0.3),
        Wait = TimeSpan.FromSeconds(0.3),
        Start = TimeSpan.FromSeconds(0.4),
        Exit = TimeSpan.FromSeconds(0.4),
        Scenario = TimeSpan.FromSeconds(3),
        Cleanup = TimeSpan.FromSeconds(0.2),
    };

    /// <summary>Runs every scenario on its own, also those under load and those that launch servers.</summary>
    public static async Task<NullSweep> ExecuteAsync(
        NullTarget target, Catalogue catalogue, IReadOnlyList<Scenario> scenarios, CancellationToken cancellation)
    {
        var open = target.Open();
        await using var server = open.Server;
        var outcomes = new ConcurrentBag<Outcome>();
        var hasty = Playing(target, open, catalogue, Impatient);
        await Parallel.ForEachAsync(
            scenarios.Where(scenario => !target.Earns.ContainsKey(scenario.Id)),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (scenario, over) => outcomes.Add(await hasty.RunAsync(scenario, over)));

        // A scenario that has to pass runs alone, with the usual timeouts.
        var patient = Playing(target, open, catalogue, new Timeouts());
        foreach (var scenario in scenarios.Where(scenario => target.Earns.ContainsKey(scenario.Id)))
        {
            outcomes.Add(await patient.RunAsync(scenario, cancellation));
        }

        List<Outcome> inOrder = [.. outcomes.OrderBy(outcome => outcome.Scenario.Id, StringComparer.Ordinal)];
        return new(target, inOrder, [.. Judge(target, inOrder)]);
    }

    private static Runner Playing(NullTarget target, OpenTarget open, Catalogue catalogue, Timeouts timeouts) => new(
        catalogue,
        (Targets.Target.From(open.Origin) with { Timeouts = timeouts }).With(Household.Whole),
        (settings, _) => Task.FromResult<LaunchedServer>(new NullProcess(target, settings, timeouts)));

    /// <summary>The objections to these outcomes.</summary>
    public static IEnumerable<string> Judge(NullTarget target, IReadOnlyList<Outcome> outcomes)
    {
        var passed = outcomes.Where(outcome => outcome.Verdict == Verdict.Pass).ToList();
        foreach (var outcome in passed.Where(outcome => !target.Earns.ContainsKey(outcome.Scenario.Id)))
        {
            yield return $"{outcome.Scenario.Id} passes, although the target is no broker: {outcome.Message}";
        }

        foreach (var outcome in outcomes.Where(outcome => outcome.Verdict == Verdict.Error))
        {
            yield return $"{outcome.Scenario.Id} erred: {outcome.Message}";
        }

        foreach (var outcome in outcomes.Where(outcome => outcome.Verdict != Verdict.Error))
        {
            foreach (var objection in Sentences.Objections(outcome.Message))
            {
                yield return $"the message of {outcome.Scenario.Id} is no sentence: {objection}";
            }
        }

        foreach (var outcome in outcomes.Except(passed).Where(outcome => target.Earns.ContainsKey(outcome.Scenario.Id)))
        {
            yield return $"{outcome.Scenario.Id} is said to be earned, but did not pass: {outcome.Message}";
        }
    }
}
