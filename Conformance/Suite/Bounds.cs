namespace PubSub.Conformance;

/// <summary>Waits with a time limit.</summary>
internal static class Bounds
{
    /// <summary>Throws <see cref="TimeoutException"/> when the limit, and not the caller, ended the wait.</summary>
    public static async Task<T> Within<T>(
        TimeSpan limit, TimeProvider time, Func<CancellationToken, Task<T>> wait, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            return await wait(either.Token);
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }

    public static Task Within(TimeSpan limit, TimeProvider time, Func<CancellationToken, Task> wait, CancellationToken cancellation) =>
        Within<bool>(limit, time, async token =>
        {
            await wait(token);
            return true;
        }, cancellation);
}
