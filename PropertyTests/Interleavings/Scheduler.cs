namespace PubSub.Interleavings;

/// <summary>
/// Runs the fibers of a program, exactly one at a time, and lets a <see cref="Schedule"/> decide whose turn it is at every point where it could be
/// another's. So what happens is a function of the program and the schedule, and of nothing else.
/// </summary>
/// <remarks>
/// <para>Points where the turn may change: before a lock is entered and after it is left; before and after each operation of the table of topics;
/// before a wait is ended and before somebody settles down to wait; and wherever a fiber itself waits.</para>
/// <para>No such points: the reads of <c>Subscriber.Closed</c> and <c>Topic.IsDeleted</c>, which are volatile and outside the locks. But each is next
/// to one: the table's operation comes before it, and the fields are written inside a lock and, where more follows in there, before a latch is
/// entered. Nor can the turn change between two lines inside a latch, or inside a gate where it enters no latch: what touched the data of a
/// lock without holding it would not be found here. Memory is sequentially consistent: what a processor may reorder is for
/// <c>ConcurrencyLaws</c>, which have real threads.</para>
/// </remarks>
#pragma warning disable CA1001 // it lives as long as the process
internal sealed class Scheduler
#pragma warning restore CA1001
{
    /// <summary>Points that one schedule may pass; reached only by what never ends.</summary>
    public const int MaxSteps = 20_000;

    /// <summary>Fibers at once, those of the thread pool included.</summary>
    public const int MaxFibers = 24;

    private readonly List<Fiber> _fibers = [];
    private readonly List<Fiber> _playing = [];
    private readonly Fiber[] _options = new Fiber[MaxFibers];
    private readonly SemaphoreSlim _over = new(0);
    private Schedule _schedule = Schedule.Straight;
    private Action? _watch;
    private int _steps;

    /// <summary>Which locks let everybody in: those that guard what this file declares. None, when null.</summary>
    public string? Porous { get; set; }

    /// <summary>A moment: no two are the same, later ones are larger.</summary>
    public int Clock { get; private set; }

    /// <summary>Whether what still runs is being unwound.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What a fiber threw.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Where the concurrency rule was broken.</summary>
    public List<string> Breaches { get; } = [];

    /// <summary>What happened, in order, if anybody wants to know.</summary>
    public List<string>? Trace { get; set; }

    public int Tick() => ++Clock;

    public void Reset() => Clock = 0;

    /// <summary>Plays all parts until each has ended or waits for what will not come.</summary>
    /// <param name="parts">What each fiber does.</param>
    /// <param name="schedule">Who has the turn when.</param>
    /// <param name="watch">Called at every point where the turn may change.</param>
    /// <returns>The fibers that did not end, as they stood.</returns>
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

    /// <summary>One more fiber, which may have its turn from now on.</summary>
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

    /// <returns>Whether it stays where it is.</returns>
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

/// <summary>What one fiber does.</summary>
internal sealed record Part(string Name, Action Act);

/// <summary>A fiber that could not go on: it wanted a lock, or waited for something.</summary>
internal sealed record Stuck(string Fiber, Lock? Wants, object? WaitsFor);

/// <summary>Unwinds a fiber whose program is over.</summary>
internal sealed class AbandonedException : Exception;
