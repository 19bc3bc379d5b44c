namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// The texts that one connection is still to be sent, in order. Live events are bounded in number and bytes. Replies are bounded too: when
/// there are too many, the connection's next request is not read. Replayed events and notices are not bounded.
/// </summary>
/// <remarks>
/// The event that is being written does not count: a fast reader may have received it, and the next hundred may be due, before the write
/// returns.
/// </remarks>
internal sealed class SendQueue(SmallServer server) : IDisposable
{
    private const int MostReplies = 100;

    private readonly Lock _gate = new();
    private readonly LinkedList<Item> _items = []; // guarded by _gate
    private readonly SemaphoreSlim _changed = new(0);
    private readonly SemaphoreSlim _room = new(MostReplies);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _live; // guarded by _gate
    private int _liveBytes; // guarded by _gate
    private bool _reply; // the last item taken is a reply, which frees its room once it is written; guarded by _gate

    private enum Kind
    {
        Live,
        Reply,
        Other,
    }

    /// <summary>Completes when the queue accepts nothing more; queued items may still be sent.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The close code and reason to send after the last item.</summary>
    public (int Code, string Reason)? Closing { get; private set; } // guarded by _gate

    /// <summary>Live events that have not been taken for writing, and their bytes.</summary>
    public (int Events, int Bytes) Outstanding
    {
        get
        {
            lock (_gate)
            {
                return (_live, _liveBytes);
            }
        }
    }

    /// <summary>Texts of any kind that have not been taken for writing.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _items.Count;
            }
        }
    }

    /// <summary>Waits until there is room for one more reply.</summary>
    public Seam<Func<CancellationToken, Task>> RoomAsync => field ??= new(_room.WaitAsync);

    public Seam<Action<byte[]>> Reply => field ??= new(text => Add(text, Kind.Reply));

    /// <summary>Queues a replayed event, a notice or a heartbeat.</summary>
    public Seam<Action<byte[]>> Say => field ??= new(text => Add(text, Kind.Other));

    /// <summary>Queues a live event. False when the subscriber has ended, or this event ends it.</summary>
    public Seam<Func<byte[], bool>> TryDeliver => field ??= new(@event =>
    {
        lock (_gate)
        {
            while (Closing is null && !HasRoom(@event.Length))
            {
                Overflow.Call();
            }

            if (Closing is not null)
            {
                return false;
            }

            _live++;
            _liveBytes += @event.Length;
            Add(@event, Kind.Live);
            server.Meter.Delivered.Call();
            return true;
        }
    });

    /// <summary>Whether a live event of so many bytes fits; into a queue without live events it always does.</summary>
    public bool HasRoom(int bytes)
    {
        lock (_gate)
        {
            return _live == 0 || !IsFull.Call(_live, _liveBytes + bytes);
        }
    }

    /// <summary>Number of live events, their bytes: whether no further event fits.</summary>
    public Seam<Func<int, int, bool>> IsFull =>
        field ??= new((live, bytes) => live >= server.Settings.QueueSize || bytes > server.Settings.QueueBytes || IsMostOfTooMuch(bytes));

    /// <summary>Whether all subscribers together hold too many bytes, and none more than this one.</summary>
    private bool IsMostOfTooMuch(int bytes)
    {
        if (server.Settings.OutstandingBytes == long.MaxValue)
        {
            return false;
        }

        int[] others =
        [
            .. server.Sessions.Keys.Select(session => session.Queue).Concat(server.Streams.Keys)
                .Where(queue => queue != this).Select(queue => Volatile.Read(ref queue._liveBytes)),
        ];
        return others.Sum(other => (long)other) + bytes > server.Settings.OutstandingBytes && others.All(other => other <= bytes);
    }

    /// <summary>Makes room for a live event, or ends the subscriber.</summary>
    public Seam<Action> Overflow => field ??= new(() =>
    {
        if (server.Variation.DropsOldest)
        {
            DropOldest();
        }
        else
        {
            Abandon.Call(server.Messages.Error.Call("SLOW_CONSUMER", "too many events are unread", null), 1008, "slow consumer");
        }
    });

    /// <summary>Last message or null, close code, reason. Closes the connection after the queued items and the last message.</summary>
    public Seam<Action<byte[]?, int, string>> Finish => field ??= new((last, code, reason) =>
    {
        lock (_gate)
        {
            if (Closing is null)
            {
                Add(last, Kind.Other);
                Close(code, reason);
            }
        }
    });

    /// <summary>Last message or null, close code, reason. Drops the queued items, and closes after the last message.</summary>
    public Seam<Action<byte[]?, int, string>> Abandon => field ??= new((last, code, reason) =>
    {
        lock (_gate)
        {
            _items.Clear();
            (_live, _liveBytes) = (0, 0);
            if (Closing is null)
            {
                Add(last, Kind.Other);
                Close(code, reason);
            }
        }
    });

    /// <summary>The next text to be written, or null after the last.</summary>
    public async Task<byte[]?> NextAsync()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_reply)
                {
                    _reply = false;
                    _room.Release();
                }

                if (_items.First is { } first)
                {
                    _items.RemoveFirst();
                    Forget(first.Value);
                    _reply = first.Value.Kind == Kind.Reply;
                    return first.Value.Text;
                }

                if (Closing is not null)
                {
                    return null;
                }
            }

            await _changed.WaitAsync();
            await CollectAsync.Call();
        }
    }

    /// <summary>Called when the queue was empty and an item arrives; writing waits for its task.</summary>
    public Seam<Func<Task>> CollectAsync => field ??= new(() => Task.CompletedTask);

    /// <summary>Puts a reply ahead of everything queued, as no correct server does.</summary>
    public void ReplyFirst(byte[] text) => AddFirst(text, Kind.Reply);

    /// <summary>The same for a text that is not a reply.</summary>
    public void SayFirst(byte[] text) => AddFirst(text, Kind.Other);

    public void Dispose()
    {
        _changed.Dispose();
        _room.Dispose();
    }

    private void Add(byte[]? text, Kind kind)
    {
        lock (_gate)
        {
            if (text is not null && Closing is null)
            {
                _items.AddLast(new Item(text, kind));
                Changed();
            }
        }
    }

    private void AddFirst(byte[] text, Kind kind)
    {
        lock (_gate)
        {
            if (Closing is null)
            {
                _items.AddFirst(new Item(text, kind));
                Changed();
            }
        }
    }

    private void Close(int code, string reason)
    {
        Closing = (code, reason);
        _room.Release(MostReplies);
        _ended.TrySetResult();
        Changed();
    }

    /// <summary>Drops the live event that would be sent next.</summary>
    public void DropOldest()
    {
        var oldest = _items.First;
        while (oldest is { Value.Kind: not Kind.Live })
        {
            oldest = oldest.Next;
        }

        Forget(oldest!.Value);
        _items.Remove(oldest);
    }

    private void Forget(Item item)
    {
        _live -= item.Kind == Kind.Live ? 1 : 0;
        _liveBytes -= item.Kind == Kind.Live ? item.Text.Length : 0;
    }

    private void Changed()
    {
        if (_changed.CurrentCount == 0)
        {
            _changed.Release();
        }
    }

    private readonly record struct Item(byte[] Text, Kind Kind);
}
