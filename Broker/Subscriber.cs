using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PubSub;

/// <summary>
/// One connection as the broker sees it: a bounded queue of frames, first in, first out, with one reader. It keeps the order in which
/// topics and replies reached it, and decides nothing else.
/// </summary>
/// <remarks>
/// <para>A live event is <em>outstanding</em> while it is queued, and while the reader holds it (<see cref="Hold"/>). One more than
/// <see cref="BrokerLimits.MaxQueueSize"/>, or bytes over <see cref="BrokerLimits.MaxQueueBytes"/>, closes the subscriber as a slow
/// consumer (PS-BPR-001). A publisher never waits for it.</para>
/// <para>Replies and replayed events are what the client asked for. They never close it; while
/// <see cref="BrokerLimits.MaxReplies"/> of them are unread, its requests wait (PS-BPR-010).</para>
/// <para>Any thread may call any member, except that only one reader calls <see cref="WaitAsync"/>, <see cref="Take"/>,
/// <see cref="Hold"/> and <see cref="Release"/>, and only one requester calls <see cref="WaitForRoomAsync"/>.</para>
/// </remarks>
public sealed class Subscriber
{
    /// <summary>Frames: an array that has grown longer is not kept when it is empty.</summary>
    private const int KeptLength = 256;

    private readonly BrokerLimits _limits;
    private readonly Budget _budget;
    private readonly Backlog _backlog;
    private readonly Signal _frames;
    private readonly Signal _room = new();

    // A leaf: taken inside a topic's gate, never around one, and held for memory operations only.
    private readonly Lock _latch = new();
    private readonly HashSet<Topic> _topics = []; // guarded by _latch
    private Outgoing[] _queue = []; // guarded by _latch
    private int _queued; // guarded by _latch
    private int _outstanding; // guarded by _latch; live events queued or held
    private long _outstandingBytes; // guarded by _latch
    private int _unread; // guarded by _latch; replies and replayed events queued or taken
    private long _otherBytes; // guarded by _latch; bytes of replies and replayed events that are unread, and of requests that are kept
    private long _counted; // guarded by _latch; bytes that the backlog counts
    private int _kept; // guarded by _latch; bytes of requests among those held
    private bool _isCut; // guarded by _latch; whether the backlog counts it no more
    private Wakes? _noted; // guarded by _latch; the wake list that has it, while the reader sleeps
    private volatile CloseReason _closed; // written under _latch, once

    // Only the reader uses these. The two arrays swap: the queued one becomes the taken one; the other, sent and cleared, is queued into
    // next.
    private Outgoing[] _taken = [];
    private int _takenCount;
    private int _next;
    private int _releasing;
    private bool _holds; // whether the live events last taken are outstanding again

    internal Subscriber(BrokerLimits limits, Budget budget, Backlog backlog, bool eager)
    {
        (_limits, _budget, _backlog) = (limits, budget, backlog);
        _frames = new Signal(eager);
    }

    /// <summary>Its place in the backlog's list.</summary>
    internal Backlog.Link Link; // guarded by the backlog's latch

    /// <summary>Why it was closed; <see cref="CloseReason.None"/> while it is open.</summary>
    public CloseReason Closed => _closed;

    /// <summary>The topics that it is subscribed to now.</summary>
    public Topic[] Topics()
    {
        lock (_latch)
        {
            AssertInvariants();
            return [.. _topics];
        }
    }

    /// <summary>Live events that are queued, or held by the reader, now, and their bytes.</summary>
    public (int Events, long Bytes) Outstanding()
    {
        lock (_latch)
        {
            AssertInvariants();
            return (_outstanding, _outstandingBytes);
        }
    }

    /// <summary>Queues the answer to a request of this subscriber. After it has been closed, does nothing.</summary>
    public void Reply(Frame reply, Wakes wakes)
    {
        lock (_latch)
        {
            AssertInvariants();
            if (_closed == CloseReason.None)
            {
                Append(reply, live: false, wakes);
                NoteWake(wakes);
            }
        }
    }

    /// <summary>
    /// Sets how many bytes of this subscriber's requests are buffered, because they are incomplete or wait for room. They count as
    /// outstanding for <see cref="BrokerLimits.MaxOutstandingBytes"/>.
    /// </summary>
    public void Keep(int bytes, Wakes wakes)
    {
        lock (_latch)
        {
            AssertInvariants();
            _otherBytes += bytes - _kept;
            _kept = bytes;
            ReportHeld(wakes);
        }
    }

    /// <summary>Drops what was not sent. For a reader that has ended.</summary>
    public void Forget()
    {
        lock (_latch)
        {
            AssertInvariants();
            Debug.Assert(_closed != CloseReason.None, "a subscriber that is open could be given more");
            (_queue, _queued) = ([], 0);
            StopCounting();
        }
    }

