using System.Text;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>
/// A run in a file of limited size. Transcripts are left out first, starting with the least important scenarios; then long values are cut.
/// A line counts what is left out; transcripts.jsonl holds it.
/// </summary>
public static class Bounded
{
    /// <summary>Bytes of results.json.</summary>
    public const int ResultsBytes = 8 * 1024 * 1024;

    private const int ShortLine = 500; // characters of a line's data, if not every transcript fits
    private const int LineOverhead = 200; // bytes of a line besides its data, at most
    private const int MostObservations = 20; // of a scenario whose values are cut
    private const int Attempts = 10;

    private static readonly int[] ValueCaps = [int.MaxValue, ShortLine, 100]; // characters

    /// <summary>results.json of at most <see cref="ResultsBytes"/>.</summary>
    public static string ToJson(Results results) => Of(results, ResultsBytes, shortened => shortened.ToJson()).ToJson();

    /// <summary>The run, or as much of it as <paramref name="write"/> turns into at most this many bytes of UTF-8.</summary>
    internal static Results Of(Results results, int bytes, Func<Results, string> write)
    {
        // A character takes at least a byte, so a run that is far too large need not be written to be measured.
        if (results.Scenarios.Sum(scenario => scenario.Transcript.Sum(line => (long)line.Data.Length)) <= bytes && Size(results) <= bytes)
        {
            return results;
        }

        var order = Order(results);
        var shortest = results;
        foreach (var cap in ValueCaps)
        {
            var values = results with { Scenarios = [.. results.Scenarios.Select(scenario => Cut(scenario, cap))] };
            shortest = WithTranscripts(values, order, 0);
            double room = bytes - Size(shortest);
            for (var attempt = 0; attempt < Attempts && room > 0; attempt++, room *= 0.8)
            {
                if (WithTranscripts(values, order, (long)room) is var candidate && Size(candidate) <= bytes)
                {
                    return candidate;
                }
            }

            if (room > 0)
            {
                break;
            }
        }

        return shortest;

        int Size(Results candidate) => Encoding.UTF8.GetByteCount(write(candidate));
    }

    /// <summary>The worst scenario of each cause first, then the others of each cause, then those without a finding.</summary>
    private static List<ScenarioResult> Order(Results results)
    {
        var causes = new Digest(results).Causes;
        return [.. causes.Select(cause => cause.Worst)
            .Concat(causes.SelectMany(cause => cause.Scenarios))
            .Concat(results.Scenarios)
            .DistinctBy(scenario => scenario.Id)];
    }

    private static Results WithTranscripts(Results results, List<ScenarioResult> order, long room)
    {
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var scenario in order)
        {
            var size = scenario.Transcript.Sum(line => (long)SizeOf(line));
            if (size > 0 && size <= room)
            {
                room -= size;
                kept.Add(scenario.Id);
            }
        }

        return results with
        {
            Scenarios =
            [
                .. results.Scenarios.Select(scenario => kept.Contains(scenario.Id)
                    ? scenario with { Transcript = [.. scenario.Transcript.Select(line => line with { Data = Shown(line) })] }
                    : WithoutTranscript(scenario)),
            ],
        };
    }

    private static ScenarioResult WithoutTranscript(ScenarioResult scenario)
    {
        var lines = scenario.Transcript.Count;
        return lines == 0 ? scenario : scenario with
        {
            TranscriptDropped = scenario.TranscriptDropped + lines,
            Transcript =
            [
                TranscriptLine.Dropped(
                    0,
                    lines,
                    $"{Words.Count(lines, "line")} left out of this file for its size; transcripts.jsonl holds them"),
            ],
        };
    }

    private static ScenarioResult Cut(ScenarioResult scenario, int most) => most == int.MaxValue ? scenario : scenario with
    {
        Message = scenario.Message.Quoted(most),
        Expectation = scenario.Expectation?.Quoted(most),
        Expected = scenario.Expected?.Quoted(most),
        Observed = scenario.Observed?.Quoted(most),
        Observations =
        [
            .. scenario.Observations.Take(MostObservations)
                .Select(seen => new Observation(seen.What.Quoted(most), seen.Value.Quoted(most))),
        ],
    };

    private static string Shown(TranscriptLine line) =>
        line.Data.Length <= ShortLine ? line.Data : $"{line.Data[..ShortLine]}\u2026 ({line.Length} bytes)";

    /// <summary>An estimate in bytes: quotation marks are escaped in JSON, and angle brackets in a page.</summary>
    private static int SizeOf(TranscriptLine line)
    {
        var data = Shown(line);
        return LineOverhead + Encoding.UTF8.GetByteCount(data) + data.Count(c => c is '"' or '\\') + (5 * data.Count(c => c == '<'));
    }
}
