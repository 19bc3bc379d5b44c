using System.Text.Json;

namespace PubSub.Conformance.TestTopics;

/// <summary>
/// The topics that a run has created and not yet deleted, written to disk before creation, so that a killed run can be cleaned up too.
/// One JSON array a line: the first names the target, the others are <c>["made", topic]</c> or <c>["gone", topic]</c>.
/// </summary>
public sealed class Journal : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _writer; // guarded by _gate
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal); // guarded by _gate
    private bool _closed; // guarded by _gate
    private string? _fault; // guarded by _gate

    private Journal(string path)
    {
        Path = path;
        _writer = new StreamWriter(path, append: false) { AutoFlush = true };
    }

    public string Path { get; }

    /// <summary>Why the file is incomplete; null while it is complete. <see cref="Left"/> is right either way.</summary>
    public string? Fault
    {
        get
        {
            lock (_gate)
            {
                return _fault;
            }
        }
    }

    /// <summary>The topics to clean up now.</summary>
    public IReadOnlyList<string> Left
    {
        get
        {
            lock (_gate)
            {
                return [.. _topics.Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Begins a journal in this folder, which is created if needed.</summary>
    public static Journal Begin(string folder, string run, Uri rest)
    {
        Directory.CreateDirectory(folder);
        var journal = new Journal(System.IO.Path.Combine(folder, $"{run}.journal"));
        journal.Write("target", rest.AbsoluteUri);
        return journal;
    }

    /// <summary>The target of a journal and the topics to clean up; a half-written line is skipped.</summary>
    public static (string? Target, IReadOnlyList<string> Topics) Read(string path)
    {
        string? target = null;
        var topics = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path))
        {
            switch (Json.TryParse(line) is { ValueKind: JsonValueKind.Array } entry
                ? entry.EnumerateArray().Select(item => ((JsonElement?)item).Exact()).ToArray()
                : [])
            {
                case ["target", { } rest]:
                    target = rest;
                    break;
                case ["made", { } topic]:
                    topics.Add(topic);
                    break;
                case ["gone", { } topic]:
                    topics.Remove(topic);
                    break;
            }
        }

        return (target, [.. topics.Order(StringComparer.Ordinal)]);
    }

    public void Made(string topic)
    {
        lock (_gate)
        {
            if (_topics.Add(topic))
            {
                Write("made", topic);
            }
        }
    }

    public void Gone(string topic)
    {
        lock (_gate)
        {
            if (_topics.Remove(topic))
            {
                Write("gone", topic);
            }
        }
    }

    /// <summary>Closes the journal, and deletes it if nothing is left to clean up.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            try
            {
                _writer.Dispose();
                if (_topics.Count == 0)
                {
                    File.Delete(Path);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _fault ??= e.Message;
            }
        }
    }

    private void Write(string what, string text)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            try
            {
                _writer.WriteLine($"[{Json.Quote(what)},{Json.Quote(text)}]");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _fault ??= e.Message;
            }
        }
    }
}
