using NUnit.Framework;
using PubSub.Conformance.Histories;

namespace PubSub.Conformance.Tests.HistoryTests;

/// <summary>The checker finds nothing in random histories of a correct server, and the fault in each spoilt one.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class RandomHistoryTests
{
    private const int Seeds = 400;

    [Test]
    public void A_correct_server_has_no_anomalies([Values] bool withDeletions, [Values] bool withEndings, [Values] bool withResumes)
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var (history, retained) = Simulation.Run(seed, withDeletions, withEndings, withResumes);

            Assert.That(HistoryChecker.Check(history), Is.Empty, $"seed {seed}");
            Assert.That(HistoryChecker.Check(history, retained), Is.Empty, $"seed {seed}, {retained} retained");
        }
    }

    [Test]
    public void A_server_that_replays_before_its_ack_has_only_that_anomaly([Values] bool withDeletions)
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var (history, retained) = Simulation.Run(seed, withDeletions, acksLast: true);

            var others = HistoryChecker.Check(history, retained).Where(anomaly => anomaly.Kind != AnomalyKind.Early);
            Assert.That(others, Is.Empty, $"seed {seed}");
        }
    }

    [Test]
    public void A_missing_delivery_that_was_owed_is_found() => Spoil(withEndings: false, AnomalyKind.Lost, (history, random) =>
    {
        var owed = Events(history)
            .Where(one =>
                one.Message is { Outcome: RequestOutcome.Acked } message && SubscribedForGood(one.Log, message.Topic) < message.Invoked)
            .ToList();
        return Choose(owed, random) is { } lost ? Without(history, lost) : null;
    });

    [Test]
    public void A_missing_delivery_between_two_is_found_if_another_subscriber_has_all_three() => Spoil(
        withEndings: true, [AnomalyKind.Lost, AnomalyKind.Gap, AnomalyKind.WrongReplay, AnomalyKind.TwoOrders], (history, random) =>
        {
            var triples = Triples(history).ToList();
            var shared = triples.GroupBy(triple => triple.Ids)
                .Where(group => group.Select(triple => triple.Middle.Log.Subscriber).Distinct().Count() > 1);
            return Choose([.. shared.SelectMany(group => group)], random) is { } triple ? Without(history, triple.Middle) : null;
        });

    [Test]
    public void A_second_delivery_is_found() => Spoil(withEndings: true, AnomalyKind.Duplicated, (history, random) =>
        Choose([.. Events(history)], random) is { } twice ? Inserted(history, twice, twice.Entry) : null);

    [Test]
    public void Two_swapped_deliveries_are_found() => Spoil(
        withEndings: true, [AnomalyKind.Reordered, AnomalyKind.Overtaken], (history, random) =>
        {
            var sequential = Neighbours(history).Where(pair =>
                pair.First.Message is { Outcome: RequestOutcome.Acked } first && first.Responded < pair.Second.Message!.Invoked);
            return Choose([.. sequential], random) is { } pair ? Swapped(history, pair) : null;
        });

    [Test]
    public void Two_swapped_deliveries_are_found_if_another_subscriber_received_both() => Spoil(
        withEndings: true, [AnomalyKind.Reordered, AnomalyKind.Overtaken, AnomalyKind.TwoOrders], (history, random) =>
        {
            var shared = Neighbours(history)
                .GroupBy(pair => (pair.First.Entry.MessageId, pair.Second.Entry.MessageId)).Where(group => group.Count() > 1);
            return Choose([.. shared.SelectMany(group => group)], random) is { } pair ? Swapped(history, pair) : null;
        });

    [Test]
    public void A_delivery_to_a_subscriber_of_another_topic_is_found([Values] bool asOneOfItsTopic) => Spoil(
        withEndings: true, AnomalyKind.Leaked, (history, random) =>
    {
        const string elsewhere = "elsewhere";
        if (Choose([.. Events(history)], random) is not { } moved)
        {
            return null;
        }

        var entry = asOneOfItsTopic ? moved.Entry with { Topic = elsewhere } : moved.Entry;
        var outsider = new SubscriberLog(
            "outsider", [new(1, EntryKind.Subscribe, elsewhere), new(2, EntryKind.Subscribed, elsewhere, Invoked: 1), entry]);
        var without = Without(history, moved);
        return without with { Subscribers = [.. without.Subscribers, outsider] };
    });

    [Test]
    public void A_loss_after_a_resume_that_is_not_told_is_found() => Spoil(
        withEndings: true,
        [AnomalyKind.Untold],
        (history, random) =>
        {
            var acks = history.Publications.Where(one => one.Outcome == RequestOutcome.Acked)
                .ToDictionary(one => one.MessageId, one => one.Responded!.Value);
            var missed = Neighbours(history).Where(pair => pair.First.At > 0
                && pair.First.Log.Entries[pair.First.At - 1] is { Kind: EntryKind.Subscribed } ack
                && pair.First.Log.Entries.First(entry => entry.At == ack.Invoked) is { Stamp: > 0 } subscribe
                && acks.GetValueOrDefault(pair.First.Entry.MessageId, long.MaxValue) < subscribe.At);
            return Choose([.. missed.Select(pair => pair.First)], random) is { } lost ? Without(history, lost) : null;
        },
        withResumes: true);

    [Test]
    public void An_unknown_message_is_found() => Spoil(withEndings: true, AnomalyKind.Phantom, (history, random) =>
        Choose([.. Events(history)], random) is { } place ? Inserted(history, place, place.Entry with { MessageId = "unknown" }) : null);

    [Test]
    public void One_replayed_event_too_many_is_found() => Spoil(withEndings: true, AnomalyKind.WrongReplay, (history, random) =>
    {
        var acks = history.Publications.Where(one => one.Outcome == RequestOutcome.Acked)
            .ToDictionary(one => one.MessageId, one => one.Responded!.Value);
        var full = new List<(SubscriberLog Log, int At)>();
        foreach (var log in history.Subscribers)
        {
            // An ack, followed at once by as many events of its topic as the subscribe asked for, all of them acked before it.
            for (var at = 0; at < log.Entries.Count; at++)
            {
                var entry = log.Entries[at];
                var asked = entry.Kind == EntryKind.Subscribed ? log.Entries.First(one => one.At == entry.Invoked).LastN : 0;
                var behind = log.Entries.Skip(at + 1).TakeWhile(next =>
                    next.Kind == EntryKind.Received && next.Topic == entry.Topic
                    && acks.GetValueOrDefault(next.MessageId, long.MaxValue) < entry.Invoked);
                if (asked > 0 && behind.Count() == asked)
                {
                    full.Add((log, log.Entries.ToList().FindIndex(one => one.At == entry.Invoked)));
                }
            }
        }

        return Choose(full, random) is { } chosen
            ? With(
                history, chosen.Log,
                [.. chosen.Log.Entries.Select((entry, place) => place == chosen.At ? entry with { LastN = entry.LastN - 1 } : entry)])
            : null;
    });

    private static void Spoil(bool withEndings, AnomalyKind kind, Func<History, Random, History?> spoil) =>
        Spoil(withEndings, [kind], spoil);

    private static void Spoil(
        bool withEndings, AnomalyKind[] kinds, Func<History, Random, History?> spoil, bool withResumes = false)
    {
        var spoilt = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            if (spoil(Simulation.Run(seed, withDeletions: false, withEndings, withResumes, steps: 200).History, new(seed)) is not { } wrong)
            {
                continue;
            }

            spoilt++;
            var anomalies = HistoryChecker.Check(wrong);
            Assert.That(anomalies.Any(anomaly => kinds.Contains(anomaly.Kind)), $"seed {seed}: {string.Join("; ", anomalies)}");
        }

        Assert.That(spoilt, Is.GreaterThan(Seeds / 20), "enough histories can be spoilt in this way");
    }

    private static T? Choose<T>(List<T> among, Random random)
        where T : struct => among.Count == 0 ? null : among[random.Next(among.Count)];

    private static IEnumerable<Event> Events(History history)
    {
        var messages = history.Publications.ToDictionary(publication => publication.MessageId);
        return history.Subscribers.SelectMany(log => log.Entries
            .Select((entry, at) => new Event(log, at, entry, messages.GetValueOrDefault(entry.MessageId)))
            .Where(one => one.Entry.Kind == EntryKind.Received));
    }

    private static IEnumerable<(Event First, Event Second)> Neighbours(History history) => Events(history)
        .Zip(Events(history).Skip(1))
        .Where(pair =>
            pair.First.Log == pair.Second.Log && pair.First.At + 1 == pair.Second.At && pair.First.Entry.Topic == pair.Second.Entry.Topic);

    private static IEnumerable<(Event Middle, (string, string, string) Ids)> Triples(History history) => Neighbours(history)
        .Zip(Neighbours(history).Skip(1))
        .Where(pairs => pairs.First.Second.Log == pairs.Second.First.Log && pairs.First.Second.At == pairs.Second.First.At)
        .Select(pairs => (
            pairs.Second.First,
            (pairs.First.First.Entry.MessageId, pairs.Second.First.Entry.MessageId, pairs.Second.Second.Entry.MessageId)));

    /// <summary>The tick of the last ack of a subscribe; <c>long.MaxValue</c> if an unsubscribe follows it.</summary>
    private static long SubscribedForGood(SubscriberLog log, string topic)
    {
        var last = log.Entries.LastOrDefault(entry =>
            entry.Topic == topic && (entry.Kind is EntryKind.Subscribed or EntryKind.Unsubscribe or EntryKind.Unsubscribed));
        return last.Kind == EntryKind.Subscribed && last.At > 0 ? last.At : long.MaxValue;
    }

    private static History Without(History history, Event one) =>
        With(history, one.Log, [.. one.Log.Entries.Where((_, at) => at != one.At)]);

    private static History Inserted(History history, Event place, LogEntry entry) =>
        With(history, place.Log, [.. place.Log.Entries.Take(place.At), entry, .. place.Log.Entries.Skip(place.At)]);

    private static History Swapped(History history, (Event First, Event Second) pair) => With(history, pair.First.Log,
    [
        .. pair.First.Log.Entries.Select((entry, at) =>
            at == pair.First.At ? entry with { MessageId = pair.Second.Entry.MessageId, At = pair.Second.Entry.At }
            : at == pair.Second.At ? entry with { MessageId = pair.First.Entry.MessageId }
            : entry),
    ]);

    private static History With(History history, SubscriberLog log, LogEntry[] entries) =>
        history with { Subscribers = [.. history.Subscribers.Select(one => one == log ? log with { Entries = entries } : one)] };

    private readonly record struct Event(SubscriberLog Log, int At, LogEntry Entry, Histories.Publication? Message);
}
