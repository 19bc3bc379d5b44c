using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace PubSub.Conformance;

/// <summary>How to find the target, where it is not to be guessed.</summary>
public sealed record ProbeOptions
{
    /// <summary>An origin, an origin with a path in front of everything, or the URL of the WebSocket.</summary>
    public required Uri Url { get; init; }

    /// <summary>The root of the REST interface: where it is given, nothing else is tried.</summary>
    public Uri? Rest { get; init; }

    /// <summary>The WebSocket: where it is given, nothing else is tried.</summary>
    public Uri? WebSocket { get; init; }

    /// <summary>Further paths that may stand before <c>/topics</c> and <c>/ws</c>.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>Null lets the evidence decide.</summary>
    public Dialect? Dialect { get; init; }

    /// <summary>Null lets a publish decide.</summary>
    public bool? UuidsOnly { get; init; }

    public Limits? Limits { get; init; }
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    public string Query { get; init; } = "";
    public string? Origin { get; init; }
    public Tls Tls { get; init; } = new();

    /// <summary>Multiplies every wait.</summary>
    public double TimeoutScale { get; init; } = 1;
}

/// <summary>
/// Finds out where the target's interfaces are, which dialect they speak and how fast they answer; every finding comes with its
/// evidence. It makes one topic, and deletes it.
/// </summary>
public sealed class Probe
{
    private const int RoundTripSamples = 20;
    private const int KeptNotices = 10;
    private const string SocketPath = "/ws";
    private const string HowToPass = "Pass them with --header 'Name: value' or --header-env Name=VARIABLE.";
    private const string NoUuid = "probe-1";
    private const string SomeUuid = "6b6f6e66-6f72-4d69-8574-610000000001";

    private readonly ProbeOptions _options;
    private readonly TimeProvider _time;
    private readonly TopicNames _names;
    private readonly Timeouts _timeouts;
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<string, string> _fingerprint = [];
    private readonly CancellationToken _cancellation;

    private Probe(ProbeOptions options, TopicNames names, TimeProvider time, CancellationToken cancellation)
    {
        _options = options;
        _names = names;
        _time = time;
        _cancellation = cancellation;
        _timeouts = new Timeouts().For(TimeSpan.Zero, options.TimeoutScale);
    }

    /// <exception cref="Unreachable">Nobody answers there, or nobody who speaks this protocol.</exception>
    public static Task<ProbedTarget> ExecuteAsync(
        ProbeOptions options, TopicNames? names = null, TimeProvider? time = null, CancellationToken cancellation = default) =>
        new Probe(options, names ?? new TopicNames(), time ?? TimeProvider.System, cancellation).FindAsync();

    private async Task<ProbedTarget> FindAsync()
    {
        await ReachAsync();
        var rests = await RestsAsync();
        var sockets = await SocketsAsync(rests);
        var rest = Choose("REST", rests, candidate => candidate.Url.AbsoluteUri, "the first that answered, in the order tried");
        var socket = Choose(
            "WebSocket",
            [.. sockets.OrderByDescending(candidate => Below(rest.Url, candidate.Url))],
            candidate => candidate.Url.AbsoluteUri,
            "one below the REST interface first, then in the order tried");

        var target = Plain(rest.Url) with { Rest = rest.Url, WebSocket = socket.Url };
        var health = await RestOf(target).SendAsync("GET", Rest.HealthPath).IfAnswered();
        target = target with { Dialect = Detect(rest, socket, health), Limits = _options.Limits ?? new Limits() };
        target = target with { Root = Root(target) };
        Found("limits", Describe(target.Limits), _options.Limits is null ? FindingSource.Assumed : FindingSource.Declared,
            _options.Limits is null ? "the specification's defaults" : "the target file");

        target = await HabitsAsync(target, rest, socket);
        var roundTrips = await RoundTripsAsync(target, socket);
        var slow = TimeSpan.FromMilliseconds(roundTrips.P95Ms);
        target = target with { RoundTrip = slow, Timeouts = new Timeouts().For(slow, _options.TimeoutScale) };
        Fingerprint(rest, health);

        return new ProbedTarget(target, _options.Url)
        {
            Findings = _findings,
            Fingerprint = _fingerprint,
            RoundTrips = roundTrips with
            {
                WaitSeconds = Math.Round(target.Timeouts.Wait.TotalSeconds, 1),
                ScenarioSeconds = Math.Round(target.Timeouts.Scenario.TotalSeconds, 1),
            },
        };
    }

