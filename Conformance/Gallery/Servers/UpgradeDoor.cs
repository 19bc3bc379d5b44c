namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Answers requests for the WebSocket's path with 101, or with the reason for a refusal.</summary>
internal sealed class UpgradeDoor(SmallServer server)
{
    private int _inside;

    /// <summary>Whether a request is for the WebSocket's path.</summary>
    public Seam<Func<HttpRequest, bool>> IsAsked => field ??= new(request => request.Path == $"{server.Variation.Root}/ws");

    public Seam<Func<HttpRequest, HttpResponse>> Answer => field ??= new(request =>
    {
        if (!IsHandshake.Call(request))
        {
            return Refuse.Call(request);
        }

        if (!IsAllowed.Call(request))
        {
            return server.Messages.Problem.Call(403, "FORBIDDEN_ORIGIN", "the page is of another host");
        }

        if (IsClosing.Call())
        {
            return server.Messages.Problem.Call(503, "DRAINING", "the server is about to end");
        }

        if (!server.Guard.HasRoom.Call(request.Caller))
        {
            return server.Guard.Full.Call();
        }

        return TryEnter.Call() ? Accept.Call(request) : Full.Call();
    });

    /// <summary>The connection of an accepted handshake has ended.</summary>
    public Seam<Action> Leave => field ??= new(() => Interlocked.Decrement(ref _inside));

    /// <summary>Whether a request is a WebSocket handshake of RFC 6455.</summary>
    public Seam<Func<HttpRequest, bool>> IsHandshake => field ??= new(Handshake.IsValid);

    public Seam<Func<HttpRequest, HttpResponse>> Accept => field ??= new(Handshake.Accept);

    /// <summary>The answer to a request that is not a handshake.</summary>
    public Seam<Func<HttpRequest, HttpResponse>> Refuse => field ??= new(_ =>
        server.Messages.Problem.Call(426, "UPGRADE_REQUIRED", "the request must be a WebSocket handshake of version 13") with
        {
            Headers = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"],
        });

    /// <summary>Whether the origin of a request may connect.</summary>
    public Seam<Func<HttpRequest, bool>> IsAllowed => field ??= new(request =>
        Handshake.IsOfSameOrigin(request)
        || server.Settings.AllowedOrigins.Any(origin => origin == "*" || IsSame.Call(origin, request["Origin"]!)));

    /// <summary>Allowed origin, origin of the request: whether they are the same.</summary>
    public Seam<Func<string, string, bool>> IsSame => field ??= new((allowed, asking) => allowed == asking);

    public Seam<Func<bool>> IsClosing => field ??= new(() => server.IsDraining);

    /// <summary>Counts a connection; false when the limit is reached.</summary>
    public Seam<Func<bool>> TryEnter => field ??= new(() =>
    {
        if (Interlocked.Increment(ref _inside) <= server.Settings.MostConnections)
        {
            return true;
        }

        Interlocked.Decrement(ref _inside);
        return false;
    });

    public Seam<Func<HttpResponse>> Full => field ??= new(() =>
        server.Messages.Problem.Call(503, "LIMIT_EXCEEDED", $"at most {server.Settings.MostConnections} connections may be open"));
}
