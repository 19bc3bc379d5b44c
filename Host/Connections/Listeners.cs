using System.Net;
using Microsoft.AspNetCore.Connections;

namespace PubSub.Hosting.Connections;

/// <summary>
/// Listens as the framework does, but accepts a connection only when there is room for it, and goes on after a failure. The framework's own
/// listener retries at once when there is no file descriptor left, which takes a whole processor; and it accepts nothing more, until the
/// process ends, after any other failure, such as a moment without memory.
/// </summary>
internal sealed class Listeners(IConnectionListenerFactory inner, Admission admission, TimeProvider time, ILogger<Listeners> logger)
    : IConnectionListenerFactory
{
    /// <summary>From a failure to the next attempt.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await inner.BindAsync(endpoint, cancellationToken).ConfigureAwait(false), admission, time, logger);

    private sealed class Listener(IConnectionListener inner, Admission admission, TimeProvider time, ILogger logger) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (!_unbound.IsCancellationRequested)
            {
                try
                {
                    await admission.WaitForRoomAsync(_unbound.Token).ConfigureAwait(false);
                    var connection = await inner.AcceptAsync(cancellationToken).ConfigureAwait(false);
                    connection?.Features.Set(admission.Enter(connection));
                    return connection;
                }
                catch (OperationCanceledException)
                {
                    break;
                }
                catch (Exception e)
                {
                    Log.AcceptFailed(logger, e, RetryDelay.TotalSeconds);
                    await Task.Delay(RetryDelay, time, _unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }

            return null;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync().ConfigureAwait(false);
            await inner.UnbindAsync(cancellationToken).ConfigureAwait(false);
        }

        public async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync().ConfigureAwait(false);
            _unbound.Dispose();
        }
    }
}
