using System.Threading.RateLimiting;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Access;

/// <summary>A client as its key or token describes it (SPEC, section Access).</summary>
/// <param name="Name">For the log.</param>
/// <param name="Grant">What it may do.</param>
/// <param name="Limits">How much it may do, over all its requests and connections.</param>
internal sealed record Identity(string Name, Grant Grant, Limits Limits)
{
    private bool _isRevoked; // written once

    /// <summary>Whether its key was removed or changed.</summary>
    public bool IsRevoked => Volatile.Read(ref _isRevoked);

    public void Revoke() => Volatile.Write(ref _isRevoked, true);
}

/// <summary>How much an identity may do. All its requests and connections share the object.</summary>
internal sealed class Limits(Grant grant)
{
    private readonly ConcurrencyLimiter? _connections = grant.Connections is { } most
        ? new(new() { PermitLimit = most, QueueLimit = 0 })
        : null;

    /// <summary>Publishes and bytes that may pass; null if there is no limit.</summary>
    public Rates? Rates { get; } = Rates.Of(grant.PublishesPerSecond, grant.BytesPerSecond);

    /// <summary>Whether no connection is open and all may pass that ever may.</summary>
    public bool IsIdle => _connections is not { IdleDuration: null } && Rates is not { IsIdle: false };

    /// <summary>Takes room for one connection, until the lease is disposed. Null if there is no limit.</summary>
    public RateLimitLease? TakeConnection() => _connections?.AttemptAcquire();
}

/// <summary>What a key or a token permits.</summary>
internal sealed record Grant(Pattern Publish, Pattern Subscribe, Pattern Manage)
{
    /// <summary>Everything, without a limit.</summary>
    public static Grant All { get; } = new(Pattern.All, Pattern.All, Pattern.All);

    /// <summary>Messages per second, at least 1; null is no limit.</summary>
    public int? PublishesPerSecond { get; init; }

    /// <summary>Bytes of messages per second, at least 1; null is no limit.</summary>
    public int? BytesPerSecond { get; init; }

    /// <summary>Subscriber connections at once, at least 1; null is no limit.</summary>
    public int? Connections { get; init; }

    /// <summary>Reads the grant of a key or a token.</summary>
    /// <returns>What is wrong, as the end of a sentence that begins with the key or the token; null when nothing is.</returns>
    public static string? TryCreate(
        IReadOnlyCollection<string> publish,
        IReadOnlyCollection<string> subscribe,
        IReadOnlyCollection<string> manage,
        (int? PublishesPerSecond, int? BytesPerSecond, int? Connections) limits,
        out Grant grant)
    {
        grant = All;
        foreach (var (name, limit) in new[]
        {
            ("publishes_per_second", limits.PublishesPerSecond),
            ("bytes_per_second", limits.BytesPerSecond),
            ("connections", limits.Connections),
        })
        {
            if (limit < 1)
            {
                return $"must have a {name} of at least 1, or none";
            }
        }

        if (Pattern.Fault(publish, out var mayPublish) is { } publishFault)
        {
            return $"must have a publish that {publishFault}";
        }

        if (Pattern.Fault(subscribe, out var maySubscribe) is { } subscribeFault)
        {
            return $"must have a subscribe that {subscribeFault}";
        }

        if (Pattern.Fault(manage, out var mayManage) is { } manageFault)
        {
            return $"must have a manage that {manageFault}";
        }

        grant = new Grant(mayPublish, maySubscribe, mayManage)
        {
            PublishesPerSecond = limits.PublishesPerSecond,
            BytesPerSecond = limits.BytesPerSecond,
            Connections = limits.Connections,
        };
        return null;
    }
}

/// <summary>Topics by name: each entry is a name, or a prefix followed by <c>*</c> (PS-ACC-021, PS-ACC-022).</summary>
internal sealed class Pattern
{
    /// <summary>Entries that a list may have.</summary>
    private const int MaxEntries = 100;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<string> _prefixes = [];

    private Pattern()
    {
    }

    public static Pattern All { get; } = new() { _prefixes = { "" } };

    /// <summary>Whether it has all topics.</summary>
    public bool IsAll => _prefixes.Contains("");

    /// <param name="entries">Names and prefixes.</param>
    /// <param name="pattern">The topics that they stand for.</param>
    /// <returns>What is wrong with the list, as the end of a sentence that begins with "it"; null when nothing is.</returns>
    public static string? Fault(IReadOnlyCollection<string> entries, out Pattern pattern)
    {
        pattern = new Pattern();
        if (entries.Count > MaxEntries)
        {
            return $"has at most {MaxEntries} entries";
        }

        foreach (var entry in entries)
        {
            if (entry == "*")
            {
                pattern._prefixes.Add("");
            }
            else if (entry is null || TopicName.Fault(entry) is not null)
            {
                return "is a list of topic names, and of prefixes followed by *";
            }
            else if (entry[^1] == '*')
            {
                pattern._prefixes.Add(entry[..^1]);
            }
            else
            {
                pattern._names.Add(entry);
            }
        }

        return null;
    }

    public bool Has(string topic)
    {
        foreach (var prefix in _prefixes)
        {
            if (topic.StartsWith(prefix, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return _names.Contains(topic);
    }
}