    // Is anybody there? ----------------------------------------------------------------------------------------------

    private async Task ReachAsync()
    {
        var where = $"{_options.Url.Host}:{_options.Url.Port}";
        try
        {
            await using var wire = await Bounds.Within(
                _timeouts.Connect, _time, limit => Wire.OpenAsync(_options.Url, _options.Tls, null, null, limit), _cancellation);
            _fingerprint["address"] = wire.Peer is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
                ? $"{mapped.Address.MapToIPv4()}:{mapped.Port}"
                : $"{wire.Peer}";
            if (wire.Certificate is { } certificate)
            {
                _fingerprint["certificate"] = $"{certificate.Subject}, until {certificate.GetExpirationDateString()}, "
                    + $"SHA-256 {certificate.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256)}";
            }
        }
        catch (TimeoutException) when (_options.Url.Scheme is "https" or "wss")
        {
            throw new Unreachable(
                $"{where} did not accept a connection with TLS within {_timeouts.Connect.TotalSeconds:0.#} s. "
                + "Is it the right address, is nothing filtering it, and does it not speak plain http:// there?");
        }
        catch (TimeoutException)
        {
            throw new Unreachable($"{where} did not accept a connection within {_timeouts.Connect.TotalSeconds:0.#} s. Is it the right address, and is nothing filtering it?");
        }
        catch (Untrusted e)
        {
            throw new Unreachable(
                $"{where} was reached, but its certificate is not trusted: {e.Message}. "
                + "Name the authority that signed it with --ca FILE, or, for a test server, trust anything with --insecure.");
        }
        catch (SocketException e)
        {
            throw new Unreachable($"{where} cannot be reached: {e.Message}. Is the server running, and is this its port?");
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            throw new Unreachable(
                $"{where} accepted the connection, but not TLS: {e.GetBaseException().Message.TrimEnd('.')}. "
                + "Does it speak plain http:// there, or does it ask for a certificate of yours (--client-cert)?");
        }
    }

    // Where is it? ---------------------------------------------------------------------------------------------------

    private async Task<IReadOnlyList<RestCandidate>> RestsAsync()
    {
        var tried = await Task.WhenAll(RestUrls().Select(TryRestAsync));
        RestCandidate[] live = [.. tried.Where(candidate => candidate.Refusal is null)];
        return live.Length > 0 ? live : throw new Unreachable(NoRest(tried, isPlain: _options.Url.Scheme is "http" or "ws"));
    }

    private IEnumerable<Uri> RestUrls()
    {
        if (_options.Rest is { } pinned)
        {
            return [pinned];
        }

        var given = Given();
        var bare = new UriBuilder(given) { Path = "" }.Uri;
        var prefixes = Dialect.Known.Select(dialect => dialect.Prefix);
        var declared = _options.Dialect is { } own ? [Target.Below(given, own.Prefix)] : Array.Empty<Uri>();
        IEnumerable<Uri> usual = given.AbsolutePath.Length > 1 || IsOwnSocket
            ? [given, Target.Below(given, Dialect.V1.Prefix)]
            : prefixes.Select(prefix => Target.Below(given, prefix));

        // A WebSocket may be anywhere, with the REST interface beside it or at the root.
        var beside = IsSocket && given.AbsolutePath.Length > 1 && !IsOwnSocket
            ? prefixes.Select(prefix => Target.Below(bare, prefix)).Prepend(Target.Below(bare, given.AbsolutePath[..given.AbsolutePath.LastIndexOf('/')]))
            : [];
        return declared.Concat(usual).Concat(beside)
            .Concat(_options.Prefixes.Select(prefix => Target.Below(bare, $"/{prefix.Trim('/')}".TrimEnd('/')))).Distinct();
    }