    /// <summary>
    /// Completes when fewer than <see cref="BrokerLimits.MaxReplies"/> replies and replayed events are unread, or the subscriber is closed.
    /// </summary>
    public ValueTask WaitForRoomAsync()
    {
        lock (_latch)
        {
            AssertInvariants();
            return _unread < _limits.MaxReplies || _closed != CloseReason.None ? ValueTask.CompletedTask : _room.Arm();
        }
    }

    /// <summary>Waits until there is something to <see cref="Take"/>.</summary>
    /// <returns>False when the subscriber was closed and nothing is left to send.</returns>
    public ValueTask<bool> WaitAsync()
    {
        lock (_latch)
        {
            AssertInvariants();
            return HasMore() is { } answer ? ValueTask.FromResult(answer) : _frames.ArmForAnswer();
        }
    }

    /// <summary>
    /// Takes the oldest frames: at least one if there is one, and no more than fit into <paramref name="maxBytes"/> unless one alone does
    /// not. The memory returned is valid until <see cref="Release"/>. Its live events are no longer outstanding: a fast peer may have
    /// received them before the call that writes them returns (PS-BPR-006).
    /// </summary>
    public ReadOnlyMemory<Outgoing> Take(int maxBytes)
    {
        if (_next == _takenCount)
        {
            TakeQueue();
        }

        var first = _next;
        for (var bytes = 0; _next < _takenCount; _next++)
        {
            bytes += _taken[_next].Frame.Length;
            if (bytes > maxBytes && _next > first)
            {
                break;
            }
        }

        (_releasing, _holds) = (first, false);
        var (live, liveBytes, _, _) = Sum(LastTaken);
        GiveBack(live, liveBytes, others: 0, otherBytes: 0);
        return _taken.AsMemory(first, _next - first);
    }

    /// <summary>
    /// The frames last taken have to wait for the peer, since the write did not complete at once: their live events are outstanding again,
    /// until <see cref="Release"/>. With the events queued meanwhile that may be more than the bound; then the next event closes the
    /// subscriber.
    /// </summary>
    public void Hold()
    {
        Debug.Assert(!_holds, "held twice");
        var (live, bytes, _, _) = Sum(LastTaken);
        lock (_latch)
        {
            AssertInvariants();
            _outstanding += live;
            _outstandingBytes += bytes;
            ReportHeld(wakes: null); // if this is over the bound, the next frame reports it
        }

        _holds = true;
    }

    /// <summary>The frames last taken have been sent: replies among them are read, and held events are no longer outstanding.</summary>
    public void Release()
    {
        var sent = LastTaken;
        var (live, bytes, others, otherBytes) = Sum(sent);
        GiveBack(_holds ? live : 0, _holds ? bytes : 0, others, otherBytes);
        sent.Clear();
        _releasing = _next;
        if (_next == _takenCount)
        {
            (_taken, _takenCount, _next, _releasing) = (Kept(_taken), 0, 0, 0);
        }
    }

    /// <summary>
    /// Closes the subscriber: nothing more is queued for it, and it leaves every topic. The reader still gets what was queued,
    /// unless the reason is <see cref="CloseReason.SlowConsumer"/>. The first reason stands.
    /// </summary>
    public void Close(CloseReason reason)
    {
        var wakes = new Wakes();
        Close(reason, wakes);
        wakes.Release();
    }

    /// <summary>Offers live events, at least one. They are judged by the first: if there is room for it, all are queued.</summary>
    /// <returns>False when the subscriber is closed, perhaps by these events; it must not be offered another.</returns>
    internal bool TryDeliver(ReadOnlySpan<Frame> live, Wakes wakes)
    {
        lock (_latch)
        {
            AssertInvariants();
            if (_closed != CloseReason.None)
            {
                return false;
            }

            if (_outstanding >= _limits.MaxQueueSize
                || (_outstanding > 0 && _outstandingBytes + live[0].Length > _limits.MaxQueueBytes))
            {
                CloseLatched(CloseReason.SlowConsumer, wakes);
                return false;
            }

            foreach (var frame in live)
            {
                _outstanding++;
                _outstandingBytes += frame.Length;
                Append(frame, live: true, wakes);
            }

            NoteWake(wakes);
            if (_outstanding * 4L >= _limits.MaxQueueSize * 3L || _outstandingBytes * 4 >= _limits.MaxQueueBytes * 3)
            {
                wakes.FallDue();
            }

            return true;
        }
    }

