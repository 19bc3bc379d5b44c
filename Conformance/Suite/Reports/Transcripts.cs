using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using PubSub.Conformance.Verdicts;

namespace PubSub.Conformance.Reports;

/// <summary>
/// All transcripts as JSON Lines for <c>grep</c> and <c>jq</c>: one line per transcript line, with the scenario's id. A line with
/// <c>op</c> = <c>dropped</c> or <c>folded</c> counts the lines that were left out or folded in its place, also those that do not fit
/// into the file.
/// </summary>
public static class Transcripts
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Characters of the whole file.</summary>
    public const long LargestFile = 64 * 1024 * 1024;

    /// <param name="most">Characters of the file; a transcript that goes beyond them is cut.</param>
    public static void Write(Results results, TextWriter output, long most = LargestFile)
    {
        foreach (var scenario in results.Scenarios)
        {
            foreach (var (place, line) in scenario.Transcript.Index())
            {
                var text = Line(scenario.Id, line);
                most -= text.Length;
                if (most < 0)
                {
                    var left = scenario.Transcript.Count - place;
                    var note = $"{Words.Count(left, "line")} left out of this file for its size";
                    output.Write(Line(scenario.Id, TranscriptLine.Dropped(line.AtMs, left, note)));
                    break;
                }

                output.Write(text);
            }
        }
    }

    private static string Line(string scenario, TranscriptLine line)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Readable))
        {
            json.WriteStartObject();
            json.WriteString("scenario", scenario);
            json.WriteNumber("t", Math.Round(line.AtMs, 3));
            json.WriteString("c", line.Connection);
            json.WriteString("dir", line.Direction);
            json.WriteString("op", line.Kind);
            json.WriteNumber("len", line.Length);
            json.WriteString("data", line.Data);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }
}
