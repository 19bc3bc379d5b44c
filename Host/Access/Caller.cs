using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Access;

/// <summary>The client at the other end of a connection, or behind a request: its identity, and the limits of its connection.</summary>
internal sealed class Caller
{
    private readonly Identity? _identity; // null for all who come while access is off
    private readonly Rates? _connection;
    private readonly TimeProvider _time;

    /// <param name="identity">Null while access is off.</param>
    /// <param name="connection">Limits of the connection; null if there are none.</param>
    /// <param name="expires">When its token expires; null for never.</param>
    /// <param name="time">The clock that expiry goes by.</param>
    public Caller(Identity? identity, Rates? connection, DateTimeOffset? expires, TimeProvider time)
    {
        (_identity, _connection, Expires, _time) = (identity, connection, expires, time);
        IsBound = identity is not null || connection is not null;
    }

    /// <summary>May do everything, without a limit.</summary>
    public static Caller Everyone { get; } = new(identity: null, connection: null, expires: null, TimeProvider.System);

    /// <summary>Whether there is anything that it may not do.</summary>
    public bool IsBound { get; }

    /// <summary>Whether it may do everything with every topic, and so may see who else is connected.</summary>
    public bool ManagesAll => _identity is null || _identity.Grant.Manage.IsAll;

    /// <summary>Whether all topics are listed for it.</summary>
    public bool SeesAll => ManagesAll || _identity!.Grant.Subscribe.IsAll;

    /// <summary>Whether its token has expired, or its key was removed or changed.</summary>
    public bool HasEnded => _identity is not null && (_identity.IsRevoked || (Expires is { } end && _time.GetUtcNow() >= end));

    private DateTimeOffset? Expires { get; }

    public bool MayPublish(string topic) => _identity is null || _identity.Grant.Publish.Has(topic);

    public bool MaySubscribe(string topic) => _identity is null || _identity.Grant.Subscribe.Has(topic);

    public bool MayManage(string topic) => _identity is null || _identity.Grant.Manage.Has(topic);

    /// <summary>Whether a topic is listed for it. One that is not looks as if it did not exist (PS-ACC-024).</summary>
    public bool Sees(string topic) => MaySubscribe(topic) || MayManage(topic);

    /// <summary>Asks for a publish.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="messages">At least 1.</param>
    /// <param name="bytes">Their size.</param>
    /// <returns>Why it may not pass; null if it may.</returns>
    public Refusal? Publish(string topic, int messages, int bytes) =>
        !MayPublish(topic) ? Refusals.Forbidden("publish to")
        : _connection?.Take(messages, bytes) ?? _identity?.Limits.Rates?.Take(messages, bytes);

    /// <summary>Takes room for one connection, until the lease is disposed. Null if there is no limit.</summary>
    public RateLimitLease? TakeConnection() => _identity?.Limits.TakeConnection();
}

internal static class CallerExtensions
{
    /// <summary>The caller of a request.</summary>
    public static Caller Caller(this HttpContext context) => context.Features.Get<Caller>() ?? Access.Caller.Everyone;

    /// <summary>The limits of the connection that a request came by; null if there are none.</summary>
    public static Rates? ConnectionRates(this HttpContext context, Settings settings)
    {
        if (settings.PublishesPerSecond == 0 && settings.BytesPerSecond == 0)
        {
            return null;
        }

        var items = context.Features.GetRequiredFeature<IConnectionItemsFeature>().Items;
        if (!items.TryGetValue(typeof(Rates), out var rates))
        {
            items[typeof(Rates)] = rates = Rates.Of(OrNull(settings.PublishesPerSecond), OrNull(settings.BytesPerSecond));
        }

        return (Rates?)rates;

        static int? OrNull(int limit) => limit == 0 ? null : limit;
    }
}
