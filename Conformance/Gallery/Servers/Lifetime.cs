namespace PubSub.Conformance.Gallery.Servers;

/// <summary>How a server ends: it drains at a first signal, and ends at once at a second.</summary>
internal sealed class Lifetime(SmallServer server)
{
    private readonly TaskCompletionSource<int> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _signals;

    /// <summary>The exit code, once there is nothing more to wait for.</summary>
    public Task<int> Over => _over.Task;

    /// <summary>How long a drain may take.</summary>
    public Seam<Func<TimeSpan>> Limit => field ??= new(() => server.Settings.DrainTimeout);

    /// <summary>The exit code after a drain, complete or not.</summary>
    public Seam<Func<int>> ExitCode => field ??= new(() => 0);

    /// <summary>SIGTERM.</summary>
    public Seam<Action> Terminate => field ??= new(Signal);

    /// <summary>SIGINT.</summary>
    public Seam<Action> Interrupt => field ??= new(Signal);

    /// <summary>Says goodbye behind what is queued; to say it twice is to say it once.</summary>
    public Seam<Action<Session>> Dismiss => field ??= new(session => session.Queue.Finish.Call(null, 1001, "the server goes away"));

    /// <summary>A second signal.</summary>
    public Seam<Action> SignalAgain => field ??= new(() => End(130));

    /// <summary>There is nothing more to wait for; the first exit code stands.</summary>
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
