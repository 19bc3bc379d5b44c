using System.Globalization;
using System.Text;

namespace PubSub.Interleavings.Harness;

/// <summary>Runs a program by many schedules, and checks every law on each history.</summary>
internal sealed class Exploration(Program program) : IDisposable
{
    /// <summary>The most schedules of one program. One more is an error, so that no incomplete search passes for a complete one.</summary>
    public const int MaxSchedules = 5_000_000;

    private readonly Scheduler _scheduler = new();
    private readonly HashSet<string> _outcomes = [];

    /// <summary>How many schedules were run.</summary>
    public int Schedules { get; private set; }

    /// <summary>How many different outcomes were seen.</summary>
    public int Outcomes => _outcomes.Count;

    /// <summary>The first law found broken, or null.</summary>
    public Finding? Found { get; private set; }

    /// <summary>The name of the one law that is checked; all, if null.</summary>
    public string? Only { get; init; }

    /// <summary>Called for each history.</summary>
    public Action<History>? Seen { get; init; }

    /// <summary>
    /// Runs all schedules with at most <paramref name="preemptions"/>, those with fewer first. A fiber that cannot go on, or ends, gives
    /// way to each of the others in turn, which is no preemption.
    /// </summary>
    public Exploration Exhaustively(int preemptions)
    {
        for (var bound = 0; bound <= preemptions && Found is null; bound++)
        {
            for (var schedule = Schedule.Straight; schedule is not null && Found is null; schedule = schedule.Next(bound))
            {
                Play(schedule, bound);
            }
        }

        return this;
    }

    /// <summary>Runs random schedules, of <paramref name="seed"/> and the following seeds.</summary>
    public Exploration AtRandom(int seed, int schedules)
    {
        for (var place = 0; place < schedules && Found is null; place++)
        {
            Play(Schedule.Random(seed + place), bound: 0);
        }

        return this;
    }

    /// <summary>Runs one schedule again, and reports everything that happens in it.</summary>
    public (IReadOnlyList<string> Broken, string Report) Replay(string schedule)
    {
        _scheduler.Trace = [];
        try
        {
            var history = Perform(Schedule.Parse(schedule));
            var broken = Laws.BrokenBy(history).ToList();
            var report = new StringBuilder()
                .AppendLine(program.ToString())
                .AppendLine(CultureInfo.InvariantCulture, $"by the schedule \"{schedule}\":")
                .AppendJoin('\n', _scheduler.Trace.Select(line => $"    {line}")).AppendLine()
                .AppendLine(history.ToString())
                .AppendJoin('\n', broken.Select(law => $"broken: {law.Law}: {law.Why}")).AppendLine();
            return ([.. broken.Select(law => law.Law)], report.ToString());
        }
        finally
        {
            _scheduler.Trace = null;
        }
    }

    /// <summary>Throws if a law was found broken; the message has the schedule and all that happens in it.</summary>
    public Exploration MustHold() =>
        Found is null ? this : throw new InvalidOperationException($"{Found.Law}\n{Replay(Found.Schedule).Report}");

    public void Dispose() => _scheduler.Dispose();

    private void Play(Schedule schedule, int bound)
    {
        if (++Schedules > MaxSchedules)
        {
            throw new InvalidOperationException($"{program.Name}: more than {MaxSchedules} schedules");
        }

        var history = Perform(schedule);
        if (schedule.Preemptions < bound)
        {
            return; // already checked under a lower bound
        }

        foreach (var (law, _) in Laws.BrokenBy(history))
        {
            if (Only is null || Only == law)
            {
                Found ??= new Finding(law, schedule.ToString());
            }
        }

        _outcomes.Add(history.Outcome);
        Seen?.Invoke(history);
    }

    private History Perform(Schedule schedule) => Execution.Of(_scheduler, program, schedule);
}

/// <summary>A law that does not hold, and a schedule that shows it.</summary>
internal sealed record Finding(string Law, string Schedule);
