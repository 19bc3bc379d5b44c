namespace PubSub.Conformance.Histories;

/// <summary>
/// A subscription receives a window of its topic's order without a hole. So it must receive every message that certainly came after the
/// window's beginning and certainly before its end. The beginning is the ack of its subscribe or any message it received; the end is the
/// request that ends it or any message it received. A subscription that was cut ends only with a received message.
/// </summary>
/// <param name="topic">The topic.</param>
/// <param name="chains">The known parts of the order of its messages.</param>
/// <param name="positions">The stamps of the topic.</param>
/// <param name="retained">How many messages the topic retains; null if unknown.</param>
/// <param name="findings">Collects the anomalies.</param>
internal sealed class Windows(TopicHistory topic, List<List<Message>> chains, Positions positions, int? retained, Findings findings)
{
    /// <summary>Why a message lies on one side of a window's edge.</summary>
    private enum Evidence
    {
        None,
        Ack,
        Newest,
        AfterReceived,
        BeforeReceived,
        End,
        InOrder,
    }

    public void Check()
    {
        CheckForHoles();
        if (chains.Count > 0)
        {
            CheckForForks(next: true);
            CheckForForks(next: false);
        }
    }

    private void CheckForHoles()
    {
        foreach (var subscription in topic.Subscriptions)
        {
            var window = new Window(subscription, retained);
            window.Settle();
            positions.CheckResume(subscription, window.End);
            var tooMuch = IsReplayedTooMuch(window);
            if (subscription.Life == TopicLives.Unclear)
            {
                continue;
            }

            foreach (var (message, left, right) in Candidates(window))
            {
                if (message.SettledIn == subscription || !message.Accepted || message.Life != subscription.Life)
                {
                    continue;
                }

                var after = window.After(message) is var start and not Evidence.None ? start
                    : left is null ? Evidence.None
                    : Evidence.InOrder;
                var before = window.Before(message) is var end and not Evidence.None ? end
                    : right is null ? Evidence.None
                    : Evidence.InOrder;
                if (after != Evidence.None && before != Evidence.None)
                {
                    message.SettledIn = subscription;
                    subscription.HasHole = true;
                    if (window.KindOf(message, after, before) is var kind && (kind != AnomalyKind.WrongReplay || !tooMuch))
                    {
                        Missing(kind, window, message, (after, left), (before, right));
                    }
                }
            }
        }
    }

    /// <summary>
    /// Two windows with a common message have the same next message, and the same one before it, unless one of them ends there.
    /// </summary>
    private void CheckForForks(bool next)
    {
        var found = new Dictionary<Message, (Message Neighbour, Subscription By)>();
        foreach (var subscription in topic.Subscriptions)
        {
            if (subscription.HasHole
                || subscription.Life == TopicLives.Unclear
                || subscription.Deliveries.Exists(delivery => delivery.Misplaced))
            {
                // Already reported, or uncertain.
                continue;
            }

            for (var place = 1; place < subscription.Deliveries.Count; place++)
            {
                var (left, right) = (subscription.Deliveries[place - 1], subscription.Deliveries[place]);
                var (message, neighbour) = next ? (left.Message, right.Message) : (right.Message, left.Message);
                if (!found.TryAdd(message, (neighbour, subscription)) && found[message] is var (other, by) && other != neighbour)
                {
                    Forked(message, (other, by), (neighbour, subscription), next ? "after" : "before", right.At);
                }
            }
        }
    }

    private void Forked(
        Message message, (Message Neighbour, Subscription By) one, (Message Neighbour, Subscription By) other, string side, long at) =>
        findings.Add(AnomalyKind.TwoOrders, topic.Name, at, () =>
            $"next {side} {message} of {topic} {one.By} received {one.Neighbour} {one.Neighbour.Interval}, "
            + $"but {other.By} {other.Neighbour} {other.Neighbour.Interval}");

    private void Missing(AnomalyKind kind, Window window, Message message, (Evidence, Message?) after, (Evidence, Message?) before) =>
        findings.Add(kind, topic.Name, message.Invoked, () =>
            $"{window.Subscription} never received {message} of {topic}, although it was published {message.Interval} "
            + $"{window.Words(message, after)} and {window.Words(message, before)}");

