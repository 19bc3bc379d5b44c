namespace PubSub.Hosting.Sockets;

/// <summary>
/// The publishes of one connection whose answers have not come yet, at most 256 and about 1 MiB. They are answered in the order of the
/// requests. With the engine of a single node there are none.
/// </summary>
internal sealed class UnderWay(Subscriber subscriber)
{
    private const int MaxPublishes = 256;
    private const int MaxBytes = 1024 * 1024;

    private readonly Lock _latch = new();
    private readonly Queue<Pending> _pending = new(); // guarded by _latch
    private int _bytes; // guarded by _latch
    private Task _answering = Task.CompletedTask; // replaced under _latch, when nothing is pending

    /// <summary>Bytes that they take.</summary>
    public int Bytes => Volatile.Read(ref _bytes);

    /// <summary>Adds a publish.</summary>
    /// <param name="publishing">Its outcome.</param>
    /// <param name="bytes">Bytes that it takes.</param>
    /// <param name="answer">The reply to an outcome, or to a failure.</param>
    /// <returns>Completes when there is room for the next.</returns>
    public ValueTask AddAsync(ValueTask<Publication> publishing, int bytes, Func<Publication, Exception?, Frame> answer)
    {
        lock (_latch)
        {
            _pending.Enqueue(new(publishing, bytes, answer));
            _bytes += bytes;
            if (_answering.IsCompleted)
            {
                _answering = AnswerAsync();
            }

            return _pending.Count < MaxPublishes && _bytes < MaxBytes ? default : new(_answering);
        }
    }

    /// <summary>Completes when all are answered; within REDIS_TIMEOUT, as each of them.</summary>
    public ValueTask SettleAsync() => _answering.IsCompleted ? default : new(_answering);

    private async Task AnswerAsync()
    {
        await Task.Yield(); // the caller holds the latch
        var wakes = new Wakes();
        for (var isLast = false; !isLast;)
        {
            var next = Peek();
            if (!next.Publishing.IsCompleted)
            {
                wakes.Release();
            }

            var answer = await OutcomeAsync(next).ConfigureAwait(false);
            subscriber.Reply(answer, wakes);
            lock (_latch)
            {
                _pending.Dequeue();
                _bytes -= next.Bytes;
                isLast = _pending.Count == 0;
                if (isLast)
                {
                    _answering = Task.CompletedTask; // so that an addition from here on begins anew
                }
            }
        }

        wakes.Release();
    }

    private Pending Peek()
    {
        lock (_latch)
        {
            return _pending.Peek();
        }
    }

    private static async ValueTask<Frame> OutcomeAsync(Pending pending)
    {
        try
        {
            return pending.Answer(await pending.Publishing.ConfigureAwait(false), null);
        }
#pragma warning disable CA1031 // every failure is an answer to its request
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return pending.Answer(default, failure);
        }
    }

    private readonly record struct Pending(ValueTask<Publication> Publishing, int Bytes, Func<Publication, Exception?, Frame> Answer);
}
