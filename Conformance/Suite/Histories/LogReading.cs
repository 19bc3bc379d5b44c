namespace PubSub.Conformance.Histories;

/// <summary>
/// Reads one subscriber's log: assigns each event to a subscription, and reports events that belong to none or are out of order.
/// </summary>
internal sealed class LogReading(SubscriberLog log, TopicTable topics, Findings findings)
{
    private readonly Dictionary<long, LogEntry> _acks = log.Entries
        .Where(entry => entry.Kind == EntryKind.Subscribed).DistinctBy(entry => entry.Invoked)
        .ToDictionary(entry => entry.Invoked);

    private readonly HashSet<long> _refused =
        [.. log.Entries.Where(entry => entry.Kind == EntryKind.SubscribeRefused).Select(entry => entry.Invoked)];

    private readonly Dictionary<string, SubscriptionState> _states = new(StringComparer.Ordinal);

    public void Read()
    {
        foreach (var entry in log.Entries)
        {
            switch (entry.Kind)
            {
                case EntryKind.Subscribe when !_refused.Contains(entry.At):
                    LogEntry? ack = _acks.TryGetValue(entry.At, out var answer) ? answer : null;
                    StateOf(entry.Topic).Subscribe(new(
                        log.Subscriber, topics.Find(entry.Topic)!, entry.At, ack?.At, entry.LastN, entry.Stamp, ack?.Stamp ?? 0));
                    break;
                case EntryKind.Subscribed:
                    StateOf(entry.Topic).Acked(entry.Invoked);
                    break;
                case EntryKind.Unsubscribe:
                    StateOf(entry.Topic).EndsFrom(entry.At, Ending.Unsubscribed);
                    break;
                case EntryKind.Unsubscribed:
                    StateOf(entry.Topic).Unsubscribed(entry);
                    break;
                case EntryKind.Received:
                    Receive(entry);
                    break;
                case EntryKind.Gap when StateOf(entry.Topic).Current is { } resumed:
                    resumed.IsToldOfGap = true;
                    break;
                case EntryKind.TopicDeleted:
                    StateOf(entry.Topic).TopicDeleted(entry);
                    break;
                case EntryKind.Left:
                    foreach (var state in _states.Values)
                    {
                        state.EndsFrom(entry.At, Ending.Left);
                    }

                    break;
                case EntryKind.Cut:
                    foreach (var state in _states.Values)
                    {
                        state.Cut(entry);
                    }

                    break;
            }
        }
    }

    private void Receive(LogEntry entry)
    {
        var topic = topics.Find(entry.Topic);
        if (topic?.Find(entry.MessageId) is not { } message)
        {
            Foreign(entry);
            return;
        }

        if (message.Refused)
        {
            Report(AnomalyKind.Phantom, entry, $", although its publish {message.Interval} was refused");
            return;
        }

        if (entry.At < message.Invoked)
        {
            Report(AnomalyKind.Phantom, entry, $" before it was published {message.Interval}");
            return;
        }

        Stamp(entry, message);
        var state = StateOf(entry.Topic);
        if (state.Current is not { } subscription || (subscription.IsOfAnotherLife(message.Life) && state.Waiting.Count > 0))
        {
            if (state.Waiting.Count == 0)
            {
                Report(AnomalyKind.Leaked, entry, $", {state.WhyClosed}");
                state.Last?.TooLate.Add(message);
                return;
            }

            subscription = state.Waiting[0];
            if (!state.IsEarly && subscription.AckedAt is not null)
            {
                state.IsEarly = true;
                Report(AnomalyKind.Early, entry, $" before its subscribe {subscription.Interval} was acked");
            }

            SubscriptionState.Register(subscription);
        }

        Take(entry, message, subscription);
    }

    private void Take(LogEntry entry, Message message, Subscription subscription)
    {
        var topic = subscription.Topic;
        if (subscription.IsOfAnotherLife(message.Life))
        {
            Report(
                AnomalyKind.Leaked, entry,
                $", published {message.Interval} and subscribed to {subscription.Interval}, but the topic was deleted in between");
            return;
        }

        if (message.LastIn == subscription)
        {
            Duplicated(entry, message, subscription);
            return;
        }

        var again = message.LastIn is { } last && last.Subscriber == subscription.Subscriber && last.Topic == topic;
        CheckPosition(entry, message, subscription, again);
        message.LastIn = subscription;
        message.FirstIn ??= subscription;
        if (subscription.Take(message, entry.At, replayed: again || message.AckedAt < subscription.Invoked) is not { } ahead)
        {
            return;
        }

        var (first, second) = (message.PublisherName, ahead.PublisherName);
        if (first == second)
        {
            Report(
                AnomalyKind.Reordered, entry,
                $" after {ahead}, although {first} published {message} {message.Interval} before {ahead} {ahead.Interval}");
            return;
        }

        var later = FormattableString.Invariant($"{second} published {ahead} {ahead.Interval}");
        Report(
            AnomalyKind.Overtaken, entry,
            $" after {ahead}, although {first}'s {message} {message.Interval} was acked before {later}");
    }

    /// <summary>One event has one stamp, also in the ack of its publish.</summary>
    private void Stamp(LogEntry entry, Message message)
    {
        if (entry.Stamp != 0 && message.Stamp != 0 && entry.Stamp != message.Stamp)
        {
            Report(AnomalyKind.Restamped, entry, $" with the stamp {entry.Stamp}, but elsewhere it has {message.Stamp}");
        }

        message.Stamp = message.Stamp == 0 ? entry.Stamp : message.Stamp;
    }

