using System.Collections.Concurrent;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Redis;

/// <summary>
/// This Host as one of several: its lease in Redis, and the topics that it mirrors. While the lease lasts, its subscriptions count.
/// </summary>
internal sealed class Node : IHostedLifecycleService, IAsyncDisposable
{
    /// <summary>Seconds that a lease lasts: the most that the subscriptions of a dead node are counted.</summary>
    private const int LeaseSeconds = 8;

    /// <summary>Beats between two checks of a mirror.</summary>
    private const int CheckBeats = 10;

    /// <summary>Beats after the connection came back that each check all mirrors: a loss must not wait for the next check.</summary>
    private const int ChecksAfterLoss = 3;

    /// <summary>Bytes of announcements that may wait on this node.</summary>
    private const long MaxWaiting = 64 * 1024 * 1024;

    private readonly ConcurrentDictionary<string, Mirror> _mirrors = new(StringComparer.Ordinal);
    private readonly Link _link;
    private readonly MirrorTools _tools;
    private readonly PeriodicTimer _seconds;
    private Task _beating = Task.CompletedTask;
    private int _checks; // beats that check all mirrors; written by any thread
    private volatile bool _hasLease;
    private volatile HashSet<string> _live = [];

    public Node(Link link, Broker broker, ServerMessage say, Settings settings, TimeProvider time, ILogger<Node> logger)
    {
        _link = link;
        _seconds = new(TimeSpan.FromSeconds(1), time);
        Name = $"{settings.NodeName}-{Engine.Epoch.New()}";
        _tools = new(Name, link, broker, say, settings, time, logger, new Allowance(MaxWaiting), Ended);
        link.Restored += () => Volatile.Write(ref _checks, ChecksAfterLoss);
    }

    /// <summary>Unlike that of any other node, also of one with the same NODE_NAME.</summary>
    public string Name { get; }

    /// <summary>Whether Redis answers.</summary>
    public bool IsAvailable => _hasLease && _link.IsOpen;

    /// <summary>The nodes that had a lease at the last beat.</summary>
    public IReadOnlyCollection<string> Live => _live;

    /// <summary>Whether a node has a lease, or had one a second ago.</summary>
    public async ValueTask<bool> IsLiveAsync(string node)
    {
        if (_live.Contains(node))
        {
            return true;
        }

        await RenewLeaseAsync(LeaseSeconds).ConfigureAwait(false); // it may be younger than the last beat
        return !_hasLease || _live.Contains(node);
    }

    /// <summary>The mirror of a topic, if there is one.</summary>
    public Mirror? Find(string topic) => _mirrors.GetValueOrDefault(topic);

    /// <summary>The mirror of a topic. It may be opening, or end.</summary>
    public Mirror Open(string topic)
    {
        var mirror = _mirrors.GetOrAdd(topic, static (name, tools) => new Mirror(name, tools), _tools); // may make one in vain
        mirror.Begin();
        return mirror;
    }

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await _link.OpenAsync(Name).ConfigureAwait(false);
        await RenewLeaseAsync(LeaseSeconds).ConfigureAwait(false);
        _beating = BeatAsync();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends the lease, once no subscription is left.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        _seconds.Dispose();
        await _beating.ConfigureAwait(false);
        await RenewLeaseAsync(seconds: 0).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _seconds.Dispose();
        await _link.DisposeAsync().ConfigureAwait(false);
    }

    private void Ended(string topic, Mirror mirror) => _mirrors.TryRemove(KeyValuePair.Create(topic, mirror));

    private async Task BeatAsync()
    {
        for (var beat = 1; await _seconds.WaitForNextTickAsync().ConfigureAwait(false); beat++)
        {
            await RenewLeaseAsync(LeaseSeconds).ConfigureAwait(false);
            var checksAll = Volatile.Read(ref _checks) > 0 && Interlocked.Decrement(ref _checks) >= 0;
            foreach (var (name, mirror) in _mirrors)
            {
                mirror.Beat(checksAll || (beat + (uint)name.GetHashCode(StringComparison.Ordinal)) % CheckBeats == 0);
            }
        }
    }

    private async Task RenewLeaseAsync(int seconds)
    {
        try
        {
            var result = await _link.RunAsync(Scripts.Lease, [Names.Leases], Name, seconds * 1000).ConfigureAwait(false);
            var values = (string[])result!;
            _live = [.. values.Skip(1)];
            _hasLease = true;
            if (values[0] == "0")
            {
                foreach (var mirror in _mirrors.Values)
                {
                    mirror.ForgetCount(); // Redis may be another, or has counted this node as dead
                }
            }
        }
        catch (Engine.UnavailableException)
        {
            _hasLease = false;
        }
    }
}
