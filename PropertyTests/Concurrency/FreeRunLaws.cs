using NUnit.Framework;
using PubSub.Conformance.Histories;

namespace PubSub.PropertyTests.Concurrency;

public sealed class FreeRunLaws
{
    private static readonly BrokerLimits Narrow = new(MaxQueueSize: 60, MaxMessages: 8, MaxReplies: 16);

    private static IEnumerable<string> Wrong => WrongVerbs.All.Keys;

    [Test]
    public void A_history_of_many_threads_has_no_anomaly()
    {
        const int runs = 8;
        var seed = Random.Shared.Next(1, 1_000_000);
        TestContext.Out.WriteLine($"seed {seed}");
        var (received, slow, disconnected) = (0, 0, 0);

        for (var run = 0; run < runs; run++)
        {
            var free = new FreeRun(new Verbs(Narrow), seed + (run * 100));
            var history = free.Run();

            Assert.That(HistoryChecker.Check(history, Narrow.MaxMessages), Is.Empty);
            (received, slow, disconnected) = (received + free.Received, slow + free.Slow, disconnected + free.Disconnected);
        }

        TestContext.Out.WriteLine($"{received} events, {slow} slow consumers, {disconnected} disconnected by a deletion");
        Assert.That(received, Is.GreaterThan(runs * 1000));
        Assert.That(slow, Is.GreaterThan(0));
        Assert.That(disconnected, Is.GreaterThan(0));
    }

    [TestCaseSource(nameof(Wrong))]
    public void Every_rare_fault_is_found(string fault)
    {
        const int most = 40;
        var (make, shows) = WrongVerbs.All[fault];
        var (anomalies, runs) = ((IReadOnlyList<Anomaly>)[], 0);

        for (; runs < most && !anomalies.Any(anomaly => shows.Contains(anomaly.Kind)); runs++)
        {
            anomalies = HistoryChecker.Check(new FreeRun(make(Narrow), Random.Shared.Next(1, 1_000_000)).Run(), Narrow.MaxMessages);
        }

        TestContext.Out.WriteLine($"in run {runs}:\n{string.Join('\n', anomalies)}");
        Assert.That(anomalies.Select(anomaly => anomaly.Kind).Intersect(shows), Is.Not.Empty);
    }
}