    /// <summary>Stamps increase within a subscription, and lie behind the position from which it goes on.</summary>
    private void CheckPosition(LogEntry entry, Message message, Subscription subscription, bool again)
    {
        if (entry.Stamp == 0)
        {
            return;
        }

        if (subscription.IsResumed && entry.Stamp <= subscription.Since && (again || !subscription.IsToldOfGap))
        {
            Report(
                AnomalyKind.Repeated, entry,
                $" with the stamp {entry.Stamp}, although it had gone on {subscription.Interval} from {subscription.Since}");
        }
        else if (entry.Stamp <= subscription.Newest)
        {
            Report(AnomalyKind.Misstamped, entry, $" with the stamp {entry.Stamp} after one with {subscription.Newest}");
        }
        else if (entry.Stamp <= subscription.AckStamp && subscription is { LastN: 0, IsResumed: false })
        {
            Report(
                AnomalyKind.Misstamped, entry,
                $" with the stamp {entry.Stamp} after the ack of its subscribe with {subscription.AckStamp}");
        }

        subscription.Newest = Math.Max(subscription.Newest, entry.Stamp);
    }

    private void Duplicated(LogEntry entry, Message message, Subscription subscription) => findings.Add(
        AnomalyKind.Duplicated, entry.Topic, entry.At, () =>
        {
            var first = subscription.Deliveries.Find(delivery => delivery.Message == message).At;
            return FormattableString.Invariant(
                $"{log.Subscriber} received {message} of {entry.Topic} twice in one subscription ({first} and {entry.At})");
        });

    private void Foreign(LogEntry entry)
    {
        if (topics.Anywhere(entry.MessageId) is { } message)
        {
            Report(AnomalyKind.Leaked, entry, $", although it was published to {message.Topic} {message.Interval}");
        }
        else
        {
            Report(AnomalyKind.Phantom, entry, $", which was not published");
        }
    }

    private void Report(AnomalyKind kind, LogEntry entry, FormattableString circumstance) => findings.Add(kind, entry.Topic, entry.At, () =>
        FormattableString.Invariant($"{log.Subscriber} received {entry.MessageId} of {entry.Topic} ({entry.At})")
        + FormattableString.Invariant(circumstance));

    private SubscriptionState StateOf(string topic)
    {
        if (!_states.TryGetValue(topic, out var state))
        {
            _states[topic] = state = new();
        }

        return state;
    }

    /// <summary>The subscriber's subscriptions to one topic, as far as the log has been read.</summary>
    private sealed class SubscriptionState
    {
        /// <summary>Subscribes without an answer yet, oldest first.</summary>
        public List<Subscription> Waiting { get; } = [];

        /// <summary>The subscription that has been acked and has not ended.</summary>
        public Subscription? Current { get; private set; }

        /// <summary>The previous subscription.</summary>
        public Subscription? Last { get; private set; }

        public string WhyClosed { get; private set; } = "but had not subscribed to it";

        /// <summary>An event before the ack of the waiting subscription has been reported.</summary>
        public bool IsEarly { get; set; }

        public void Subscribe(Subscription subscription)
        {
            if (Current?.Ending == Ending.Left)
            {
                // A subscriber that left and subscribes again uses a new connection.
                Waiting.Clear();
                Close("but had left");
            }

            Waiting.Add(subscription);
        }

        public void Acked(long invoked)
        {
            var place = Waiting.FindIndex(waiting => waiting.Invoked == invoked);
            if (place < 0)
            {
                return;
            }

            var subscription = Waiting[place];
            Waiting.RemoveAt(place);
            IsEarly = false;
            if (Current is { } current && current.EndInvoked > subscription.Invoked)
            {
                if (current.Life == subscription.Life && current.Life != TopicLives.Unclear)
                {
                    // Already subscribed, so the ack changes nothing.
                    return;
                }

                // The topic may have been deleted and created again meanwhile; if it was not, this ack changes nothing.
                subscription.MayBeNone = current.Life == TopicLives.Unclear || subscription.Life == TopicLives.Unclear;
                current.IsCut |= subscription.MayBeNone;
            }

            Current = subscription;
            Register(subscription);
        }

        public static void Register(Subscription subscription)
        {
            if (!subscription.IsRegistered)
            {
                subscription.IsRegistered = true;
                subscription.Topic.Subscriptions.Add(subscription);
            }
        }

        public void EndsFrom(long tick, Ending ending)
        {
            Current?.EndsFrom(tick, ending);
            Waiting.ForEach(waiting => waiting.EndsFrom(tick, ending));
        }

        public void Unsubscribed(LogEntry ack)
        {
            Waiting.RemoveAll(waiting => waiting.Invoked < ack.Invoked);
            if (Current?.Invoked < ack.Invoked)
            {
                Close($"but its unsubscribe had been acked ({ack.At})");
            }
        }

        public void TopicDeleted(LogEntry notice)
        {
            if ((Current ?? Waiting.FirstOrDefault()) is { } subscription)
            {
                // Without a record of the deletion it is unknown when the subscription may have ended.
                subscription.IsCut |=
                    subscription.Life == TopicLives.Unclear || subscription.Topic.Lives.End(subscription.Life) == long.MaxValue;
                Waiting.Remove(subscription);
                Current ??= subscription;
                Close($"but the notice of its deletion had arrived ({notice.At})");
            }
        }

        public void Cut(LogEntry end)
        {
            foreach (var subscription in Waiting.Append(Current).OfType<Subscription>())
            {
                subscription.IsCut = true;
            }

            Waiting.Clear();
            Close($"but its connection had ended ({end.At})");
        }

        private void Close(string why)
        {
            if (Current is not null)
            {
                (Last, Current, WhyClosed) = (Current, null, why);
            }
        }
    }
}
