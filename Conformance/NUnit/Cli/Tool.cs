using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using NUnit.Framework;

namespace PubSub.Conformance.Tests.Cli;

/// <summary>What the tool wrote, and the status that it ended with.</summary>
internal sealed record ToolResult(int Exit, string Out, string Errors)
{
    /// <summary>Both streams, for a test that does not care which one contains a text.</summary>
    public string Everything => $"{Out}\n{Errors}";

    /// <summary>Fails unless standard error contains each of these words and no stack trace.</summary>
    public void Complains(params IEnumerable<string> words)
    {
        foreach (var word in words)
        {
            Assert.That(Errors, Does.Contain(word));
        }

        Assert.That(Errors, Does.Not.Contain("   at "), "a message and no stack trace");
    }

    public override string ToString() => $"exit status {Exit}\n--- standard output\n{Out}\n--- standard error\n{Errors}";
}

/// <summary>
/// The tool as users have it: the built <c>pubsub-conformance</c> in a process of its own, with an environment that a test chooses. It
/// ends within a bound, or is killed and the test fails.
/// </summary>
internal sealed class Tool : IAsyncDisposable
{
    private const int Sigint = 2;
    private const int Sigterm = 15;
    private const int Sighup = 1;
    private const int Sigcont = 18; // on Linux
    private const int Sigstop = 19; // on Linux

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);
    private static readonly string Assembly = Path.Combine(AppContext.BaseDirectory, "pubsub-conformance.dll");

    private readonly Process _process;
    private readonly StringBuilder _output = new(); // guarded by itself
    private readonly StringBuilder _errors = new(); // guarded by itself
    private readonly Channel<string> _complaints = Channel.CreateUnbounded<string>();

    private Tool(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // A variable of the machine must not change the test.
        start.Environment.Remove("GITHUB_STEP_SUMMARY");
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    public static Tool Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null) =>
        new(Dotnet, [Assembly, .. arguments], environment);

    public static Task<ToolResult> RunAsync(params string[] arguments) => RunAsync(arguments, environment: null);

    /// <summary>Runs a script of the shell, in which <c>"$DOTNET" "$TOOL"</c> is the tool.</summary>
    public static async Task<ToolResult> ShellAsync(string script)
    {
        var environment = new Dictionary<string, string?> { ["DOTNET"] = Dotnet, ["TOOL"] = Assembly };
        await using var tool = new Tool("/bin/sh", ["-c", script], environment);
        return await tool.EndAsync();
    }

    public static async Task<ToolResult> RunAsync(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        await using var tool = Start(arguments, environment);
        return await tool.EndAsync();
    }

    /// <summary>Runs a command line, which must end with this status. An interpolated value is not split at its spaces.</summary>
    public static Task<ToolResult> ExitsAsync(int exit, FormattableString line, IReadOnlyDictionary<string, string?>? environment = null) =>
        ExitsAsync(exit, Words(line), environment);

    /// <inheritdoc cref="ExitsAsync(int, FormattableString, IReadOnlyDictionary{string, string})"/>
    public static async Task<ToolResult> ExitsAsync(
        int exit, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var result = await RunAsync(arguments, environment);
        Assert.That(result.Exit, Is.EqualTo(exit), result.ToString());
        return result;
    }

    public static IEnumerable<string> Words(FormattableString line) => line.Format
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(word => string.Format(CultureInfo.InvariantCulture, word, line.GetArguments()));

    /// <summary>Waits for the next line of standard error that contains this text, at most 60 s; otherwise the test fails.</summary>
    public async Task SaysAsync(string text)
    {
        using var limit = new CancellationTokenSource(Longest);
        await foreach (var line in _complaints.Reader.ReadAllAsync(limit.Token))
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return;
            }
        }

        Assert.Fail($"'{text}' was never written. Standard error:\n{Read(_errors)}");
    }

    /// <summary>Ctrl-C.</summary>
    public void Interrupt() => Signal(Sigint);

    public void Terminate() => Signal(Sigterm);

    /// <summary>What a closing terminal sends.</summary>
    public void HangUp() => Signal(Sighup);

    /// <summary>Stops the process, while the clocks go on.</summary>
    public void Suspend() => Signal(Sigstop);

    public void Resume() => Signal(Sigcont);

    /// <summary>Ends the process without a chance to clean up.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Waits until the process ends by itself, at most 60 s; otherwise the test fails.</summary>
    public async Task<ToolResult> EndAsync()
    {
        using var limit = new CancellationTokenSource(Longest);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            Assert.Fail($"The tool did not end within {Longest.TotalSeconds} s:\n{Read(_output)}\n{Read(_errors)}");
        }

        return new ToolResult(_process.ExitCode, Read(_output), Read(_errors));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Ignore("Signals need a Unix-like system.");
        }

        Assert.That(SendSignal(_process.Id, signal), Is.Zero, "the signal is sent");
    }

    private void Hear(string? line)
    {
        Keep(_errors, line);
        if (line is null)
        {
            _complaints.Writer.TryComplete();
        }
        else
        {
            _complaints.Writer.TryWrite(line);
        }
    }

    private static void Keep(StringBuilder text, string? line)
    {
        lock (text)
        {
            text.Append(line is null ? "" : $"{line}\n");
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
