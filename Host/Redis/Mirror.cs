using System.Threading.Channels;
using PubSub.Hosting.Engine;
using PubSub.Hosting.Protocol;
using StackExchange.Redis;

namespace PubSub.Hosting.Redis;

/// <summary>
/// A topic on this node, as long as there are subscriptions to it here: a topic of the node's own broker, which gets the events as Redis
/// announces them. One loop does everything that happens to it, one step after the other.
/// </summary>
/// <remarks>
/// Announcements may be lost: each names the stamp before it, so the next one shows the gap. When there is no next, a check every ten
/// seconds shows that nothing comes although Redis is further on. Then the mirror reads from Redis what it has not. If Redis no longer
/// retains all of it, the subscribers are closed with MISSED_EVENTS. An announcement that is late is not lost.
/// </remarks>
internal sealed class Mirror(string name, MirrorTools tools)
{
    /// <summary>Steps that may wait. Announcements over it are dropped, and read from Redis later.</summary>
    private const int MaxSteps = 16 * 1024;

    /// <summary>Beats without a subscriber after which the mirror ends.</summary>
    private const int IdleBeats = 30;

    private readonly Channel<Step> _steps = Channel.CreateBounded<Step>(new BoundedChannelOptions(MaxSteps) { SingleReader = true });
    private readonly TaskCompletionSource<SubscribeResult> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _latch = new();
    private List<TaskCompletionSource> _asking = []; // guarded by _latch; wait for the next check
    private int _hasBegun;
    private long _lastToken;
    private int _announced; // subscriptions of this node that Redis counts; changed by any thread
    private volatile bool _isCountKnown = true; // whether _announced is right; written by any thread
    private volatile bool _hasEnded; // written once

    // Used by the loop only.
    private readonly Dictionary<string, Turn> _turns = [];
    private readonly Wakes _wakes = new();
    private Topic? _topic; // null until it is opened
    private long _applied; // the newest stamp that has been applied, in microseconds
    private long _messages; // messages that have been applied, of those that Redis has accepted
    private readonly List<(long Stamp, TaskCompletionSource Settled)> _settling = []; // wait until this stamp has been applied
    private bool _isBehind; // whether something is known to be missing
    private long _expected; // a stamp that Redis has reached
    private long _appliedBefore; // _applied at the last beat
    private int _idle; // beats

    private enum End
    {
        NotYet,
        Idle,
        Deleted,
        Missed,
    }

    /// <summary>Joined once there is something to subscribe to, or why not; fails with <see cref="UnavailableException"/>.</summary>
    public Task<SubscribeResult> Opened => _opened.Task;

    /// <summary>Begins to mirror the topic; only the first call does anything.</summary>
    public void Begin()
    {
        if (Interlocked.Exchange(ref _hasBegun, 1) == 0)
        {
            _ = RunAsync();
        }
    }

    public bool Has(Subscriber subscriber) => Volatile.Read(ref _topic)?.Has(subscriber) is true;

    /// <summary>Gives a subscriber its turn, at a mark in the topic's order.</summary>
    /// <param name="act">What is done then.</param>
    /// <param name="gain">Subscriptions that the node gains by it.</param>
    /// <returns>What came of it; null if the mark was missed or the mirror has ended, so that another attempt is needed.</returns>
    /// <exception cref="UnavailableException">It was not done, and will not be.</exception>
    public async ValueTask<SubscribeResult?> TakeTurnAsync(Join act, int gain)
    {
        var turn = new Turn($"{tools.Node}:{Interlocked.Increment(ref _lastToken)}", act);
        if (!_steps.Writer.TryWrite(new() { Turn = turn }))
        {
            return _hasEnded ? null : throw new UnavailableException(mayHaveHappened: false);
        }

        try
        {
            if (await MarkAsync(turn, gain).ConfigureAwait(false) is not { } stamp)
            {
                turn.TryWithdraw();
                return SubscribeResult.TopicNotFound;
            }

            _steps.Writer.TryWrite(new() { Turn = turn, Stamp = stamp });
            return await turn.Outcome.WaitAsync(tools.Link.Timeout, tools.Time).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is UnavailableException or TimeoutException)
        {
            _isCountKnown = false;
            if (!turn.TryWithdraw())
            {
                return await turn.Outcome.ConfigureAwait(false);
            }

            throw failure as RedisFullException ?? new UnavailableException(mayHaveHappened: false);
        }
    }

