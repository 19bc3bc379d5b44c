using System.Diagnostics;
using PubSub.Conformance.Launching;
using PubSub.Conformance.Targets;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

/// <summary>A server in a process of its own, with a port that it keeps when it is started again.</summary>
internal abstract class ServerProcess : IAsyncDisposable
{
    private LaunchedProcess? _process;

    public int Port { get; } = Ports.Lasting();

    /// <summary>Starts the process, and returns once its port is open.</summary>
    public async Task RunAsync()
    {
        await EndAsync();
        _process = (LaunchedProcess)await LaunchedProcess.StartAsync(
            Command(), Settings, new Uri($"http://127.0.0.1:{Port}"), new Timeouts(), CancellationToken.None);
        if (!_process.Listened)
        {
            throw new IOException($"it ended: {_process.Tail()}");
        }
    }

    /// <summary>Stops the process (SIGSTOP): its connections stay, and nothing answers.</summary>
    public Task PauseAsync() => SignalAsync("STOP");

    public Task ContinueAsync() => SignalAsync("CONT");

    /// <summary>Ends the process at once (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.Exited.WaitAsync(Threads.Patience);
    }

    public virtual ValueTask DisposeAsync() => EndAsync();

    protected virtual IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>();

    protected abstract ProcessStartInfo Command();

    private ValueTask EndAsync() => _process?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Frames.Text(_process!.Id)]);
        await kill.WaitForExitAsync().WaitAsync(Threads.Patience);
    }
}
