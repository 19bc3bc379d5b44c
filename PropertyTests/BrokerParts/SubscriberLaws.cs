using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.PropertyTests.Tools;
using static PubSub.PropertyTests.Tools.Shorthand;

namespace PubSub.PropertyTests.BrokerParts;

public sealed class SubscriberLaws
{
    private enum Act
    {
        Deliver,
        Reply,
        Take,
        Hold,
        Release,
    }

    [Test]
    public void Frames_are_taken_first_in_first_out_each_once_in_batches_that_fit()
    {
        var steps =
            from act in Gen.Elements(Act.Deliver, Act.Deliver, Act.Deliver, Act.Reply, Act.Reply, Act.Take, Act.Release)
            from bytes in act == Act.Take ? Gen.Choose(0, 150) : Gen.Choose(1, 60)
            select (act, bytes);

        Law.HoldsForRows(
            steps,
            atMost: 120,
            row =>
            {
                var (topic, subscriber) = Subscribed(new BrokerLimits(MaxQueueSize: 1000));
                var (put, read, taken) = (new List<string>(), new List<string>(), default(ReadOnlyMemory<Outgoing>));
                foreach (var (act, bytes) in row)
                {
                    switch (act)
                    {
                        case Act.Deliver:
                            topic.TryPublish(Frames.Of(put.Count, bytes));
                            put.Add($"{put.Count} True");
                            break;
                        case Act.Reply:
                            Reply(subscriber, Frames.Of(put.Count, bytes));
                            put.Add($"{put.Count} False");
                            break;
                        case Act.Take when taken.IsEmpty:
                            taken = subscriber.Take(bytes);
                            if ((taken.IsEmpty && read.Count < put.Count) || (taken.Length > 1 && Length(taken) > bytes))
                            {
                                return false;
                            }

                            break;
                        case Act.Release when !taken.IsEmpty:
                            read.AddRange(Labelled(taken));
                            subscriber.Release();
                            taken = default;
                            break;
                    }
                }

                read.AddRange(Labelled(taken));
                subscriber.Release();
                while (subscriber.Take(7) is { IsEmpty: false } rest)
                {
                    read.AddRange(Labelled(rest));
                    subscriber.Release();
                }

                return read.SequenceEqual(put);
            },
            times: 500);
    }

    [Test]
    public void A_subscriber_is_cut_by_the_first_event_over_a_bound_and_by_nothing_else()
    {
        var limits = new BrokerLimits(MaxQueueSize: 5, MaxQueueBytes: 60, MaxReplies: 4);
        var steps =
            from act in Gen.Elements(Act.Deliver, Act.Deliver, Act.Deliver, Act.Reply, Act.Take, Act.Hold, Act.Release)
            from bytes in Gen.Frequency((8, Gen.Choose(1, 25)), (1, Gen.Choose(55, 65)))
            select (act, bytes);

        Law.HoldsForRows(
            steps,
            atMost: 60,
            row =>
            {
                var (topic, subscriber) = Subscribed(limits);
                var (queued, taken, holds) = (0, default(ReadOnlyMemory<Outgoing>), false);
                var (outstanding, outstandingBytes, unread) = (0, 0, 0);
                ValueTask? room = null;
                foreach (var (act, bytes) in row)
                {
                    switch (act)
                    {
                        case Act.Deliver:
                            topic.TryPublish(Frames.Of(1, bytes));
                            if (outstanding >= limits.MaxQueueSize || (outstanding > 0 && outstandingBytes + bytes > limits.MaxQueueBytes))
                            {
                                return subscriber.Closed == CloseReason.SlowConsumer
                                    && !subscriber.HasMore()
                                    && topic.Count().Subscribers == 0
                                    && room is not { IsCompleted: false };
                            }

                            (queued, outstanding, outstandingBytes) = (queued + 1, outstanding + 1, outstandingBytes + bytes);
                            break;
                        case Act.Reply:
                            Reply(subscriber, Frames.Of(2, bytes));
                            (queued, unread) = (queued + 1, unread + 1);
                            break;
                        case Act.Take when taken.IsEmpty:
                            taken = subscriber.Take(bytes);
                            queued -= taken.Length;
                            Count(-1);
                            break;
                        case Act.Hold when !taken.IsEmpty && !holds:
                            subscriber.Hold();
                            Count(1);
                            holds = true;
                            break;
                        case Act.Release when !taken.IsEmpty:
                            Count(holds ? -1 : 0);
                            unread -= taken.ToArray().Count(outgoing => !outgoing.Live);
                            subscriber.Release();
                            (taken, holds) = (default, false);
                            break;
                    }

                    void Count(int sign)
                    {
                        var live = taken.ToArray().Where(outgoing => outgoing.Live).Select(outgoing => outgoing.Frame.Length).ToArray();
                        (outstanding, outstandingBytes) = (outstanding + (sign * live.Length), outstandingBytes + (sign * live.Sum()));
                    }

                    room ??= subscriber.WaitForRoomAsync();
                    if (subscriber.Closed != CloseReason.None
                        || (queued > 0 && subscriber.WaitAsync() is not { IsCompletedSuccessfully: true, Result: true })
                        || room.Value.IsCompleted != unread < limits.MaxReplies)
                    {
                        return false;
                    }

                    room = room.Value.IsCompleted ? null : room;
                }

                return true;
            },
            times: 1000);
    }

    private static int Length(ReadOnlyMemory<Outgoing> batch) => batch.ToArray().Sum(outgoing => outgoing.Frame.Length);

    private static IEnumerable<string> Labelled(ReadOnlyMemory<Outgoing> batch) =>
        batch.ToArray().Select(outgoing => $"{outgoing.Frame.Text()} {outgoing.Live}");
}