    /// <summary>Completes when everything that Redis accepted before has been applied, or the mirror has ended.</summary>
    /// <exception cref="UnavailableException">Redis did not say.</exception>
    public Task SettleAsync()
    {
        var settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool isFirst;
        lock (_latch)
        {
            _asking.Add(settled);
            isFirst = _asking.Count == 1;
        }

        if (isFirst && !_steps.Writer.TryWrite(new() { IsCheck = true }))
        {
            Settle(TakeAsking(), _hasEnded ? null : new UnavailableException(mayHaveHappened: false));
        }

        return settled.Task;
    }

    /// <summary>Completes when a stamp of this topic has been applied, or the mirror has ended; at once if it cannot say when.</summary>
    public Task AppliedAsync(long stamp)
    {
        var applied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _steps.Writer.TryWrite(new() { Applied = applied, Stamp = stamp }) ? applied.Task : Task.CompletedTask;
    }

    /// <summary>A second has passed.</summary>
    /// <param name="isCheck">Whether to look in Redis whether an announcement was lost.</param>
    public void Beat(bool isCheck) => _steps.Writer.TryWrite(new() { IsBeat = true, IsCheck = isCheck });

    /// <summary>Redis may have forgotten how many subscriptions this node has.</summary>
    public void ForgetCount() => _isCountKnown = false;

    private async Task<long?> MarkAsync(Turn turn, int gain)
    {
        var stamp = await tools.Link.RunAsync(
            Scripts.Mark,
            [Names.Topic(name), Names.Subscriptions(name)],
            tools.Link.Verb,
            tools.Link.Channel(name),
            tools.Node,
            gain,
            turn.Token).ConfigureAwait(false);
        if (stamp.IsNull)
        {
            return null;
        }

        Interlocked.Add(ref _announced, gain);
        return (long)stamp;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        ChannelMessageQueue? announcements = null;
        try
        {
            announcements = await tools.Link.SubscribeAsync(name).ConfigureAwait(false);
            announcements.OnMessage(Receive);
            var end = await CatchUpAsync().ConfigureAwait(false);
            _opened.TrySetResult(end switch
            {
                End.NotYet => SubscribeResult.Joined,
                End.Deleted => SubscribeResult.TopicNotFound,
                _ => SubscribeResult.BudgetReached,
            });
            while (end == End.NotYet && await _steps.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                while (end == End.NotYet && _steps.Reader.TryRead(out var step))
                {
                    end = await TakeAsync(step).ConfigureAwait(false);
                }

                _wakes.Release();
            }

            EndTopic(end);
        }
        catch (UnavailableException unavailable)
        {
            _opened.TrySetException(unavailable);
            EndTopic(End.Missed);
        }
#pragma warning disable CA1031 // the last resort: its subscribers are told
        catch (Exception bug)
#pragma warning restore CA1031
        {
            Log.MirrorFailed(tools.Logger, bug, new(name));
            _opened.TrySetException(new UnavailableException(mayHaveHappened: false));
            EndTopic(End.Missed);
        }

        // Only then may another mirror of the topic subscribe to the channel.
        await tools.Link.UnsubscribeAsync(announcements).ConfigureAwait(false);
        Finish();
    }

    /// <summary>Called by the client library, in the order of the channel.</summary>
    private void Receive(ChannelMessage message)
    {
        ReadOnlyMemory<byte> bytes = message.Message;
        if (tools.Waiting.TryTake(bytes.Length) && !_steps.Writer.TryWrite(new() { Announcement = bytes }))
        {
            tools.Waiting.GiveBack(bytes.Length);
        }
    }

    private void EndTopic(End end)
    {
        if (_topic is { } topic)
        {
            if (end == End.Deleted)
            {
                tools.Broker.TryDelete(name, tools.Say.TopicDeleted(name), tools.Settings.DisconnectOnDeletion);
            }
            else
            {
                if (end == End.Missed)
                {
                    Log.EventsMissed(tools.Logger, new(name), topic.Count().Subscribers);
                }

                tools.Broker.Abandon(topic);
            }
        }

        _wakes.Release();
    }

    private void Finish()
    {
        tools.Ended(name, this);
        _hasEnded = true;
        _steps.Writer.Complete();
        while (_steps.Reader.TryRead(out var step))
        {
            step.Turn?.Miss();
            step.Applied?.TrySetResult();
            tools.Waiting.GiveBack(step.Announcement.Length);
        }

        foreach (var turn in _turns.Values)
        {
            turn.Miss();
        }

        Settle(TakeAsking(), failure: null);
        Settle(_settling.Select(one => one.Settled), failure: null);
    }

    private List<TaskCompletionSource> TakeAsking()
    {
        lock (_latch)
        {
            var asking = _asking;
            _asking = [];
            return asking;
        }
    }