    private bool IsSocket => _options.Url.Scheme is "ws" or "wss";

    // True when the path is that of a WebSocket, which leaves no doubt about what stands before it.
    private bool IsOwnSocket => IsSocket && _options.Url.AbsolutePath.TrimEnd('/').EndsWith(SocketPath, StringComparison.Ordinal);

    // The URL without what belongs to the WebSocket alone.
    private Uri Given()
    {
        var path = _options.Url.AbsolutePath.TrimEnd('/');
        return Bare(Target.Http(_options.Url), IsOwnSocket ? path[..^SocketPath.Length] : path);
    }

    // Credentials in a URL are sent to nobody, so nobody has to see them.
    private static Uri Bare(Uri url, string path) => new UriBuilder(url) { UserName = "", Password = "", Path = path, Query = "", Fragment = "" }.Uri;

    private async Task<RestCandidate> TryRestAsync(Uri url)
    {
        var target = Plain(url) with { Rest = url };
        try
        {
            var listing = await RestOf(target).ListTopicsAsync();
            return new(url, listing, listing switch
            {
                { IsSuccess: true, Topics: not null } => null,
                { Status: 401 or 403 } => $"{listing.Status}, which asks for credentials",
                { IsSuccess: true } => $"{listing.Status} with a body that lists no topics",
                _ => $"{listing.Status}",
            });
        }
        catch (Violation violation)
        {
            return new(url, null, violation.Observed);
        }
    }

    private static string NoRest(IReadOnlyList<RestCandidate> tried, bool isPlain)
    {
        var rows = string.Join("; ", tried.Select(candidate => $"GET {candidate.Url.AbsoluteUri.TrimEnd('/')}{Rest.TopicsPath}: {candidate.Refusal}"));
        return tried.Any(candidate => candidate.Listing is { Status: 401 or 403 })
            ? $"The target asks for credentials ({rows}). {HowToPass}"
            : $"No REST interface of this protocol was found ({rows}). Name its place with --rest-url, or a path before it with --prefix."
            + (isPlain && tried.All(candidate => candidate.Listing is null) ? " Nothing there speaks HTTP: is it another port, or https://?" : "");
    }

    private async Task<IReadOnlyList<SocketCandidate>> SocketsAsync(IReadOnlyList<RestCandidate> rests)
    {
        var tried = await Task.WhenAll(SocketUrls(rests).Select(TrySocketAsync));
        SocketCandidate[] live = [.. tried.Where(candidate => candidate.Refusal is null)];
        var rows = string.Join("; ", tried.Select(candidate => $"{candidate.Url.AbsoluteUri}: {candidate.Refusal}"));
        var advice = tried.Any(candidate => candidate.IsClosed) ? HowToPass : "Name its place with --ws-url.";
        return live.Length > 0
            ? live
            : throw new Unreachable($"The REST interface answers, but no WebSocket of this protocol was found ({rows}). {advice}");
    }

    private IEnumerable<Uri> SocketUrls(IReadOnlyList<RestCandidate> rests)
    {
        if (_options.WebSocket is { } pinned)
        {
            return [pinned];
        }

        var given = Given();
        Uri[] asGiven = IsSocket && _options.Url.AbsolutePath.Length > 1 ? [Bare(_options.Url, _options.Url.AbsolutePath)] : [];
        var roots = rests.Select(rest => rest.Url).Append(given).Append(new UriBuilder(given) { Path = "" }.Uri);
        return asGiven.Concat(roots.Select(root => Target.Socket(Target.Below(root, SocketPath)))).Distinct();
    }

