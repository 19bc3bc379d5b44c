using System.Collections.Concurrent;

namespace PubSub.Conformance.Histories;

/// <summary>Records a history while it happens. Every method is thread-safe and takes the next tick of one clock.</summary>
public sealed class HistoryRecorder
{
    private readonly ConcurrentQueue<(Invocation Invocation, Publication Publication)> _publishes = [];
    private readonly ConcurrentQueue<(Invocation Invocation, TopicChange Change)> _changes = [];
    private readonly ConcurrentDictionary<string, SubscriberRecorder> _subscribers = new(StringComparer.Ordinal);
    private long _clock;

    /// <summary>Call this before the request is sent. A publisher is one connection.</summary>
    public Invocation Publish(string publisher, string topic, string messageId)
    {
        var invocation = new Invocation(this);
        _publishes.Enqueue((invocation, new(publisher, topic, messageId, invocation.Invoked, Responded: null, RequestOutcome.Unknown)));
        return invocation;
    }

    /// <summary>Call this before the request is sent.</summary>
    public Invocation Create(string topic) => Change(topic, created: true);

    /// <summary>Call this before the request is sent.</summary>
    public Invocation Delete(string topic) => Change(topic, created: false);

    /// <summary>The log of this subscriber, the same for the same name. A subscriber is one connection, or several in succession.</summary>
    public SubscriberRecorder Subscriber(string name) => _subscribers.GetOrAdd(name, added => new(this, added));

    /// <summary>Everything recorded so far; a request without an answer has an unknown outcome.</summary>
    public History ToHistory()
    {
        // Read the logs first, so that the publish of each message in them is already recorded.
        SubscriberLog[] logs =
        [
            .. _subscribers.Values.Select(subscriber => subscriber.ToLog()).OrderBy(log => log.Subscriber, StringComparer.Ordinal),
        ];
        return new(
            [.. _publishes.Select(one => Answered(one.Publication, one.Invocation))],
            logs,
            [.. _changes.Select(one => Answered(one.Change, one.Invocation.Answer))]);
    }

    internal long Tick() => Interlocked.Increment(ref _clock);

    private static Publication Answered(Publication publication, Invocation invocation) => invocation.Answer is { } known
        ? publication with { Responded = known.Responded, Outcome = known.Outcome, Stamp = invocation.Stamp }
        : publication;

    private static TopicChange Answered(TopicChange change, (long Responded, RequestOutcome Outcome)? answer) =>
        answer is { } known ? change with { Responded = known.Responded, Outcome = known.Outcome } : change;

    private Invocation Change(string topic, bool created)
    {
        var invocation = new Invocation(this);
        _changes.Enqueue((invocation, new(topic, created, invocation.Invoked, Responded: null, RequestOutcome.Unknown)));
        return invocation;
    }
}

/// <summary>An invoked request. The first answer counts; without one the outcome is unknown.</summary>
public sealed class Invocation
{
    private readonly HistoryRecorder _recorder;
    private readonly Func<RequestOutcome, long, long>? _record;
    private int _isAnswered;
    private long _answer; // the tick of an ack, or of a refusal negated; zero without an answer

    internal Invocation(HistoryRecorder recorder) => (_recorder, Invoked) = (recorder, recorder.Tick());

    internal Invocation(HistoryRecorder recorder, long invoked, Func<RequestOutcome, long, long> record) =>
        (_recorder, Invoked, _record) = (recorder, invoked, record);

    internal long Invoked { get; }

    internal (long Responded, RequestOutcome Outcome)? Answer => Interlocked.Read(ref _answer) switch
    {
        0 => null,
        < 0 and var refused => (-refused, RequestOutcome.Refused),
        var acked => (acked, RequestOutcome.Acked),
    };

    /// <summary>Of the ack.</summary>
    internal long Stamp { get; private set; }

    /// <summary>Call this when the ack has arrived.</summary>
    public void Acked() => End(RequestOutcome.Acked);

