using System.Buffers;
using System.Text;

namespace PubSub.Conformance;

/// <summary>One thing that crossed the wire, or a note about it; data beyond the cap is cut, its length is not.</summary>
public sealed record TranscriptEntry(TimeSpan At, string Connection, string Direction, string Kind, long Length, string Data)
{
    public override string ToString() => $"{At.TotalMilliseconds,9:F1} ms  {Connection,-12} {Direction} {Kind,-9} {Data}";
}

/// <summary>Everything that was sent and received during a scenario, in the order the suite saw it; the newest entries win.</summary>
public sealed class Transcript(TimeProvider time, Traffic? traffic = null, string scenario = "")
{
    public const int DataCap = 4 * 1024;
    public const int EntryCap = 1_000;

    private static readonly SearchValues<char> Unprintable = SearchValues.Create([.. Enumerable.Range(0, ' ').Select(code => (char)code), '\u007f', '\ufffd']);

    private readonly Lock _gate = new();
    private readonly Queue<TranscriptEntry> _entries = []; // guarded by _gate
    private readonly long _start = time.GetTimestamp();
    private long _dropped; // guarded by _gate
    private bool _closed; // guarded by _gate

    public TimeProvider Time => time;

    /// <summary>What this costs the target.</summary>
    internal Traffic? Traffic => traffic;

    public IReadOnlyList<TranscriptEntry> Entries
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries];
            }
        }
    }

    /// <summary>Entries that made room for newer ones.</summary>
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

    internal void Received(string connection, string kind, ReadOnlySpan<byte> data) => Add(connection, "<", kind, data.Length, Printable(data));

    internal void Note(string connection, string note) => Add(connection, "-", "note", note.Length, note);

    /// <summary>What follows is cleaning up and belongs to no verdict.</summary>
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

            if (_entries.Count == EntryCap)
            {
                _entries.Dequeue();
                _dropped++;
            }

            _entries.Enqueue(entry);
        }
    }

    private static string Printable(ReadOnlySpan<byte> data)
    {
        var shown = data[..Math.Min(data.Length, DataCap)];
        var text = Encoding.UTF8.GetString(shown);
        if (text.AsSpan().ContainsAny(Unprintable))
        {
            text = Marked(text);
        }

        return shown.Length < data.Length ? $"{text}\u2026 ({data.Length} bytes)" : text;
    }

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