    private async Task<SocketCandidate> TrySocketAsync(Uri url)
    {
        var target = Plain(Target.Http(url)) with { WebSocket = url };
        try
        {
            var (client, answer) = await ConnectAsync(target);
            await using var connected = client;
            if (answer.Status != 101)
            {
                var isClosed = answer.Status is 401 or 403;
                return new(url, isClosed ? $"{answer.Status}, which asks for credentials" : $"{answer.Status}") { IsClosed = isClosed };
            }

            var infos = new List<ServerMessage>();
            await client.SendAsync(Request.Ping().WithRequestId("probe-ping"));
            await client.SendTextAsync("{\"type\":\"probe\",\"request_id\":\"probe-unknown\"}");
            var first = await client.ReadMessageAsync(Reply, "a reply to a ping or to an unknown request");
            var second = await client.ReadMessageAsync(Reply, "a reply to an unknown request", _timeouts.Wait / 5).IfAnswered();
            return new(url, null) { First = first, Second = second, Infos = infos };

            bool Reply(ServerMessage message)
            {
                if (message.IsInfo && infos.Count < KeptNotices)
                {
                    infos.Add(message);
                }

                return message.IsReply;
            }
        }
        catch (Violation violation)
        {
            return new(url, violation.Observed);
        }
    }

    private T Choose<T>(string what, IReadOnlyList<T> live, Func<T, string> name, string rule)
    {
        var pinned = what == "REST" ? _options.Rest is not null : _options.WebSocket is not null;
        var others = live.Count > 1 ? $"; {string.Join(" and ", live.Skip(1).Select(name))} answered too, and {rule}, is used" : "";
        Found(what, name(live[0]), pinned ? FindingSource.Declared : FindingSource.Probed, $"{(pinned ? "given; it" : "it")} answered{others}");
        return live[0];
    }

    private static bool Below(Uri rest, Uri socket) =>
        socket.AbsolutePath.TrimEnd('/') == $"{rest.AbsolutePath.TrimEnd('/')}{SocketPath}" && socket.Port == rest.Port;

    // How does it speak? ---------------------------------------------------------------------------------------------

    private Dialect Detect(RestCandidate rest, SocketCandidate socket, HttpAnswer? health)
    {
        var evidence = Dialect.Known.Select(dialect => (dialect, Signs: Signs(dialect, rest, socket, health).ToList())).ToList();
        var best = evidence.MaxBy(row => row.Signs.Count);
        if (_options.Dialect is { } chosen)
        {
            var own = evidence.FirstOrDefault(row => row.dialect.Name == chosen.Name).Signs;
            Found("dialect", chosen.Name, FindingSource.Declared, own is null ? "given" : $"given; {Join(own)}");
            return chosen;
        }

        var others = evidence.Where(row => row.dialect != best.dialect && row.Signs.Count > 0)
            .Select(row => $"; but for {row.dialect.Name}: {Join(row.Signs)}");
        Found("dialect", best.dialect.Name, best.Signs.Count > 0 ? FindingSource.Probed : FindingSource.Assumed, Join(best.Signs) + string.Concat(others));
        return best.dialect;

        static string Join(IReadOnlyList<string> signs) => signs.Count == 0 ? "nothing tells" : string.Join(", ", signs);
    }

    private static IEnumerable<string> Signs(Dialect dialect, RestCandidate rest, SocketCandidate socket, HttpAnswer? health)
    {
        if (socket.First is { } reply && Json.TryParse(reply.Raw).Member(dialect.Timestamp) is not null)
        {
            yield return $"replies have '{dialect.Timestamp}'";
        }

        if (health?.Json.Member(dialect.Uptime) is not null)
        {
            yield return $"{Rest.HealthPath} has '{dialect.Uptime}'";
        }

        if (rest.Url.AbsolutePath.TrimEnd('/').EndsWith(Dialect.V1.Prefix, StringComparison.Ordinal)
            == (dialect.Prefix == Dialect.V1.Prefix))
        {
            yield return $"REST is at {rest.Url.AbsolutePath}";
        }
    }

