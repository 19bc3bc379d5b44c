using System.Globalization;
using PubSub.Stress.Measure;

namespace PubSub.Stress.Results;

/// <summary>Prints runs as text: each on a line, the medians of each contender, and the ratios of the first one to the others.</summary>
internal static class Summary
{
    private const int NameWidth = 10;

    public static string Text(Run run) => run.Failure is not null
        ? $"{run.Contender,-NameWidth} FAILED: {run.Failure}"
        : $"{run.Contender,-NameWidth} {string.Join("  ", Figures(run).Concat(run.Latencies.Select(one => $"{one.Key} {one.Value}")))}";

    public static void Print(IReadOnlyList<Run> runs, IEnumerable<string> contenders)
    {
        var groups = contenders.Select(name => (Name: name, Runs: runs.Where(run => run.Contender == name).ToArray())).ToArray();
        if (runs.Count > groups.Length)
        {
            foreach (var (name, own) in groups)
            {
                if (Medians(own) is { Length: > 0 } medians)
                {
                    Console.WriteLine($"  median {name,-NameWidth} {medians}");
                }
            }
        }

        foreach (var (name, others) in groups.Skip(1))
        {
            Console.WriteLine($"  {groups[0].Name} / {name}: {Ratios(groups[0].Runs, others)}");
        }
    }

    /// <summary>The median and range of a figure over the runs that did not fail; null if there are none.</summary>
    public static Spread? Of(IEnumerable<Run> runs, string figure) =>
        Spread.Of(runs.Where(run => run.Failure is null).Select(run => run.Figures.GetValueOrDefault(figure)?.Value).OfType<double>());

    /// <summary>The median and range of a percentile, in microseconds; null if no run has it.</summary>
    public static Spread? Of(IEnumerable<Run> runs, string latency, Func<Percentiles, double> percentile) =>
        Spread.Of(runs.Where(run => run.Latencies.ContainsKey(latency)).Select(run => percentile(run.Latencies[latency])));

    public static string Number(double value) => Math.Abs(value) switch
    {
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("0.#", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.##", CultureInfo.InvariantCulture),
        _ => value.ToString("0.####", CultureInfo.InvariantCulture),
    };

    /// <summary>Rows of equally many cells as text, each column as wide as its longest cell.</summary>
    public static string Columns(IReadOnlyList<string[]> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        return string.Join(
            Environment.NewLine,
            rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()));
    }

    private static IEnumerable<string> Figures(Run run) =>
        run.Figures.Select(one => $"{one.Key} {Number(one.Value.Value)} {one.Value.Unit}");

    private static string Medians(Run[] runs)
    {
        var failed = runs.Count(run => run.Failure is not null);
        var last = Array.FindLast(runs, run => run.Failure is null);
        if (last is null)
        {
            return "every run failed";
        }

        var figures = last.Figures.Where(one => one.Value.Better is not null)
            .Select(one => $"{one.Key} {Range(Of(runs, one.Key)!)} {one.Value.Unit}");
        var latencies = last.Latencies.Keys.Where(OfServer)
            .Select(one => $"{one} p50 {Range(Of(runs, one, p => p.P50)!)} p99 {Range(Of(runs, one, p => p.P99)!)} µs");
        return string.Join("  ", figures.Concat(latencies)) + (failed > 0 ? $"  {failed} of {runs.Length} runs FAILED" : "");
    }

    // The load generator's own lateness is printed with each run, but not compared.
    private static bool OfServer(string latency) => latency != Names.SendLateness;

    private static string Range(Spread spread) => $"{Number(spread.Median)} ({Number(spread.Min)}..{Number(spread.Max)})";

    private static string Ratios(Run[] first, Run[] other)
    {
        var figures = first.Where(run => run.Failure is null).SelectMany(run => run.Figures).Where(one => one.Value.Better is not null)
            .Select(one => one.Key).Distinct()
            .Select(name => (Name: name, Ours: Of(first, name), Theirs: Of(other, name)));
        var latencies = first.SelectMany(run => run.Latencies.Keys).Where(OfServer).Distinct()
            .Select(name => (Name: $"{name} p99", Ours: Of(first, name, p => p.P99), Theirs: Of(other, name, p => p.P99)));
        return string.Join("  ", figures.Concat(latencies)
            .Where(pair => pair is { Ours: not null, Theirs.Median: not 0 })
            .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Name} x {pair.Ours!.Median / pair.Theirs!.Median:0.00}")));
    }
}
