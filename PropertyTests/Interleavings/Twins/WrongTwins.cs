namespace PubSub.Interleavings.Twins;

// Each is wrong in one part, and right on one thread: only an unlucky moment shows it.

/// <summary>Copies its subscribers inside the gate and hands the message out behind it.</summary>
internal sealed class SnapshotThenSend(BrokerLimits limits) : Twin(limits)
{
    protected override bool Publish(TwinTopic topic, Frame message, TwinWakes wakes)
    {
        List<TwinSubscriber> subscribers;
        lock (topic.Gate)
        {
            if (topic.Deleted)
            {
                return false;
            }

            topic.Messages++;
            topic.Retained.Add(message);
            subscribers = [.. topic.Subscribers];
        }

        subscribers.ForEach(subscriber => TryDeliver(subscriber, message, wakes));
        return true;
    }
}

/// <summary>Reads what is retained, and joins when it enters the gate once more.</summary>
internal sealed class ReplaysThenJoins(BrokerLimits limits) : Twin(limits)
{
    protected override SubscribeResult Subscribe(TwinTopic topic, TwinSubscriber subscriber, int lastN, Frame ack, TwinWakes wakes)
    {
        Frame[] retained;
        lock (topic.Gate)
        {
            retained = [.. topic.Retained.Last(lastN)];
        }

        lock (topic.Gate)
        {
            var outcome = topic.Deleted ? SubscribeResult.TopicNotFound : Join(topic, subscriber, retained, ack, wakes);
            if (outcome == SubscribeResult.Joined)
            {
                topic.Subscribers.Add(subscriber);
            }

            return outcome;
        }
    }
}

/// <summary>Joins first, so that nothing is missed, and replays when it enters the gate once more.</summary>
internal sealed class JoinsThenReplays(BrokerLimits limits) : Twin(limits)
{
    protected override SubscribeResult Subscribe(TwinTopic topic, TwinSubscriber subscriber, int lastN, Frame ack, TwinWakes wakes)
    {
        var outcome = base.Subscribe(topic, subscriber, 0, ack, wakes);
        if (outcome == SubscribeResult.Joined)
        {
            lock (topic.Gate)
            {
                lock (subscriber.Latch)
                {
                    foreach (var retained in topic.Retained.Last(lastN))
                    {
                        Put(subscriber, retained, live: false, wakes);
                    }
                }
            }
        }

        return outcome;
    }
}

/// <summary>Looks whether the name is free, and then takes it.</summary>
internal sealed class ChecksThenCreates(BrokerLimits limits) : Twin(limits)
{
    public override CreateResult Create(string topic)
    {
        if (Find(topic) is not null)
        {
            return CreateResult.Exists;
        }

        lock (Creation)
        {
            return Add(topic);
        }
    }
}

/// <summary>Looks whether there is room for a topic, and then makes it.</summary>
internal sealed class ChecksRoomThenCreates(BrokerLimits limits) : Twin(limits)
{
    public override CreateResult Create(string topic)
    {
        lock (Creation)
        {
            if (Find(topic) is not null)
            {
                return CreateResult.Exists;
            }

            if (Entries == Limits.MaxTopics)
            {
                return CreateResult.LimitReached;
            }
        }

        lock (Creation)
        {
            if (!Topics.TryAdd(topic, new TwinTopic(topic, Limits)))
            {
                return CreateResult.Exists;
            }

            Entries++;
            return CreateResult.Created;
        }
    }
}

/// <summary>Gives the name of a deleted topic to the next one, and goes on counting both.</summary>
internal sealed class CountsTheDeleted(BrokerLimits limits) : Twin(limits)
{
    public override CreateResult Create(string topic)
    {
        lock (Creation)
        {
            return Find(topic) is not null ? CreateResult.Exists : Add(topic);
        }
    }
}

/// <summary>Takes off the table whatever goes by the name of the topic that it deleted.</summary>
internal sealed class ForgetsByName(BrokerLimits limits) : Twin(limits)
{
    protected override void Forget(TwinTopic deleted)
    {
        lock (Creation)
        {
            Entries -= Topics.TryRemove(deleted.Name) ? 1 : 0;
        }
    }
}

/// <summary>Marks the topic as deleted before all its subscribers have the notice, so another may be created in between.</summary>
internal sealed class SaysDeletedTooSoon(BrokerLimits limits) : Twin(limits)
{
    protected override bool End(TwinTopic topic, Frame notice, bool disconnect, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            if (topic.Deleted)
            {
                return false;
            }

            topic.Deleted = true;
            Dismiss(topic, notice, disconnect, wakes);
            return true;
        }
    }
}

/// <summary>Asks only before the gate whether the topic has been deleted.</summary>
internal sealed class PublishesToTheDeleted(BrokerLimits limits) : Twin(limits)
{
    protected override bool Publish(TwinTopic topic, Frame message, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            topic.Messages++;
            topic.Retained.Add(message);
            topic.Subscribers.RemoveAll(subscriber => !TryDeliver(subscriber, message, wakes));
            return true;
        }
    }
}

/// <summary>Queues the ack of an unsubscribe first and leaves the topic afterwards.</summary>
internal sealed class AcksThenLeaves(BrokerLimits limits) : Twin(limits)
{
    protected override bool Unsubscribe(TwinTopic topic, TwinSubscriber subscriber, Frame ack, TwinWakes wakes)
    {
        if (topic.Deleted)
        {
            return false;
        }

        Leave(topic, subscriber, ack, wakes);
        lock (topic.Gate)
        {
            topic.Subscribers.Remove(subscriber);
        }

        return true;
    }
}