    /// <summary>Queues retained events without joining their topic. After it has been closed, does nothing.</summary>
    internal void Replay(IEnumerable<Frame> retained, Wakes wakes)
    {
        lock (_latch)
        {
            AssertInvariants();
            if (_closed == CloseReason.None)
            {
                foreach (var frame in retained)
                {
                    Append(frame, live: false, wakes);
                }

                NoteWake(wakes);
            }
        }
    }

    /// <summary>Joins a topic: queues the ack, then the replayed events, in one step.</summary>
    internal SubscribeResult Join(Topic topic, IEnumerable<Frame> replay, Frame? ack, Wakes wakes)
    {
        lock (_latch)
        {
            AssertInvariants();
            if (_closed != CloseReason.None)
            {
                return SubscribeResult.Closed;
            }

            var joins = !_topics.Contains(topic);
            if (joins && _topics.Count >= _limits.MaxSubscriptions)
            {
                return SubscribeResult.LimitReached;
            }

            if (joins && !_budget.TryTake(Budget.PerSubscription))
            {
                return SubscribeResult.BudgetReached;
            }

            if (ack is { } reply)
            {
                Append(reply, live: false, wakes);
            }

            if (joins)
            {
                _topics.Add(topic);
                foreach (var retained in replay)
                {
                    Append(retained, live: false, wakes);
                }
            }

            NoteWake(wakes);
            return joins ? SubscribeResult.Joined : SubscribeResult.Already;
        }
    }

    /// <summary>Leaves a topic; the ack of the unsubscribe, or the notice of the deletion, is queued in the same step.</summary>
    internal void Leave(Topic topic, Frame? last, Wakes wakes)
    {
        lock (_latch)
        {
            AssertInvariants();
            if (_topics.Remove(topic))
            {
                _budget.GiveBack(Budget.PerSubscription);
            }

            if (last is { } frame && _closed == CloseReason.None)
            {
                Append(frame, live: false, wakes);
                NoteWake(wakes);
            }
        }
    }

    internal void Close(CloseReason reason, Wakes wakes)
    {
        lock (_latch)
        {
            AssertInvariants();
            if (_closed == CloseReason.None)
            {
                CloseLatched(reason, wakes);
            }
        }
    }

    /// <summary>
    /// Closes it as a slow consumer and drops what is queued, also if it was closed before; called outside of every lock.
    /// </summary>
    internal void Cut()
    {
        Close(CloseReason.SlowConsumer);
        Forget();
    }

    /// <summary>
    /// What follows a close: leaves every topic, and wakes a waiting requester. Enters the topics' gates one after the other, so it is
    /// called outside of every lock.
    /// </summary>
    internal void Depart()
    {
        Topic[] topics;
        bool awaited;
        lock (_latch)
        {
            AssertInvariants();
            Debug.Assert(_closed != CloseReason.None, "a subscriber that is open could join again");
            topics = [.. _topics];
            _topics.Clear();
            _budget.GiveBack(topics.Length * (long)Budget.PerSubscription);
            awaited = _room.Disarm();
        }

        foreach (var topic in topics)
        {
            topic.Remove(this);
        }

        if (awaited)
        {
            _room.Set();
        }
    }

    internal void Wake()
    {
        bool? answer;
        lock (_latch)
        {
            AssertInvariants();
            _noted = null;
            answer = _frames.IsArmed ? HasMore() : null; // null: another list has woken it, and it sleeps again with nothing to take
            if (answer is not null)
            {
                _frames.Disarm();
            }
        }

        if (answer is { } hasMore)
        {
            _frames.Set(hasMore);
        }
    }

    /// <summary>Whether there is something to take; null if not yet. For the reader, or while it sleeps.</summary>
    private bool? HasMore()
    {
        Debug.Assert(_latch.IsHeldByCurrentThread);
        return _closed == CloseReason.SlowConsumer ? false
            : _queued > 0 || _next < _takenCount ? true
            : _closed != CloseReason.None ? false
            : null;
    }

    private void CloseLatched(CloseReason reason, Wakes wakes)
    {
        Debug.Assert(_latch.IsHeldByCurrentThread);
        _closed = reason;
        if (reason == CloseReason.SlowConsumer)
        {
            (_queue, _queued) = ([], 0);
            StopCounting();
        }

        NoteWake(wakes);
        wakes.AddClosed(this);
    }

    private void Append(Frame frame, bool live, Wakes wakes)
    {
        Debug.Assert(_latch.IsHeldByCurrentThread);
        if (_queued == _queue.Length)
        {
            Array.Resize(ref _queue, Math.Max(4, _queued * 2));
        }

        _queue[_queued++] = new Outgoing(frame, live);
        if (!live)
        {
            _unread++;
            _otherBytes += frame.Length;
        }

        ReportHeld(wakes);
    }

