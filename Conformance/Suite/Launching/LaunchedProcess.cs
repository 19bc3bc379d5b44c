using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Launching;

/// <summary>
/// A server in an operating system process, with real signals. If the process leads a process group, as the shell of
/// <see cref="Shell"/> does, signals go to the whole group. It is killed together with its child processes.
/// </summary>
public sealed partial class LaunchedProcess : LaunchedServer
{
    private const int LargestOutput = 1024 * 1024;
    private const int Sigint = 2;
    private const int Sigkill = 9;
    private const int Sigterm = 15;

    /// <summary>The wait for the last output of an ended process, in case a child process still holds the pipe open.</summary>
    private static readonly TimeSpan LastOutput = TimeSpan.FromSeconds(1);

    /// <summary>Commands that start another command in its own process group; without them, signals reach only the shell.</summary>
    private static readonly string[] GroupLeaders = ["/usr/bin/setsid", "/bin/setsid"];

    private readonly Process _process;
    private readonly StringBuilder _output = new(); // guarded by itself
    private readonly StringBuilder _errors = new(); // guarded by itself
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Uri> _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LaunchedProcess(ProcessStartInfo start, Timeouts timeouts) : base(timeouts)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.Exited += (_, _) => _ended.TrySetResult();
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        Id = _process.Id;
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Exited = ExitAsync();
    }

    /// <summary>The id of the process, which stays known after its end.</summary>
    public int Id { get; }

    public override Task<int> Exited { get; }

    public override string StandardOutput => Read(_output);

    public override string StandardError => Read(_errors);

    /// <summary>
    /// A command as it is typed in a shell, in a process group of its own. The shell survives a signal to the group, so that the exit
    /// status is that of the command.
    /// </summary>
    public static ProcessStartInfo Shell(string command)
    {
        if (OperatingSystem.IsWindows())
        {
            // A string, not a list: cmd wants its quotes as they were typed, without the escapes of other programs.
            return new ProcessStartInfo("cmd.exe", $"/d /s /c \"{command}\"");
        }

        string[] shell = ["/bin/sh", "-c", $"trap : TERM INT HUP\n{command}"];
        var group = GroupLeaders.FirstOrDefault(File.Exists);
        return group is null ? new ProcessStartInfo(shell[0], shell[1..]) : new ProcessStartInfo(group, shell);
    }

    /// <summary>The same, without input and with its output discarded, for a command that may stay after this process has ended.</summary>
    public static ProcessStartInfo SilentShell(string command) =>
        Shell(OperatingSystem.IsWindows() ? $"({command}) <nul >nul 2>&1" : $"exec </dev/null >/dev/null 2>&1\n{command}");

    /// <summary>
    /// Starts the process and returns once its port is open, or it has ended. The server listens at <paramref name="address"/>, or at the
    /// other loopback address if that is one; without an address, it announces "Now listening on: http://…" on its standard output. It is
    /// spoken to as <paramref name="like"/> is, v1 by default.
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

        var server = new LaunchedProcess(start, timeouts);
        try
        {
            var origin = await Bounds.Within(timeouts.Start, TimeProvider.System, async limit =>
            {
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(limit);
                var listening = address is null ? server._announced.Task.WaitAsync(ended.Token) : OpenAsync(address, ended.Token);
                await Task.WhenAny(listening, server.Exited).WaitAsync(limit);

                // Stop probing the port: another server may get it next.
                await ended.CancelAsync();
                return listening.IsCompletedSuccessfully ? await listening : null;
            }, cancellation);
            if (origin is not null)
            {
                server.ListensAt(origin, settings, like);
            }

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

    public override void Terminate() => Signal(Sigterm);

    /// <exception cref="Unsupported">SIGINT is ignored, as in the background of a script, and the server inherits that.</exception>
    public override void Interrupt()
    {
        if (IsIgnored(Sigint))
        {
            throw new Unsupported("SIGINT is ignored by the suite, and so by what it starts: run it in the foreground");
        }

        Signal(Sigint);
    }

    public override void Kill() => KillAll(_process);

    /// <summary>SIGKILL to the process, its group and its child processes; does nothing if the process has ended.</summary>
    public static void KillAll(Process process)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                _ = SendSignal(-process.Id, Sigkill);
            }

            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    protected override ValueTask ReleaseAsync()
    {
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<int> ExitAsync()
    {
        await _ended.Task;
        await _process.WaitForExitAsync().WaitAsync(LastOutput).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _process.ExitCode;
    }

    private void Signal(int signal)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new Unsupported("signals need a Unix-like system");
        }

        // A process without a group of its own is signalled alone.
        if (!Exited.IsCompleted && SendSignal(-_process.Id, signal) != 0)
        {
            _ = SendSignal(_process.Id, signal);
        }
    }

    /// <summary>False if the system does not report it.</summary>
    private static bool IsIgnored(int signal)
    {
        const string Field = "SigIgn:";
        try
        {
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
            var mask = line.AsSpan(line is null ? 0 : Field.Length);
            return ulong.TryParse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var ignored)
                && (ignored >> (signal - 1) & 1) != 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
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
            // A wildcard address is reached through loopback.
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
        Uri[] places = address.IsLoopback
            ? [address, new UriBuilder(address) { Host = IPAddress.IPv6Loopback.ToString() }.Uri]
            : [address];
        while (true)
        {
            foreach (var place in places)
            {
                try
                {
                    using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    await probe.ConnectAsync(place.DnsSafeHost, place.Port, limit);
                    return place;
                }
                catch (SocketException)
                {
                    // Not open yet; retry until the limit.
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), limit);
        }
    }

    [GeneratedRegex(@"Now listening on: (https?://[^\s""]+)")]
    private static partial Regex Announcement();

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
