namespace PubSub.Conformance.Tests.Servers;

/// <summary>
/// A broker of the family that has nothing in common with ours: HTTP by hand, framing by the runtime, a lock per topic and a queue
/// per connection. It keeps what SPEC.md asks of a server that is given by URL, of both levels; a variation says where it does not.
/// </summary>
/// <remarks>
/// Of the settings there are only the defaults of MAX_QUEUE_SIZE, MAX_QUEUE_BYTES, MAX_MESSAGES, MAX_MESSAGE_BYTES, WRITE_TIMEOUT and
/// HANDSHAKE_TIMEOUT. It sends no Pings of its own.
/// </remarks>
internal class SmallServer : TcpServer
{
    public const int MessageBytes = 64 * 1024;

    private readonly Variation _variation;
    private readonly Messages _messages;
    private readonly Topics _topics = new();
    private readonly RestDoor _rest;

    public SmallServer()
        : this(new Variation())
    {
    }

    public SmallServer(Variation variation)
    {
        _variation = variation;
        _messages = new Messages(variation);
        _rest = new RestDoor(_topics, variation);
        Start();
    }

    /// <summary>Told of every request that was understood, before it is answered.</summary>
    protected virtual void Hear(Connection connection, ClientRequest request)
    {
    }

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        var keepsAlive = true;
        while (keepsAlive)
        {
            var isHead = false;
            HttpResponse response;
            try
            {
                if (await HttpRequest.ReadAsync(connection, stopping) is not { } request)
                {
                    return;
                }

                isHead = request.Method == "HEAD";
                response = await AnswerAsync(request, stopping);
                keepsAlive = request.KeepsAlive;
            }
            catch (HttpFault fault)
            {
                response = _messages.Problem(fault.Status, fault.Code, fault.Message);
                keepsAlive = false;
            }

            await response.WriteAsync(connection, keepsAlive, isHead, stopping);
            if (response.Status == 101)
            {
                using var session = new Session(connection, _topics, _variation, request => Hear(connection, request));
                await session.RunAsync();
                return;
            }
        }
    }

    private async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping)
    {
        if (_variation.ApiKey is { } key && request["X-API-Key"] != key)
        {
            return _messages.Problem(401, "UNAUTHORIZED", "X-API-Key is missing or wrong") with
            {
                Headers = ["WWW-Authenticate: ApiKey"],
            };
        }

        return request.Path == $"{_variation.Root}/ws" ? Upgrade(request) : await _rest.AnswerAsync(request, stopping);
    }

    private HttpResponse Upgrade(HttpRequest request)
    {
        if (!Handshake.IsValid(request))
        {
            return _messages.Problem(426, "UPGRADE_REQUIRED", "the request must be a WebSocket handshake of version 13") with
            {
                Headers = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"],
            };
        }

        return Handshake.IsOfSameOrigin(request)
            ? Handshake.Accept(request)
            : _messages.Problem(403, "FORBIDDEN_ORIGIN", "the page is of another host");
    }
}
