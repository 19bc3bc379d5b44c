using PubSub.Hosting.Engine;
using StackExchange.Redis;

namespace PubSub.Hosting.Redis;

/// <summary>
/// The publishes of this node to one topic. One call of the script is under way at a time and takes what has come meanwhile, so that
/// their order is kept and a round trip is shared. They are bounded where they come from: by connection, and by the bodies of requests.
/// </summary>
/// <remarks>
/// A publish waits for the call before it and for its own, each at most REDIS_TIMEOUT. When a call fails, those that wait behind it fail as
/// well and are not sent.
/// </remarks>
internal sealed class PublishQueue(
    string topic, Link link, Node node, Settings settings, TimeProvider time, Action<string, PublishQueue> emptied)
{
    private const int MaxMessages = 256;
    private const int MaxBytes = 1024 * 1024;

    private readonly RedisKey[] _keys = [Names.Topic(topic), Names.Events(topic)];
    private readonly string _channel = link.Channel(topic);
    private readonly Lock _latch = new();
    private readonly Queue<Call> _calls = new(); // guarded by _latch; those that are not sent
    private Call? _open; // guarded by _latch; the last of them, if messages may be added to it
    private bool _isSending; // guarded by _latch
    private bool _isOver; // guarded by _latch; the next publish needs another queue

    /// <summary>Publishes a message on its own.</summary>
    /// <returns>Null when this queue is over; nothing happened.</returns>
    public Task<Publication>? TryPublish(Draft message)
    {
        lock (_latch)
        {
            if (_isOver)
            {
                return null;
            }

            if (_open is null || _open.Frames.Count == MaxMessages || _open.Bytes + message.Length > MaxBytes)
            {
                Add(_open = new Call('E', time.GetTimestamp()));
            }

            _open.Add(message);
            return _open.PublicationAsync(_open.Frames.Count - 1);
        }
    }

    /// <summary>Publishes messages as one batch.</summary>
    /// <returns>The first of them; null as with <see cref="TryPublish"/>.</returns>
    public Task<Publication>? TryPublishAll(Draft[] messages)
    {
        lock (_latch)
        {
            if (_isOver)
            {
                return null;
            }

            var batch = new Call('B', time.GetTimestamp());
            foreach (var message in messages)
            {
                batch.Add(message);
            }

            _open = null;
            Add(batch);
            return batch.PublicationAsync(0);
        }
    }

    private void Add(Call call)
    {
        _calls.Enqueue(call);
        if (!_isSending)
        {
            _isSending = true;
            _ = SendAsync();
        }
    }

    private async Task SendAsync()
    {
        await Task.Yield(); // the caller holds the latch, and may be in the middle of a burst
        var failed = long.MinValue; // when a call failed last
        while (TryNext(out var call))
        {
            if (call.Began <= failed || time.GetElapsedTime(call.Began) > link.Timeout)
            {
                call.Outcome.SetException(new UnavailableException(mayHaveHappened: false));
                continue;
            }

            try
            {
                _ = CompleteAsync(call, await SendAsync(call).ConfigureAwait(false));
            }
#pragma warning disable CA1031 // every failure is an answer to the publishers
            catch (Exception failure)
#pragma warning restore CA1031
            {
                failed = time.GetTimestamp();
                call.Outcome.SetException(failure);
            }
        }
    }

    /// <summary>
    /// Completes a call that has been carried out, once this node has applied it, if it mirrors the topic: so a subscriber that publishes
    /// gets the event before the ack, and a publisher does not outrun the node.
    /// </summary>
    private async Task CompleteAsync(Call call, Publication first)
    {
        if (first.Result == PublishResult.Accepted && node.Find(topic) is { } mirror)
        {
            await mirror.AppliedAsync(first.Stamp + call.Frames.Count - 1).WaitAsync(link.Timeout, time)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it is accepted, also if the node is late
        }

        call.Outcome.SetResult(first);
    }

    private bool TryNext(out Call call)
    {
        lock (_latch)
        {
            if (_calls.TryDequeue(out call!))
            {
                _open = _open == call ? null : _open;
                return true;
            }

            _isOver = true;
            emptied(topic, this);
            return false;
        }
    }

    private async Task<Publication> SendAsync(Call call)
    {
        try
        {
            RedisValue[] values =
                [link.Verb, _channel, settings.MaxMessages, $"{call.Kind}", .. call.Frames.Select(frame => (RedisValue)frame.Bytes)];
            var first = await link.RunAsync(Scripts.Publish, _keys, values).ConfigureAwait(false);
            return first.IsNull ? default : new(PublishResult.Accepted, (long)first);
        }
        catch (RedisFullException)
        {
            return new(PublishResult.LimitReached);
        }
    }

    /// <summary>The messages of one call of the script.</summary>
    private sealed class Call(char kind, long began)
    {
        /// <summary>When its first message came.</summary>
        public long Began => began;

        public char Kind => kind;

        public List<Frame> Frames { get; } = [];

        public int Bytes { get; private set; }

        /// <summary>The stamp is that of the first message, in microseconds.</summary>
        public TaskCompletionSource<Publication> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add(Draft message)
        {
            Frames.Add(message.Frame);
            Bytes += message.Length;
        }

        public async Task<Publication> PublicationAsync(int index)
        {
            var first = await Outcome.Task.ConfigureAwait(false);
            return first.Result == PublishResult.Accepted ? first with { Stamp = RedisStamp.ToTicks(first.Stamp + index) } : first;
        }
    }
}
