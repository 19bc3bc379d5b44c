using System.Collections.Concurrent;
using System.Net.Sockets;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Gallery.Servers;

/// <summary>
/// A second implementation of the protocol, which shares no code with the broker: HTTP by hand, framing by the runtime, a lock for each
/// topic and a queue for each connection. It meets every MUST and SHOULD of SPEC.md. Every step is a <see cref="Seam{TStep}"/>; a wrong or
/// odd server is this one with one or more <see cref="Change"/>s.
/// </summary>
internal sealed class SmallServer : TcpServer
{
    private volatile bool _isDraining;
    private volatile bool _hangs;

    public SmallServer(Variation variation)
        : this(server => server.Variation = variation)
    {
    }

    /// <summary>Applies the changes in this order, and then listens.</summary>
    /// <exception cref="CannotStart">A setting is not legal, or the port is in use.</exception>
    public SmallServer(params Change[] changes)
    {
        Log = new ServerLog(this);
        Lifetime = new Lifetime(this);
        Messages = new Messages(this);
        Topics = new Topics(this);
        Rest = new RestDoor(this);
        Http = new MessagesDoor(this);
        Stream = new StreamDoor(this);
        Upgrade = new UpgradeDoor(this);
        Guard = new Guard(this);
        Meter = new Meter(this);
        foreach (var change in changes)
        {
            change(this);
        }

        Start(Settings.Port, Settings.Address);
        Log.Write.Call(LogLevel.Info, $"Now listening on: {Origin.GetLeftPart(UriPartial.Authority)}");
    }

    /// <summary>The operator's settings; set by changes only.</summary>
    public Settings Settings { get; set; } = new();

    /// <summary>The dialect; set by changes only.</summary>
    public Variation Variation { get; set; } = new();

    /// <summary>The parts of version 1.1 that it has; set by changes only.</summary>
    public IReadOnlyList<Capability> Offers { get; set; } = Capabilities.All;

    public ServerLog Log { get; }
    public Lifetime Lifetime { get; }

    /// <summary>Encodes all messages of the server.</summary>
    public Messages Messages { get; }

    /// <summary>The registry of topics.</summary>
    public Topics Topics { get; }

    public RestDoor Rest { get; }
    public MessagesDoor Http { get; }
    public StreamDoor Stream { get; }

    /// <summary>The opening handshake.</summary>
    public UpgradeDoor Upgrade { get; }

    /// <summary>Identities, permissions and limits.</summary>
    public Guard Guard { get; }

    /// <summary>Metrics.</summary>
    public Meter Meter { get; }

    /// <summary>WebSocket sessions that have not ended, each with a task that ends with its connection.</summary>
    public ConcurrentDictionary<Session, Task> Sessions { get; } = [];

    /// <summary>The queues of the streams that are open.</summary>
    public ConcurrentDictionary<SendQueue, byte> Streams { get; } = [];

    /// <summary>Whether the server is about to end, and accepts no new sessions.</summary>
    public bool IsDraining { get => _isDraining; set => _isDraining = value; }

    /// <summary>Reads settings that are given as variables; it throws <see cref="CannotStart"/>.</summary>
    public Seam<Func<IReadOnlyDictionary<string, string>, Settings>> Read => field ??= new(Settings.Read);

    /// <summary>The line for the operator of a server that does not start.</summary>
    public Seam<Func<CannotStart, string>> Complaint => field ??= new(fault => fault.Message);

    /// <summary>Writes one line of the log.</summary>
    public Seam<Action<string>> Write => field ??= new(_ => { });

    /// <summary>Called with every valid request, before it is answered.</summary>
    public Seam<Action<Session, ClientRequest>> Hear => field ??= new((_, _) => { });

    public Seam<Func<Socket, Connection>> NewConnection => field ??= new(socket => new Connection(socket));

    /// <summary>Makes the stream between a TCP connection and its WebSocket, after the handshake.</summary>
    public Seam<Func<Connection, Stream>> NewWire => field ??= new(connection => connection);

    public Seam<Func<Connection, Session>> NewSession => field ??= new(connection => new Session(connection, this));
    public Seam<Func<string, Topic>> NewTopic => field ??= new(name => new Topic(name, this));

    /// <summary>Whether a request may name this host, which is in lower case and without port and final dot.</summary>
    public Seam<Func<string, bool>> IsHost => field ??= new(name =>
        HostName.IsLocal(name) || Settings.AllowedHosts.Any(listed => HostName.Fits(listed, name)));

