using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using PubSub.Conformance.Network;
using PubSub.Conformance.Protocol;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Probing;

/// <summary>Finds the URLs of the two interfaces of a target.</summary>
internal sealed class Discovery(ProbeSession session)
{
    private const int KeptNotices = 10;
    private const string SocketPath = "/ws";

    private static readonly int[] ForbiddenCloses = [1008, 3000, 3003, 4001, 4003, 4401, 4403];
    private static readonly string[] ForbiddenCodes = ["UNAUTHORIZED", "UNAUTHENTICATED", "NOT_AUTHENTICATED", "AUTH", "FORBIDDEN"];

    /// <summary>Prefixes that servers usually put before their paths.</summary>
    internal static readonly string[] UsualPrefixes = [.. Dialect.Known.Select(dialect => dialect.Prefix), "/api", "/api/v1", "/pubsub/v1"];

    private const string HowToPass = "Pass them with --header 'Name: value' or --header-env Name=VARIABLE.";
    private const string HowToBegin =
        " If the first message of a connection has to hold them, give its text as accommodations.first in a target file.";

    /// <summary>Connects once, to report failures of TCP and TLS apart from those of HTTP.</summary>
    /// <exception cref="Unreachable">There is no connection.</exception>
    public async Task ReachAsync()
    {
        var where = $"{session.Options.Url.Host}:{session.Options.Url.Port}";
        try
        {
            await using var wire = await Bounds.Within(
                session.Timeouts.Connect,
                session.Time,
                limit => Wire.OpenAsync(session.Options.Url, session.Options.Tls, null, null, limit),
                session.Cancellation);
            session.Fingerprint["address"] = wire.Peer is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
                ? $"{mapped.Address.MapToIPv4()}:{mapped.Port}"
                : $"{wire.Peer}";
            if (wire.Certificate is { } certificate)
            {
                session.Fingerprint["certificate"] = $"{certificate.Subject}, until {certificate.GetExpirationDateString()}, "
                    + $"SHA-256 {certificate.GetCertHashString(HashAlgorithmName.SHA256)}";
            }
        }
        catch (TimeoutException) when (session.Options.Url.Scheme is "https" or "wss")
        {
            throw new Unreachable(
                $"{where} did not accept a connection with TLS within {session.Timeouts.Connect.TotalSeconds:0.#} s. "
                + "Is it the right address, is nothing filtering it, and does it not speak plain http:// there?");
        }
        catch (TimeoutException)
        {
            throw new Unreachable(
                $"{where} did not accept a connection within {session.Timeouts.Connect.TotalSeconds:0.#} s. "
                + "Is it the right address, and is nothing filtering it?");
        }
        catch (Untrusted e)
        {
            throw new Unreachable(
                $"{where} was reached, but its certificate is not trusted: {e.Message}. "
                + "Name the authority that signed it with --ca FILE, or, for a test server, trust anything with --insecure.");
        }
        catch (Exception e) when (e is SocketException or Interference { Kind: InterferenceKind.Network })
        {
            throw new Unreachable(
                $"{where} cannot be reached: {e.GetBaseException().Message}. Is the server running, and is this its port?");
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            throw new Unreachable(
                $"{where} accepted the connection, but not TLS: {e.GetBaseException().Message.TrimEnd('.')}. "
                + "Does it speak plain http:// there, or does it ask for a certificate of yours (--client-cert)?");
        }
    }

    /// <summary>REST interfaces that answered, in the order tried; at least one.</summary>
    /// <exception cref="Unreachable">None answered.</exception>
    public async Task<IReadOnlyList<RestCandidate>> RestsAsync()
    {
        var tried = await Task.WhenAll(RestUrls().Select(TryRestAsync));
        RestCandidate[] live = [.. tried.Where(candidate => candidate.Refusal is null)];
        live = [.. live.DistinctBy(candidate => candidate.Url)];
        return live.Length > 0 ? live : throw new Unreachable(NoRest(tried, isPlain: session.Options.Url.Scheme is "http" or "ws"));
    }

    private IEnumerable<Uri> RestUrls()
    {
        if (session.Options.Rest is { } pinned)
        {
            return [pinned];
        }

        var given = Given();
        var bare = new UriBuilder(given) { Path = "" }.Uri;
        var prefixes = UsualPrefixes;
        var declared = session.Options.Dialect is { } own ? [Target.Below(given, own.Prefix)] : Array.Empty<Uri>();
        IEnumerable<Uri> usual = given.AbsolutePath.Length > 1 || IsOwnSocket
            ? [given, Target.Below(given, Dialect.V1.Prefix)]
            : prefixes.Select(prefix => Target.Below(given, prefix));

        // A WebSocket may be anywhere, with the REST interface beside it or at the root.
        var parent = given.AbsolutePath[..given.AbsolutePath.LastIndexOf('/')];
        var beside = IsSocket && given.AbsolutePath.Length > 1 && !IsOwnSocket
            ? prefixes.Prepend(parent).Select(prefix => Target.Below(bare, prefix))
            : [];
        return declared.Concat(usual).Concat(beside)
            .Concat(session.Options.Prefixes.Select(prefix => Target.Below(bare, $"/{prefix.Trim('/')}".TrimEnd('/')))).Distinct();
    }

