using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using PubSub.Conformance.Requirements;

namespace PubSub.Conformance.Targets;

/// <summary>The server under test: where it is, how it spells the protocol, what it promises, how long it may take.</summary>
public sealed record Target
{
    /// <summary>The most doors of one server.</summary>
    public const int MostDoors = 16;

    /// <summary>The root of paths without the dialect's prefix, such as <c>/livez</c>; without a trailing slash.</summary>
    public required Uri Root { get; init; }

    /// <summary>The root of the REST interface, without a trailing slash.</summary>
    public required Uri Rest { get; init; }

    public required Uri WebSocket { get; init; }

    /// <summary>The URL of <c>/health</c>; null if it is beside <c>/topics</c>.</summary>
    public Uri? Health { get; init; }

    /// <summary>The URL of <c>/stats</c>; null if it is beside <c>/topics</c>.</summary>
    public Uri? Stats { get; init; }

    /// <summary>The URL of the metrics; null if they are at <c>/metrics</c> below <see cref="Root"/>.</summary>
    public Uri? Metrics { get; init; }

    /// <summary>Further origins of the same server, such as those of its other nodes.</summary>
    public IReadOnlyList<Uri> Others { get; init; } = [];

    /// <summary>Which of several doors of a server this is, from 1; 0 if it is the only one.</summary>
    public int Door { get; private init; }

    /// <summary>This server through each of its doors.</summary>
    public IReadOnlyList<Target> Doors => Others.Count == 0
        ? [this]
        : [this with { Door = 1, Others = [] }, .. Others.Select((origin, place) => At(origin) with { Door = place + 2 })];

    public Dialect Dialect { get; init; } = Dialect.V1;
    public MessageIds MessageIds { get; init; } = MessageIds.Any;

    /// <summary>Where it needs requests that differ from SPEC.md; set by <see cref="Accommodating"/>.</summary>
    public Accommodations Accommodations { get; private init; } = Accommodations.None;

    /// <summary>How each <c>request_id</c> is spelt.</summary>
    internal MessageIds RequestIds { get; private init; } = MessageIds.Any;

    /// <summary>Sent with every REST request and every WebSocket handshake.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>For scenarios about access; <see cref="Headers"/> hold that of the identity <c>all</c>. Null if there are none.</summary>
    public Credentials? Credentials { get; private init; }

    /// <summary>Added to every request target, without the question mark; empty for none.</summary>
    public string Query { get; init; } = "";

    /// <summary>Sent as <c>Origin</c> with every WebSocket handshake, as a browser would.</summary>
    public string? Origin { get; init; }

    public Tls Tls { get; init; } = new();
    public Limits Limits { get; init; } = new();

    /// <summary>False when the server accepted even the largest message that was tried.</summary>
    public bool IsMessageLimitKnown { get; init; } = true;

    public Timeouts Timeouts { get; init; } = new();

    /// <summary>The time of its slow round trips; zero if not measured.</summary>
    public TimeSpan RoundTrip { get; init; }

    /// <summary>The time of the quickest round trips: slower ones are due to load, not to the network path.</summary>
    public TimeSpan Distance { get; init; }

    /// <summary>The path is so long that requests should be made in parallel if possible.</summary>
    public bool IsFar => Distance >= TimeSpan.FromMilliseconds(50);

    /// <summary>Capabilities that it does not have; their profiles are unsupported.</summary>
    public IReadOnlyList<Capability> Lacks { get; init; } = [];

    /// <summary>False for the profile of a capability that it lacks.</summary>
    public bool Offers(Profile profile) => Capabilities.Of(profile) is not { } capability || !Lacks.Contains(capability);

    /// <summary>Whether it answers a ping; null if unknown.</summary>
    public bool? AnswersPings { get; init; }

    /// <summary>
    /// The header lines of every request to this URL, for a request written by hand: <c>Host</c>, <see cref="Headers"/>, which may replace
    /// it, and <see cref="Origin"/> for a WebSocket.
    /// </summary>
    internal string HeaderLines(Uri url) => string.Concat(Headers
        .Where(header => !header.Key.Equals("Host", StringComparison.OrdinalIgnoreCase))
        .Prepend(new("Host", HostAt(url)))
        .Concat(Origin is { } origin && url.Scheme is "ws" or "wss" && Header("Origin") is null ? [new("Origin", origin)] : [])
        .Select(header => $"{header.Key}: {header.Value}\r\n"));

