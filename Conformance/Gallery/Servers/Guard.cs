using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>A client, and what it may do.</summary>
internal sealed record Caller(Role Role)
{
    /// <summary>For limits: all clients of one identity share it.</summary>
    public string Identity { get; init; } = Role.Name;

    /// <summary>When its token expires; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>While the server has no identities.</summary>
    public static Caller Everyone { get; } = new(Role.Of("")[0]);

    public IReadOnlyList<string> PatternsFor(Permission permission) => permission switch
    {
        Permission.Publish => Role.Publish,
        Permission.Subscribe => Role.Subscribe,
        _ => Role.Manage,
    };
}

internal enum Permission
{
    Publish,
    Subscribe,
    Manage,
}

/// <summary>Identities, permissions and limits (SPEC, section 21). Off while there are neither keys nor a key for tokens.</summary>
internal sealed class Guard(SmallServer server)
{
    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal); // by identity

    // Listings and statistics have no request at hand; they are built in the flow of one.
    private readonly AsyncLocal<HttpRequest?> _asking = new();

    /// <summary>API keys and whose they are; set by changes only.</summary>
    public IReadOnlyDictionary<string, Caller> Keys { get; set; } = new Dictionary<string, Caller>();

    /// <summary>The key of tokens, with their issuer and audience; set by changes only.</summary>
    public TokenKey? Tokens { get; set; }

    public bool IsOn => Keys.Count > 0 || Tokens is not null;

    /// <summary>The client of the request under way.</summary>
    public Caller Asking => _asking.Value?.Caller ?? Caller.Everyone;

    /// <summary>Whether the request under way is a creation.</summary>
    public bool IsCreating => _asking.Value is { Method: "POST" } request && request.Path.EndsWith("/topics", StringComparison.Ordinal);

    /// <summary>Finds out who sends a request. Null if it may be answered; otherwise the refusal.</summary>
    public HttpResponse? Enter(HttpRequest request)
    {
        if (IsOn && !IsOpen.Call(request))
        {
            if (Identify.Call(request) is not { } caller)
            {
                return Unauthorized.Call(request);
            }

            request.Caller = caller;
        }

        _asking.Value = request;
        return null;
    }

    /// <summary>Whether a request needs no identity.</summary>
    public Seam<Func<HttpRequest, bool>> IsOpen => field ??= new(request => request.Path is "/livez" or "/readyz");

    /// <summary>Whose request it is; null if it has no valid credential.</summary>
    public Seam<Func<HttpRequest, Caller?>> Identify => field ??= new(request =>
        request[Credential.KeyHeader] is { } key ? ByKey.Call(key)
        : request["Authorization"] is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var token] ? ByToken.Call(token)
        : InAddress.Call(request) is { } given ? ByToken.Call(given) ?? ByKey.Call(given)
        : null);

    /// <summary>The credential in the address of a stream or handshake.</summary>
    public Seam<Func<HttpRequest, string?>> InAddress => field ??= new(request =>
        request.Path.EndsWith("/ws", StringComparison.Ordinal) || request.Path.EndsWith("/events", StringComparison.Ordinal)
            ? request.Parameter("access_token")
            : null);

    public Seam<Func<string, Caller?>> ByKey => field ??= new(key => Keys.GetValueOrDefault(key));

    public Seam<Func<string, Caller?>> ByToken => field ??= new(token =>
    {
        if (Tokens is null || token.Split('.') is not [var header, var payload, var signature]
            || Read(header) is not { } head || Read(payload) is not { } claims || !IsSigned.Call(head, $"{header}.{payload}", signature))
        {
            return null;
        }

        return (long?)claims["exp"] is { } seconds && IsCurrent.Call(seconds, (long?)claims["nbf"])
            && IsOurs.Call((string?)claims["iss"], (string?)claims["aud"])
                ? new Caller(RoleOf(claims))
                {
                    Identity = (string?)claims["sub"] ?? "",
                    Expires = DateTimeOffset.FromUnixTimeSeconds(seconds),
                }
                : null;
    });

    /// <summary>Header, what is signed, signature: whether the key of the server has signed it.</summary>
    public Seam<Func<JsonObject, string, string, bool>> IsSigned => field ??= new((head, signed, signature) =>
        (string?)head["alg"] == "HS256"
        && signature == System.Buffers.Text.Base64Url.EncodeToString(HMACSHA256.HashData(Tokens!.Secret, Encoding.UTF8.GetBytes(signed))));

    /// <summary>The claims exp and nbf: whether a token is valid now.</summary>
    public Seam<Func<long, long?, bool>> IsCurrent => field ??= new((exp, nbf) =>
        Now() is var now && exp > now && (nbf is null || nbf <= now));

    /// <summary>The claims iss and aud: whether a token is for this server.</summary>
    public Seam<Func<string?, string?, bool>> IsOurs =>
        field ??= new((issuer, audience) => issuer == Tokens!.Issuer && audience == Tokens.Audience);

    /// <summary>The answer to a request without a valid credential.</summary>
    public Seam<Func<HttpRequest, HttpResponse>> Unauthorized => field ??= new(_ =>
        server.Messages.Problem.Call(401, "UNAUTHORIZED", "a valid API key or token is missing") with
        {
            Headers = ["WWW-Authenticate: Bearer"],
        });

    /// <summary>Pattern, topic.</summary>
    public Seam<Func<string, string, bool>> Fits => field ??= new((pattern, topic) =>
        pattern.EndsWith('*') ? topic.StartsWith(pattern[..^1], StringComparison.Ordinal) : topic == pattern);

    /// <summary>Caller, permission, topic.</summary>
    public Seam<Func<Caller, Permission, string, bool>> May => field ??= new((caller, permission, topic) =>
        !IsOn || caller.PatternsFor(permission).Any(pattern => Fits.Call(pattern, topic)));

    /// <summary>Caller, topic: whether the topic exists for the caller.</summary>
    public Seam<Func<Caller, string, bool>> Sees => field ??= new((caller, topic) =>
        May.Call(caller, Permission.Subscribe, topic) || May.Call(caller, Permission.Manage, topic));

    /// <summary>Caller, topic: whether the topic is described to the caller.</summary>
    public Seam<Func<Caller, string, bool>> IsDescribed => field ??= new((caller, topic) => Sees.Call(caller, topic));

    /// <summary>Topics that the client of the request under way sees in the listing.</summary>
    public Seam<Func<string, bool>> IsListed => field ??= new(topic => Sees.Call(Asking, topic));

    /// <summary>The same for the statistics.</summary>
    public Seam<Func<string, bool>> IsCounted => field ??= new(topic => Sees.Call(Asking, topic));

    /// <summary>Method, what of the topic ("", "messages" or "events"): what a client needs; null if only <see cref="Sees"/>.</summary>
    public Seam<Func<string, string, Permission?>> Needed => field ??= new((method, place) => (method, place) switch
    {
        ("POST", "messages") => Permission.Publish,
        ("GET", "messages" or "events") => Permission.Subscribe,
        ("DELETE", "") => Permission.Manage,
        _ => null,
    });

    /// <summary>Request, method, what of the topic, its name: the refusal, or null.</summary>
    public Seam<Func<HttpRequest, string, string, string, HttpResponse?>> Refuse => field ??= new((request, method, place, topic) =>
        Needed.Call(method, place) is not { } needed ? null
        : May.Call(request.Caller, needed, topic) ? null
        : Forbidden.Call(topic));

    /// <summary>Topic: the answer to a request that the client may not make.</summary>
    public Seam<Func<string, HttpResponse>> Forbidden =>
        field ??= new(_ => server.Messages.Problem.Call(403, "FORBIDDEN", "the identity lacks the permission for this topic"));

    /// <summary>The type of a request on a WebSocket: what a client needs; null for nothing.</summary>
    public Seam<Func<string, Permission?>> NeededFor => field ??= new(type => type switch
    {
        "publish" => Permission.Publish,
        "subscribe" or "unsubscribe" => Permission.Subscribe,
        _ => null,
    });

    /// <summary>Refuses a request on a WebSocket.</summary>
    public Seam<Action<Session, ClientRequest>> Forbid => field ??= new((session, request) => session.Queue.Reply.Call(
        server.Messages.Error.Call("FORBIDDEN", "the identity lacks the permission for this topic", request.RawRequestId)));

    /// <summary>Caller, number of messages: how long it has to wait before it may publish them; null if it may now.</summary>
    public Seam<Func<Caller, int, TimeSpan?>> Take => field ??= new((caller, messages) =>
        IsOn && caller.Role.PublishesPerSecond is { } rate ? _buckets.GetOrAdd(caller.Identity, _ => new(rate)).Take(messages) : null);

    /// <summary>Refuses a publish on a WebSocket that is above the limit.</summary>
    public Seam<Action<Session, ClientRequest, TimeSpan>> Slow => field ??= new((session, request, wait) =>
        session.Queue.Reply.Call(Limited.Call(request.RawRequestId, wait)));

    /// <summary>Raw request_id or null, wait: the error of a publish that is above the limit.</summary>
    public Seam<Func<string?, TimeSpan, byte[]>> Limited => field ??= new((id, wait) =>
    {
        var error = $$"""{"code":"RATE_LIMITED","message":"too many publishes","retry_after_ms":{{Milliseconds.Call(wait)}}}""";
        return Messages.Text($$"""{"type":"error"{{Messages.Id(id)}},"error":{{error}}{{server.Messages.Time.Call()}}}""");
    });

    /// <summary>The number that a client is told for a wait.</summary>
    public Seam<Func<TimeSpan, string>> Milliseconds =>
        field ??= new(wait => Math.Max(1, Math.Ceiling(wait.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture));

    /// <summary>The same over HTTP.</summary>
    public Seam<Func<TimeSpan, HttpResponse>> TooMany => field ??= new(wait =>
    {
        var problem = server.Messages.Problem.Call(429, "RATE_LIMITED", "too many publishes");
        return problem with
        {
            Body = problem.Body!.Insert(problem.Body.Length - 1, $",\"retry_after_ms\":{Milliseconds.Call(wait)}"),
            Headers = [$"Retry-After: {Math.Ceiling(wait.TotalSeconds)}"],
        };
    });

    /// <summary>Whether the identity may have one more connection.</summary>
    public Seam<Func<Caller, bool>> HasRoom => field ??= new(caller => caller.Role.Connections is not { } most
        || server.Sessions.Keys.Count(session => session.Caller.Identity == caller.Identity && !session.Queue.Ended.IsCompleted) < most);

    public Seam<Func<HttpResponse>> Full => field ??= new(() =>
        server.Messages.Problem.Call(429, "RATE_LIMITED", "too many connections") with { Headers = ["Retry-After: 1"] });

    /// <summary>Ends the connection of a client whose token expires.</summary>
    public Seam<Func<Caller, SendQueue, Task>> ExpireAsync => field ??= new(async (caller, queue) =>
    {
        if (caller.Expires is { } expires)
        {
            var left = expires - TimeProvider.System.GetUtcNow();
            await Task.WhenAny(Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero), queue.Ended);
            if (!queue.Ended.IsCompleted)
            {
                End.Call(queue);
            }
        }
    });

    /// <summary>Tells a client that its token has expired, and ends its connection.</summary>
    public Seam<Action<SendQueue>> End => field ??= new(queue =>
        queue.Abandon.Call(server.Messages.Error.Call("UNAUTHORIZED", "the token has expired", null), 1008, "the token has expired"));

    private static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    private static JsonObject? Read(string part)
    {
        try
        {
            return JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(part)) as JsonObject;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    private static Role RoleOf(JsonObject claims) => new(
        "token",
        Patterns(claims["publish"]),
        Patterns(claims["subscribe"]),
        Patterns(claims["manage"]),
        (int?)claims["publishes_per_second"],
        (int?)claims["connections"]);

    private static string[] Patterns(JsonNode? claim) => claim switch
    {
        JsonArray list => [.. list.Select(pattern => (string?)pattern ?? "")],
        null => [],
        _ => [(string?)claim ?? ""],
    };

    /// <summary>A token bucket that holds one second's worth.</summary>
    private sealed class Bucket(int perSecond)
    {
        private readonly Lock _gate = new();
        private double _held = perSecond; // guarded by _gate
        private long _at = TimeProvider.System.GetTimestamp(); // guarded by _gate

        public TimeSpan? Take(int messages)
        {
            lock (_gate)
            {
                _held = Math.Min(perSecond, _held + (TimeProvider.System.GetElapsedTime(_at).TotalSeconds * perSecond));
                _at = TimeProvider.System.GetTimestamp();

                // What is larger than the bucket passes when it is full.
                var wanted = Math.Min(messages, perSecond);
                if (_held < wanted)
                {
                    return TimeSpan.FromSeconds((wanted - _held) / perSecond);
                }

                _held -= messages;
                return null;
            }
        }
    }
}
