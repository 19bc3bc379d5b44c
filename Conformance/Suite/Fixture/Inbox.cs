using PubSub.Conformance.Protocol;

namespace PubSub.Conformance.Fixture;

/// <summary>
/// The messages of one connection in order of arrival. A wait takes out what it waited for and leaves the rest, so no message is lost
/// and none is read twice.
/// </summary>
/// <param name="wait">How long a wait may last without progress, unless it says otherwise.</param>
internal sealed class Inbox(IMessageSource source, TimeSpan wait, TimeProvider time, CancellationToken cancellation)
{
    // Bounds the memory when a server never stops sending; no scenario needs nearly as many.
    private const int MostReceived = 200_000;

    // A server may send any number of info messages that are about no topic; only the first are kept.
    private const int MostNotices = 1_000;

    private readonly Lock _gate = new();
    private readonly List<ServerMessage> _received = []; // guarded by _gate
    private readonly HashSet<int> _taken = []; // indices of messages; guarded by _gate
    private TaskCompletionSource _change = NewSignal(); // guarded by _gate
    private Closure? _closure; // guarded by _gate
    private Exception? _failure; // guarded by _gate
    private int _notices; // guarded by _gate

    /// <summary>
    /// All messages that arrived, taken or not, in order; only the first <see cref="MostNotices"/> info messages that are about no topic.
    /// </summary>
    public IReadOnlyList<ServerMessage> Received
    {
        get
        {
            lock (_gate)
            {
                return [.. _received];
            }
        }
    }

    /// <summary>The messages that no wait has taken yet, in order of arrival.</summary>
    public IReadOnlyList<ServerMessage> Unread
    {
        get
        {
            lock (_gate)
            {
                return [.. _received.Where(message => !_taken.Contains(message.Index))];
            }
        }
    }

    /// <summary>How the connection ended; null while its end has not been read.</summary>
    public Closure? Closure
    {
        get
        {
            lock (_gate)
            {
                return _closure;
            }
        }
    }

    /// <summary>Adds a message, or the end of the connection when it is null; true when more may come.</summary>
    /// <exception cref="Violation">There are more messages than any scenario asks for.</exception>
    public bool Add(ServerMessage? message)
    {
        Change(() =>
        {
            if (message is null)
            {
                _closure = source.Closure;
            }
            else if (message is not { IsInfo: true, IsDeletion: false, Topic: null } || ++_notices <= MostNotices)
            {
                _received.Add(message);
            }

            if (_received.Count > MostReceived)
            {
                throw new Violation(
                    $"The server sends {source.Name} what it asked for", $"at most {MostReceived} messages", $"more, the last {message}");
            }
        });
        return message is not null;
    }

    /// <summary>Every wait that finds nothing fails with this from now on.</summary>
    public void Fail(Exception failure) => Change(() => _failure = failure);

    /// <summary>Takes the unread messages that fit, arrived or yet to come, up to and including the last.</summary>
    /// <param name="within">The longest silence between two that fit.</param>
    public async Task<IReadOnlyList<ServerMessage>> TakeAsync(
        Func<ServerMessage, bool> which, Func<ServerMessage, bool> last, string awaited, TimeSpan? within)
    {
        var limit = within ?? wait;
        var silence = time.GetTimestamp();
        var taken = new List<ServerMessage>();
        var next = 0;
        while (true)
        {
            Task change;
            lock (_gate)
            {
                for (; next < _received.Count; next++)
                {
                    var message = _received[next];
                    if (_taken.Contains(message.Index) || !which(message))
                    {
                        continue;
                    }

                    _taken.Add(message.Index);
                    taken.Add(message);
                    silence = time.GetTimestamp();
                    if (last(message))
                    {
                        return taken;
                    }
                }

                ThrowIfFailed();
                if (_closure is not null)
                {
                    throw Missing(awaited, $"the end of the connection by {_closure}", taken);
                }

                change = _change.Task;
            }

            if (!await ChangedAsync(change, limit - time.GetElapsedTime(silence)))
            {
                throw Missing(awaited, $"{limit.TotalSeconds} s of silence", taken);
            }
        }
    }

    /// <summary>Waits until the server ends the connection; messages that came before stay here.</summary>
    public async Task<Closure> ClosedAsync(TimeSpan? within)
    {
        var limit = within ?? wait;
        return await UntilAsync(() => _closure is not null, limit)
            ? Closure!
            : throw new Violation(
                $"The server closes {source.Name}",
                "the end of the connection",
                $"{source.StillOpen} after {limit.TotalSeconds} s{new OtherMessages(Unread)}");
    }

    /// <summary>Waits until anything has arrived, and leaves it here.</summary>
    public async Task BegunAsync()
    {
        if (!await UntilAsync(() => _received.Count > 0 || _closure is not null, wait) || Received.Count == 0)
        {
            throw new Violation($"{source.Name} receives something", "a message", Closure?.End ?? $"{wait.TotalSeconds} s of silence");
        }
    }

    /// <summary>False when the time is over first.</summary>
    private async Task<bool> UntilAsync(Func<bool> isSo, TimeSpan limit)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            Task change;
            lock (_gate)
            {
                ThrowIfFailed();
                if (isSo())
                {
                    return true;
                }

                change = _change.Task;
            }

            if (!await ChangedAsync(change, limit - time.GetElapsedTime(start)))
            {
                return false;
            }
        }
    }

    private Violation Missing(string awaited, string observed, List<ServerMessage> taken)
    {
        var before = taken.Count == 0
            ? ""
            : $" after {taken.Count} event(s), the last {source.Ids.Show(taken[^1].MessageId ?? "without an id")}";
        return new Violation($"{source.Name} receives {awaited}", awaited, $"{observed}{before}{new OtherMessages(Unread)}");
    }

    /// <summary>False when the time is over first.</summary>
    private async Task<bool> ChangedAsync(Task change, TimeSpan remaining)
    {
        if (remaining <= TimeSpan.Zero)
        {
            return false;
        }

        try
        {
            await change.WaitAsync(remaining, time, cancellation);
            return true;
        }
        catch (TimeoutException)
        {
            // The caller knows what was awaited.
            return false;
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource signal;
        lock (_gate)
        {
            change();
            signal = _change;
            _change = NewSignal();
        }

        signal.SetResult();
    }

    private void ThrowIfFailed()
    {
        switch (_failure)
        {
            case null:
                return;
            case Interference own:
                throw new Interference(own.Kind, own.Message, own);
            case Violation violation:
                throw new Violation(violation.Expectation, violation.Expected, violation.Observed) { Breaks = violation.Breaks };
            default:
                // A mistake of the suite must not look like a silent server.
                throw new InvalidOperationException($"The suite failed while it read for {source.Name}.", _failure);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
