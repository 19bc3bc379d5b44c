using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PubSub;

/// <summary>
/// One connection as the broker sees it: a queue of frames, first in, first out, with one reader and a bound. It remembers the
/// order in which topics and replies were put to it; it decides nothing else.
/// </summary>
/// <remarks>
/// <para>Live events are <em>outstanding</em> from <see cref="TryDeliver"/> until the reader calls <see cref="Release"/>, save while they
/// are being handed over (<see cref="HandOver"/>). One more than <see cref="BrokerLimits.MaxQueueSize"/>, or bytes over
/// <see cref="BrokerLimits.MaxQueueBytes"/>, closes the subscriber as a slow consumer (PS-BPR-001). Nobody waits for it.</para>
/// <para>Replies and replayed events are the client's own doing. They never close it; while
/// <see cref="BrokerLimits.MaxReplies"/> of them are unread, its requests wait (PS-BPR-010).</para>
/// <para>Every member may be called from any thread, save that only one reader calls <see cref="WaitAsync"/>, <see cref="Take"/>,
/// <see cref="HandOver"/>, <see cref="Hold"/> and <see cref="Release"/>, and only one requester <see cref="WaitForRoomAsync"/>.</para>
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
    private int _outstanding; // guarded by _latch; live events queued or taken, and not being handed over
    private long _outstandingBytes; // guarded by _latch
    private int _unread; // guarded by _latch; replies and replayed events queued or taken
    private long _otherBytes; // guarded by _latch; bytes of replies and replayed events that are unread, and of requests that are kept
    private long _counted; // guarded by _latch; bytes that the backlog counts
    private int _kept; // guarded by _latch; bytes of requests among those held
    private bool _isCut; // guarded by _latch; whether the backlog counts it no more
    private Wakes? _noted; // guarded by _latch; who noted last that the reader sleeps
    private volatile CloseReason _closed; // written under _latch, once

    // The reader's own. The two arrays change places: what is queued becomes what is taken, and what was taken is empty and queued in next.
    private Outgoing[] _taken = [];
    private int _takenCount;
    private int _next;
    private int _releasing;
    private bool _handedOver; // whether the live events last taken have been given room back already

    internal Subscriber(BrokerLimits limits, Budget budget, Backlog backlog, bool eager)
    {
        (_limits, _budget, _backlog) = (limits, budget, backlog);
        _frames = new Signal(eager);
    }

    /// <summary>The backlog's own.</summary>
    internal Backlog.Link Link; // guarded by the backlog's latch

    /// <summary>Why it was closed; <see cref="CloseReason.None"/> while it is open.</summary>
    public CloseReason Closed => _closed;

    /// <summary>Queues the answer to a request of this subscriber. After it has been closed, does nothing.</summary>
    public void Reply(Frame reply, Wakes wakes)
    {
        lock (_latch)
        {
            if (_closed == CloseReason.None)
            {
                Append(reply, live: false, wakes);
                NoteWake(wakes);
            }
        }
    }

    /// <summary>
    /// Counts the bytes of requests of this subscriber that have come and wait to be whole, or for room, instead of what was counted for
    /// them before.
    /// </summary>
    public void Keep(int bytes, Wakes wakes)
    {
        lock (_latch)
        {
            _otherBytes += bytes - _kept;
            _kept = bytes;
            ReportHeld(wakes);
        }
    }

    /// <summary>Its reader has ended: what was not sent is dropped.</summary>
    public void Forget()
    {
        lock (_latch)
        {
            Debug.Assert(_closed != CloseReason.None, "a subscriber that is open could be given more");
            (_queue, _queued) = ([], 0);
            StopCounting();
        }
    }

    /// <summary>
    /// Completes at once while fewer than <see cref="BrokerLimits.MaxReplies"/> replies and replayed events are unread or the
    /// subscriber is closed, otherwise as soon as that is so.
    /// </summary>
    public ValueTask WaitForRoomAsync()
    {
        lock (_latch)
        {
            return _unread < _limits.MaxReplies || _closed != CloseReason.None ? ValueTask.CompletedTask : _room.Arm();
        }
    }

    /// <summary>Waits until there is something to <see cref="Take"/>.</summary>
    /// <returns>False when the subscriber was closed and nothing is left to send.</returns>
    public ValueTask<bool> WaitAsync()
    {
        lock (_latch)
        {
            return HasMore() is { } answer ? ValueTask.FromResult(answer) : _frames.ArmForAnswer();
        }
    }

    /// <summary>
    /// Takes the oldest frames: at least one if there is one, and no more than fit into <paramref name="maxBytes"/> unless one alone does
    /// not. They remain outstanding, and the memory returned valid, until <see cref="Release"/>.
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

        _releasing = first;
        return _taken.AsMemory(first, _next - first);
    }

    /// <summary>
    /// The frames last taken are about to be given to whatever carries them, which takes them at once or says that they have to wait:
    /// until then, live events among them are not outstanding. For the peer may have them, and the next be due, before the reader goes on
    /// (PS-BPR-006). For a reader whose writes may wait to begin with, there is no need of it.
    /// </summary>
    public void HandOver()
    {
        Debug.Assert(!_handedOver, "handed over twice");
        var (live, bytes, _, _) = Sum(LastTaken);
        GiveBack(live, bytes, others: 0, otherBytes: 0);
        _handedOver = true;
    }

    /// <summary>
    /// The frames handed over have to wait for the peer: they are outstanding again, until <see cref="Release"/>. With what came meanwhile
    /// that may be more than the bound; then the next event closes the subscriber.
    /// </summary>
    public void Hold()
    {
        Debug.Assert(_handedOver, "nothing was handed over");
        var (live, bytes, _, _) = Sum(LastTaken);
        lock (_latch)
        {
            _outstanding += live;
            _outstandingBytes += bytes;
            ReportHeld(wakes: null); // what is over the bound by this, the next frame finds
        }

        _handedOver = false;
    }

    /// <summary>Gives back the room of the frames last taken: they have been sent.</summary>
    public void Release()
    {
        var sent = LastTaken;
        var (live, bytes, others, otherBytes) = Sum(sent);
        if (_handedOver)
        {
            (live, bytes) = (0, 0);
            _handedOver = false;
        }

        GiveBack(live, bytes, others, otherBytes);
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

    /// <summary>Offers a live event.</summary>
    /// <returns>False when the subscriber is closed, which this very event may have caused; it must not be offered another.</returns>
    internal bool TryDeliver(Frame live, Wakes wakes)
    {
        lock (_latch)
        {
            if (_closed != CloseReason.None)
            {
                return false;
            }

            if (_outstanding >= _limits.MaxQueueSize
                || (_outstanding > 0 && _outstandingBytes + live.Length > _limits.MaxQueueBytes))
            {
                CloseLatched(CloseReason.SlowConsumer, wakes);
                return false;
            }

            _outstanding++;
            _outstandingBytes += live.Length;
            Append(live, live: true, wakes);
            NoteWake(wakes);
            if (_outstanding * 4L >= _limits.MaxQueueSize * 3L || _outstandingBytes * 4 >= _limits.MaxQueueBytes * 3)
            {
                wakes.FallDue();
            }

            return true;
        }
    }

    /// <summary>Takes part in a topic from now on: the ack, then what is replayed, in one step.</summary>
    internal Subscribing Join(Topic topic, IEnumerable<Frame> replay, Frame? ack, Wakes wakes)
    {
        lock (_latch)
        {
            if (_closed != CloseReason.None)
            {
                return Subscribing.Closed;
            }

            var joins = !_topics.Contains(topic);
            if (joins && _topics.Count >= _limits.MaxSubscriptions)
            {
                return Subscribing.LimitReached;
            }

            if (joins && !_budget.TryTake(Budget.PerSubscription))
            {
                return Subscribing.BudgetReached;
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
            return joins ? Subscribing.Joined : Subscribing.Already;
        }
    }

    /// <summary>Takes no more part in a topic; the last word about it is queued in the same step.</summary>
    internal void Leave(Topic topic, Frame? lastWord, Wakes wakes)
    {
        lock (_latch)
        {
            if (_topics.Remove(topic))
            {
                _budget.GiveBack(Budget.PerSubscription);
            }

            if (lastWord is { } word && _closed == CloseReason.None)
            {
                Append(word, live: false, wakes);
                NoteWake(wakes);
            }
        }
    }

    internal void Close(CloseReason reason, Wakes wakes)
    {
        lock (_latch)
        {
            if (_closed == CloseReason.None)
            {
                CloseLatched(reason, wakes);
            }
        }
    }

    /// <summary>Ends what is queued, whether or not it was closed before; called outside of every lock.</summary>
    internal void Cut()
    {
        Close(CloseReason.SlowConsumer);
        Forget();
    }

    /// <summary>
    /// What follows a close: leaves every topic, and lets a waiting requester go. Enters the topics' gates one after the other, so it
    /// is called outside of all.
    /// </summary>
    internal void Depart()
    {
        Topic[] topics;
        bool awaited;
        lock (_latch)
        {
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
            _noted = null;
            answer = _frames.IsArmed ? HasMore() : null; // another may have woken it, and it gone to sleep again with nothing left
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

    /// <summary>Whether there is something to take; null when that is still open. For the reader, or while it sleeps.</summary>
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

    /// <summary>Tells the backlog when what is held has become more, or less, by enough.</summary>
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

    /// <summary>If the reader sleeps, whoever gives it something notes it, so that the first of them to release wakes it.</summary>
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
        // Unreleased, it is still in use.
        var spare = _takenCount == 0 ? _taken : [];
        lock (_latch)
        {
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
/// <param name="Live">Whether it counts against the bound on outstanding events: a live event does, a reply or a replayed event does not.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Outgoing(Frame Frame, bool Live);

/// <summary>What became of a subscribe.</summary>
public enum Subscribing
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
