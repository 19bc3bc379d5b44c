namespace PubSub.Conformance.Gallery.Servers;

/// <summary>Answers what comes to the WebSocket's path: with 101, or with why not.</summary>
internal class UpgradeDoor(SmallServer server)
{
    private int _inside;

    protected SmallServer Server => server;
    protected Settings Settings => server.Settings;

    public virtual HttpResponse Answer(HttpRequest request)
    {
        if (!IsHandshake(request))
        {
            return Refuse(request);
        }

        if (!IsAllowed(request))
        {
            return server.Messages.Problem(403, "FORBIDDEN_ORIGIN", "the page is of another host");
        }

        if (IsClosing)
        {
            return server.Messages.Problem(503, "DRAINING", "the server is about to end");
        }

        return TryEnter() ? Accept(request) : Full();
    }

    /// <summary>Of somebody who was let in, the connection has ended.</summary>
    public virtual void Leave() => Interlocked.Decrement(ref _inside);

    /// <summary>Whether it asks for a WebSocket as RFC 6455 has it.</summary>
    protected virtual bool IsHandshake(HttpRequest request) => Handshake.IsValid(request);

    protected virtual HttpResponse Accept(HttpRequest request) => Handshake.Accept(request);

    /// <summary>What is no handshake.</summary>
    protected virtual HttpResponse Refuse(HttpRequest request) =>
        server.Messages.Problem(426, "UPGRADE_REQUIRED", "the request must be a WebSocket handshake of version 13") with
        {
            Headers = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"],
        };

    /// <summary>Whether the page that asks may connect.</summary>
    protected virtual bool IsAllowed(HttpRequest request) =>
        Handshake.IsOfSameOrigin(request) || Settings.AllowedOrigins.Any(origin => origin == "*" || IsSame(origin, request["Origin"]!));

    /// <summary>Whether an origin that asks is one that is allowed.</summary>
    protected virtual bool IsSame(string allowed, string asking) => allowed == asking;

    protected virtual bool IsClosing => server.IsDraining;

    /// <summary>True when there was room for one more.</summary>
    protected virtual bool TryEnter()
    {
        if (Interlocked.Increment(ref _inside) <= Settings.MostConnections)
        {
            return true;
        }

        Interlocked.Decrement(ref _inside);
        return false;
    }

    protected virtual HttpResponse Full() =>
        server.Messages.Problem(503, "LIMIT_EXCEEDED", $"at most {Settings.MostConnections} connections may be open");
}