    /// <summary>
    /// All messages that the subscription may have to receive, many of them twice, and few others. A message on a chain comes with the
    /// nearest received message on either side.
    /// </summary>
    private IEnumerable<(Message Message, Message? Left, Message? Right)> Candidates(Window window)
    {
        var until = window.Until;
        var begin = topic.CountInvokedBefore(window.From);
        for (var place = begin; place < topic.ByInvocation.Length && topic.ByInvocation[place].Invoked <= until; place++)
        {
            yield return (topic.ByInvocation[place], null, null);
        }

        foreach (var (publisher, (first, _)) in window.Subscription.ByPublisher)
        {
            var turns = topic.Of(publisher);
            for (var turn = first.Turn + 1; turn < turns.Count && turns[turn].Invoked <= until; turn++)
            {
                yield return (turns[turn], null, null);
            }
        }

        if (chains.Count == 0)
        {
            yield break;
        }

        Message[] received = [.. window.Subscription.Messages.OrderBy(message => message.Chain).ThenBy(message => message.Link)];
        for (var next = 1; next < received.Length; next++)
        {
            var (left, right) = (received[next - 1], received[next]);
            for (var link = left.Link + 1; left.Chain == right.Chain && link < right.Link; link++)
            {
                yield return (chains[left.Chain][link], left, right);
            }
        }
    }

    private bool IsReplayedTooMuch(Window window)
    {
        var subscription = window.Subscription;
        if (subscription.IsResumed)
        {
            return false;
        }

        var most = Math.Min(subscription.LastN, retained ?? int.MaxValue);
        var replayed = subscription.Deliveries.Where(delivery => delivery.Replayed).ToList();
        if (replayed.Count <= most)
        {
            return false;
        }

        findings.Add(AnomalyKind.WrongReplay, topic.Name, replayed[most].At, () =>
        {
            const int mostNamed = 4;
            var named = string.Join(", ", replayed.Take(mostNamed).Select(delivery => $"{delivery.Message} {delivery.Message.Interval}"));
            var rest = replayed.Count > mostNamed ? FormattableString.Invariant($" and {replayed.Count - mostNamed} more") : "";
            var asked = FormattableString.Invariant($"its subscribe {subscription.Interval} with last_n {subscription.LastN}");
            var kept = most < subscription.LastN ? FormattableString.Invariant($" and although the topic retains {most}") : "";
            return $"{subscription} received {named}{rest} of {topic}, although they were published before {asked}{kept}";
        });
        return true;
    }

    /// <summary>The window of a subscription, with its edges.</summary>
    private sealed class Window
    {
        private readonly long _end;
        private readonly Ending _ending;
        private readonly long _newest; // a message invoked after this tick was live, or among the newest last_n
        private readonly Message? _lastReplayed;

        public Window(Subscription subscription, int? retained)
        {
            Subscription = subscription;
            (_end, _ending) = (subscription.EndInvoked, subscription.Ending);
            if (subscription.Life != TopicLives.Unclear && subscription.Topic.Lives.End(subscription.Life) is var deleted && deleted < _end)
            {
                (_end, _ending) = (deleted, Ending.TopicDeleted);
            }

            if (subscription.IsCut)
            {
                _end = long.MinValue;
            }

            _newest = Newest(subscription, retained);
            _lastReplayed = subscription.Deliveries.Where(one => one.Replayed).Select(one => one.Message).MaxBy(message => message.Invoked);
        }

        public Subscription Subscription { get; }

        /// <summary>A message accepted before this tick certainly lies before the end.</summary>
        public long End => _end;

        /// <summary>Only the order of its publisher or of the subscribers can require a message invoked before this tick.</summary>
        public long From => Math.Min(
            Subscription.AckedAt ?? long.MaxValue, Math.Min(_newest, Subscription.FirstAcked?.AckedAt ?? long.MaxValue));

        /// <summary>Only the order of the subscribers can require a message invoked after this tick.</summary>
        public long Until => Math.Max(_end, Subscription.LastInvoked?.Invoked ?? long.MinValue);

