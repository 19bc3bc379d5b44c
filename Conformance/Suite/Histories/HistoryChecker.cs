namespace PubSub.Conformance.Histories;

/// <summary>
/// Checks a history. The times of requests and answers determine what each subscription must, may and must not have received, and which
/// messages came before which; if two requests overlapped, either order is right. A correct server never causes an anomaly. The check
/// takes O(n log n), n being the number of messages and deliveries.
/// </summary>
public static class HistoryChecker
{
    /// <summary>Only the earliest anomalies of each kind are reported.</summary>
    public const int MostPerKind = 10;

    /// <param name="history">The history. A subscription that is open at its end must have received everything that was acked.</param>
    /// <param name="retained">How many messages a topic retains; if null, a replay may have any length up to <c>last_n</c>.</param>
    /// <returns>The anomalies, earliest first.</returns>
    /// <exception cref="ArgumentException">Two messages of one topic have the same id.</exception>
    public static IReadOnlyList<Anomaly> Check(History history, int? retained = null)
    {
        ArgumentNullException.ThrowIfNull(history);
        var findings = new Findings(MostPerKind);
        var topics = new TopicTable(history);
        foreach (var log in history.Subscribers)
        {
            new LogReading(log, topics, findings).Read();
        }

        foreach (var topic in topics.All)
        {
            var positions = new Positions(topic, findings);
            positions.CheckOrder();
            new Windows(topic, new TopicOrder(topic, findings).Chains(), positions, retained, findings).Check();
        }

        return findings.EarliestFirst();
    }
}
