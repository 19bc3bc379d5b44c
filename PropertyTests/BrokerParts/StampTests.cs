using System.Text;
using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.BrokerParts;

/// <summary>Each event and each ack of a subscribe has a later stamp than the one before, on any clock (PS-RES-001, 002).</summary>
public sealed class StampTests
{
    private const long Creation = 638_919_720_000_000_000; // 2025-08-28T10:00:00Z

    private enum Act
    {
        Publish,
        PublishAll,
        Subscribe,
        Resume,
    }

    [Test]
    public void A_time_that_is_later_is_kept_and_any_other_is_rewritten_in_place([Values(0, 1)] int place)
    {
        var (_, topic) = Topic(Creation);
        var head = new string('<', place);
        byte[][] bytes = [.. Enumerable.Range(0, 3).Select(_ => Encoding.ASCII.GetBytes($"{head}{Frames.Time(Creation + 5)}>"))];

        var stamps = bytes.Select(each => topic.Publish(new Draft(each, Creation + 5, place), new Wakes()).Stamp).ToList();
        topic.Publish(new Draft(bytes[2], Creation - TimeSpan.TicksPerHour, place), new Wakes());

        Assert.That(stamps, Is.EqualTo(new[] { Creation + 5, Creation + 6, Creation + 7 }));
        Assert.That(
            bytes.Select(Encoding.ASCII.GetString),
            Is.EqualTo(new[]
            {
                $"{head}2025-08-28T10:00:00.0000005Z>",
                $"{head}2025-08-28T10:00:00.0000006Z>",
                $"{head}2025-08-28T10:00:00.0000008Z>",
            }));
    }

    [Test]
    public void A_message_that_shows_no_time_takes_the_next_stamp_and_is_not_changed()
    {
        var (_, topic) = Topic(Creation);
        byte[] bytes = [1, 2, 3];

        var stamp = topic.Publish(new Frame(bytes), new Wakes()).Stamp;

        Assert.That((stamp, bytes), Is.EqualTo((Creation + 1, new byte[] { 1, 2, 3 })));
    }

    [Test]
    public void The_first_stamp_is_later_than_the_creation()
    {
        var (_, topic) = Topic(Creation);

        Assert.That(topic.Publish(Frames.At(Creation, "a"), new Wakes()).Stamp, Is.EqualTo(Creation + 1));
    }

    [Test]
    public void Publishes_and_acks_of_subscribes_share_one_sequence_that_no_clock_sets_back()
    {
        var steps =
            from act in Gen.Elements(Act.Publish, Act.Publish, Act.PublishAll, Act.Subscribe, Act.Resume)
            from moment in Gen.OneOf(
                Gen.Choose(-3, 30).Select(ticks => (long)ticks),
                Gen.Constant(-TimeSpan.TicksPerHour),
                Gen.Choose(0, 5).Select(seconds => seconds * TimeSpan.TicksPerSecond))
            select (act, moment);

        Law.HoldsForRows(
            steps,
            atMost: 30,
            row =>
            {
                var (broker, topic) = Topic(Creation);
                var (subscriber, last, expected) = (broker.Admit(), Creation, new List<string>());
                topic.Subscribe(subscriber, lastN: 0, Next(0, "ack"), new Wakes());
                foreach (var ((act, moment), number) in row.Select((step, number) => (step, number)))
                {
                    switch (act)
                    {
                        case Act.Publish:
                            if (topic.Publish(Next(moment, $"{number}"), new Wakes()) != new Publication(PublishResult.Accepted, last))
                            {
                                return false;
                            }

                            break;
                        case Act.PublishAll:
                            var before = last;
                            var stamps = new long[3];
                            topic.PublishAll([Next(moment, "a"), Next(moment, "b"), Next(moment, "c")], new Wakes(), stamps);
                            if (stamps[0] <= before || stamps[1] != stamps[0] + 1 || stamps[2] != last)
                            {
                                return false;
                            }

                            break;
                        case Act.Subscribe:
                            topic.Subscribe(subscriber, lastN: 9, Next(moment, $"ack {number}"), new Wakes());
                            break;
                        default:
                            var ack = Next(moment, $"ack {number}");
                            topic.Resume(subscriber, new(last, null), whole: ack, torn: ack, new Wakes());
                            break;
                    }
                }

                return subscriber.TakeAll().SequenceEqual(expected);

                Draft Next(long moment, string text)
                {
                    last = Math.Max(Creation + moment, last + 1);
                    expected.Add($"{text} {Frames.Time(last)}");
                    return Frames.At(Creation + moment, text);
                }
            });
    }

    private static (Broker Broker, Topic Topic) Topic(long time)
    {
        var broker = new Broker(new BrokerLimits());
        broker.Create("topic", new Origin(time, "epoch"));
        return (broker, broker.Find("topic")!);
    }
}
