namespace PubSub.Interleavings.Harness;

/// <summary>
/// Runs the fibers of a program, exactly one at a time. A <see cref="Schedule"/> decides which fiber has the turn after every point where
/// the turn may change. So the history depends on the program and the schedule only.
/// </summary>
/// <remarks>
/// <para>The turn may change before a lock is entered and after it is left; before and after each operation of the table of topics; before
/// a wait is ended and before a continuation is registered; and wherever a fiber itself waits.</para>
/// <para>The turn does not change at the reads of <c>Subscriber.Closed</c> and <c>Topic.IsDeleted</c>, which are volatile and outside the
/// locks. But each has such a point nearby: an operation of the table comes before it, and the fields are written inside a lock and, if
/// more follows inside, before a latch is entered. Nor does the turn change between two lines inside a latch, or inside a gate that enters
/// no latch. So code that uses the data of a lock without holding it is not found here. Memory is sequentially consistent:
/// <c>ConcurrencyTests</c>, with real threads, covers the reordering of a processor.</para>
/// </remarks>
internal sealed class Scheduler : IDisposable
{
    /// <summary>The most points of one schedule; only a program that never ends reaches it.</summary>
    public const int MaxSteps = 20_000;

    /// <summary>The most fibers at once, including those of the thread pool.</summary>
    public const int MaxFibers = 24;

    private readonly List<Fiber> _fibers = [];
    private readonly List<Fiber> _playing = [];
    private readonly Fiber[] _options = new Fiber[MaxFibers];
    private readonly SemaphoreSlim _over = new(0);
    private Schedule _schedule = Schedule.Straight;
    private Action? _watch;
    private int _steps;

    /// <summary>A moment: no two are the same, later ones are larger.</summary>
    public int Clock { get; private set; }

    /// <summary>Whether the fibers that still run are being unwound.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The first exception of a fiber.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Where the concurrency rule was broken.</summary>
    public List<string> Breaches { get; } = [];

    /// <summary>What happened, in order; recorded only if set.</summary>
    public List<string>? Trace { get; set; }

    public int Tick() => ++Clock;

    public void Reset() => Clock = 0;

    /// <summary>Runs all parts until each has ended or waits for ever.</summary>
    /// <param name="parts">The code of each fiber.</param>
    /// <param name="schedule">Decides which fiber has the turn.</param>
    /// <param name="watch">Called at every point where the turn may change.</param>
    /// <returns>The fibers that did not end.</returns>
    public List<Stuck> Play(IReadOnlyList<Part> parts, Schedule schedule, Action watch)
    {
        (_schedule, _watch, _steps, Fault, IsOver) = (schedule, watch, 0, null, false);
        Breaches.Clear();
        _playing.Clear();
        foreach (var part in parts)
        {
            Spawn(part.Name, part.Act);
        }

        PassOn(null);
        _over.Wait();

        var stuck = _playing.Where(fiber => !fiber.HasEnded).Select(fiber => new Stuck(fiber.Name, fiber.Wants, fiber.WaitsFor)).ToList();
        IsOver = true;
        foreach (var fiber in _playing.Where(fiber => !fiber.HasEnded).ToList())
        {
            fiber.GiveTurn();
            _over.Wait();
        }

        return stuck;
    }

    /// <summary>Adds a fiber, which may have the turn from now on.</summary>
    public void Spawn(string name, Action act)
    {
        if (_playing.Count == MaxFibers)
        {
            throw new InvalidOperationException("too many fibers");
        }

        if (_playing.Count == _fibers.Count)
        {
            _fibers.Add(new Fiber(this));
        }

        var fiber = _fibers[_playing.Count];
        fiber.Assign(name, act);
        _playing.Add(fiber);
    }

    /// <summary>A point where the turn may change.</summary>
    public void Pause(Fiber fiber)
    {
        if (IsOver)
        {
            throw new AbandonedException();
        }

        Clock++;
        _watch?.Invoke();
        if (++_steps > MaxSteps)
        {
            Fault ??= new TimeoutException($"a schedule of more than {MaxSteps} steps");
            _over.Release();
        }
        else if (PassOn(fiber))
        {
            return;
        }

        fiber.AwaitTurn();
        if (IsOver)
        {
            throw new AbandonedException();
        }
    }

    public void Ended(Fiber fiber, Exception? fault)
    {
        Clock++;
        _watch?.Invoke();
        Trace?.Add(fault is null ? $"{fiber.Name} ends" : $"{fiber.Name} throws {fault.GetType().Name}: {fault.Message}");
        Fault ??= fault;
        if (IsOver || Fault is not null)
        {
            _over.Release();
        }
        else
        {
            PassOn(null);
        }
    }

    /// <summary>Ends the threads of all fibers.</summary>
    public void Dispose()
    {
        _fibers.ForEach(fiber => fiber.Dispose());
        _over.Dispose();
    }

    /// <returns>Whether <paramref name="from"/> keeps the turn.</returns>
    private bool PassOn(Fiber? from)
    {
        var options = 0;
        var canStay = from is not null && from.CanGoOn;
        if (canStay)
        {
            _options[options++] = from!;
        }

        foreach (var fiber in _playing)
        {
            if (fiber != from && fiber.CanGoOn)
            {
                _options[options++] = fiber;
            }
        }

        if (options == 0)
        {
            _over.Release();
            return false;
        }

        var next = _options[options == 1 ? 0 : _schedule.Choose(options, canStay)];
        if (next == from)
        {
            return true;
        }

        Trace?.Add($"-> {next.Name}");
        next.GiveTurn();
        return false;
    }
}

/// <summary>The code of one fiber.</summary>
internal sealed record Part(string Name, Action Act);

/// <summary>A fiber that could not go on: it wanted a lock, or waited for a condition.</summary>
internal sealed record Stuck(string Fiber, Lock? Wants, object? WaitsFor);

/// <summary>Unwinds a fiber whose program is over.</summary>
internal sealed class AbandonedException : Exception;
