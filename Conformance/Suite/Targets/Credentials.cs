using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PubSub.Conformance.Targets;

public enum CredentialKind
{
    /// <summary>An API key, sent in <c>X-API-Key</c>.</summary>
    Key,

    /// <summary>A bearer token, sent in <c>Authorization</c>.</summary>
    Token,
}

/// <summary>A secret that identifies a client.</summary>
public sealed record Credential(CredentialKind Kind, string Secret)
{
    public const string KeyHeader = "X-API-Key";

    /// <summary>The header that carries it.</summary>
    public (string Name, string Value) Header => Kind == CredentialKind.Key ? (KeyHeader, Secret) : ("Authorization", $"Bearer {Secret}");

    /// <summary>What it is, without the secret.</summary>
    public override string ToString() => Kind == CredentialKind.Key ? "an API key" : "a token";
}

/// <summary>An identity that scenarios need, and what it may do. A pattern is a topic name, or a beginning of names and <c>*</c>.</summary>
/// <param name="Name">As in <c>--identity NAME=…</c>.</param>
/// <param name="PublishesPerSecond">Null for no limit, as for <paramref name="Connections"/>.</param>
public sealed record Role(
    string Name,
    IReadOnlyList<string> Publish,
    IReadOnlyList<string> Subscribe,
    IReadOnlyList<string> Manage,
    int? PublishesPerSecond = null,
    int? Connections = null)
{
    public const string All = "all";
    public const string Nothing = "none";
    public const string Publisher = "publisher";
    public const string Subscriber = "subscriber";
    public const string Manager = "manager";
    public const string Narrow = "narrow";
    public const string Limited = "limited";
    public const string Few = "few";

    /// <summary>The topic whose whole name is a pattern of <see cref="Narrow"/>.</summary>
    /// <remarks>Keys are made before a run, so this name is the same in each; it has the form of the suite's names.</remarks>
    public static string Exact(string prefix) => $"{prefix}-00000000-1-exact";

    /// <summary>The beginning of names that is a pattern of <see cref="Narrow"/>, without its <c>*</c>.</summary>
    public static string Beginning(string prefix) => $"{prefix}-00000000-2-begin";

    /// <summary>Every identity, for topics whose names begin with this prefix and a hyphen.</summary>
    public static IReadOnlyList<Role> Of(string prefix)
    {
        string[] none = [];
        string[] own = [$"{prefix}-*"];
        string[] narrow = [Exact(prefix), $"{Beginning(prefix)}*"];
        return
        [
            new(All, ["*"], ["*"], ["*"]),
            new(Nothing, none, none, none),
            new(Publisher, own, none, none),
            new(Subscriber, none, own, none),
            new(Manager, none, none, own),
            new(Narrow, narrow, narrow, narrow),
            new(Limited, own, own, own, PublishesPerSecond: 5),
            new(Few, own, own, own, Connections: 2),
        ];
    }
}

/// <summary>The credentials that the user of the suite gave: keys or tokens by identity, and a key that makes further tokens.</summary>
public sealed record Credentials
{
    /// <summary>Why scenarios about access do not run without.</summary>
    public const string Missing = "no credentials are given: see --identity and --jwt-key";

    /// <summary>By the name of the identity.</summary>
    public IReadOnlyDictionary<string, Credential> Identities { get; init; } = new Dictionary<string, Credential>();

    /// <summary>Signs tokens of any identity; null if there is none.</summary>
    public TokenKey? TokenKey { get; init; }

    /// <summary>Of the identity that may do everything: all scenarios about other things use it.</summary>
    public Credential All => field ??= Identities.TryGetValue(Role.All, out var given) ? given
        : TokenKey is { } key ? new(CredentialKind.Token, key.Sign(Role.Of("")[0], TimeProvider.System.GetUtcNow() + LongestRun))
        : throw new InvalidOperationException("There is no credential of the identity 'all'.");