    private static void Settle(IEnumerable<TaskCompletionSource> settled, UnavailableException? failure)
    {
        foreach (var one in settled)
        {
            _ = failure is null ? one.TrySetResult() : one.TrySetException(failure);
        }
    }

    private async ValueTask<End> TakeAsync(Step step)
    {
        if (step.Turn is { } turn)
        {
            NoteTurn(turn, step.Stamp);
            return End.NotYet;
        }

        if (step.Applied is { } applied)
        {
            _settling.Add((step.Stamp, applied));
            SettleApplied();
            return End.NotYet;
        }

        if (step.IsBeat || step.IsCheck)
        {
            return await LookAsync(step).ConfigureAwait(false);
        }

        tools.Waiting.GiveBack(step.Announcement.Length);
        return await ApplyAsync(Announcement.Parse(step.Announcement)).ConfigureAwait(false);
    }

    /// <summary>A turn begins, or its mark is known to be there.</summary>
    private void NoteTurn(Turn turn, long stamp)
    {
        if (stamp == 0)
        {
            _turns.Add(turn.Token, turn);
        }
        else if (stamp > _applied)
        {
            turn.Stamp = stamp;
        }
        else if (_turns.Remove(turn.Token))
        {
            turn.Miss(); // the mirror has gone past its mark without an announcement
        }
    }

    private async ValueTask<End> LookAsync(Step step)
    {
        if (step.IsBeat)
        {
            foreach (var over in _turns.Values.Where(turn => turn.IsOver).ToList())
            {
                _turns.Remove(over.Token);
            }

            CorrectCount();
            _idle = _topic!.Count().Subscribers + _turns.Count == 0 ? _idle + 1 : 0;
            if (_idle >= IdleBeats)
            {
                return End.Idle;
            }

            // Nothing has come for a whole beat, although Redis is further on.
            _isBehind |= _applied < _expected && _applied == _appliedBefore && !_steps.Reader.TryPeek(out _);
            _appliedBefore = _applied;
        }

        if (step.IsCheck)
        {
            await CheckAsync().ConfigureAwait(false);
        }

        return _isBehind ? await TryCatchUpAsync().ConfigureAwait(false) : End.NotYet;
    }

    /// <summary>Asks how far Redis is; what is between may be on its way here.</summary>
    private async ValueTask CheckAsync()
    {
        _wakes.Release();
        var asking = TakeAsking(); // before the answer, which knows nothing of what is accepted behind it
        try
        {
            var values = await tools.Link
                .CallAsync(redis => redis.HashGetAsync(Names.Topic(name), ["epoch", "last"])).ConfigureAwait(false);
            var isOurs = values[0] == _topic!.Epoch;
            _expected = isOurs ? (long)values[1] : _applied;
            _isBehind |= !isOurs || _expected < _applied; // or Redis has lost what it had
            _settling.AddRange(asking.Select(settled => (_expected, settled)));
            SettleApplied();
        }
        catch (UnavailableException unavailable)
        {
            Settle(asking, unavailable);
        }
    }

    private async ValueTask<End> TryCatchUpAsync()
    {
        _wakes.Release();
        _isBehind = true; // if it fails, until the next beat
        try
        {
            return await CatchUpAsync().ConfigureAwait(false);
        }
        catch (UnavailableException)
        {
            return End.NotYet;
        }
    }

    private void SettleApplied()
    {
        if (_settling.Count > 0)
        {
            Settle(_settling.Where(one => one.Stamp <= _applied).Select(one => one.Settled), failure: null);
            _settling.RemoveAll(one => one.Stamp <= _applied);
        }
    }

    /// <summary>Tells Redis how many subscriptions there are, if it counts another number.</summary>
    private void CorrectCount()
    {
        var count = _topic!.Count().Subscribers;
        if (_turns.Count == 0 && (!_isCountKnown || count != Volatile.Read(ref _announced)))
        {
            (_isCountKnown, _announced) = (true, count);
            _ = SendCountAsync(count, _topic.Epoch);
        }
    }

    private async Task SendCountAsync(int count, string epoch)
    {
        try
        {
            await tools.Link
                .RunAsync(Scripts.Count, [Names.Topic(name), Names.Subscriptions(name)], tools.Node, count, epoch)
                .ConfigureAwait(false);
        }
        catch (UnavailableException)
        {
            _isCountKnown = false;
        }
    }

    private async ValueTask<End> ApplyAsync(Announcement announcement)
    {
        if (announcement.Kind == 'D')
        {
            return announcement.Epoch == _topic!.Epoch ? End.Deleted : End.NotYet;
        }

        if (announcement.Epoch == _topic!.Epoch)
        {
            if (announcement.Last <= _applied)
            {
                return End.NotYet; // read from Redis already
            }

            if (announcement.Before == _applied)
            {
                return await ApplyNextAsync(announcement).ConfigureAwait(false);
            }
        }

        // Something is missing before it, or it is of another topic of this name.
        return await TryCatchUpAsync().ConfigureAwait(false);
    }