    /// <summary>The <c>Host</c> header of requests to this URL.</summary>
    internal string HostAt(Uri url) => Header("Host") ?? url.Authority;

    /// <summary>The value of a header in <see cref="Headers"/>, by name in any case; null if it is not there.</summary>
    internal string? Header(string name) =>
        Headers.FirstOrDefault(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>A server of this dialect, v1 unless another is named, whose paths begin at this URL.</summary>
    public static Target From(Uri root, Dialect? dialect = null)
    {
        dialect ??= Dialect.V1;
        var plain = new UriBuilder(root) { Path = root.AbsolutePath.TrimEnd('/'), Query = "", Fragment = "" };
        return new Target
        {
            Dialect = dialect,
            Root = plain.Uri,
            Rest = Below(plain.Uri, dialect.Prefix),
            WebSocket = Socket(Below(plain.Uri, $"{dialect.Prefix}/ws")),
        };
    }

    /// <summary>The same server, with these accommodations.</summary>
    public Target Accommodating(Accommodations accommodations) => this with
    {
        Accommodations = accommodations,
        RequestIds = !accommodations.UuidRequestIds ? MessageIds.Any : RequestIds.AreUuids ? RequestIds : MessageIds.Uuids(),
    };

    /// <summary>The same server, for a client that may do everything there.</summary>
    public Target With(Credentials? credentials) => credentials is null
        ? this
        : (this with { Credentials = credentials }).As(credentials.All);

    /// <summary>The same server, for a client with this credential in place of its own; null for none.</summary>
    public Target As(Credential? credential)
    {
        var headers = new Dictionary<string, string>(Headers, StringComparer.OrdinalIgnoreCase);
        headers.Remove(Credentials?.All.Header.Name ?? "");
        if (credential is not null)
        {
            headers[credential.Header.Name] = credential.Header.Value;
        }

        return this with { Headers = headers };
    }

    /// <summary>A server like this one, with the same paths and the same spelling, at another origin.</summary>
    /// <param name="origin">Of its first door.</param>
    /// <param name="others">Of its other doors.</param>
    public Target At(Uri origin, params IReadOnlyList<Uri> others) => this with
    {
        Others = others,
        Root = Moved(Root, origin),
        Rest = Moved(Rest, origin),
        WebSocket = Socket(Moved(WebSocket, origin)),
        Health = Health is null ? null : Moved(Health, origin),
        Stats = Stats is null ? null : Moved(Stats, origin),
        Metrics = Metrics is null ? null : Moved(Metrics, origin),
    };

    /// <summary>The name of a connection through this door, for transcripts: <c>alice@2</c>, or <c>alice</c> at an only door.</summary>
    internal string Label(string connection) => Door == 0 ? connection : $"{connection}@{Door}";

    /// <summary>The URL with this path appended to its own.</summary>
    internal static Uri Below(Uri root, string path) => new UriBuilder(root) { Path = root.AbsolutePath.TrimEnd('/') + path }.Uri;

    /// <summary>The same URL with the scheme of a WebSocket.</summary>
    internal static Uri Socket(Uri uri) => Schemed(uri, secure: "wss", plain: "ws");

    /// <summary>The same URL with the scheme of HTTP.</summary>
    internal static Uri Http(Uri uri) => Schemed(uri, secure: "https", plain: "http");

    private static Uri Schemed(Uri uri, string secure, string plain) =>
        new UriBuilder(uri) { Scheme = uri.Scheme is "https" or "wss" ? secure : plain, Port = uri.Port }.Uri;

    private static Uri Moved(Uri uri, Uri origin) =>
        new UriBuilder(uri) { Scheme = Http(origin).Scheme, Host = origin.Host, Port = origin.Port }.Uri;
}

/// <summary>Which certificates the suite trusts and presents.</summary>
public sealed record Tls
{
    /// <summary>Trusts any certificate.</summary>
    public bool Insecure { get; init; }

    /// <summary>Trusted in addition to those of the machine.</summary>
    public X509Certificate2Collection Authorities { get; init; } = [];

    /// <summary>Presented to a server that asks for one.</summary>
    public X509Certificate2? Client { get; init; }