/// <summary>Looks whether the event fits, and then queues it.</summary>
internal sealed class ChecksTheBoundThenQueues(BrokerLimits limits) : Twin(limits)
{
    protected override bool TryDeliver(TwinSubscriber subscriber, Frame live, TwinWakes wakes)
    {
        lock (subscriber.Latch)
        {
            if (subscriber.Closed == CloseReason.None && subscriber.Outstanding >= Limits.MaxQueueSize)
            {
                return base.TryDeliver(subscriber, live, wakes);
            }
        }

        lock (subscriber.Latch)
        {
            if (subscriber.Closed != CloseReason.None)
            {
                return false;
            }

            subscriber.Outstanding++;
            Put(subscriber, live, live: true, wakes);
            return true;
        }
    }
}

/// <summary>Counts up from what it saw before: a release in between is forgotten.</summary>
internal sealed class CountsFromWhatItSaw(BrokerLimits limits) : Twin(limits)
{
    protected override bool TryDeliver(TwinSubscriber subscriber, Frame live, TwinWakes wakes)
    {
        int seen;
        lock (subscriber.Latch)
        {
            seen = subscriber.Outstanding;
        }

        lock (subscriber.Latch)
        {
            subscriber.Outstanding = seen;
            return base.TryDeliver(subscriber, live, wakes);
        }
    }
}

/// <summary>Looks whether the subscriber is closed, and then lets it join.</summary>
internal sealed class ChecksClosedThenJoins(BrokerLimits limits) : Twin(limits)
{
    protected override SubscribeResult Join(
        TwinTopic topic, TwinSubscriber subscriber, IEnumerable<Frame> replay, Frame ack, TwinWakes wakes)
    {
        lock (subscriber.Latch)
        {
            if (subscriber.Closed != CloseReason.None)
            {
                return SubscribeResult.Closed;
            }
        }

        lock (subscriber.Latch)
        {
            var joins = subscriber.Topics.Add(topic);
            Put(subscriber, ack, live: false, wakes);
            foreach (var retained in joins ? replay : [])
            {
                Put(subscriber, retained, live: false, wakes);
            }

            return joins ? SubscribeResult.Joined : SubscribeResult.Already;
        }
    }
}

/// <summary>Looks whether the subscriber is closed, and then queues its reply.</summary>
internal sealed class ChecksClosedThenReplies(BrokerLimits limits) : Twin(limits)
{
    public override void Reply(TwinSubscriber subscriber, Frame reply, TwinWakes wakes)
    {
        if (subscriber.Closed == CloseReason.None)
        {
            lock (subscriber.Latch)
            {
                subscriber.Queue.Add(new Outgoing(reply, Live: false));
                subscriber.Unread++;
                wakes.Sleeping.Add(subscriber);
            }
        }
    }
}

/// <summary>Looks whether anything is queued, and then goes to sleep.</summary>
internal sealed class LooksThenSleeps(BrokerLimits limits) : Twin(limits)
{
    public override async ValueTask<bool> WaitAsync(TwinSubscriber subscriber)
    {
        while (true)
        {
            lock (subscriber.Latch)
            {
                if (subscriber.Queue.Count > 0 || subscriber.Closed != CloseReason.None)
                {
                    return subscriber.Queue.Count > 0;
                }
            }

            ValueTask more;
            lock (subscriber.Latch)
            {
                more = subscriber.Frames.Arm();
            }

            await more.ConfigureAwait(false);
        }
    }
}

/// <summary>Looks whether somebody sleeps, and disarms it when it comes back: two may wake the same.</summary>
internal sealed class WakesTwice(BrokerLimits limits) : Twin(limits)
{
    public override void Wake(TwinSubscriber subscriber)
    {
        bool owed;
        lock (subscriber.Latch)
        {
            owed = subscriber.Frames.IsArmed;
        }

        if (owed)
        {
            lock (subscriber.Latch)
            {
                subscriber.Frames.Disarm();
            }

            subscriber.Frames.Set();
        }
    }
}

/// <summary>Looks whether there is room, and then waits for it.</summary>
internal sealed class LooksThenWaitsForRoom(BrokerLimits limits) : Twin(limits)
{
    public override ValueTask WaitForRoomAsync(TwinSubscriber subscriber)
    {
        lock (subscriber.Latch)
        {
            if (HasRoom(subscriber))
            {
                return ValueTask.CompletedTask;
            }
        }

        lock (subscriber.Latch)
        {
            return subscriber.Room.Arm();
        }
    }
}

/// <summary>Lets a requester go whenever something was read, room or not.</summary>
internal sealed class LetsPassWithoutRoom(BrokerLimits limits) : Twin(limits)
{
    public override void Release(TwinSubscriber subscriber)
    {
        bool owed;
        lock (subscriber.Latch)
        {
            owed = subscriber.Room.Disarm();
        }

        base.Release(subscriber);
        if (owed)
        {
            subscriber.Room.Set();
        }
    }
}

/// <summary>Takes who was too slow out of its other topics while it is still inside the gate of this one.</summary>
internal sealed class DepartsInsideTheGate(BrokerLimits limits) : Twin(limits)
{
    protected override bool Publish(TwinTopic topic, Frame message, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            var published = base.Publish(topic, message, wakes);
            wakes.Closed.ForEach(Depart);
            wakes.Closed.Clear();
            return published;
        }
    }
}

/// <summary>Wakes its readers while it is still inside the gate.</summary>
internal sealed class WakesInsideTheGate(BrokerLimits limits) : Twin(limits)
{
    protected override bool Publish(TwinTopic topic, Frame message, TwinWakes wakes)
    {
        lock (topic.Gate)
        {
            var published = base.Publish(topic, message, wakes);
            wakes.Sleeping.ForEach(Wake);
            wakes.Sleeping.Clear();
            return published;
        }
    }
}
