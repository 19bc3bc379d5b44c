using System.Globalization;
using PubSub.Stress.Contenders;
using PubSub.Stress.Measure;
using PubSub.Stress.Results;

namespace PubSub.Stress.Verbs;

/// <summary>One load of a scenario: its title, its numeric parameters, and its variant.</summary>
internal sealed record Load(string Scenario, string Title, IReadOnlyDictionary<string, double> Parameters, string? Variant = null);

/// <summary>Runs the contenders in turn, prints the result of each run, and writes all results to a file.</summary>
internal sealed class Bench
{
    private const double Busy = 0.95; // of the time of one thread

    private readonly string _verb;
    private readonly string? _folder;
    private readonly Setting _setting;
    private readonly List<Run> _runs = [];

    /// <param name="verb">The start of the result file's name.</param>
    /// <param name="lineup">The servers that take part.</param>
    /// <param name="folder">The folder for the results; null to write none.</param>
    public Bench(string verb, Lineup lineup, string? folder)
    {
        (_verb, Lineup, _folder) = (verb, lineup, folder);
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
        }

        _setting = Setting.Of(lineup.Notes);
        Progress.Done();
        _setting.Print();
    }

    public Lineup Lineup { get; }

    public IReadOnlyList<Run> Runs => _runs;

    /// <summary>Every promise was kept in every run.</summary>
    public bool AllKept => _runs.TrueForAll(run => run.Failure is null);

    /// <summary>Runs a load several times against every contender, A B, B A, A B, …, and prints a summary.</summary>
    public IReadOnlyList<Run> Compare(Load load, int repetitions, Func<IContender, Measured> once)
    {
        Console.WriteLine(load.Title);
        var first = _runs.Count;
        for (var repetition = 1; repetition <= repetitions; repetition++)
        {
            foreach (var contender in repetition % 2 == 1 ? Lineup.All : Lineup.All.Reverse())
            {
                Progress.Say($"{load.Scenario}: run {repetition} of {repetitions}, {contender.Name}");
                Attempt(load, contender.Name, repetition, () => once(contender));
            }
        }

        var runs = _runs[first..];
        Summary.Print(runs, Lineup.All.Select(contender => contender.Name));
        Console.WriteLine();
        return runs;
    }

    /// <summary>Runs a load several times against the first contender alone, and prints a summary.</summary>
    public IReadOnlyList<Run> Repeat(Load load, int repetitions, Func<int, Measured> once)
    {
        Console.WriteLine(load.Title);
        var first = _runs.Count;
        for (var repetition = 1; repetition <= repetitions; repetition++)
        {
            var run = repetition;
            Progress.Say($"{load.Scenario}: run {run} of {repetitions}");
            Attempt(load, Lineup.First.Name, run, () => once(run));
        }

        Summary.Print(_runs[first..], [Lineup.First.Name]);
        Console.WriteLine();
        return _runs[first..];
    }

    /// <summary>Runs a load once. A broken promise ends this run, not the others.</summary>
    public Run Attempt(Load load, string contender, int repetition, Func<Measured> once)
    {
        Run run;
        try
        {
            var measured = once();
            var (figures, latencies) = (measured.Figures, measured.Latencies);
            run = new Run(
                load.Scenario, contender, repetition, load.Variant, load.Parameters, figures, latencies, Failure: null, measured.Timeline);
        }
        catch (RunFailed e)
        {
            var failure = Explain(e, contender);
            run = new Run(load.Scenario, contender, repetition, load.Variant, load.Parameters, NoFigures, NoLatencies, failure);
        }

        _runs.Add(run);
        Progress.Done();
        Console.WriteLine($"  run {repetition}  {Summary.Text(run)}");
        return run;
    }

    /// <summary>Runs the loads and then writes the results, also after a failure.</summary>
    /// <returns>Whether every promise was kept.</returns>
    public bool CloseAfter(Action measure)
    {
        var ended = false;
        try
        {
            measure();
            ended = true;
        }
        catch (RunFailed e)
        {
            Progress.Done();
            Console.WriteLine($"FAILED, and nothing more was measured: {e.Message}");
        }
        finally
        {
            ended &= Close();
        }

        return ended;
    }

    /// <summary>Writes the results.</summary>
    /// <returns>Whether every promise was kept.</returns>
    public bool Close()
    {
        foreach (var busy in _runs.Where(IsClientBusy))
        {
            var cores = Summary.Number(busy.Figures[Names.ClientCpu].Value);
            Console.WriteLine(
                $"note: {Describe(busy)}: the load generator was busy all the time ({cores} cores, " +
                $"{LoopsInUse(busy)} in use); the rate may be its limit and not the server's.");
        }

        if (_folder is not null)
        {
            var stamp = _setting.Started.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
            var path = Path.Combine(_folder, $"{_verb}-{stamp}.json");
            new ResultsFile(ResultsFile.CurrentSchema, _setting, _runs).Write(path);
            Console.WriteLine($"wrote {path}");
        }

        if (!AllKept)
        {
            Console.WriteLine($"FAILED: {_runs.Count(run => run.Failure is not null)} of {_runs.Count} runs broke a promise.");
        }

        return AllKept;
    }

    /// <summary>
    /// Threads that have a connection to drive: connections are assigned to them in turn, and the publisher to the first.
    /// </summary>
    public static int LoopsInUse(Run run)
    {
        var connections = run.Parameters.TryGetValue(Names.Subscribers, out var subscribers) ? subscribers
            : run.Parameters.TryGetValue(Names.Pairs, out var pairs) ? pairs
            : double.PositiveInfinity;
        return (int)Math.Min(run.Parameters.GetValueOrDefault(Names.Loops, 1), Math.Max(1, connections));
    }

    private static bool IsClientBusy(Run run) =>
        run.Figures.TryGetValue(Names.ClientCpu, out var cpu) && cpu.Value > Busy * LoopsInUse(run);

    private static string Describe(Run run)
    {
        string[] told = [Names.Subscribers, Names.Pairs, Names.Payload, Names.Rate, Names.Share];
        var parameters = told.Where(run.Parameters.ContainsKey).Select(name => $"{name} {Summary.Number(run.Parameters[name])}");
        return string.Join(' ', [run.Scenario, run.Variant ?? "", run.Contender, $"run {run.Repetition},", string.Join(", ", parameters)]);
    }

    private string Explain(RunFailed failure, string contender) =>
        Lineup.All.FirstOrDefault(one => one.Name == contender)?.Death is { } death ? $"{failure.Message}; {death}" : failure.Message;

    private static readonly Dictionary<string, Figure> NoFigures = [];
    private static readonly Dictionary<string, Percentiles> NoLatencies = [];
}
