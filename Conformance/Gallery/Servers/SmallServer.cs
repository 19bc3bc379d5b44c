using System.Collections.Concurrent;
using System.Net.Sockets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// A broker of the family that has nothing in common with ours: HTTP by hand, framing by the runtime, a lock per topic and a queue
/// per connection. It keeps what SPEC.md asks of a server, of both levels; other parts or a variation say where it does not.
/// </summary>
internal class SmallServer : TcpServer
{
    private volatile bool _isDraining;

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
        Log = parts.Log(this);
        Lifetime = parts.Lifetime(this);
        Messages = parts.Messages(this);
        Topics = parts.Topics(this);
        Rest = parts.Rest(this);
        Door = parts.Upgrade(this);
        Start();
        Log.Write(LogLevel.Info, $"Now listening on: {Origin.GetLeftPart(UriPartial.Authority)}");
    }

    public Parts Parts { get; }
    public Settings Settings => Parts.Settings;
    public ServerLog Log { get; }
    public Lifetime Lifetime { get; }
    public Messages Messages { get; }
    public Topics Topics { get; }

    /// <summary>WebSocket sessions that have not ended, each with what comes when its connection has.</summary>
    public ConcurrentDictionary<Session, Task> Sessions { get; } = [];

    /// <summary>It is about to end, and takes no new sessions.</summary>
    public bool IsDraining { get => _isDraining; set => _isDraining = value; }

    private RestDoor Rest { get; }
    private UpgradeDoor Door { get; }

    /// <summary>Told of every request that was understood, before it is answered.</summary>
    public virtual void Hear(Connection connection, ClientRequest request)
    {
    }

    /// <summary>Dies, and is started again at once by whoever watches over it: every connection is reset, and nothing is remembered.</summary>
    public void Restart()
    {
        ResetAll();
        Topics.Clear();
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
                Log.Write(LogLevel.Debug, $"{request.Method} {request.Target} {response.Status}");
            }
            catch (HttpFault fault)
            {
                response = Rest.Refuse(fault);
                Log.Write(LogLevel.Debug, $"refused with {response.Status}: {fault.Message}");
                keepsAlive = false;
            }

            if (response.Status == 101)
            {
                await HoldAsync(connection, response, stopping);
                return;
            }

            await response.WriteAsync(connection, keepsAlive, isHead, stopping);
        }
    }

    private async Task HoldAsync(Connection connection, HttpResponse welcome, CancellationToken stopping)
    {
        using var session = Parts.Session(new SessionSeed(connection, this));
        Sessions[session] = ServedAsync(connection);
        try
        {
            await welcome.WriteAsync(connection, keepsAlive: true, isHead: false, stopping);
            if (IsDraining)
            {
                // It was let in before.
                Lifetime.Dismiss(session);
            }

            await session.RunAsync();
        }
        finally
        {
            Sessions.TryRemove(session, out _);
            Door.Leave();
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
