using System.Runtime.CompilerServices;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>A named stream of messages. One lock guards all its state; nothing waits while it holds the lock.</summary>
/// <param name="name">Never changes.</param>
/// <param name="server">Its server.</param>
/// <param name="born">The time of its creation, in ticks.</param>
internal sealed class Topic(string name, SmallServer server, long born)
{
    private readonly string _epoch = $"{Guid.NewGuid():N}"[..12];
    private readonly ConditionalWeakTable<byte[], StrongBox<long>> _stamps = [];

    public Topic(string name, SmallServer server)
        : this(name, server, server.Messages.Clock.Call())
    {
    }

    public SmallServer Server => server;
    public string Name => name;

    /// <summary>A string that no other topic of this name has, neither an earlier nor a later one.</summary>
    public Seam<Func<string>> Epoch => field ??= new(() => _epoch);

    /// <summary>Every step below enters this lock; a wrap that has its own state enters it first.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Whether it has been deleted.</summary>
    public bool IsDeleted { get; private set; } // guarded by Gate

    /// <summary>The number of messages accepted so far.</summary>
    public long Accepted { get; set; } // guarded by Gate

    /// <summary>The subscribers, the oldest first.</summary>
    public List<SendQueue> Subscribers { get; } = []; // guarded by Gate

    /// <summary>The retained events, the oldest first.</summary>
    public List<byte[]> Retained { get; } = []; // guarded by Gate

    /// <summary>The newest stamp that an event or an ack has; at first that of the creation.</summary>
    public long Newest { get; set; } = born; // guarded by Gate

    /// <summary>The stamp of the newest event that is no longer retained; at first that of the creation.</summary>
    public long Forgotten { get; set; } = born; // guarded by Gate

    /// <summary>Decides the next stamp, which is later than every other.</summary>
    public Seam<Func<long>> NextStamp => field ??= new(() => Newest = Math.Max(server.Messages.Clock.Call(), Newest + 1));

    /// <summary>The stamp of the ack of a subscribe.</summary>
    public Seam<Func<long>> AckStamp => field ??= new(() => NextStamp.Call());

    /// <summary>Raw message: its event, with the next stamp.</summary>
    public Seam<Func<string, byte[]>> Encode => field ??= new(message =>
    {
        var stamp = NextStamp.Call();
        return Stamped(Messages.At(stamp, () => server.Messages.Event.Call(name, message)), stamp);
    });

    /// <summary>Remembers the stamp of an event.</summary>
    public byte[] Stamped(byte[] @event, long stamp)
    {
        _stamps.AddOrUpdate(@event, new(stamp));
        return @event;
    }

    /// <summary>The stamp of an event; null of any other text.</summary>
    public long? StampOf(byte[] text) => _stamps.TryGetValue(text, out var stamp) ? stamp.Value : null;

    /// <summary>The present number of subscriptions, and the number of messages accepted so far.</summary>
    public Seam<Func<(int Subscribers, long Messages)>> Count => field ??= new(() =>
    {
        lock (Gate)
        {
            return (Subscribers.Count, Accepted);
        }
    });