    /// <summary>Everything that no output may show, by a name that it may. Scenarios send beginnings of keys as well.</summary>
    public IEnumerable<(string Name, string Secret)> Secrets =>
    [
        .. Identities.Select(one => ($"identity {one.Key}", one.Value.Secret)),
        .. Identities.Select(one => ($"beginning of the identity {one.Key}", BeginningOf(one.Value.Secret))),
        .. TokenKey is { } key ? [("jwt key", key.Text)] : Array.Empty<(string, string)>(),
    ];

    /// <summary>A key without its last character.</summary>
    internal static string BeginningOf(string secret) => secret.Length == 0 ? "" : secret[..^1];

    private static TimeSpan LongestRun { get; } = TimeSpan.FromHours(25);
}

/// <summary>A secret that signs tokens with HS256 (RFC 7515), and the issuer and audience that the server asks for.</summary>
/// <param name="Text">As the user gave it, for redaction.</param>
public sealed record TokenKey(byte[] Secret, string? KeyId, string Issuer, string Audience, string Text)
{
    /// <summary>Reads a secret: a JSON Web Key of the type <c>oct</c>, a set with one, or else the text itself.</summary>
    /// <exception cref="InvalidDataException">It is JSON, but holds no such key.</exception>
    public static TokenKey Parse(string text, string issuer, string audience)
    {
        if (!text.TrimStart().StartsWith('{'))
        {
            return new(Encoding.UTF8.GetBytes(text), KeyId: null, issuer, audience, text);
        }

        var json = Json.TryParse(text);
        var keys = json.Member("keys") is { ValueKind: JsonValueKind.Array } set
            ? set.EnumerateArray().Select(key => (JsonElement?)key)
            : [json];
        var oct = keys.FirstOrDefault(key => key.Member("kty").Text() == "oct" && key.Member("k").Text() is not null);
        return oct.Member("k").Text() is { } secret && TryDecode(secret, out var bytes)
            ? new(bytes, oct.Member("kid").Text(), issuer, audience, secret)
            : throw new InvalidDataException("it holds no JSON Web Key of the type 'oct' with its 'k' in base64url");
    }

    /// <summary>A token of this identity that is valid now.</summary>
    public string Sign(Role role, DateTimeOffset expires, string? subject = null) => Sign(Claims(role, expires, subject));

    /// <summary>The claims of <see cref="Sign(Role, DateTimeOffset, string?)"/>, for scenarios that spoil them.</summary>
    public JsonObject Claims(Role role, DateTimeOffset expires, string? subject = null)
    {
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = subject ?? $"conformance-{role.Name}",
            ["exp"] = expires.ToUnixTimeSeconds(),
            ["publish"] = Patterns(role.Publish),
            ["subscribe"] = Patterns(role.Subscribe),
            ["manage"] = Patterns(role.Manage),
        };
        if (role.PublishesPerSecond is { } publishes)
        {
            claims["publishes_per_second"] = publishes;
        }

        if (role.Connections is { } connections)
        {
            claims["connections"] = connections;
        }

        return claims;

        static JsonArray Patterns(IEnumerable<string> patterns) => [.. patterns.Select(pattern => (JsonNode)pattern)];
    }

    /// <summary>A token of these claims.</summary>
    /// <param name="claims">The payload.</param>
    /// <param name="secret">Another than its own, if a scenario says so.</param>
    /// <param name="algorithm">What the header says; the signature is always that of HS256, or empty for <c>none</c>.</param>
    public string Sign(JsonObject claims, byte[]? secret = null, string algorithm = "HS256")
    {
        var header = new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT" };
        if (KeyId is not null)
        {
            header["kid"] = KeyId;
        }

        var signed = $"{Encode(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Encode(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        return algorithm == "none"
            ? $"{signed}."
            : $"{signed}.{Encode(HMACSHA256.HashData(secret ?? Secret, Encoding.UTF8.GetBytes(signed)))}";
    }

    private static string Encode(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private static bool TryDecode(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        try
        {
            bytes = System.Buffers.Text.Base64Url.DecodeFromChars(text);
            return bytes.Length > 0;
        }
        catch (FormatException)
        {
            bytes = null;
            return false;
        }
    }
}