    // What answers at the root of the server, and not below the dialect's prefix.
    private static Uri Root(Target target)
    {
        var path = target.Rest.AbsolutePath.TrimEnd('/');
        var root = target.Dialect.Prefix.Length > 0 && path.EndsWith(target.Dialect.Prefix, StringComparison.Ordinal)
            ? path[..^target.Dialect.Prefix.Length]
            : path;
        return new UriBuilder(target.Rest) { Path = root }.Uri;
    }

    private async Task<Target> HabitsAsync(Target target, RestCandidate rest, SocketCandidate socket)
    {
        Found("reply to a ping", socket.First?.Type ?? "none", FindingSource.Probed, $"{socket.First}");
        Found("reply to nonsense", socket.Second?.Type ?? "none", FindingSource.Probed, socket.Second is null ? "no second reply came" : $"{socket.Second}");
        Found("listing", rest.Listing!.Json is { ValueKind: System.Text.Json.JsonValueKind.Array } ? "bare array" : "object", FindingSource.Probed, rest.Listing.Body.Cut(200));
        if (socket.Infos.Count > 0)
        {
            Found("notices", "sent unasked", FindingSource.Probed, $"{socket.Infos[0]}");
        }

        var topic = _names.Next("probe");
        _names.Journal?.Made(topic);
        HttpAnswer? deleted;
        try
        {
            target = await HabitsAsync(target, topic);
        }
        finally
        {
            deleted = await DeleteAsync(target, topic);
        }

        Found("deletion", deleted is null ? "no answer" : $"{deleted.SentStatus}", FindingSource.Probed, $"DELETE of {topic}: {deleted}");
        return target;
    }

    private async Task<Target> HabitsAsync(Target target, string topic)
    {
        var created = await RestOf(target).CreateTopicAsync(topic).IfAnswered();
        Found("creation", created is null ? "no answer" : $"{created.SentStatus}", FindingSource.Probed, $"POST of {topic}: {created}");
        if (_options.UuidsOnly is { } declared)
        {
            Found("message ids", declared ? "uuid" : "any", FindingSource.Declared, "the target file");
            return target with { MessageIds = declared ? MessageIds.Uuids() : MessageIds.Any };
        }

        if (created is { IsSuccess: true })
        {
            return await MessageIdsAsync(target, topic);
        }

        Found("message ids", "any", FindingSource.Assumed, "without a topic nothing can be published");
        return target;
    }

    /// <summary>Also of a probe that is cancelled: its topic is nobody else's to delete.</summary>
    private async Task<HttpAnswer?> DeleteAsync(Target target, string topic)
    {
        using var limit = new CancellationTokenSource(_timeouts.Cleanup, _time);
        try
        {
            var deleted = await new Rest(target, new Transcript(_time), limit.Token).DeleteTopicAsync(topic);
            if (deleted.IsGone)
            {
                _names.Journal?.Gone(topic);
            }

            return deleted;
        }
        catch (Exception e) when (e is Violation or OperationCanceledException)
        {
            // The journal keeps it.
            return null;
        }
    }

    private async Task<Target> MessageIdsAsync(Target target, string topic)
    {
        var plain = await PublishAsync(target, topic, NoUuid).IfAnswered();
        if (plain is null or { IsAck: true })
        {
            Found("message ids", "any", plain is null ? FindingSource.Assumed : FindingSource.Probed,
                plain is null ? $"a publish with the id {NoUuid} was not answered" : $"a publish with the id {NoUuid} was acked");
            return target;
        }

        var uuid = await PublishAsync(target, topic, SomeUuid).IfAnswered();
        if (uuid is not { IsAck: true })
        {
            Found("message ids", "any", FindingSource.Assumed, $"neither {NoUuid} nor a UUID was acked: {plain}");
            return target;
        }

        Found("message ids", "uuid", FindingSource.Probed, $"a UUID was acked, {NoUuid} was answered {plain}");
        return target with { MessageIds = MessageIds.Uuids() };
    }