    private bool IsSocket => session.Options.Url.Scheme is "ws" or "wss";

    // True when the URL has the path of a WebSocket, so that the part before it is the root.
    private bool IsOwnSocket => IsSocket && session.Options.Url.AbsolutePath.TrimEnd('/').EndsWith(SocketPath, StringComparison.Ordinal);

    // The URL without the path of the WebSocket.
    private Uri Given()
    {
        var path = session.Options.Url.AbsolutePath.TrimEnd('/');
        return Bare(Target.Http(session.Options.Url), IsOwnSocket ? path[..^SocketPath.Length] : path);
    }

    // Credentials in a URL are never sent, so they are not shown either.
    private static Uri Bare(Uri url, string path) =>
        new UriBuilder(url) { UserName = "", Password = "", Path = path, Query = "", Fragment = "" }.Uri;

    private async Task<RestCandidate> TryRestAsync(Uri url)
    {
        try
        {
            var (target, listing) = await ListAsync(session.Plain(url) with { Rest = url });
            return new(target.Rest, listing, listing switch
            {
                { IsSuccess: true, Topics: not null } => null,
                { Status: 401 or 403 } => $"{listing.Status}, which asks for credentials",
                { IsSuccess: true } => $"{listing.Status} with a body that lists no topics",
                _ when listing.Header("Location") is { } elsewhere => $"{listing.Status}, which names {elsewhere}",
                _ => $"{listing.Status}",
            })
            {
                RedirectedFrom = target.Rest == url && target.Accommodations.Slashes.Count == 0
                    ? null
                    : Target.Below(url, RestPaths.Topics),
                Slashes = target.Accommodations.Slashes,
            };
        }
        catch (Violation violation)
        {
            return new(url, null, violation.Observed);
        }
        catch (Interference gateway) when (gateway.Kind == InterferenceKind.Gateway)
        {
            return new(url, null, gateway.Answer ?? gateway.Message);
        }
    }

    // Follows one redirect within the origin: the interface is at its target, with or without a trailing slash.
    private async Task<(Target Target, TopicsAnswer Listing)> ListAsync(Target target)
    {
        var listing = await session.RestOf(target).ListTopicsAsync();
        if (listing.Redirect(target.Rest) is not { } place || session.Options.Accommodations is not null)
        {
            return (target, listing);
        }

        var isSlashed = place.AbsolutePath.EndsWith('/');
        var path = place.AbsolutePath.TrimEnd('/');
        if (!path.EndsWith(RestPaths.Topics, StringComparison.Ordinal))
        {
            return (target, listing);
        }

        var moved = target with { Rest = Bare(place, path[..^RestPaths.Topics.Length]) };
        moved = isSlashed ? moved.Accommodating(moved.Accommodations with { Slashes = [RestPaths.Topics] }) : moved;
        return (moved, await session.RestOf(moved).ListTopicsAsync());
    }

    private static string NoRest(IReadOnlyList<RestCandidate> tried, bool isPlain)
    {
        var rows = string.Join(
            "; ", tried.Select(candidate => $"GET {candidate.Url.AbsoluteUri.TrimEnd('/')}{RestPaths.Topics}: {candidate.Refusal}"));
        if (tried.Any(candidate => candidate.Listing is { Status: 401 or 403 }))
        {
            return $"The target asks for credentials ({rows}). {HowToPass}";
        }

        var isDeaf = isPlain && tried.All(candidate => candidate.Listing is null);
        return $"No REST interface of this protocol was found ({rows}). Name its place with --rest-url, or a path before it with --prefix."
            + (isDeaf ? " Nothing there speaks HTTP: is it another port, or https://?" : "");
    }

