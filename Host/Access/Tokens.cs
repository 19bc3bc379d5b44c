using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Tokens;
using PubSub.Hosting.Protocol;

namespace PubSub.Hosting.Access;

/// <summary>
/// JSON Web Tokens (RFC 7519), signed by a key of <c>JWT_KEYS_FILE</c>: <c>sub</c> is the name; <c>publish</c>, <c>subscribe</c> and
/// <c>manage</c> are lists of patterns; the limits have the names that they have in a file of keys.
/// </summary>
internal sealed class Tokens(TimeProvider time)
{
    /// <summary>Bytes that a token may have.</summary>
    public const int MaxBytes = 8 * 1024;

    /// <summary>Subjects with limits that may be known at once.</summary>
    private const int MaxSubjects = 100_000;

    /// <summary>Bytes of a secret of HS256 (RFC 7518 §3.2).</summary>
    private const int MinSecretBytes = 32;

    /// <summary>How long the limits of a subject are kept that does not use them.</summary>
    private static readonly TimeSpan Keep = TimeSpan.FromMinutes(1);

    private static readonly string[] Algorithms =
        [SecurityAlgorithms.HmacSha256, SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256];

    private readonly ConcurrentDictionary<(string Subject, int?, int?, int?), Known> _limits = new();
    private IReadOnlyList<JsonWebKey> _keys = []; // replaced as a whole

    public int Count => Volatile.Read(ref _keys).Count;

    /// <summary>Takes over the content of the file: a JSON Web Key Set (RFC 7517) of keys that signatures are checked with.</summary>
    /// <exception cref="FormatException">It is not legal; the keys stay what they were.</exception>
    public void Load(byte[] json)
    {
        JsonWebKeySet set;
        try
        {
            set = new JsonWebKeySet(Encoding.UTF8.GetString(json));
        }
        catch (Exception fault) when (fault is ArgumentException or System.Text.Json.JsonException)
        {
            throw new FormatException("it must be a JSON Web Key Set (RFC 7517)"); // what is wrong may show a secret
        }

        for (var i = 0; i < set.Keys.Count; i++)
        {
            if (!IsUsable(set.Keys[i]))
            {
                throw new FormatException(
                    $"keys[{i}] must be of kty oct with {MinSecretBytes} bytes or more (HS256), RSA with 2,048 bits or more (RS256), "
                    + "or EC on the curve P-256 (ES256)");
            }
        }

        Volatile.Write(ref _keys, [.. set.Keys]);
    }

    /// <summary>What ASP.NET Core's handler of bearer tokens checks.</summary>
    public void Configure(JwtBearerOptions bearer, Settings settings)
    {
        bearer.MapInboundClaims = false;
        bearer.TokenValidationParameters = new()
        {
            ValidIssuer = settings.JwtIssuer,
            ValidAudience = settings.JwtAudience,
            ValidAlgorithms = Algorithms,
            ClockSkew = TimeSpan.Zero,
            NameClaimType = "sub",
            IssuerSigningKeyResolver = (_, _, kid, _) =>
                Volatile.Read(ref _keys).Where(key => kid is null || key.Kid is null || key.Kid == kid),
        };
        foreach (var handler in bearer.TokenHandlers)
        {
            handler.MaximumTokenSizeInBytes = MaxBytes;
        }

        bearer.Events = new()
        {
            OnMessageReceived = received =>
            {
                received.Token = Credentials.InQuery(received.Request);
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>Checks the token of a request.</summary>
    /// <returns>Its identity and its expiry, or why there is none.</returns>
    public async Task<(Identity? Identity, DateTimeOffset? Expires, Refusal? Refusal)> AuthenticateAsync(HttpContext context)
    {
        var result = await context.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme).ConfigureAwait(false);
        if (result is not { Succeeded: true, Principal: { } principal, Properties.ExpiresUtc: { } expires })
        {
            return (null, null, Refusals.Unauthorized(result.Failure switch
            {
                SecurityTokenExpiredException => "the token has expired",
                SecurityTokenNotYetValidException => "the token is not valid yet",
                SecurityTokenInvalidAudienceException => "the token is for another audience",
                SecurityTokenInvalidIssuerException => "the token is of another issuer",
                SecurityTokenNoExpirationException => "the token must have an exp",
                _ => "the token is not valid",
            }));
        }

        if (TryRead(principal, out var name, out var grant) is { } fault)
        {
            return (null, null, Refusals.Unauthorized($"the token {fault}"));
        }

        return LimitsOf(name, grant) is { } limits
            ? (new Identity(name, grant, limits), expires, null)
            : (null, null, Refusals.RateLimited("subjects", Keep));
    }

    /// <summary>Forgets the limits that are not used.</summary>
    public void Trim()
    {
        foreach (var (subject, known) in _limits)
        {
            if (known.Limits.IsIdle && time.GetElapsedTime(known.Found) > Keep)
            {
                _limits.TryRemove(new(subject, known));
            }
        }
    }

    private static bool IsUsable(JsonWebKey key) => key.Kty switch
    {
        JsonWebAlgorithmsKeyTypes.Octet => key.KeySize >= MinSecretBytes * 8,
        JsonWebAlgorithmsKeyTypes.RSA => key.KeySize >= 2_048,
        JsonWebAlgorithmsKeyTypes.EllipticCurve => key.Crv == JsonWebKeyECTypes.P256 && key.X is not null && key.Y is not null,
        _ => false,
    };

    private static string? TryRead(ClaimsPrincipal principal, out string name, out Grant grant)
    {
        grant = Grant.All;
        name = principal.FindFirstValue("sub") ?? "";
        if (name.Length is 0 or > 255)
        {
            return "must have a sub of 1 to 255 characters";
        }

        return Limit("publishes_per_second", out var publishes)
            ?? Limit("bytes_per_second", out var bytes)
            ?? Limit("connections", out var connections)
            ?? Grant.TryCreate(List("publish"), List("subscribe"), List("manage"), (publishes, bytes, connections), out grant);

        List<string> List(string claim) => [.. principal.FindAll(claim).Select(one => one.Value)];

        string? Limit(string claim, out int? limit)
        {
            limit = null;
            if (principal.FindFirstValue(claim) is not { } text)
            {
                return null;
            }

            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return $"must have a {claim} that is a whole number";
            }

            limit = number;
            return null;
        }
    }

    /// <summary>The limits of a subject, which all its tokens share. Null if there are too many subjects.</summary>
    private Limits? LimitsOf(string subject, Grant grant)
    {
        var (publishes, bytes, connections) = (grant.PublishesPerSecond, grant.BytesPerSecond, grant.Connections);
        if (publishes is null && bytes is null && connections is null)
        {
            return new Limits(grant);
        }

        var known = _limits.GetOrAdd((subject, publishes, bytes, connections), _ => new(grant));
        known.Found = time.GetTimestamp();
        return _limits.Count <= MaxSubjects ? known.Limits : null;
    }

    private sealed class Known(Grant grant)
    {
        public Limits Limits { get; } = new(grant);

        /// <summary>When it was last asked for, as a timestamp of the clock.</summary>
        public long Found { get; set; }
    }
}