    private async Task<ServerMessage> PublishAsync(Target target, string topic, string id)
    {
        var (client, _) = await ConnectAsync(target);
        await using var connected = client;
        await client.SendAsync(Request.Publish(topic, "probe").WithText("message.id", id).WithRequestId("probe"));
        return await client.ReadMessageAsync(message => message.IsReply, "the reply to a publish");
    }

    // How fast does it answer? ---------------------------------------------------------------------------------------

    private async Task<RoundTrips> RoundTripsAsync(Target target, SocketCandidate socket)
    {
        // A server that does not answer pings answers nonsense, or it would not have been found.
        var request = socket.First is { IsError: false } ? Request.Ping() : Request.Of("probe");
        var samples = new List<double>();
        try
        {
            var (client, _) = await ConnectAsync(target);
            await using var connected = client;
            for (var n = 0; n < RoundTripSamples; n++)
            {
                var start = _time.GetTimestamp();
                await client.SendAsync(request.WithRequestId($"trip-{n}"));
                await client.ReadMessageAsync(message => message.IsReply, "a reply");
                samples.Add(_time.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        catch (Violation violation)
        {
            if (samples.Count == 0)
            {
                throw new Unreachable($"The WebSocket answered the probe once, and then no more: {violation.Message}");
            }
        }

        samples.Sort();
        return new RoundTrips(
            samples.Count, Math.Round(At(0.5), 3), Math.Round(At(0.95), 3), Math.Round(samples[^1], 3), WaitSeconds: 0, ScenarioSeconds: 0);

        double At(double quantile) => samples[Math.Min(samples.Count - 1, (int)(samples.Count * quantile))];
    }

    // Odds and ends --------------------------------------------------------------------------------------------------

    private void Fingerprint(RestCandidate rest, HttpAnswer? health)
    {
        _fingerprint["server"] = rest.Listing!.Header("Server") ?? "(no Server header)";
        _fingerprint["topics at the start"] = $"{rest.Listing.Topics!.Count}";
        if (health is not null)
        {
            _fingerprint["health"] = health.Body.Cut(500);
        }
    }

    private Rest RestOf(Target target) => new(target, new Transcript(_time), _cancellation);

    /// <summary>A connection of the probe's own, upgraded if the server is willing.</summary>
    private async Task<(RawClient Client, HttpAnswer Answer)> ConnectAsync(Target target)
    {
        var client = await RawClient.OpenAsync("probe", target, new Transcript(_time), new ConnectOptions(), _cancellation);
        try
        {
            return (client, await client.HandshakeAsync());
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    private Target Plain(Uri root) => Target.From(root, _options.Dialect) with
    {
        Headers = _options.Headers,
        Query = _options.Query,
        Origin = _options.Origin,
        Tls = _options.Tls,
        Timeouts = _timeouts,
    };

    private void Found(string what, string value, FindingSource source, string evidence) => _findings.Add(new(what, value, source, evidence));

    private static string Describe(Limits limits) => new StringBuilder()
        .Append($"queue {limits.QueueSize} events or {limits.QueueBytes} bytes, ring {limits.Ring} messages, ")
        .Append($"request {limits.MessageBytes} bytes, names {limits.NameLength} characters")
        .ToString();

    private sealed record RestCandidate(Uri Url, TopicsAnswer? Listing, string? Refusal);

    private sealed record SocketCandidate(Uri Url, string? Refusal)
    {
        public bool IsClosed { get; init; }
        public ServerMessage? First { get; init; }
        public ServerMessage? Second { get; init; }
        public List<ServerMessage> Infos { get; init; } = [];
    }
}
