namespace PubSub.Conformance;

/// <summary>Starts a server of its own for a scenario, with these settings as its environment.</summary>
public delegate Task<LaunchedServer> Launch(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation);

/// <summary>A server that belongs to one scenario, from its start to its end. It is handed out once it listens, or has ended.</summary>
public abstract class LaunchedServer : IAsyncDisposable
{
    private readonly Timeouts _timeouts;
    private Target? _target;

    protected LaunchedServer(Timeouts timeouts) => _timeouts = timeouts;

    /// <summary>True once it had an open port; a server that refused its settings never has.</summary>
    public bool Listened => _target is not null;

    /// <summary>There where it listens.</summary>
    public Target Target => _target ?? throw new Inconclusive($"the server never listened; it wrote: {Tail()}");

    /// <summary>The exit code, once there is one.</summary>
    public abstract Task<int> Exited { get; }

    /// <summary>What was written so far; it is whole once the server has ended.</summary>
    public abstract string StandardOutput { get; }

    /// <inheritdoc cref="StandardOutput"/>
    public abstract string StandardError { get; }

    /// <summary>SIGTERM, without waiting for the end. A server that has ended does not mind.</summary>
    public abstract void Terminate();

    /// <summary>SIGINT, as Ctrl-C sends it. A server that has ended does not mind.</summary>
    public abstract void Interrupt();

    /// <summary>Ends it without a word, as SIGKILL does. A server that has ended does not mind.</summary>
    public abstract void Kill();

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

    /// <summary>Kills it, and waits for its end within a bound, before anything that it holds is let go.</summary>
    public async ValueTask DisposeAsync()
    {
        Kill();
        await ((Task)Exited).WaitAsync(_timeouts.Cleanup).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ReleaseAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>What it wrote last, stack traces left out, for a report.</summary>
    public string Tail() => string.Join('\n', $"{StandardOutput}{StandardError}".Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(line => !line.TrimStart().StartsWith("at ", StringComparison.Ordinal)).TakeLast(8));

    /// <summary>
    /// Said once, before the server is handed out, and only where it listens. It is spoken to as <paramref name="like"/> is, v1 by
    /// default, and held to what these settings declare.
    /// </summary>
    protected void ListensAt(Uri origin, IReadOnlyDictionary<string, string> settings, Target? like = null)
    {
        var target = like?.At(origin) ?? Target.From(origin);
        _target = target with { Limits = target.Limits.Under(settings), Timeouts = _timeouts };
    }

    /// <summary>Lets go of what a killed server leaves; it may not have ended within the bound.</summary>
    protected abstract ValueTask ReleaseAsync();
}
