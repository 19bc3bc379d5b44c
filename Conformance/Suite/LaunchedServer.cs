using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace PubSub.Conformance;

/// <summary>Starts a server of its own for a scenario, with these settings as its environment.</summary>
public delegate Task<LaunchedServer> Launch(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation);

/// <summary>A server process that belongs to one scenario, from its start to its end.</summary>
public sealed partial class LaunchedServer : IAsyncDisposable
{
    private const int LargestOutput = 1024 * 1024;
    private const int Sigint = 2;
    private const int Sigterm = 15;

    private readonly Process _process;
    private readonly Timeouts _timeouts;
    private readonly StringBuilder _output = new(); // guarded by itself
    private readonly StringBuilder _errors = new(); // guarded by itself
    private readonly TaskCompletionSource<Uri> _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Target? _target;

    private LaunchedServer(ProcessStartInfo start, Timeouts timeouts)
    {
        _timeouts = timeouts;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Exited = ExitAsync();
    }

    /// <summary>True once it had an open port; a server that refused its settings never has.</summary>
    public bool Listened => _target is not null;

    public Target Target => _target ?? throw new Inconclusive($"the server never listened; it wrote: {Tail()}");

    /// <summary>The exit code, once there is one.</summary>
    public Task<int> Exited { get; }

    public string StandardOutput => Read(_output);

    public string StandardError => Read(_errors);

    /// <summary>
    /// Starts the process and returns once its port is open, or it has ended. It is expected at <paramref name="address"/>, or else
    /// to announce "Now listening on: http://…" on its standard output. It is spoken to as <paramref name="like"/> is, v1 by default.
    /// </summary>
    public static async Task<LaunchedServer> StartAsync(
        ProcessStartInfo start,
        IReadOnlyDictionary<string, string> settings,
        Uri? address,
        Timeouts timeouts,
        CancellationToken cancellation,
        Target? like = null)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.UseShellExecute = false;
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        var server = new LaunchedServer(start, timeouts);
        try
        {
            var origin = await Bounds.Within(timeouts.Start, TimeProvider.System, async limit =>
            {
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(limit);
                var listening = address is null ? server._announced.Task.WaitAsync(ended.Token) : OpenAsync(address, ended.Token);
                await Task.WhenAny(listening, server.Exited).WaitAsync(limit);

                // Nobody knocks any longer at a port that may become another server's.
                await ended.CancelAsync();
                return listening.IsCompletedSuccessfully ? await listening : null;
            }, cancellation);
            server._target = origin is null
                ? null
                : (like?.At(origin) ?? Target.From(origin)) with { Limits = (like?.Limits ?? new Limits()).Under(settings), Timeouts = timeouts };
            return server;
        }
        catch (TimeoutException)
        {
            var said = server.Tail();
            await server.DisposeAsync();
            throw new Inconclusive($"the server had no open port within {timeouts.Start.TotalSeconds} s; it wrote: {said}");
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGTERM, without waiting for the end.</summary>
    public void Terminate() => Signal(Sigterm);

    /// <summary>SIGINT, as Ctrl-C sends it.</summary>
    public void Interrupt() => Signal(Sigint);

    /// <summary>SIGTERM, and the exit code that follows.</summary>
    public Task<int> TerminateAsync(TimeSpan? within = null)
    {
        Terminate();
        return ExitedAsync(within);
    }

    /// <summary>The exit code, within a bound.</summary>
    public async Task<int> ExitedAsync(TimeSpan? within = null)
    {
        var limit = within ?? _timeouts.Exit;
        try
        {
            return await Exited.WaitAsync(limit);
        }
        catch (TimeoutException)
        {
            throw new Violation("The server process ends", "an exit code", $"a running process after {limit.TotalSeconds} s");
        }
    }

    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await ((Task)Exited).WaitAsync(_timeouts.Cleanup).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _process.Dispose();
    }

    /// <summary>What it wrote last, stack traces left out, for a report.</summary>
    public string Tail() => string.Join('\n', $"{StandardOutput}{StandardError}".Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(line => !line.StartsWith("   at ", StringComparison.Ordinal)).TakeLast(8));

    private async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    private void Signal(int signal)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new Unsupported("signals need a Unix-like system");
        }

        if (!Exited.IsCompleted)
        {
            _ = SendSignal(_process.Id, signal);
        }
    }

    private void Keep(StringBuilder text, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (text)
        {
            if (text.Length < LargestOutput)
            {
                text.AppendLine(line);
            }
        }

        if (Announcement().Match(line) is { Success: true } match)
        {
            // An address that means "everywhere" is reached on this machine.
            var origin = new UriBuilder(match.Groups[1].Value);
            origin.Host = origin.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : origin.Host;
            _announced.TrySetResult(origin.Uri);
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private static async Task<Uri> OpenAsync(Uri address, CancellationToken limit)
    {
        while (true)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(address.Host, address.Port, limit);
                return address;
            }
            catch (SocketException)
            {
                // Not yet; the limit ends this.
                await Task.Delay(TimeSpan.FromMilliseconds(20), limit);
            }
        }
    }

    [GeneratedRegex(@"Now listening on: (https?://[^\s""]+)")]
    private static partial Regex Announcement();

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
