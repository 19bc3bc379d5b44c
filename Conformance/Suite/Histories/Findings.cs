namespace PubSub.Conformance.Histories;

/// <summary>Keeps only the earliest anomalies of each kind, because a history can have a million.</summary>
internal sealed class Findings(int mostPerKind)
{
    private readonly Dictionary<AnomalyKind, PriorityQueue<Finding, (long, int)>> _latestFirst = [];
    private int _count;

    /// <summary>Builds the witness text only if the anomaly is kept.</summary>
    public void Add(AnomalyKind kind, string topic, long at, Func<string> witness)
    {
        if (!_latestFirst.TryGetValue(kind, out var kept))
        {
            _latestFirst[kind] = kept = new();
        }

        if (kept.Count == mostPerKind)
        {
            if (kept.Peek().At <= at)
            {
                return;
            }

            kept.Dequeue();
        }

        var finding = new Finding(at, _count++, new(kind, topic, witness()));
        kept.Enqueue(finding, (-at, -finding.Number));
    }

    public IReadOnlyList<Anomaly> EarliestFirst() =>
    [
        .. _latestFirst.Values.SelectMany(kept => kept.UnorderedItems)
            .Select(item => item.Element)
            .OrderBy(finding => finding.At).ThenBy(finding => finding.Number)
            .Select(finding => finding.Anomaly),
    ];

    private sealed record Finding(long At, int Number, Anomaly Anomaly);
}
