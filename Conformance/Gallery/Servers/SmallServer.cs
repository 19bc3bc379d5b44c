using System.Collections.Concurrent;
using System.Net.Sockets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// A broker of the family that has nothing in common with ours: HTTP by hand, framing by the runtime, a lock per topic and a queue
/// per connection. It keeps what SPEC.md asks of a server, of both levels; other parts or a variation say where it does not.
/// </summary>
internal class SmallServer : TcpServer
{
    public SmallServer()
        : this(new Parts())
    {
    }

    public SmallServer(Variation variation)
        : this(new Parts { Variation = variation })
    {
    }

    public SmallServer(Parts parts)
        : base(parts.Settings.Port)
    {
        Parts = parts;
        Messages = parts.Messages(this);
        Topics = parts.Topics(this);
        Rest = parts.Rest(this);
        Door = parts.Upgrade(this);
        Start();
    }

    public Parts Parts { get; }
    public Settings Settings => Parts.Settings;
    public Messages Messages { get; }
    public Topics Topics { get; }

    /// <summary>WebSocket sessions that have not ended.</summary>
    public ConcurrentDictionary<Session, byte> Sessions { get; } = [];

    private RestDoor Rest { get; }
    private UpgradeDoor Door { get; }

    /// <summary>Told of every request that was understood, before it is answered.</summary>
    public virtual void Hear(Connection connection, ClientRequest request)
    {
    }

    protected override Connection Open(Socket socket) => Parts.Connection(socket);

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        connection.Patience = Settings.WriteTimeout;
        var keepsAlive = true;
        while (keepsAlive)
        {
            var isHead = false;
            HttpResponse response;
            try
            {
                if (await HttpRequest.ReadAsync(connection, Settings.HandshakeTimeout, stopping) is not { } request)
                {
                    return;
                }

                isHead = request.Method == "HEAD";
                response = await AnswerAsync(request, stopping);
                keepsAlive = request.KeepsAlive && response.KeepsAlive;
            }
            catch (HttpFault fault)
            {
                response = Rest.Refuse(fault);
                keepsAlive = false;
            }

            await response.WriteAsync(connection, keepsAlive, isHead, stopping);
            if (response.Status == 101)
            {
                await HoldAsync(connection);
                return;
            }
        }
    }

    private async Task HoldAsync(Connection connection)
    {
        using var session = Parts.Session(new SessionSeed(connection, this));
        Sessions[session] = 0;
        try
        {
            await session.RunAsync();
        }
        finally
        {
            Sessions.TryRemove(session, out _);
        }
    }

    private async Task<HttpResponse> AnswerAsync(HttpRequest request, CancellationToken stopping)
    {
        if (Parts.Variation.ApiKey is { } key && request["X-API-Key"] != key)
        {
            return Messages.Problem(401, "UNAUTHORIZED", "X-API-Key is missing or wrong") with
            {
                Headers = ["WWW-Authenticate: ApiKey"],
            };
        }

        return request.Path == $"{Parts.Variation.Root}/ws" ? Door.Answer(request) : await Rest.AnswerAsync(request, stopping);
    }
}
