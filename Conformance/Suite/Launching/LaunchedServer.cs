using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Launching;

/// <summary>Starts a server for one scenario, with these settings as its environment.</summary>
public delegate Task<LaunchedServer> Launch(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation);

/// <summary>A server that belongs to one scenario. The launcher returns it once it listens, or has ended.</summary>
public abstract class LaunchedServer : IAsyncDisposable
{
    private readonly Timeouts _timeouts;
    private Target? _target;

    protected LaunchedServer(Timeouts timeouts) => _timeouts = timeouts;

    /// <summary>True once it had an open port; false for a server that refused its settings.</summary>
    public bool Listened => _target is not null;

    /// <exception cref="Inconclusive">The server never listened.</exception>
    public Target Target => _target ?? throw new Inconclusive($"the server never listened; it wrote: {Tail()}");

    /// <summary>The exit code, once the process has ended.</summary>
    public abstract Task<int> Exited { get; }

    /// <summary>The output so far; it is complete once the server has ended.</summary>
    public abstract string StandardOutput { get; }

    /// <inheritdoc cref="StandardOutput"/>
    public abstract string StandardError { get; }

    /// <summary>SIGTERM, without waiting for the end. Does nothing if the server has ended.</summary>
    public abstract void Terminate();

    /// <summary>SIGINT, as Ctrl-C sends it. Does nothing if the server has ended.</summary>
    public abstract void Interrupt();

    /// <summary>Ends the server at once, as SIGKILL does. Does nothing if the server has ended.</summary>
    public abstract void Kill();

    /// <summary>Sends SIGTERM and returns the exit code.</summary>
    public Task<int> TerminateAsync(TimeSpan? within = null)
    {
        Terminate();
        return ExitedAsync(within);
    }

    /// <exception cref="Violation">The process still runs after the limit.</exception>
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

    /// <summary>Kills the server, waits at most <see cref="Timeouts.Cleanup"/> for its end, then releases its resources.</summary>
    public async ValueTask DisposeAsync()
    {
        Kill();
        await ((Task)Exited).WaitAsync(_timeouts.Cleanup).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ReleaseAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The last 8 lines of its output without stack traces, for a report.</summary>
    public string Tail() => string.Join('\n', $"{StandardOutput}{StandardError}".Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(line => !line.TrimStart().StartsWith("at ", StringComparison.Ordinal)).TakeLast(8));

    /// <summary>
    /// Called once, before the launcher returns the server, and only if it listens. The server is spoken to as <paramref name="like"/>
    /// is, v1 by default, and held to the limits that these settings declare.
    /// </summary>
    protected void ListensAt(Uri origin, IReadOnlyDictionary<string, string> settings, Target? like = null)
    {
        var target = like?.At(origin) ?? Target.From(origin);
        ListensAt(target with { Limits = target.Limits.Under(settings), Timeouts = _timeouts });
    }

    /// <inheritdoc cref="ListensAt(Uri, IReadOnlyDictionary{string, string}, Target)"/>
    protected void ListensAt(Target target) => _target = target;

    /// <summary>Releases the resources of a killed server, which may still not have ended.</summary>
    protected abstract ValueTask ReleaseAsync();
}