    /// <inheritdoc cref="Acked()"/>
    /// <param name="stamp">Its timestamp.</param>
    public void Acked(long stamp) => End(RequestOutcome.Acked, stamp);

    /// <summary>Call this when the error has arrived.</summary>
    public void Refused() => End(RequestOutcome.Refused);

    private void End(RequestOutcome outcome, long stamp = 0)
    {
        if (Interlocked.Exchange(ref _isAnswered, 1) == 0)
        {
            Stamp = stamp;
            var at = _record?.Invoke(outcome, stamp) ?? _recorder.Tick();
            Volatile.Write(ref _answer, outcome == RequestOutcome.Acked ? at : -at);
        }
    }
}

/// <summary>
/// Records the log of one subscriber. Record events and answers in the order of their arrival; requests may be recorded by another
/// thread.
/// </summary>
public sealed class SubscriberRecorder
{
    private readonly HistoryRecorder _recorder;
    private readonly string _name;
    private readonly Lock _gate = new();
    private readonly List<LogEntry> _entries = []; // guarded by _gate

    internal SubscriberRecorder(HistoryRecorder recorder, string name) => (_recorder, _name) = (recorder, name);

    /// <summary>Call this before the request is sent.</summary>
    public Invocation Subscribe(string topic, int lastN = 0) => Subscribe(topic, lastN, since: 0);

    /// <summary>
    /// Call this before the request is sent, by any door. A reader that comes back is the same subscriber: its earlier connection is
    /// <see cref="Cut"/> or <see cref="Left"/>.
    /// </summary>
    /// <param name="since">The stamp of the last event or ack that the reader saw: all later events are owed.</param>
    public Invocation Resume(string topic, long since) => Subscribe(topic, lastN: 0, since);

    /// <summary>
    /// Call this after the ack of a resumed subscribe, and before the events behind it, when the server says that events are missing.
    /// </summary>
    public void Gap(string topic) => Add(EntryKind.Gap, topic);

    /// <summary>Call this before the request is sent.</summary>
    public Invocation Unsubscribe(string topic)
    {
        var invoked = Add(EntryKind.Unsubscribe, topic);
        return new(_recorder, invoked, (outcome, _) =>
            Add(outcome == RequestOutcome.Acked ? EntryKind.Unsubscribed : EntryKind.UnsubscribeRefused, topic, invoked: invoked));
    }

    /// <summary>An event arrived.</summary>
    /// <param name="stamp">Its timestamp, if it is a position.</param>
    public void Received(string topic, string messageId, long stamp = 0) => Add(EntryKind.Received, topic, messageId, stamp: stamp);

    /// <summary>The notice of the topic's deletion arrived.</summary>
    public void TopicDeleted(string topic) => Add(EntryKind.TopicDeleted, topic);

    /// <summary>Call this before the connection is closed, when everything awaited has arrived.</summary>
    public void Left() => Add(EntryKind.Left, "");

    /// <summary>The connection ended early, cut as a slow consumer or broken; nothing more is read.</summary>
    public void Cut() => Add(EntryKind.Cut, "");

    internal SubscriberLog ToLog()
    {
        lock (_gate)
        {
            return new(_name, [.. _entries]);
        }
    }

    private Invocation Subscribe(string topic, int lastN, long since)
    {
        var invoked = Add(EntryKind.Subscribe, topic, lastN: lastN, stamp: since);
        return new(_recorder, invoked, (outcome, stamp) => outcome == RequestOutcome.Acked
            ? Add(EntryKind.Subscribed, topic, invoked: invoked, stamp: stamp)
            : Add(EntryKind.SubscribeRefused, topic, invoked: invoked));
    }

    private long Add(EntryKind kind, string topic, string messageId = "", int lastN = 0, long invoked = 0, long stamp = 0)
    {
        lock (_gate)
        {
            var at = _recorder.Tick();
            _entries.Add(new(at, kind, topic, messageId, lastN, invoked, stamp));
            return at;
        }
    }
}
