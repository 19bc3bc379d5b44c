using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace PubSub.Conformance;

/// <summary>A server in a process of the system, with real signals; it is killed together with what it started.</summary>
public sealed partial class LaunchedProcess : LaunchedServer
{
    private const int LargestOutput = 1024 * 1024;
    private const int Sigint = 2;
    private const int Sigterm = 15;

    private readonly Process _process;
    private readonly StringBuilder _output = new(); // guarded by itself
    private readonly StringBuilder _errors = new(); // guarded by itself
    private readonly TaskCompletionSource<Uri> _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LaunchedProcess(ProcessStartInfo start, Timeouts timeouts) : base(timeouts)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Exited = ExitAsync();
    }

    public override Task<int> Exited { get; }

    public override string StandardOutput => Read(_output);

    public override string StandardError => Read(_errors);

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

        var server = new LaunchedProcess(start, timeouts);
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

    public override void Interrupt() => Signal(Sigint);

    public override void Kill()
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

    protected override ValueTask ReleaseAsync()
    {
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

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
