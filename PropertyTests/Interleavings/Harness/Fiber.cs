namespace PubSub.Interleavings.Harness;

/// <summary>A thread of a program. It runs only while it has the turn, and is reused for one program after another.</summary>
internal sealed class Fiber : IDisposable
{
    [ThreadStatic]
    private static Fiber? _current;

    private readonly SemaphoreSlim _turn = new(0);
    private readonly List<Lock> _held = [];
    private readonly Thread _thread;
    private Action? _act;
    private Func<bool>? _until;
    private bool _isDisposed;

    public Fiber(Scheduler scheduler)
    {
        Scheduler = scheduler;
        _thread = new Thread(Live) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The fiber of this thread, or null on any other thread.</summary>
    public static Fiber? Current => _current;

    public Scheduler Scheduler { get; }

    public string Name { get; private set; } = "";

    public bool HasEnded { get; private set; }

    /// <summary>The lock that it is about to enter.</summary>
    public Lock? Wants { get; private set; }

    /// <summary>A description of what it waits for.</summary>
    public object? WaitsFor { get; private set; }

    public bool CanGoOn => !HasEnded && (Wants is null || Wants.IsFreeFor(this)) && (_until is null || _until());

    public void Assign(string name, Action act)
    {
        (Name, _act, HasEnded, Wants, _until, WaitsFor) = (name, act, false, null, null, null);
        _held.Clear();
    }

    public void GiveTurn() => _turn.Release();

    public void AwaitTurn() => _turn.Wait();

    /// <summary>Ends its thread. It must not be in the middle of a program.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        GiveTurn();
        _thread.Join();
        _turn.Dispose();
    }

    /// <summary>A point where the turn may change; returns when <paramref name="wants"/>, if any, is free.</summary>
    public void Pause(Lock? wants = null)
    {
        Wants = wants;
        Scheduler.Pause(this);
        Wants = null;
    }

    /// <summary>A point where the turn may change; returns only when the condition holds.</summary>
    public void Until(Func<bool> condition, object waitsFor)
    {
        if (_held.Count > 0)
        {
            Scheduler.Breaches.Add($"{Name} waits while it holds a lock of {_held[^1].Guards}");
        }

        (_until, WaitsFor) = (condition, waitsFor);
        Scheduler.Pause(this);
        (_until, WaitsFor) = (null, null);
    }

    /// <summary>
    /// Checks the concurrency rule for entering: a fiber that enters a gate or the lock of creation holds no other lock, and one that
    /// enters a latch holds at most one gate. It may enter a lock again that it holds.
    /// </summary>
    public void Entered(Lock entered)
    {
        Scheduler.Trace?.Add($"{Name} enters {entered.Guards}");
        var allowed = entered.Guards switch
        {
            "Subscriber" => _held.Count == 0 || (_held.Count == 1 && _held[0].Guards == "Topic"),
            _ => _held.Count == 0,
        };
        if (!allowed && !_held.Contains(entered))
        {
            Scheduler.Breaches.Add($"{Name} enters a lock of {entered.Guards} while it holds one of {_held[^1].Guards}");
        }

        _held.Add(entered);
    }

    public void Left(Lock left)
    {
        _held.RemoveAt(_held.LastIndexOf(left));
        if (!Scheduler.IsOver)
        {
            Scheduler.Trace?.Add($"{Name} leaves {left.Guards}");
            Pause();
        }
    }

    /// <summary>Checks the concurrency rule for calling out: foreign code runs outside of every lock.</summary>
    public void CallsOut()
    {
        Scheduler.Trace?.Add($"{Name} ends a wait");
        if (_held.Count > 0)
        {
            Scheduler.Breaches.Add($"{Name} ends a wait while it holds a lock of {_held[^1].Guards}");
        }
    }

#pragma warning disable CA1031 // any exception of a fiber is a result of the schedule
    private void Live()
    {
        _current = this;
        while (true)
        {
            AwaitTurn();
            if (_isDisposed)
            {
                return;
            }

            Exception? fault = null;
            try
            {
                if (!Scheduler.IsOver)
                {
                    _act!();
                }
            }
            catch (AbandonedException)
            {
                // The program is over.
            }
            catch (Exception thrown)
            {
                fault = thrown;
            }

            HasEnded = true;
            Scheduler.Ended(this, fault);
        }
    }
#pragma warning restore CA1031
}
