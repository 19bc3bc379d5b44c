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
    public const int EntryCap = 10_000;

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
        var text = new StringBuilder(shown.Length);
        foreach (var rune in Encoding.UTF8.GetString(shown).EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\r': break;
                case '\n': text.Append("\\n"); break;
                case < 0x20 or 0x7f or 0xfffd: text.Append('\u00b7'); break;
                default: text.Append(rune); break;
            }
        }

        return shown.Length < data.Length ? $"{text}\u2026 ({data.Length} bytes)" : text.ToString();
    }
}
