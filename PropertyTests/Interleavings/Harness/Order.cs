namespace PubSub.Interleavings.Harness;

/// <summary>
/// Searches an order of the steps to one topic name. In that order, a plain list must give the result of each step, and the frames that
/// each subscriber took.
/// </summary>
/// <remarks>
/// A close happens between the steps. A subscriber must not take what is put to it after it was first seen closed, and must take what was
/// put before, except a slow consumer, whose queue was dropped.
/// </remarks>
internal sealed class Order
{
    /// <summary>Orders tried before the search fails.</summary>
    private const int MaxTries = 500_000;

    private readonly History _history;
    private readonly List<Deed> _deeds;
    private readonly List<Got>[] _taken;
    private int _tries;

    private Order(History history, string topic)
    {
        _history = history;
        _deeds = history.Deeds.FindAll(deed => deed.Step.Topic == topic);
        _taken = [.. history.Subscribers.Select(subscriber => subscriber.Taken.FindAll(got => history.Of(got).Topic == topic))];
    }

    /// <summary>Whether there is an order of all steps to the topics of this name that explains the history.</summary>
    public static bool Explains(History history, string topic)
    {
        var order = new Order(history, topic);
        if (order._deeds.Count > 60)
        {
            throw new InvalidOperationException("too many steps to one topic");
        }

        return order.Search(0, new State(new int[history.Subscribers.Count]), topic);
    }

    private bool Search(ulong done, State state, string topic)
    {
        if (++_tries > MaxTries)
        {
            throw new InvalidOperationException("no order was found, and not all were tried");
        }

        var end = int.MaxValue; // the first end among the steps left: a step that began later cannot come next
        for (var place = 0; place < _deeds.Count; place++)
        {
            if ((done & (1UL << place)) == 0)
            {
                end = Math.Min(end, _deeds[place].Ended);
            }
        }

        if (done == (1UL << _deeds.Count) - 1)
        {
            return IsExplained(state, topic);
        }

        for (var place = 0; place < _deeds.Count; place++)
        {
            if ((done & (1UL << place)) == 0 && _deeds[place].Began < end && Try(_deeds[place], state) is { } next
                && Search(done | (1UL << place), next, topic))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether no more was taken than was put, and the counts are right.</summary>
    private bool IsExplained(State state, string topic)
    {
        var subscribers = 0;
        for (var subscriber = 0; subscriber < _taken.Length; subscriber++)
        {
            if (state.Taken[subscriber] != _taken[subscriber].Count)
            {
                return false;
            }

            subscribers += (state.Members & (1 << subscriber)) != 0 && _history.Subscribers[subscriber].Closed == CloseReason.None ? 1 : 0;
        }

        return _history.Standing.TryGetValue(topic, out var counts)
            ? state.Exists && counts == (subscribers, state.Messages)
            : !state.Exists;
    }

    private State? Try(Deed deed, State state)
    {
        var step = deed.Step;
        switch (step.Verb, deed.Answer)
        {
            case (Verb.Create, Answer.Created):
                return state.Exists ? null : state with { Exists = true, Retained = [], Members = 0, Messages = 0 };
            case (Verb.Create, Answer.LimitReached):
                return state.Exists ? null : state;
            case (Verb.Create, _):
                return state.Exists ? state : null;
            case (Verb.Subscribe, Answer.LimitReached):
                return state.Exists ? state : null;
            case (_, Answer.No):
                return state.Exists ? null : state;
            case (_, Answer.Closed):
                return state.Exists && deed.Ended > _history.Subscribers[step.Subscriber].ClosedAt ? state : null;
        }

        if (!state.Exists)
        {
            return null;
        }

        var next = state with { Taken = [.. state.Taken] };
        var newest = new Got(step.Mark, Live: true);
        switch (step.Verb)
        {
            case Verb.Publish:
                for (var place = 0; place < step.Frames; place++)
                {
                    var mark = (byte)(step.Mark + place);
                    next.Retained = [.. next.Retained.TakeLast(_history.Program.Limits.MaxMessages - 1), (mark, deed.Stamps[place])];
                    next.Messages++;
                    if (!PutToMembers(deed, next, newest with { Mark = mark }))
                    {
                        return null;
                    }
                }

                return next;
            case Verb.Delete:
                next.Exists = false;
                return PutToMembers(deed, next, newest with { Live = false }) ? next : null;
            case Verb.Unsubscribe:
                next.Members &= ~(1 << step.Subscriber);
                return Put(deed, next, step.Subscriber, newest with { Live = false }) ? next : null;
            default:
                return Subscribe(deed, next) ? next : null;
        }
    }

    private bool Subscribe(Deed deed, State state)
    {
        var subscriber = deed.Step.Subscriber;
        var joins = (state.Members & (1 << subscriber)) == 0;
        if (joins != (deed.Answer == Answer.Joined) || deed.Began > _history.Subscribers[subscriber].ClosedAt
            || !Put(deed, state, subscriber, new Got(deed.Step.Mark, Live: false)))
        {
            return false;
        }

        state.Members |= 1 << subscriber;
        var replayed = deed.Position is { } position
            ? state.Retained.Where(message => message.Stamp > position.Since)
            : state.Retained.TakeLast(deed.Step.Number);
        return !joins || replayed.All(message => Put(deed, state, subscriber, new Got(message.Mark, Live: false)));
    }

    private bool PutToMembers(Deed deed, State state, Got got)
    {
        for (var subscriber = 0; subscriber < _taken.Length; subscriber++)
        {
            if ((state.Members & (1 << subscriber)) == 0)
            {
                continue;
            }

            if (!Put(deed, state, subscriber, got) || (deed.Step.Disconnect && _history.Subscribers[subscriber].ClosedAt > deed.Ended))
            {
                return false;
            }
        }

        return true;
    }

    private bool Put(Deed deed, State state, int subscriber, Got got)
    {
        var (taken, story) = (_taken[subscriber], _history.Subscribers[subscriber]);
        if ((state.Mute & (1 << subscriber)) != 0)
        {
            return true;
        }

        if (state.Taken[subscriber] < taken.Count && IsSame(taken[state.Taken[subscriber]], got))
        {
            state.Taken[subscriber]++;
            return deed.Began < story.ClosedAt;
        }

        // The frame was not taken, so no later one may be; and the subscriber was closed in time, or dropped its queue.
        state.Mute |= 1 << subscriber;
        return state.Taken[subscriber] == taken.Count
            && (story.Closed == CloseReason.SlowConsumer || (story.Closed != CloseReason.None && deed.Ended > story.ClosedAt));
    }

    private static bool IsSame(Got one, Got other) => (one.Mark, one.Live) == (other.Mark, other.Live);

    /// <summary>The topic after some steps, and for each subscriber the number of taken frames that are explained.</summary>
    private sealed record State(int[] Taken)
    {
        public int[] Taken { get; set; } = Taken;

        public bool Exists { get; set; }

        public (byte Mark, long Stamp)[] Retained { get; set; } = [];

        public long Messages { get; set; }

        /// <summary>The places of the subscribers, as bits.</summary>
        public int Members { get; set; }

        /// <summary>The places of subscribers that take no more frames, as bits.</summary>
        public int Mute { get; set; }
    }
}
