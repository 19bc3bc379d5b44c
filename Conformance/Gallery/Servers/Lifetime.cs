namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Ends a server: the first signal drains it, the second ends it at once.</summary>
internal sealed class Lifetime(SmallServer server)
{
    private readonly TaskCompletionSource<int> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _signals;

    /// <summary>The exit code, once the server may exit.</summary>
    public Task<int> Over => _over.Task;

    /// <summary>How long a drain may take.</summary>
    public Seam<Func<TimeSpan>> Limit => field ??= new(() => server.Settings.DrainTimeout);

    /// <summary>The exit code after a drain, complete or not.</summary>
    public Seam<Func<int>> ExitCode => field ??= new(() => 0);

    /// <summary>SIGTERM.</summary>
    public Seam<Action> Terminate => field ??= new(Signal);

    /// <summary>SIGINT.</summary>
    public Seam<Action> Interrupt => field ??= new(Signal);

    /// <summary>Closes a session with 1001 after its queue is sent; a second call does nothing.</summary>
    public Seam<Action<Session>> Dismiss => field ??= new(session => session.Queue.Finish.Call(null, 1001, "the server goes away"));

    /// <summary>A second signal.</summary>
    public Seam<Action> SignalAgain => field ??= new(() => End(130));

    /// <summary>Lets the server exit; only the first exit code counts.</summary>
    public void End(int code) => _over.TrySetResult(code);

    private void Signal()
    {
        if (Interlocked.Increment(ref _signals) == 1)
        {
            _ = DrainAsync();
        }
        else
        {
            SignalAgain.Call();
        }
    }

    private async Task DrainAsync()
    {
        server.IsDraining = true;
        server.Log.Write.Call(LogLevel.Info, "draining");
        foreach (var session in server.Sessions.Keys)
        {
            Dismiss.Call(session);
        }

        foreach (var stream in server.Streams.Keys)
        {
            stream.Finish.Call(null, 1001, "");
        }

        try
        {
            await LeftAsync().WaitAsync(Limit.Call());
            server.Log.Write.Call(LogLevel.Info, "drained");
        }
        catch (TimeoutException)
        {
            server.Log.Write.Call(LogLevel.Warn, "some peers did not leave in time");
        }

        End(ExitCode.Call());
    }

    private async Task LeftAsync()
    {
        while (!server.Sessions.IsEmpty)
        {
            await Task.WhenAll(server.Sessions.Values);
        }
    }
}
