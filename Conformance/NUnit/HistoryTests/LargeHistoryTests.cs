using System.Collections.Concurrent;
using System.Diagnostics;
using NUnit.Framework;
using PubSub.Conformance.Histories;

namespace PubSub.Conformance.Tests.HistoryTests;

/// <summary>Histories as large as those of a stress test can be judged.</summary>
[TestFixture]
public sealed class LargeHistoryTests
{
    [TestCase(10, 20_000)]
    [TestCase(200, 1_000)]
    [TestCase(1, 200_000)]
    public void A_correct_history_of_200000_deliveries_has_no_anomalies(int subscribers, int messages)
    {
        var history = Publish(subscribers, messages, receives: (_, _) => true);

        Assert.That(Check(history, "right"), Is.Empty);
    }

    [Test]
    public void Losses_in_a_history_of_200000_deliveries_are_found()
    {
        var lost = Publish(20, 10_000, receives: (_, _) => false);
        var holed = Publish(20, 10_000, receives: (subscriber, message) => (subscriber + message) % 2 == 0);

        var expected = Enumerable.Repeat(AnomalyKind.Lost, HistoryChecker.MostPerKind);
        Assert.That(Check(lost, "all lost").Select(anomaly => anomaly.Kind), Is.EqualTo(expected));
        Assert.That(Check(holed, "every other lost").Select(anomaly => anomaly.Kind), Is.EqualTo(expected));
    }

    [Test]
    public void A_subscriber_that_receives_everything_backwards_is_found()
    {
        var history = Publish(10, 20_000, receives: (_, _) => true, overlapping: 20_000);
        var entries = history.Subscribers[0].Entries;
        var end = entries[^1].At;
        var backwards = history.Subscribers[0] with
        {
            Entries = [.. entries.Take(2), .. entries.Skip(2).Reverse().Select((entry, n) => entry with { At = end + n })],
        };

        var anomalies = Check(history with { Subscribers = [backwards, .. history.Subscribers.Skip(1)] }, "backwards");

        var kinds = anomalies.Select(anomaly => anomaly.Kind);
        Assert.That(kinds, Has.Some.EqualTo(AnomalyKind.TwoOrders).Or.Some.EqualTo(AnomalyKind.Reordered));
    }

    [Test]
    public void A_subscriber_that_subscribes_2000_times_is_judged()
    {
        var recorder = new HistoryRecorder();
        var (comer, stayer) = (recorder.Subscriber("comer"), recorder.Subscriber("stayer"));
        stayer.Subscribe("orders").Acked();
        var number = 0;
        for (var round = 0; round < 2_000; round++)
        {
            comer.Subscribe("orders", lastN: 5).Acked();
            for (var n = Math.Max(0, number - 5); n < number; n++)
            {
                comer.Received("orders", $"m{n}");
            }

            for (var n = 0; n < 40; n++)
            {
                var id = $"m{number++}";
                recorder.Publish("alice", "orders", id).Acked();
                comer.Received("orders", id);
                stayer.Received("orders", id);
            }

            comer.Unsubscribe("orders").Acked();
        }

        Assert.That(Check(recorder.ToHistory(), "coming and going", retained: 100), Is.Empty);
    }

    [Test]
    public void Many_threads_can_record_one_history()
    {
        const int publishers = 4, subscribers = 4, each = 2_000, retained = 50;
        var recorder = new HistoryRecorder();
        var gate = new Lock();
        var ring = new List<string>();
        var members = new List<BlockingCollection<string?>>();

        void Publish(int publisher)
        {
            for (var n = 0; n < each; n++)
            {
                var id = $"{publisher}-{n}";
                var publish = recorder.Publish($"publisher-{publisher}", "orders", id);
                lock (gate)
                {
                    ring.Add(id);
                    ring.RemoveRange(0, Math.Max(0, ring.Count - retained));
                    members.ForEach(member => member.Add(id));
                }

                publish.Acked();
            }
        }

        void Subscribe(int number)
        {
            using var queue = new BlockingCollection<string?>();
            var log = recorder.Subscriber($"reader-{number}");
            for (var round = 0; round < 20; round++)
            {
                var subscribe = log.Subscribe("orders", lastN: 20);
                lock (gate)
                {
                    queue.Add(null);
                    ring.TakeLast(20).ToList().ForEach(queue.Add);
                    members.Add(queue);
                }

                for (var n = 0; n < 200; n++)
                {
                    Read(subscribe, n == 0 ? Timeout.Infinite : 1);
                }

                var unsubscribe = log.Unsubscribe("orders");
                lock (gate)
                {
                    members.Remove(queue);
                    queue.Add(null);
                }

                while (Read(unsubscribe, 0))
                {
                }
            }

            bool Read(Invocation answered, int patience)
            {
                if (!queue.TryTake(out var id, patience))
                {
                    return false;
                }

                if (id is null)
                {
                    answered.Acked();
                }
                else
                {
                    log.Received("orders", id);
                }

                return true;
            }
        }

        Parallel.Invoke(
            new ParallelOptions { MaxDegreeOfParallelism = publishers + subscribers },
            [
                .. Enumerable.Range(1, subscribers).Select(number => (Action)(() => Subscribe(number))),
                .. Enumerable.Range(1, publishers).Select(publisher => (Action)(() => Publish(publisher))),
            ]);
        var history = recorder.ToHistory();

        Assert.That(history.Publications, Has.Count.EqualTo(publishers * each));
        var entries = history.Subscribers.SelectMany(log => log.Entries);
        Assert.That(entries.Count(entry => entry.Kind == EntryKind.Unsubscribed), Is.EqualTo(subscribers * 20));
        Assert.That(Check(history, "threads", retained), Is.Empty);
    }

    /// <summary>Three publishers, each with several open publishes at any time, and subscribers from the beginning.</summary>
    private static History Publish(int subscribers, int messages, Func<int, int, bool> receives, int overlapping = 20)
    {
        var recorder = new HistoryRecorder();
        var logs = Enumerable.Range(1, subscribers).Select(n => recorder.Subscriber($"reader-{n:D4}")).ToList();
        logs.ForEach(log => log.Subscribe("orders").Acked());
        var open = new Queue<Invocation>();
        for (var n = 0; n < messages; n++)
        {
            open.Enqueue(recorder.Publish($"publisher-{n % 3}", "orders", $"m{n}"));
            if (open.Count > overlapping)
            {
                open.Dequeue().Acked();
            }

            for (var place = 0; place < logs.Count; place++)
            {
                if (receives(place, n))
                {
                    logs[place].Received("orders", $"m{n}");
                }
            }
        }

        foreach (var last in open)
        {
            last.Acked();
        }

        return recorder.ToHistory();
    }

    private static IReadOnlyList<Anomaly> Check(History history, string what, int? retained = null)
    {
        var clock = Stopwatch.StartNew();
        var anomalies = HistoryChecker.Check(history, retained);
        var events = history.Subscribers.Sum(log => log.Entries.Count(entry => entry.Kind == EntryKind.Received));
        var messages = history.Publications.Count;
        TestContext.Out.WriteLine($"{what}: {messages} messages and {events} deliveries took {clock.ElapsedMilliseconds} ms");
        return anomalies;
    }
}
