namespace PubSub.Conformance.Running;

/// <summary>The scenarios that may have killed the target, the most suspect first.</summary>
internal static class Suspects
{
    /// <param name="death">The death.</param>
    /// <param name="underWay">The scenarios that it interrupted; the one that noticed it comes first.</param>
    /// <param name="over">The scenarios that had ended.</param>
    public static IReadOnlyList<Outcome> Of(Death death, IReadOnlyList<Outcome> underWay, IReadOnlyList<Outcome> over)
    {
        var distance = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var request in death.LastRequests)
        {
            var away = Math.Abs(request.AtSeconds - death.LastHeard.TotalSeconds);
            distance[request.Scenario] = Math.Min(away, distance.GetValueOrDefault(request.Scenario, double.MaxValue));
        }

        // A scenario without a connection found the target already dead.
        var present = underWay.Where(outcome => outcome.Traffic is { Connections: > 0 }).ToList();
        var recent = over.Where(outcome => outcome.Ended > death.LastHeard || distance.ContainsKey(outcome.Scenario.Id));
        List<Outcome> suspects =
        [
            .. present.Concat(recent).DistinctBy(outcome => outcome.Scenario.Id)
                .OrderByDescending(outcome => outcome.Scenario.Danger)
                .ThenBy(outcome => distance.GetValueOrDefault(outcome.Scenario.Id, double.MaxValue)),
        ];
        return suspects;
    }
}
