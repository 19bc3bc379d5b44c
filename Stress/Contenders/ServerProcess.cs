using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PubSub.Stress.Contenders;

/// <summary>A server in a process of its own. The constructor waits until it listens; disposing of it kills it.</summary>
internal sealed class ServerProcess : IDisposable
{
    private const int TailLines = 20;
    private const int PollMilliseconds = 20;
    private const int DeathMilliseconds = 1000; // from the end of its connections to its exit
    private const int GoneMilliseconds = 10_000; // from the kill to its exit
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _tail = new();
    private readonly TaskCompletionSource<string> _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string? _announcement;
    private readonly ManualResetEventSlim _reads = new(true);

    /// <param name="start">The program to start.</param>
    /// <param name="announcement">The text before the URL in the line that the server prints when it listens.</param>
    public ServerProcess(ProcessStartInfo start, string announcement)
        : this(start, announcement, null)
    {
    }

    /// <param name="start">The program to start.</param>
    /// <param name="url">The URL the server will listen on.</param>
    public ServerProcess(ProcessStartInfo start, Uri url)
        : this(start, null, url)
    {
    }

    private ServerProcess(ProcessStartInfo start, string? announcement, Uri? url)
    {
        _announcement = announcement;
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        AppDomain.CurrentDomain.ProcessExit += Kill;
        try
        {
            _process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            AppDomain.CurrentDomain.ProcessExit -= Kill;
            _process.Dispose();
            throw new UsageError($"{start.FileName} cannot be started: {e.Message}");
        }

        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            Url = url ?? new Uri(Await());
            AwaitPort();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Uri Url { get; }

    public int Id => _process.Id;

    /// <summary>The exit code and the last output; null while the process runs.</summary>
    public string? Death => _process.WaitForExit(DeathMilliseconds)
        ? $"the server exited with {_process.ExitCode}; its last output:\n{string.Join('\n', _tail)}"
        : null;

    /// <summary>Reads the server's output, or leaves it in the pipe from the next line on.</summary>
    public void ReadLog(bool reads)
    {
        if (reads)
        {
            _reads.Set();
        }
        else
        {
            _reads.Reset();
        }
    }

    /// <summary>A port that is free at this moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        _reads.Set();
        Kill(null, EventArgs.Empty);
        _process.WaitForExit(GoneMilliseconds); // killed; if it still has not exited, it is stuck in the kernel
        _process.Dispose();
    }

    private string Await()
    {
        var start = Stopwatch.GetTimestamp();
        while (!_announced.Task.Wait(PollMilliseconds))
        {
            ThrowIfLate(start);
        }

        return _announced.Task.Result;
    }

    private void AwaitPort()
    {
        using var never = new ManualResetEventSlim();
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var attempt = new TcpClient(Url.Host, Url.Port);
                return;
            }
            catch (SocketException)
            {
                ThrowIfLate(start);
                never.Wait(PollMilliseconds);
            }
        }
    }

    private void ThrowIfLate(long start)
    {
        if (_process.HasExited || Stopwatch.GetElapsedTime(start) > StartTimeout)
        {
            throw new RunFailed(
                $"{_process.StartInfo.FileName} {(_process.HasExited ? $"exited with {_process.ExitCode}" : "did not start")}:\n" +
                string.Join('\n', _tail));
        }
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        _reads.Wait();

        _tail.Enqueue(line);
        if (_tail.Count > TailLines)
        {
            _tail.TryDequeue(out _);
        }

        if (_announcement is not null && line.IndexOf(_announcement, StringComparison.Ordinal) is >= 0 and var at
            && line[(at + _announcement.Length)..].Trim() is var url && Uri.IsWellFormedUriString(url, UriKind.Absolute))
        {
            _announced.TrySetResult(url);
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
            // It never started, or has exited already.
        }
    }
}
