namespace PubSub.Conformance.Gallery.Servers;

/// <summary>How a server ends: it drains at a first signal, and ends at once at a second.</summary>
internal class Lifetime(SmallServer server)
{
    private readonly TaskCompletionSource<int> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _signals;

    /// <summary>The exit code, once there is nothing more to wait for.</summary>
    public Task<int> Over => _over.Task;

    protected SmallServer Server => server;

    /// <summary>How long a drain may take.</summary>
    protected virtual TimeSpan Limit => server.Settings.DrainTimeout;

    /// <summary>The exit code after a drain, complete or not.</summary>
    protected virtual int ExitCode => 0;

    /// <summary>SIGTERM.</summary>
    public virtual void Terminate() => Signal();

    /// <summary>SIGINT.</summary>
    public virtual void Interrupt() => Signal();

    /// <summary>There is nothing more to wait for; the first exit code stands.</summary>
    public void End(int code) => _over.TrySetResult(code);

    /// <summary>Says goodbye behind what is queued; to say it twice is to say it once.</summary>
    public virtual void Dismiss(Session session) => session.Outbox.Finish(null, 1001, "the server goes away");

    protected virtual void SignalAgain() => End(130);

    protected void Signal()
    {
        if (Interlocked.Increment(ref _signals) == 1)
        {
            _ = DrainAsync();
        }
        else
        {
            SignalAgain();
        }
    }

    private async Task DrainAsync()
    {
        server.IsDraining = true;
        server.Log.Write(LogLevel.Info, "draining");
        foreach (var session in server.Sessions.Keys)
        {
            Dismiss(session);
        }

        try
        {
            await LeftAsync().WaitAsync(Limit);
            server.Log.Write(LogLevel.Info, "drained");
        }
        catch (TimeoutException)
        {
            server.Log.Write(LogLevel.Warn, "some peers did not leave in time");
        }

        End(ExitCode);
    }

    private async Task LeftAsync()
    {
        while (!server.Sessions.IsEmpty)
        {
            await Task.WhenAll(server.Sessions.Values);
        }
    }
}
