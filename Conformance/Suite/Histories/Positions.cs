namespace PubSub.Conformance.Histories;

/// <summary>The stamps of one topic, and what is owed to the subscriptions that go on from one of them.</summary>
internal sealed class Positions
{
    private readonly TopicHistory _topic;
    private readonly Findings _findings;
    private readonly Message[] _byStamp; // of one stamp, in no order
    private readonly long[] _stamps;

    public Positions(TopicHistory topic, Findings findings)
    {
        _topic = topic;
        _findings = findings;
        _byStamp = [.. topic.ByInvocation.Where(message => message.Stamp != 0).OrderBy(message => message.Stamp)];
        _stamps = [.. _byStamp.Select(message => message.Stamp)];
    }

    /// <summary>
    /// Requests that did not overlap have stamps in the order of their times, and no message has the stamp of another position.
    /// </summary>
    public void CheckOrder()
    {
        if (_byStamp.Length == 0)
        {
            return;
        }

        var acks = _topic.Subscriptions
            .Where(subscription => subscription is { AckStamp: not 0, AckedAt: not null })
            .Select(subscription => new Position(
                subscription.AckStamp,
                subscription.Invoked,
                subscription.AckedAt!.Value,
                subscription.Life,
                null,
                $"the ack of {subscription}"));
        var messages = _byStamp.Select(message =>
            new Position(message.Stamp, message.Invoked, message.AckedAt, message.Life, message, $"{message}"));
        var certain = messages.Concat(acks).Where(position => position.Life != TopicLives.Unclear);
        foreach (var life in certain.GroupBy(position => position.Life))
        {
            CheckOrder(life.OrderBy(position => position.Stamp));
        }
    }

    private void CheckOrder(IEnumerable<Position> ascending)
    {
        Position? before = null;
        Position? latest = null; // the one that was invoked last
        foreach (var position in ascending)
        {
            if (before is { } equal && equal.Stamp == position.Stamp && (equal.Message is not null || position.Message is not null))
            {
                Report(position, $"{equal.What} and {position.What} of {_topic} have the same stamp {position.Stamp}");
            }
            else if (latest is { } later && position.Until < later.Invoked)
            {
                Report(
                    position,
                    $"{position.What} of {_topic} {position.Interval} has the stamp {position.Stamp}, "
                    + $"but {later.What} {later.Interval} has {later.Stamp}");
            }

            before = position;
            latest = latest is null || position.Invoked > latest.Invoked ? position : latest;
        }
    }

    /// <summary>
    /// Every accepted message that is later than the position and certainly before the end of the subscription is received, unless it is
    /// certainly live, which is not judged here, or the server says that something is missing.
    /// </summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="end">A message accepted before this tick lies before the end.</param>
    public void CheckResume(Subscription subscription, long end)
    {
        if (subscription is not { IsResumed: true, IsToldOfGap: false, MayBeNone: false, AckedAt: { } ackedAt }
            || subscription.Life == TopicLives.Unclear)
        {
            return;
        }

        var first = FirstAfter(subscription.Since);
        if (first > 0 && _byStamp[first - 1] is var origin
            && origin.Stamp == subscription.Since && subscription.IsOfAnotherLife(origin.Life)
            && (!subscription.IsCut || subscription.Deliveries.Count > 0)) // otherwise it may have been cut before it was told
        {
            _findings.Add(AnomalyKind.Untold, _topic.Name, subscription.Invoked, () => FormattableString.Invariant(
                $"{subscription} went on {subscription.Interval} from {origin} {origin.Interval} of an earlier topic {_topic}, ")
                + "and was not told");
        }

        for (var place = first; place < _byStamp.Length; place++)
        {
            var message = _byStamp[place];
            if (message.Life != subscription.Life)
            {
                continue;
            }

            if (message.Stamp >= subscription.Newest && message.Invoked >= end)
            {
                return; // what has a larger stamp was accepted after the end too
            }

            if (message.Accepted
                && message.SettledIn != subscription
                && message.Invoked < ackedAt
                && (message.Stamp < subscription.Newest || message.AckedAt < end))
            {
                message.SettledIn = subscription;
                subscription.HasHole = true;
                _findings.Add(AnomalyKind.Untold, _topic.Name, subscription.Invoked, () => FormattableString.Invariant(
                    $"{subscription} went on {subscription.Interval} from {subscription.Since} and never received {message} of {_topic} ")
                    + FormattableString.Invariant($"{message.Interval} with the stamp {message.Stamp}, and was not told"));
            }
        }
    }

    private int FirstAfter(long stamp)
    {
        var (low, high) = (0, _stamps.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _stamps[middle] <= stamp ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private void Report(Position position, string witness) =>
        _findings.Add(AnomalyKind.Misstamped, _topic.Name, position.Invoked, () => witness);

    /// <param name="Until">The tick by which it was certainly fixed.</param>
    /// <param name="Message">Null for the ack of a subscribe.</param>
    private sealed record Position(long Stamp, long Invoked, long Until, int Life, Message? Message, string What)
    {
        public Interval Interval => new(Invoked, Until == long.MaxValue ? null : Until);
    }
}