    /// <summary>Tells the backlog when what this subscriber holds has changed by more than <see cref="Backlog.Slack"/>.</summary>
    private void ReportHeld(Wakes? wakes)
    {
        Debug.Assert(_latch.IsHeldByCurrentThread);
        var held = _outstandingBytes + _otherBytes;
        if (held > Backlog.Slack || _counted > 0)
        {
            Count(held, wakes);
        }
    }

    private void Count(long held, Wakes? wakes)
    {
        var bytes = held <= Backlog.Slack ? 0 : held;
        if (_isCut || (bytes > 0 && Math.Abs(bytes - _counted) <= Backlog.Slack))
        {
            return;
        }

        _counted = bytes;
        if (_backlog.Count(this, bytes))
        {
            wakes?.NoteOverflow(_backlog);
        }
    }

    private void StopCounting()
    {
        Debug.Assert(_latch.IsHeldByCurrentThread);
        _isCut = true;
        if (_counted > 0)
        {
            _counted = 0;
            _backlog.Count(this, 0);
        }
    }

    /// <summary>If the reader sleeps, adds the subscriber to the wake list; the first list to be released wakes it.</summary>
    private void NoteWake(Wakes wakes)
    {
        Debug.Assert(_latch.IsHeldByCurrentThread);
        if (_frames.IsArmed && _noted != wakes)
        {
            _noted = wakes;
            wakes.Add(this);
        }
    }

    private void TakeQueue()
    {
        // What was taken and not released is still in use.
        var spare = _takenCount == 0 ? _taken : [];
        lock (_latch)
        {
            AssertInvariants();
            (_taken, _takenCount, _next, _releasing) = (_queue, _queued, 0, 0);
            (_queue, _queued) = (spare, 0);
        }
    }

    private void GiveBack(int live, long bytes, int others, long otherBytes)
    {
        if (live + others == 0)
        {
            return;
        }

        bool roomAgain;
        lock (_latch)
        {
            AssertInvariants();
            _outstanding -= live;
            _outstandingBytes -= bytes;
            _unread -= others;
            _otherBytes -= otherBytes;
            ReportHeld(wakes: null);
            Debug.Assert(_outstanding >= 0 && _outstandingBytes >= 0 && _unread >= 0, "more was released than taken");
            roomAgain = _unread < _limits.MaxReplies && _room.Disarm();
        }

        if (roomAgain)
        {
            _room.Set();
        }
    }

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_latch.IsHeldByCurrentThread);
        Debug.Assert(_queued >= 0 && _queued <= _queue.Length, "the queue is within its array");
        Debug.Assert(_outstanding >= 0 && _outstandingBytes >= _outstanding, "an outstanding event has at least one byte");
        Debug.Assert(_unread >= 0 && _otherBytes >= _unread + _kept, "an unread frame has at least one byte, beside the requests kept");
        Debug.Assert(_closed != CloseReason.SlowConsumer || (_queued == 0 && _counted == 0), "a slow consumer gets nothing more");
        Debug.Assert(_counted == 0 || (_counted > Backlog.Slack && !_isCut), "the backlog counts nothing small, and nothing of the cut");
    }

    private Span<Outgoing> LastTaken => _taken.AsSpan(_releasing, _next - _releasing);

    private static (int Live, long LiveBytes, int Others, long OtherBytes) Sum(ReadOnlySpan<Outgoing> frames)
    {
        var (live, bytes, otherBytes) = (0, 0L, 0L);
        foreach (ref readonly var outgoing in frames)
        {
            if (outgoing.Live)
            {
                live++;
                bytes += outgoing.Frame.Length;
            }
            else
            {
                otherBytes += outgoing.Frame.Length;
            }
        }

        return (live, bytes, frames.Length - live, otherBytes);
    }

    private static Outgoing[] Kept(Outgoing[] empty) => empty.Length <= KeptLength ? empty : [];
}

/// <summary>A frame on its way to a subscriber.</summary>
/// <param name="Frame">What to send.</param>
/// <param name="Live">Whether it counts against the bound on outstanding events: a live event does, a reply or a replayed event does
/// not.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Outgoing(Frame Frame, bool Live);

/// <summary>The outcome of a subscribe.</summary>
public enum SubscribeResult
{
    /// <summary>A new subscription: acked, replayed, live from now on.</summary>
    Joined,

    /// <summary>There was one already: acked, nothing else (PS-SUB-006).</summary>
    Already,

    /// <summary>The topic has been deleted.</summary>
    TopicNotFound,

    /// <summary>The subscriber has <see cref="BrokerLimits.MaxSubscriptions"/> already.</summary>
    LimitReached,

    /// <summary>There is no room for it within <see cref="BrokerLimits.MaxRetainedBytes"/>.</summary>
    BudgetReached,

    /// <summary>The subscriber is closed.</summary>
    Closed,
}