    /// <summary>WebSockets that answered, at least one: first one below the first REST interface, then in the order tried.</summary>
    /// <exception cref="Unreachable">None answered.</exception>
    public async Task<IReadOnlyList<SocketCandidate>> SocketsAsync(IReadOnlyList<RestCandidate> rests)
    {
        var tried = await Task.WhenAll(SocketUrls(rests).Select(TrySocketAsync));
        SocketCandidate[] live = [.. tried.Where(candidate => candidate.Refusal is null)];
        var rows = string.Join("; ", tried.Select(candidate => $"{candidate.Url.AbsoluteUri}: {candidate.Refusal}"));
        var advice = tried.Any(candidate => candidate.IsClosed) ? HowToPass + HowToBegin : "Name its place with --ws-url.";
        return live.Length > 0
            ? [.. live.OrderByDescending(candidate => IsBelow(rests[0].Url, candidate.Url))]
            : throw new Unreachable($"The REST interface answers, but no WebSocket of this protocol was found ({rows}). {advice}");
    }

    private IEnumerable<Uri> SocketUrls(IReadOnlyList<RestCandidate> rests)
    {
        if (session.Options.WebSocket is { } pinned)
        {
            return [pinned];
        }

        var given = Given();
        var url = session.Options.Url;
        Uri[] asGiven = IsSocket && url.AbsolutePath.Length > 1 ? [Bare(url, url.AbsolutePath)] : [];
        var roots = rests.Select(rest => rest.Url).Append(given).Append(new UriBuilder(given) { Path = "" }.Uri);
        return asGiven.Concat(roots.Select(root => Target.Socket(Target.Below(root, SocketPath)))).Distinct();
    }

    private async Task<SocketCandidate> TrySocketAsync(Uri url)
    {
        var target = session.Plain(Target.Http(url)) with { WebSocket = url };
        try
        {
            var (client, answer) = await session.ConnectAsync(target);
            await using var connected = client;
            if (answer.Status != 101)
            {
                var isClosed = answer.Status is 401 or 403;
                return new(url, isClosed ? $"{answer.Status}, which asks for credentials" : $"{answer.Status}") { IsClosed = isClosed };
            }

            var infos = new List<ServerMessage>();
            await client.SendAsync(Request.Ping().WithRequestId("probe-ping"));
            var pong = await client.ReadMessageAsync(Reply, "a reply to a ping", session.Timeouts.Wait / 5).IfAnswered();

            // Not every server answers pings, and some die of unknown request types. So this request only names an unknown topic.
            var unknown = session.UnknownTopic();
            await client.SendAsync(Request.Subscribe(unknown, "conformance-probe").WithRequestId("probe-unknown"));
            const string Awaited = "a reply to a ping or to a subscribe";
            var first = pong ?? await client.ReadMessageAsync(Reply, Awaited);
            var second = await client.ReadMessageAsync(Reply, Awaited, session.Timeouts.Wait / 5).IfAnswered();
            if (IsForbidden(first))
            {
                return new(url, $"{first}, which asks for credentials") { IsClosed = true };
            }

            return new(url, null) { First = first, Second = second, AnswersPings = pong is not null, Infos = infos };

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
            return new(url, violation.Observed)
            {
                IsClosed = ForbiddenCloses.Any(code =>
                    violation.Observed.Contains($"a close frame {code} ", StringComparison.Ordinal)),
            };
        }
    }

    /// <summary>The error with which a server answers a request without credentials.</summary>
    public static bool IsForbidden(ServerMessage? reply) => reply is { IsError: true } && Array.Exists(
        ForbiddenCodes, code => reply.ErrorCode?.StartsWith(code, StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>The failure of a probe that lacks credentials.</summary>
    public static Unreachable Closed(string asked, object answer) =>
        new($"The target asks for credentials ({asked}: {answer}). {HowToPass}{HowToBegin}");

    private static bool IsBelow(Uri rest, Uri socket) =>
        socket.AbsolutePath.TrimEnd('/') == $"{rest.AbsolutePath.TrimEnd('/')}{SocketPath}" && socket.Port == rest.Port;
}

/// <summary>A possible URL of the REST interface.</summary>
/// <param name="Refusal">Why it is not there; null when it is.</param>
internal sealed record RestCandidate(Uri Url, TopicsAnswer? Listing, string? Refusal)
{
    /// <summary>The original URL, if a redirect led here.</summary>
    public Uri? RedirectedFrom { get; init; }

    /// <inheritdoc cref="Accommodations.Slashes"/>
    public IReadOnlyList<string> Slashes { get; init; } = [];
}

/// <summary>A possible URL of the WebSocket, and the replies to a ping and to a subscribe.</summary>
/// <param name="Refusal">Why it is not there; null when it is.</param>
internal sealed record SocketCandidate(Uri Url, string? Refusal)
{
    /// <summary>The server asks for credentials.</summary>
    public bool IsClosed { get; init; }

    public ServerMessage? First { get; init; }
    public ServerMessage? Second { get; init; }
    public bool AnswersPings { get; init; }
    public List<ServerMessage> Infos { get; init; } = [];
}