    /// <summary>
    /// Subscriber, request, ack. Sends the ack, then the replayed events, then live events. False when the topic is deleted, as for
    /// <see cref="TryUnsubscribe"/> and <see cref="TryPublish"/>.
    /// </summary>
    public Seam<Func<SendQueue, ClientRequest, byte[], bool>> TrySubscribe => field ??= new((subscriber, request, ack) =>
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            subscriber.Reply.Call(ack);
            if (!Subscribers.Contains(subscriber))
            {
                Subscribers.Add(subscriber);
                foreach (var @event in request.Since is { } since ? Later.Call(since.Stamp) : Replayed.Call(request.LastN))
                {
                    subscriber.Say.Call(@event);
                }
            }

            return true;
        }
    });

    /// <summary>Subscriber, subscribe: what its ack says of the topic and of the replay.</summary>
    public Seam<Func<SendQueue, ClientRequest, string>> InAck => field ??= new((subscriber, request) =>
    {
        lock (Gate)
        {
            var epoch = $",\"epoch\":{Messages.Quote(Epoch.Call())}";

            // A second subscribe replays nothing.
            return request.Since is { } since
                ? $"{epoch},{MessagesDoor.Complete(
                    IsWhole.Call(since) && (!Subscribers.Contains(subscriber) || !Later.Call(since.Stamp).Any()))}"
                : epoch;
        }
    });

    /// <summary>What is behind a beginning; null when the topic is deleted, as for <see cref="TryFollow"/>.</summary>
    public Seam<Func<Beginning, Reading?>> Read => field ??= new(beginning =>
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return null;
            }

            byte[][] events = [.. beginning.Since is { } since ? Later.Call(since.Stamp) : Replayed.Call(beginning.LastN)];
            var isComplete = beginning.Since is { } position ? IsWhole.Call(position) : IsAll.Call(beginning.LastN);
            return new(events, isComplete, events.Length < Retained.Count ? StampOf(Retained[^(events.Length + 1)]) ?? 0 : Forgotten);
        }
    });

    /// <summary>Stream, beginning. Subscribes a stream: the replayed events, then live events.</summary>
    public Seam<Func<SendQueue, Beginning, Reading?>> TryFollow => field ??= new((stream, beginning) =>
    {
        lock (Gate)
        {
            var reading = Read.Call(beginning);
            if (reading is not null)
            {
                Subscribers.Add(stream);
                foreach (var @event in reading.Events)
                {
                    stream.Say.Call(@event);
                }
            }

            return reading;
        }
    });

    /// <summary>Subscriber, request, ack. No event of the topic follows the ack.</summary>
    public Seam<Func<SendQueue, ClientRequest, byte[], bool>> TryUnsubscribe => field ??= new((subscriber, _, ack) =>
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            Remove.Call(subscriber);
            subscriber.Reply.Call(ack);
            return true;
        }
    });

    /// <summary>The size of the retained events in bytes.</summary>
    public long RetainedBytes
    {
        get
        {
            lock (Gate)
            {
                return Retained.Sum(@event => (long)@event.Length);
            }
        }
    }

    /// <summary>Event, publisher, request, ack. The ack goes out when every subscriber has been offered the event.</summary>
    public Seam<Func<byte[], SendQueue, ClientRequest, byte[], bool>> TryPublish => field ??= new((@event, publisher, _, ack) =>
    {
        lock (Gate)
        {
            if (IsDeleted)
            {
                return false;
            }

            Accepted++;
            server.Meter.Published.Call(1);
            Retain.Call(@event);
            Deliver.Call(@event, publisher);
            publisher.Reply.Call(ack);
            return true;
        }
    });

    /// <summary>
    /// Raw messages: publishes them in one step. The stamps of their events; null when the topic is deleted. A subscriber with room for the
    /// first gets all of them.
    /// </summary>
    public Seam<Func<IReadOnlyList<string>, long[]?>> TryPublishAll => field ??= new(messages =>
    {
        using var unread = new SendQueue(server);
        lock (Gate)
        {
            if (IsDeleted)
            {
                return null;
            }

            byte[][] events = [.. messages.Select(Encode.Call)];
            foreach (var @event in events)
            {
                Accepted++;
                Retain.Call(@event);
            }

            server.Meter.Published.Call(events.Length);
            Deliver.Call(events[0], unread);
            foreach (var subscriber in Subscribers)
            {
                foreach (var @event in events[1..])
                {
                    subscriber.Say.Call(@event);
                    server.Meter.Delivered.Call();
                }
            }

            return [.. events.Select(@event => StampOf(@event)!.Value)];
        }
    });

    /// <summary>Whether the subscriber is subscribed.</summary>
    public bool Has(SendQueue subscriber)
    {
        lock (Gate)
        {
            return Subscribers.Contains(subscriber);
        }
    }

    /// <summary>The subscriber's connection has ended.</summary>
    public Seam<Action<SendQueue>> Leave => field ??= new(subscriber =>
    {
        lock (Gate)
        {
            Remove.Call(subscriber);
        }
    });

    /// <summary>
    /// Notice. Ends every subscription, and closes every subscriber's connection after its queue unless the settings say otherwise.
    /// </summary>
    public Seam<Action<byte[]>> Delete => field ??= new(notice =>
    {
        lock (Gate)
        {
            IsDeleted = true;
            foreach (var subscriber in Subscribers)
            {
                Dismiss.Call(subscriber, notice);
            }

            Subscribers.Clear();
        }
    });

    /// <summary>Number requested: the retained events to replay, oldest first. Called inside the gate, as all steps below.</summary>
    public Seam<Func<int, IEnumerable<byte[]>>> Replayed => field ??= new(lastN => Retained.TakeLast(lastN));

    /// <summary>Stamp: the retained events later than it, oldest first.</summary>
    public Seam<Func<long, IEnumerable<byte[]>>> Later => field ??= new(stamp => Retained.Where(@event => StampOf(@event) > stamp));

    /// <summary>Whether no event later than the position is missing from those that are retained.</summary>
    public Seam<Func<Position, bool>> IsWhole => field ??= new(position =>
        position.Stamp >= Forgotten && position.Stamp <= Newest && (position.Epoch ?? Epoch.Call()) == Epoch.Call());

    /// <summary>Whether so many newest events are retained, or all that there were.</summary>
    public Seam<Func<int, bool>> IsAll => field ??= new(lastN => lastN <= Retained.Count || Accepted == Retained.Count);

    public Seam<Action<byte[]>> Retain => field ??= new(@event =>
    {
        Retained.Add(@event);
        if (Retained.Count > server.Settings.Ring)
        {
            Forgotten = StampOf(Retained[0]) ?? Forgotten;
            Retained.RemoveAt(0);
        }
    });

    /// <summary>Event, publisher. Offers the event to every subscriber, and removes those that have ended.</summary>
    public Seam<Action<byte[], SendQueue>> Deliver =>
        field ??= new((@event, _) => Subscribers.RemoveAll(subscriber => !subscriber.TryDeliver.Call(@event)));

    public Seam<Action<SendQueue>> Remove => field ??= new(subscriber => Subscribers.Remove(subscriber));

    /// <summary>Subscriber, notice. Tells one subscriber that the topic is deleted.</summary>
    public Seam<Action<SendQueue, byte[]>> Dismiss => field ??= new((subscriber, notice) =>
    {
        if (server.Settings.TopicDeletion == TopicDeletion.Unsubscribe)
        {
            subscriber.Say.Call(notice);
        }
        else
        {
            subscriber.Finish.Call(notice, 1000, "topic deleted");
        }
    });
}
