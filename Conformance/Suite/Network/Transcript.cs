using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Network;

/// <summary>One message, request or response on the wire, or a note. Data beyond the cap is cut; its length is exact.</summary>
public sealed record TranscriptEntry(TimeSpan At, string Connection, string Direction, string Kind, long Length, string Data)
{
    public override string ToString() => $"{At.TotalMilliseconds,9:F1} ms  {Connection,-12} {Direction} {Kind,-9} {Data}";
}

/// <summary>
/// Everything that was sent and received during a scenario, in the order the suite saw it. A long transcript keeps its beginning and its
/// end.
/// </summary>
/// <param name="ids">How the target spells message ids; each UUID is followed by the id that scenarios use.</param>
public sealed partial class Transcript(TimeProvider time, Traffic? traffic = null, string scenario = "", MessageIds? ids = null)
{
    public const int DataCap = 4 * 1024;

    /// <summary>Half of them from the beginning, half from the end.</summary>
    public const int EntryCap = 1_000;

    /// <summary>The kind of an entry for lines that were left out there; its length is their number.</summary>
    public const string DroppedKind = "dropped";

    /// <summary>The kind of an entry for repetitions of the lines before it; its length is their number.</summary>
    public const string FoldedKind = "folded";

    private const int LongestPeriod = 8;
    private const int FewestFolded = 4;

    private static readonly SearchValues<char> Unprintable =
        SearchValues.Create([.. Enumerable.Range(0, ' ').Select(code => (char)code), '\u007f', '\ufffd']);

    private readonly Lock _gate = new();
    private readonly List<TranscriptEntry> _first = []; // guarded by _gate
    private readonly Queue<TranscriptEntry> _last = []; // guarded by _gate
    private readonly long _start = time.GetTimestamp();
    private long _dropped; // guarded by _gate
    private bool _closed; // guarded by _gate

    public TimeProvider Time => time;

    /// <summary>Counts the load of this scenario on the target.</summary>
    internal Traffic? Traffic => traffic;

    public IReadOnlyList<TranscriptEntry> Entries
    {
        get
        {
            lock (_gate)
            {
                return [.. _first, .. _dropped == 0 ? [] : (TranscriptEntry[])[Gap(_last.Peek().At, _dropped)], .. _last];
            }
        }
    }

    /// <summary>Entries in the middle that made room for newer ones.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate)
            {
                return _dropped;
            }
        }
    }

    internal void Sent(string connection, string kind, ReadOnlySpan<byte> data)
    {
        var printable = Printable(data);
        Add(connection, ">", kind, data.Length, printable);
        traffic?.Requested(scenario, connection, kind, printable);
    }

    internal void Received(string connection, string kind, ReadOnlySpan<byte> data) =>
        Add(connection, "<", kind, data.Length, Printable(data));

    internal void Note(string connection, string note) => Add(connection, "-", "note", note.Length, note);

    /// <summary>Ignores all later entries: the cleanup belongs to no verdict.</summary>
    internal void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
    }

    private void Add(string connection, string direction, string kind, long length, string data)
    {
        var entry = new TranscriptEntry(time.GetElapsedTime(_start), connection, direction, kind, length, data);
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            if (_first.Count < EntryCap / 2)
            {
                _first.Add(entry);
                return;
            }

            if (_last.Count == EntryCap / 2)
            {
                _last.Dequeue();
                _dropped++;
            }

            _last.Enqueue(entry);
        }
    }

    /// <summary>
    /// The entries with repetitions folded. If more than <paramref name="most"/> remain, the first third and the end are kept. Entries are
    /// repetitions when they differ only in times and the request ids of pings.
    /// </summary>
    /// <returns>The kept entries, and the number of lines left out besides the folded ones.</returns>
    internal static (IReadOnlyList<TranscriptEntry> Kept, long Dropped) Abridge(IReadOnlyList<TranscriptEntry> entries, int most)
    {
        var folded = Fold(entries);
        if (folded.Count <= most)
        {
            return (folded, 0);
        }

        var head = most / 3;
        var middle = folded.GetRange(head, folded.Count - most);
        var missing = middle.Sum(entry => entry.Kind is DroppedKind or FoldedKind ? entry.Length : 1);
        var before = middle.Where(entry => entry.Kind == DroppedKind).Sum(entry => entry.Length);
        return ([.. folded.Take(head), Gap(middle[^1].At, missing), .. folded.Skip(head + middle.Count)], missing - before);
    }

    private static List<TranscriptEntry> Fold(IReadOnlyList<TranscriptEntry> entries)
    {
        var keys = entries.Select(entry => (entry.Connection, entry.Direction, entry.Kind, Varying().Replace(entry.Data, ""))).ToList();
        var kept = new List<TranscriptEntry>();
        for (var at = 0; at < entries.Count;)
        {
            var (period, times) = Enumerable.Range(1, LongestPeriod)
                .Select(period => (Period: period, Times: Repetitions(at, period)))
                .FirstOrDefault(found => found.Period * found.Times >= FewestFolded && found.Times > 1);
            if (times == 0)
            {
                kept.Add(entries[at++]);
                continue;
            }

            kept.AddRange(entries.Skip(at).Take(period));
            at += period * (times + 1);
            var lines = period == 1 ? "the line before this came" : $"the {period} lines before this came";
            kept.Add(new(entries[at - 1].At, "suite", "-", FoldedKind, period * times, $"{lines} {times} times more"));
        }

        return kept;

        int Repetitions(int at, int period)
        {
            var end = at + period;
            while (end < keys.Count && keys[end] == keys[end - period])
            {
                end++;
            }

            return (end - at) / period - 1;
        }
    }

    private static TranscriptEntry Gap(TimeSpan at, long lines) =>
        new(at, "suite", "-", DroppedKind, lines, lines == 1 ? "1 line was left out here" : $"{lines} lines were left out here");

    private string Printable(ReadOnlySpan<byte> data)
    {
        var shown = data[..Math.Min(data.Length, DataCap)];
        var text = Encoding.UTF8.GetString(shown);
        if (text.AsSpan().ContainsAny(Unprintable))
        {
            text = Marked(text);
        }

        text = ids?.Explain(text) ?? text;
        return shown.Length < data.Length ? $"{text}\u2026 ({data.Length} bytes)" : text;
    }

    /// <summary>Points in time, uptimes and request ids of pings, which differ even in otherwise equal exchanges.</summary>
    [GeneratedRegex(
        """\d{4}-\d\d-\d\dT[\d:.]+|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT|"uptime\w*":[\d.]+|"ts":\d+"""
        + """|"request_id":"[^"]*"(?<="type":"p[io]ng".*)""")]
    private static partial Regex Varying();

    private static string Marked(string text)
    {
        var marked = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            switch (letter)
            {
                case '\r': break;
                case '\n': marked.Append("\\n"); break;
                case < ' ' or '\u007f' or '\ufffd': marked.Append('\u00b7'); break;
                default: marked.Append(letter); break;
            }
        }

        return marked.ToString();
    }
}