        public void Settle()
        {
            foreach (var delivery in Subscription.Deliveries)
            {
                delivery.Message.SettledIn = Subscription;
            }

            foreach (var message in Subscription.TooLate)
            {
                message.SettledIn = Subscription;
            }
        }

        public Evidence After(Message message) =>
            Subscription.AckedAt < message.Invoked ? Evidence.Ack
            : Subscription.FirstAcked?.IsWhollyBefore(message) == true
                || (Subscription.ByPublisher.TryGetValue(message.Publisher, out var own) && own.First.Turn < message.Turn)
                ? Evidence.AfterReceived
            : _newest < message.Invoked ? Evidence.Newest
            : Evidence.None;

        public Evidence Before(Message message) =>
            IsBeforeAnyReceived(message) ? Evidence.BeforeReceived
            : Math.Min(message.AckedAt, long.MaxValue - 1) < _end ? Evidence.End
            : Evidence.None;

        public AnomalyKind KindOf(Message message, Evidence after, Evidence before) =>
            after == Evidence.InOrder || before == Evidence.InOrder ? AnomalyKind.TwoOrders
            : before == Evidence.End && _ending == Ending.TopicDeleted ? AnomalyKind.Dropped
            : after == Evidence.Ack ? AnomalyKind.Lost
            : message.AckedAt > Subscription.Invoked ? AnomalyKind.Gap
            : after == Evidence.Newest ? AnomalyKind.WrongReplay
            : !IsBeforeAnyReceived(message) || (_lastReplayed is { } last && message.Precedes(last)) ? AnomalyKind.WrongReplay
            : AnomalyKind.Gap;

        public string Words(Message message, (Evidence Kind, Message? Neighbour) evidence) => evidence.Kind switch
        {
            Evidence.Ack => FormattableString.Invariant($"after its subscribe was acked ({Subscription.AckedAt})"),
            Evidence.Newest => FormattableString.Invariant(
                $"among the last before its subscribe {Subscription.Interval} with last_n {Subscription.LastN} was acked"),
            Evidence.AfterReceived =>
                $"after {Named(Subscription.Messages.Where(one => one.Precedes(message)).MaxBy(one => one.Invoked)!)},",
            Evidence.BeforeReceived =>
                $"before {Named(Subscription.Messages.Where(message.Precedes).MinBy(one => one.Invoked)!)}",
            Evidence.InOrder when evidence.Neighbour is { } left && left.Link < message.Link =>
                $"after {Named(left)}, in the order that {message.FirstIn} shows,",
            Evidence.InOrder => $"before {Named(evidence.Neighbour!)}, in the order that {message.FirstIn} shows",
            _ => _ending switch
            {
                Ending.Unsubscribed => FormattableString.Invariant($"before it unsubscribed ({_end})"),
                Ending.Left => FormattableString.Invariant($"before it left ({_end})"),
                Ending.TopicDeleted => FormattableString.Invariant($"before the topic was deleted ({_end})"),
                _ => "it stayed subscribed",
            },
        };

        private static long Newest(Subscription subscription, int? retained)
        {
            if (retained is null || subscription.LastN == 0 || subscription.MayBeNone || subscription.AckedAt is not { } ackedAt)
            {
                return long.MaxValue;
            }

            // Take all messages that may have been accepted before the subscribe was, without the message itself and without those that
            // were acked before it was invoked: only these may have come after it. If they are fewer than are replayed, the message is
            // among the replayed ones, or live.
            var topic = subscription.Topic;
            var mustBeBefore = topic.CountInvokedBefore(ackedAt) - 1 - Math.Min(subscription.LastN, retained.Value);
            return mustBeBefore < 0 ? long.MinValue : mustBeBefore < topic.Acks.Length ? topic.Acks[mustBeBefore] : long.MaxValue;
        }

        private bool IsBeforeAnyReceived(Message message) =>
            (Subscription.LastInvoked is { } latest && message.IsWhollyBefore(latest))
            || (Subscription.ByPublisher.TryGetValue(message.Publisher, out var own) && own.Last.Turn > message.Turn);

        private static string Named(Message received) => $"{received} {received.Interval}, which it received";
    }
}