    private async ValueTask<End> ApplyNextAsync(Announcement announcement)
    {
        var end = End.NotYet;
        switch (announcement.Kind)
        {
            case 'M':
                if (_turns.Remove(announcement.Token, out var turn))
                {
                    turn.Take(_topic!, RedisStamp.ToTicks(announcement.First), _wakes);
                }

                break;
            case 'B':
                var batch = announcement.Events.Select(stamped => stamped.ToDraft()).ToArray();
                end = _topic!.PublishAll(batch, _wakes, new long[batch.Length]) == PublishResult.Accepted ? End.NotYet : End.Missed;
                _messages += batch.Length;
                await LetReadersRunAsync().ConfigureAwait(false);
                break;
            default:
                end = await DeliverAsync(announcement.Events).ConfigureAwait(false);
                break;
        }

        Advance(announcement.Last);
        return end;
    }

    private async ValueTask<End> DeliverAsync(IEnumerable<StampedFrame> events)
    {
        foreach (var stamped in events)
        {
            if (_topic!.Publish(stamped.ToDraft(), _wakes).Result != PublishResult.Accepted)
            {
                return End.Missed; // there is no room for it here
            }

            _messages++;
            await LetReadersRunAsync().ConfigureAwait(false);
        }

        return End.NotYet;
    }

    /// <summary>A burst must not outrun readers that have not been scheduled yet.</summary>
    private async ValueTask LetReadersRunAsync()
    {
        if (_wakes.AreDue)
        {
            _wakes.Release();
            await Task.Yield();
        }
    }

    private void Advance(long stamp)
    {
        _applied = stamp;
        _topic!.Advance(RedisStamp.ToTicks(stamp));
        SettleApplied();
    }

    /// <summary>Reads from Redis what is missing, and applies it.</summary>
    /// <exception cref="UnavailableException">Redis did not say.</exception>
    private async ValueTask<End> CatchUpAsync()
    {
        var image = await Image.ReadAsync(tools.Link, name, _messages, _topic?.Epoch ?? "").ConfigureAwait(false);
        if (image is null || (_topic is not null && _topic.Epoch != image.Epoch))
        {
            return End.Deleted;
        }

        if (_topic is null && !TryOpen(image))
        {
            return End.Missed;
        }

        if (image.Last < _applied || image.Messages - _messages != image.Events.Count)
        {
            return End.Missed; // Redis has lost what it had, or no longer retains all that is missing here
        }

        var end = await DeliverAsync(image.Events).ConfigureAwait(false);
        Advance(image.Last);
        _isBehind = false;
        foreach (var passed in _turns.Values.Where(turn => turn.Stamp > 0 && turn.Stamp <= _applied).ToList())
        {
            _turns.Remove(passed.Token);
            passed.Miss();
        }

        return end;
    }

    private bool TryOpen(Image image)
    {
        _messages = image.Origin.Messages;
        if (tools.Broker.Create(name, image.Origin) != CreateResult.Created)
        {
            return false; // there is no room for it on this node
        }

        Volatile.Write(ref _topic, tools.Broker.Find(name)!);
        return true;
    }

    /// <summary>What the loop is to do: one of these.</summary>
    private readonly struct Step
    {
        /// <summary>A turn begins; with a stamp: its mark is known to be there.</summary>
        public Turn? Turn { get; init; }

        /// <summary>Completed once the stamp has been applied.</summary>
        public TaskCompletionSource? Applied { get; init; }

        public long Stamp { get; init; }

        public ReadOnlyMemory<byte> Announcement { get; init; }

        public bool IsBeat { get; init; }

        public bool IsCheck { get; init; }
    }
}

/// <summary>What all mirrors of a node share.</summary>
/// <param name="Node">The node's name, unlike that of any other.</param>
/// <param name="Link">To Redis.</param>
/// <param name="Broker">Has the mirrored topics.</param>
/// <param name="Say">Writes notices.</param>
/// <param name="Settings">The operator's.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">For what an operator should know.</param>
/// <param name="Waiting">Bounds announcements that wait.</param>
/// <param name="Ended">Called once for each mirror.</param>
internal sealed record MirrorTools(
    string Node,
    Link Link,
    Broker Broker,
    ServerMessage Say,
    Settings Settings,
    TimeProvider Time,
    ILogger Logger,
    Allowance Waiting,
    Action<string, Mirror> Ended);
