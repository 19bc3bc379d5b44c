namespace PubSub.Conformance.Histories;

/// <summary>
/// Judges a history. From when requests were invoked and answered follows what each subscription must, may and must not have
/// received, and which messages came before which; where two things overlapped either order is right. No correct server is ever
/// accused. The time it takes grows with n log n, n being the number of messages and deliveries.
/// </summary>
public static class HistoryChecker
{
    /// <summary>Of each kind only the earliest are reported.</summary>
    public const int MostPerKind = 10;

    /// <param name="history">What was recorded. Subscriptions that are open at its end are owed everything that was acked.</param>
    /// <param name="retained">How many messages a topic retains, where that is known; otherwise a replay may be of any length up to <c>last_n</c>.</param>
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
            new Windows(topic, new TopicOrder(topic, findings).Chains(), retained, findings).Check();
        }

        return findings.EarliestFirst();
    }
}
