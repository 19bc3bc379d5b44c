namespace PubSub.Conformance.Gallery.Servers;


/// <summary>Answers what comes to the WebSocket's path: with 101, or with why not.</summary>
internal class UpgradeDoor(SmallServer server)
{
    protected SmallServer Server => server;

    public virtual HttpResponse Answer(HttpRequest request)
    {
        if (!Handshake.IsValid(request))
        {
            return server.Messages.Problem(426, "UPGRADE_REQUIRED", "the request must be a WebSocket handshake of version 13") with
            {
                Headers = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"],
            };
        }

        return IsAllowed(request)
            ? Handshake.Accept(request)
            : server.Messages.Problem(403, "FORBIDDEN_ORIGIN", "the page is of another host");
    }

    /// <summary>Whether the page that asks may connect.</summary>
    protected virtual bool IsAllowed(HttpRequest request) => Handshake.IsOfSameOrigin(request);
}
