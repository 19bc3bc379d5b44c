using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PubSub.Conformance.Reports;

/// <summary>
/// Everything that crossed the wire as JSON Lines, so that <c>grep</c> and <c>jq</c> can read it: one line per transcript line, with
/// the scenario's id on it. Lines that the run dropped are counted by a line of their own, <c>op</c> = <c>dropped</c>.
/// </summary>
public static class Transcripts
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(Results results, TextWriter output)
    {
        foreach (var scenario in results.Scenarios)
        {
            if (scenario.TranscriptDropped > 0)
            {
                var dropped = Words.Count(scenario.TranscriptDropped, "earlier line was left out", "earlier lines were left out");
                Write(scenario.Id, new TranscriptLine(0, "suite", "-", "dropped", scenario.TranscriptDropped, dropped), output);
            }

            foreach (var line in scenario.Transcript)
            {
                Write(scenario.Id, line, output);
            }
        }
    }

    private static void Write(string scenario, TranscriptLine line, TextWriter output)
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

        output.Write(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
        output.Write('\n');
    }
}
