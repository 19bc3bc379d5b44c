using System.Threading.RateLimiting;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Access;

/// <summary>
/// Limits of publishing, as token buckets that hold what may pass in one second (PS-ACC-025). A refused publish takes nothing from the
/// bucket that refuses it; it may have taken from the other.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class Rates
{
    private readonly TokenBucketRateLimiter? _publishes;
    private readonly TokenBucketRateLimiter? _bytes;
    private readonly (int? Publishes, int? Bytes) _perSecond;

    private Rates(int? publishes, int? bytes)
    {
        _perSecond = (publishes, bytes);
        _publishes = Bucket(publishes);
        _bytes = Bucket(bytes);
    }

    /// <summary>Whether the buckets are full.</summary>
    public bool IsIdle => _publishes is not { IdleDuration: null } && _bytes is not { IdleDuration: null };

    /// <summary>Null if there is no limit.</summary>
    public static Rates? Of(int? publishes, int? bytes) => publishes is null && bytes is null ? null : new(publishes, bytes);

    /// <summary>Lets a publish pass, or says why not.</summary>
    /// <param name="publishes">Its messages, at least 1.</param>
    /// <param name="bytes">Their size.</param>
    public Refusal? Take(int publishes, int bytes)
    {
        if (publishes > _perSecond.Publishes)
        {
            return Refusals.BadRequest($"the batch must have at most {_perSecond.Publishes} messages, which is what may pass in a second");
        }

        if (bytes > _perSecond.Bytes)
        {
            return Refusals.BadRequest($"what is published at once must have at most {_perSecond.Bytes} bytes, which may pass in a second");
        }

        return Take(_publishes, publishes, "publishes") ?? Take(_bytes, bytes, "bytes");
    }

    private static Refusal? Take(TokenBucketRateLimiter? bucket, int tokens, string what)
    {
        if (bucket is null)
        {
            return null;
        }

        bucket.TryReplenish();
        using var lease = bucket.AttemptAcquire(tokens);
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? Refusals.RateLimited(what, wait)
            : Refusals.RateLimited(what, TimeSpan.FromSeconds(1));
    }

    /// <summary>It is filled when it is used, at most every 10 ms, or as often as there is a whole token.</summary>
    private static TokenBucketRateLimiter? Bucket(int? perSecond)
    {
        if (perSecond is not { } rate)
        {
            return null;
        }

        var tokens = Math.Max(1, rate / 100);
        return new TokenBucketRateLimiter(new()
        {
            TokenLimit = rate,
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = TimeSpan.FromTicks(tokens * TimeSpan.TicksPerSecond / rate),
            AutoReplenishment = false,
            QueueLimit = 0,
        });
    }
}
