using System.Globalization;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Running;

/// <summary>The deaths of the target so far, each with its message.</summary>
internal sealed class Deaths
{
    private readonly List<DeathResult> _results = [];

    public Deaths(IEnumerable<DeathResult> earlier)
    {
        _results.AddRange(earlier);
        Restarts = _results.Count(death => death.RestartedBy != RestartedBy.Nothing);
    }

    public IReadOnlyList<DeathResult> Results => _results;

    public int Restarts { get; set; }

    /// <param name="death">The observed death.</param>
    /// <param name="culprits">Ids of scenarios, <see cref="DeathResult.Probe"/> or <see cref="DeathResult.CleanUp"/>.</param>
    /// <param name="suspects">Ids of scenarios.</param>
    /// <param name="proof">How certain the culprits are.</param>
    /// <param name="times">How often the target died of them.</param>
    /// <param name="back">How the target came back; null if it did not.</param>
    public DeathResult Add(
        Death death,
        IReadOnlyList<string> culprits,
        IReadOnlyList<string> suspects,
        DeathProof proof,
        int times,
        (RestartedBy By, TimeSpan After)? back)
    {
        var result = new DeathResult
        {
            AtSeconds = Math.Round(death.LastHeard.TotalSeconds, 3),
            How = death.How,
            Culprits = culprits,
            Proof = proof,
            Suspects = suspects,
            Times = times,
            RestartedBy = back?.By ?? RestartedBy.Nothing,
            BackAfterSeconds = back is { } came ? Math.Round(came.After.TotalSeconds, 3) : null,
            LastRequests = death.LastRequests,
            Message = Sentence(death, culprits, proof, back),
        };
        _results.Add(result);
        return result;
    }

    private static string Sentence(Death death, IReadOnlyList<string> culprits, DeathProof proof, (RestartedBy By, TimeSpan After)? back)
    {
        var who = culprits.Count == 0 ? "something that no scenario sent" : string.Join(" together with ", culprits);
        var last = death.LastRequests.LastOrDefault(request => culprits.Contains(request.Scenario));
        var sent = last is null ? "" : $"; the last that this sent was {last.Kind}: {last.Data.OnOneLine().Quoted(200)}";
        var sure = proof switch
        {
            DeathProof.Confirmed => "confirmed by playing it alone",
            DeathProof.ConfirmedTogether => "confirmed by playing these together",
            _ => "seen once, not confirmed by playing it alone",
        };
        var after = back is not { } came ? "it did not come back" : string.Create(
            CultureInfo.InvariantCulture,
            $"it was back after {came.After.TotalSeconds:0.0} s{(came.By == RestartedBy.Itself ? ", not started by the suite" : "")}");
        return $"The server died of {who}: {death.How} ({sure}; {after}{sent}).";
    }
}