    /// <summary>The answer to one HTTP request, a handshake included.</summary>
    public Seam<Func<HttpRequest, CancellationToken, Task<HttpResponse>>> AnswerAsync => field ??= new(async (request, stopping) =>
        !IsHost.Call(HostName.Of(request["Host"] ?? "")) ? Messages.Problem.Call(421, "FORBIDDEN_HOST", "the host is not this server's")
            : Variation.ApiKey is { } key && request["X-API-Key"] != key
            ? Messages.Problem.Call(401, "UNAUTHORIZED", "X-API-Key is missing or wrong") with { Headers = ["WWW-Authenticate: ApiKey"] }
            : Guard.Enter(request) is { } unauthorized ? unauthorized
            : Upgrade.IsAsked.Call(request) ? Upgrade.Answer.Call(request)
            : Offers.Contains(Capability.Metrics) && Meter.IsAsked.Call(request) ? Meter.Answer.Call()
            : await Rest.AnswerAsync.Call(request, stopping));

    /// <summary>Changes every TCP connection before anything is read from it.</summary>
    public void EachConnection(Action<Connection> change) => NewConnection.Wrap(next => socket => Changed(next(socket), change));

    /// <summary>Changes every session before it reads; its queue is changed here as well.</summary>
    public void EachSession(Action<Session> change) => NewSession.Wrap(next => connection => Changed(next(connection), change));

    /// <summary>Changes every topic before it is registered.</summary>
    public void EachTopic(Action<Topic> change) => NewTopic.Wrap(next => name => Changed(next(name), change));

    /// <summary>Puts a frame filter in front of every WebSocket.</summary>
    public void EachFilter(Action<FrameFilter> change) =>
        NewWire.Wrap(next => connection => Changed(new FrameFilter(next(connection)), change));

    /// <summary>Dies and restarts at once, as under a supervisor: every connection is reset, and all state is lost.</summary>
    public void Restart()
    {
        ResetAll();
        Topics.Clear();
        Rest.Restarted();
    }

    /// <summary>Called by a fault that kills the process; by default the server crashes and stays dead.</summary>
    public Seam<Action> Die => field ??= new(Crash);

    /// <summary>Dies and restarts after this time, as under a supervisor; all state is lost.</summary>
    public void RestartAfter(TimeSpan down)
    {
        Topics.Clear();
        Rest.Restarted();
        _ = BounceAsync(down);
    }

    /// <summary>
    /// Stops answering, as a process whose threads are all blocked: connections are accepted and stay open, but no byte is read or written.
    /// Only a crash ends it.
    /// </summary>
    public void Hang() => _hangs = true;

    protected override Connection Open(Socket socket)
    {
        var connection = NewConnection.Call(socket);
        connection.Receive.Wrap(next => async (buffer, cancellation) =>
        {
            var count = await next(buffer, cancellation);
            await StayAsync();
            return count;
        });
        connection.Send.Wrap(next => async (bytes, cancellation) =>
        {
            await StayAsync();
            await next(bytes, cancellation);
        });
        return connection;
    }

    protected override async Task ServeAsync(Connection connection, CancellationToken stopping)
    {
        connection.Patience = Settings.WriteTimeout;
        var keepsAlive = true;
        while (keepsAlive)
        {
            var isHead = false;
            var caller = Caller.Everyone;
            HttpResponse response;
            try
            {
                if (await HttpRequest.ReadAsync(connection, Settings.HandshakeTimeout, stopping) is not { } request)
                {
                    return;
                }

                isHead = request.Method == "HEAD";
                response = await AnswerAsync.Call(request, stopping);
                caller = request.Caller;
                keepsAlive = request.KeepsAlive && response.KeepsAlive;
                Log.Write.Call(LogLevel.Debug, $"{request.Method} {request.Target} {response.Status}");
            }
            catch (HttpFault fault)
            {
                response = Rest.Refuse.Call(fault);
                Log.Write.Call(LogLevel.Debug, $"refused with {response.Status}: {fault.Message}");
                keepsAlive = false;
            }

            if (response.Status == 101)
            {
                await HoldAsync(connection, caller, response, stopping);
                return;
            }

            await response.WriteAsync(connection, keepsAlive, isHead, stopping);
        }
    }

    private static T Changed<T>(T made, Action<T> change)
    {
        change(made);
        return made;
    }

    private Task StayAsync() => _hangs ? Task.Delay(Timeout.Infinite, Stopping) : Task.CompletedTask;

    private async Task HoldAsync(Connection connection, Caller caller, HttpResponse welcome, CancellationToken stopping)
    {
        using var session = NewSession.Call(connection);
        session.Caller = caller;
        Sessions[session] = ServedAsync(connection);
        try
        {
            await welcome.WriteAsync(connection, keepsAlive: true, isHead: false, stopping);
            if (IsDraining)
            {
                // The session was admitted before the drain began.
                Lifetime.Dismiss.Call(session);
            }

            var expiring = Guard.ExpireAsync.Call(caller, session.Queue);
            await session.RunAsync.Call();
            await expiring;
        }
        finally
        {
            Sessions.TryRemove(session, out _);
            Upgrade.Leave.Call();
        }
    }
}
