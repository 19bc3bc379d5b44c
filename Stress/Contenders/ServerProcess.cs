using System.Collections.Concurrent;
using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>A server in a process of its own, from its announcement that it listens until it is disposed of.</summary>
internal sealed class ServerProcess : IDisposable
{
    private const int TailLines = 20;
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _tail = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _announcement;

    /// <param name="start">What to start.</param>
    /// <param name="announcement">What stands before the URL in the line that the server prints when it listens.</param>
    public ServerProcess(ProcessStartInfo start, string announcement)
    {
        _announcement = announcement;
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        AppDomain.CurrentDomain.ProcessExit += Kill;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            Url = Await();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Uri Url { get; }

    public int Id => _process.Id;

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        Kill(null, EventArgs.Empty);
        _process.WaitForExit();
        _process.Dispose();
    }

    private Uri Await()
    {
        var start = Stopwatch.GetTimestamp();
        while (!_listening.Task.Wait(100))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(start) > StartTimeout)
            {
                throw new RunFailed(
                    $"{_process.StartInfo.FileName} {(_process.HasExited ? $"exited with {_process.ExitCode}" : "did not start")}:\n" +
                    string.Join('\n', _tail));
            }
        }

        return _listening.Task.Result;
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        _tail.Enqueue(line);
        if (_tail.Count > TailLines)
        {
            _tail.TryDequeue(out _);
        }

        var at = line.IndexOf(_announcement, StringComparison.Ordinal);
        if (at >= 0 && Uri.TryCreate(line[(at + _announcement.Length)..].Trim(), UriKind.Absolute, out var url))
        {
            _listening.TrySetResult(url);
        }
    }

    private void Kill(object? sender, EventArgs e)
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It never started, or is gone already.
        }
    }
}
