using PubSub.Hosting.Engine;
using StackExchange.Redis;

namespace PubSub.Hosting.Redis;

/// <summary>
/// The connections of this node to Redis. The library restores them; meanwhile every request fails at once, so that nothing waits in a
/// queue without the client's knowledge.
/// </summary>
internal sealed class Link(Settings settings, TimeProvider time, ILogger<Link> logger) : IAsyncDisposable
{
    /// <summary>Seconds between signs of life on a connection that is otherwise silent; after four of them it counts as lost.</summary>
    private const int KeepAlive = 2;

    private readonly string _channelPrefix = (string?)ConfigurationOptions.Parse(settings.Redis).ChannelPrefix ?? "";
    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(settings.RedisTimeout);
    private ConnectionMultiplexer? _connections; // written once, at the start

    /// <summary>Raised when the connection that brings announcements is there again: some may have been missed.</summary>
    public event Action? Restored;

    /// <summary>Whether the connections are there.</summary>
    public bool IsOpen => _connections?.IsConnected is true;

    /// <summary>How a script publishes.</summary>
    public string Verb { get; } = settings.RedisChannels == "sharded" ? "SPUBLISH" : "PUBLISH";

    public TimeSpan Timeout => _timeout;

    /// <summary>Begins to connect, and waits a moment for it; goes on to try for as long as the process lasts.</summary>
    public async Task OpenAsync(string node)
    {
        var options = ConfigurationOptions.Parse(settings.Redis);
        options.ClientName = node;
        options.AbortOnConnectFail = false;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.Protocol = RedisProtocol.Resp2; // announcements have a connection of their own
        options.KeepAlive = KeepAlive;
        options.ConnectTimeout = (int)_timeout.TotalMilliseconds;
        options.AsyncTimeout = (int)_timeout.TotalMilliseconds;
        _connections = await ConnectionMultiplexer.ConnectAsync(options).ConfigureAwait(false);
        _connections.ConnectionFailed += (_, failed) =>
            Log.RedisLost(logger, $"{failed.ConnectionType}", $"{failed.FailureType}");
        _connections.ConnectionRestored += (_, restored) =>
        {
            Log.RedisRestored(logger, $"{restored.ConnectionType}");
            Restored?.Invoke();
        };
    }

    /// <summary>Runs a script.</summary>
    /// <exception cref="UnavailableException">It has not answered within REDIS_TIMEOUT, or could not be sent.</exception>
    /// <exception cref="RedisFullException">Redis takes no more data.</exception>
    public Task<RedisResult> RunAsync(string script, RedisKey[] keys, params RedisValue[] values) =>
        CallAsync(database => database.ScriptEvaluateAsync(script, keys, values));

    /// <summary>Sends a command.</summary>
    /// <exception cref="UnavailableException">As with <see cref="RunAsync"/>.</exception>
    public async Task<T> CallAsync<T>(Func<IDatabase, Task<T>> command)
    {
        if (!IsOpen)
        {
            throw new UnavailableException(mayHaveHappened: false);
        }

        try
        {
            return await command(_connections!.GetDatabase()).WaitAsync(_timeout, time).ConfigureAwait(false);
        }
        catch (RedisServerException refused) when (refused.Message.StartsWith("OOM", StringComparison.Ordinal))
        {
            throw new RedisFullException();
        }
        catch (RedisServerException refused)
        {
            Log.RedisRefused(logger, refused.Message);
            throw new UnavailableException(mayHaveHappened: false);
        }
        catch (RedisConnectionException lost)
        {
            throw new UnavailableException(lost.CommandStatus is not (CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog));
        }
        catch (TimeoutException) // the library's own is one, too
        {
            throw new UnavailableException(mayHaveHappened: true);
        }
        catch (ObjectDisposedException)
        {
            throw new UnavailableException(mayHaveHappened: false); // the process is stopping
        }
    }

    /// <summary>The channel of a topic, as scripts name it: the library itself puts <c>channelPrefix</c> before a subscription.</summary>
    public string Channel(string topic) => _channelPrefix + Names.Channel(topic);

    /// <summary>Subscribes to the channel of a topic, and completes when Redis has confirmed it.</summary>
    public async Task<ChannelMessageQueue> SubscribeAsync(string topic)
    {
        var channel = Names.Channel(topic);
        var name = Verb == "SPUBLISH" ? RedisChannel.Sharded(channel) : RedisChannel.Literal(channel);
        return await CallAsync(_ => _connections!.GetSubscriber().SubscribeAsync(name)).ConfigureAwait(false);
    }

    /// <summary>Ends a subscription; if Redis does not confirm it within REDIS_TIMEOUT, what still comes is dropped.</summary>
    public async Task UnsubscribeAsync(ChannelMessageQueue? announcements)
    {
        if (announcements is null)
        {
            return;
        }

        try
        {
            await announcements.UnsubscribeAsync().WaitAsync(_timeout, time).ConfigureAwait(false);
        }
        catch (Exception lost) when (lost is RedisException or TimeoutException or ObjectDisposedException)
        {
            // The connection is lost, and its subscriptions with it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connections is { } connections)
        {
            await connections.DisposeAsync().ConfigureAwait(false);
        }
    }
}

/// <summary>Redis takes no more data (<c>maxmemory</c>); the request had no effect.</summary>
internal sealed class RedisFullException() : UnavailableException(mayHaveHappened: false);