    /// <param name="distrusted">Called with the reason why a certificate is not trusted.</param>
    internal SslClientAuthenticationOptions For(string host, Action<SslPolicyErrors> distrusted) => new()
    {
        TargetHost = host,
        ClientCertificates = Client is null ? null : [Client],
        RemoteCertificateValidationCallback = (_, certificate, presented, errors) =>
        {
            if (errors == SslPolicyErrors.None
                || Insecure
                || (errors == SslPolicyErrors.RemoteCertificateChainErrors && IsIssued(certificate, presented)))
            {
                return true;
            }

            distrusted(errors);
            return false;
        },
    };

    private bool IsIssued(X509Certificate? certificate, X509Chain? presented)
    {
        if (Authorities.Count == 0 || certificate is not X509Certificate2 shown)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        chain.ChainPolicy.ExtraStore.AddRange(presented?.ChainPolicy.ExtraStore ?? []); // the intermediates that the server sent
        return chain.Build(shown);
    }
}

/// <summary>The limits that the server declares; the defaults are those of the specification.</summary>
/// <param name="QueueSize">Live events that may be outstanding per subscriber.</param>
/// <param name="QueueBytes">Their bytes.</param>
/// <param name="Ring">Messages retained per topic for replay.</param>
/// <param name="MessageBytes">The largest request.</param>
/// <param name="NameLength">The longest topic name, client_id, request_id and message id.</param>
public sealed record Limits(
    int QueueSize = 100, int QueueBytes = 1024 * 1024, int Ring = 100, int MessageBytes = 64 * 1024, int NameLength = 255)
{
    public static Limits Specified { get; } = new();

    /// <summary>These limits as a server started with the given settings declares them.</summary>
    public Limits Under(IReadOnlyDictionary<string, string> settings) => this with
    {
        QueueSize = Read(settings, "MAX_QUEUE_SIZE", QueueSize),
        QueueBytes = Read(settings, "MAX_QUEUE_BYTES", QueueBytes),
        Ring = Read(settings, "MAX_MESSAGES", Ring),
        MessageBytes = Read(settings, "MAX_MESSAGE_BYTES", MessageBytes),
    };

    private static int Read(IReadOnlyDictionary<string, string> settings, string name, int otherwise) =>
        settings.TryGetValue(name, out var text) && int.TryParse(text, out var value) ? value : otherwise;
}

/// <summary>
/// How long the suite waits before it reports something as missing. Every wait ends as soon as it is decided. None equals a usual library
/// default (5, 10, 15, 20, 30 or 60 s), so that such a deadline and its delay fit inside.
/// </summary>
public sealed record Timeouts
{
    private const int RoundTripsInWait = 20;
    private const int RoundTripsInScenario = 1_000;

    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>The longest silence tolerated while something is due.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>From the start of a server process to its open port.</summary>
    public TimeSpan Start { get; init; } = TimeSpan.FromSeconds(23);

    /// <summary>From the signal to the end of a server process, when a scenario names no bound of its own.</summary>
    public TimeSpan Exit { get; init; } = TimeSpan.FromSeconds(17);

    /// <summary>The whole scenario.</summary>
    public TimeSpan Scenario { get; init; } = TimeSpan.FromSeconds(97);

    /// <summary>Closing connections, deleting topics and ending servers after a scenario.</summary>
    public TimeSpan Cleanup { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>
    /// The same waits for a target whose slow round trips take this long, because slowness is no violation: a wait covers at least
    /// <see cref="RoundTripsInWait"/> of them, and a scenario <see cref="RoundTripsInScenario"/> more; all multiplied by the scale.
    /// </summary>
    public Timeouts For(TimeSpan slowRoundTrip, double scale = 1)
    {
        var wait = Longer(Wait, slowRoundTrip * RoundTripsInWait) * scale;
        return this with
        {
            Connect = Longer(Connect, slowRoundTrip * RoundTripsInWait) * scale,
            Wait = wait,
            Scenario = (Scenario + (slowRoundTrip * RoundTripsInScenario)) * scale,
            Start = Start * scale,
            Exit = Exit * scale,
            Cleanup = Longer(Cleanup, slowRoundTrip * RoundTripsInWait) * scale,
        };
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
