using System.Diagnostics;
using System.Net.Sockets;
using PubSub.Stress.Contenders;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;

namespace PubSub.Stress.Scenarios;

/// <summary>The context of a fault.</summary>
/// <param name="Server">The server that must survive the fault.</param>
/// <param name="Loop">Drives the connections.</param>
/// <param name="Topic">The topic of the faulty clients; its messages have <see cref="FaultLoad.PayloadBytes"/>.</param>
/// <param name="Cost">The server's process.</param>
/// <param name="Inbox">Makes the inbox of a faulty client.</param>
internal sealed record FaultContext(PubSubContender Server, Loop Loop, string Topic, ProcessCost Cost, Func<Inbox> Inbox);

/// <summary>A fault of clients or of the machine that no server can prevent.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="What">The fault in a sentence.</param>
/// <param name="Begin">Prepares the fault.</param>
internal sealed record Fault(string Name, string What, Func<FaultContext, FaultInjection> Begin)
{
    /// <summary>The name of the fault in which no client can connect.</summary>
    public const string Descriptors = "descriptors";

    private const int TinyWindow = 1; // byte; the kernel raises it to its minimum
    private const int TcpLevel = 6, TcpRepair = 19;

    /// <summary>What happens on this machine instead; null if the fault is as described.</summary>
    public Func<string?> Fallback { get; private init; } = () => null;

    public static IReadOnlyList<Fault> All { get; } =
    [
        new(
            "mid-frame",
            "subscribers stop in the middle of a request's frame and close the connection",
            context => new Clients(context, c => c.BreakOffAfter(100), leave: c => c.Dispose())),
        new("reset", "subscribers reset the connection", context => new Clients(context, _ => { }, leave: c => c.Reset())),
        new(
            "half-open",
            "subscribers send requests, close their sending side, and wait for every answer",
            context => new Clients(context, AskAndShut, leave: null)),
        new(
            "vanish",
            "subscribers vanish without a TCP segment, like a machine that lost its power",
            context => new Clients(context, _ => { }, leave: Vanish))
        {
            Fallback = () => CanVanish() ? null : "no right to TCP_REPAIR: they fall silent instead",
        },
        new("mute", "connections are opened and never send a byte", context => new Mutes(context)),
        new(
            "silent",
            "WebSocket clients never send anything, not even a Pong",
            context => new Clients(context, context.Loop.Remove, leave: null) { Subscribe = false }),
        new(
            "tiny-window",
            "subscribers with the smallest receive window never read",
            context => new Clients(context, context.Loop.Remove, leave: null, TinyWindow)),
        new("sigstop", "subscribers' processes are stopped, and killed at the end", context => new StoppedProcesses(context)),
        new("unread-log", "the log is not read while connections come and go", context => new UnreadLog(context)),
        new("stopped-server", "the server is stopped for longer than a Ping may go unanswered", context => new StoppedServer(context)),
        new(
            "memory",
            "retained messages and outstanding events fill the memory that the server allows them",
            context => new FullMemory(context)),
        new(Descriptors, "the server runs out of file descriptors while connections come", context => new NoDescriptors(context)),
    ];

    /// <summary>True if this process may let a connection vanish. Otherwise the connection falls silent until the server ends it.</summary>
    public static bool CanVanish()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetRawSocketOption(TcpLevel, TcpRepair, BitConverter.GetBytes(1));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void AskAndShut(PubSubConnection client)
    {
        const int Pings = 10;
        for (var n = 0; n < Pings; n++)
        {
            client.Ping();
        }

        client.OnAnswer = _ => { };
        client.Flush();
        client.Ended = () =>
        {
            if (client.Unanswered > 0)
            {
                throw new RunFailed(
                    $"a client that had closed its sending side missed {client.Unanswered} of {Pings} answers: {client.Ending}");
            }
        };
        client.Socket.Shutdown(SocketShutdown.Send);
    }

    // Closing in repair mode sends nothing. It needs CAP_NET_ADMIN.
    private static void Vanish(PubSubConnection client)
    {
        try
        {
            client.Socket.SetRawSocketOption(TcpLevel, TcpRepair, BitConverter.GetBytes(1));
        }
        catch (SocketException)
        {
            client.Loop.Remove(client); // it falls silent instead, as Fallback reports
            return;
        }

        client.Abandon();
    }
}

/// <summary>A fault under way, committed again and again until its end.</summary>
internal abstract class FaultInjection(FaultContext context) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private int _count;
    private long _committedAt = Stopwatch.GetTimestamp();

    /// <summary>How often it was committed.</summary>
    public virtual int Count => _count;

    protected FaultContext Context => context;

    /// <summary>Commits the fault once more, if 50 ms have passed.</summary>
    public void Commit()
    {
        if (Stopwatch.GetElapsedTime(_committedAt) >= Interval)
        {
            _committedAt = Stopwatch.GetTimestamp();
            _count++;
            Again();
        }
    }

    /// <summary>Undoes the effects that keep the server from recovering.</summary>
    public virtual void End()
    {
    }

    /// <summary>Ends the remaining clients.</summary>
    public abstract void Dispose();

    protected abstract void Again();

    protected PubSubConnection FaultyClient(int receiveBuffer = 0)
    {
        var client = context.Server.Begin(context.Loop, FaultLoad.PayloadBytes, receiveBuffer);
        client.MayEnd = true;
        client.Inbox = context.Inbox();
        return client;
    }
}

/// <summary>Clients that subscribe, act, and leave when five newer ones are there; without an action to leave they stay.</summary>
internal sealed class Clients(FaultContext context, Action<PubSubConnection> act, Action<PubSubConnection>? leave, int receiveBuffer = 0)
    : FaultInjection(context)
{
    private const int AtATime = 5;

    private readonly Queue<PubSubConnection> _here = [];

    /// <summary>True if they subscribe and act once that is answered; false if they act once they are connected.</summary>
    public bool Subscribe { get; init; } = true;

    public override void End()
    {
        while (leave is not null && _here.TryDequeue(out var client))
        {
            leave(client);
        }
    }

    public override void Dispose()
    {
        foreach (var client in _here)
        {
            client.Dispose();
        }
    }

    protected override void Again()
    {
        var client = FaultyClient(receiveBuffer);
        if (Subscribe)
        {
            client.Subscribe(Context.Topic, lastN: 0);
            client.OnAnswer = _ => act(client);
        }
        else
        {
            client.Opened = () => act(client);
        }

        _here.Enqueue(client);
        if (leave is not null && _here.Count > AtATime)
        {
            leave(_here.Dequeue());
        }
    }
}

/// <summary>Connections without a request.</summary>
internal sealed class Mutes(FaultContext context) : FaultInjection(context)
{
    private readonly Endpoint _endpoint = Endpoint.Of(context.Server.Url, path: null);
    private readonly List<Socket> _here = [];

    public override void Dispose() => _here.ForEach(client => client.Dispose());

    protected override void Again() => _here.Add(_endpoint.Begin(receiveBuffer: 0));
}

/// <summary>Subscriber processes that are stopped: more of them than the number of descriptors that may be left over.</summary>
internal sealed class StoppedProcesses : FaultInjection
{
    private readonly List<Process> _processes = [];

    public StoppedProcesses(FaultContext context)
        : base(context)
    {
        try
        {
            while (_processes.Count <= FaultLoad.DescriptorsOfSlack)
            {
                _processes.Add(SubscriberProcess.Start(context.Server, context.Topic));
            }

            foreach (var process in _processes)
            {
                SubscriberProcess.AwaitSubscribed(process);
                Libc.Checked(Libc.Kill(process.Id, Libc.SigStop), "kill");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>One for each process.</summary>
    public override int Count => _processes.Count;

    public override void Dispose()
    {
        _processes.ForEach(SubscriberProcess.End);
        _processes.Clear();
    }

    protected override void Again()
    {
    }
}

/// <summary>The server may open only two more descriptors, and many connections come.</summary>
internal sealed class NoDescriptors : FaultInjection
{
    private readonly List<PubSubConnection> _here = [];
    private readonly ulong[] _limit = new ulong[2]; // the original soft and hard limit
    private bool _limited;

    public NoDescriptors(FaultContext context)
        : base(context)
    {
        ulong[] none = new ulong[2];
        Libc.Checked(Libc.Limit(context.Cost.Id, Libc.DescriptorLimit, default, _limit), "prlimit");
        none[0] = (ulong)context.Cost.Descriptors + 2;
        none[1] = _limit[1];
        Libc.Checked(Libc.Limit(context.Cost.Id, Libc.DescriptorLimit, none, new ulong[2]), "prlimit");
        _limited = true;
    }

    public override void End()
    {
        _here.ForEach(client => client.Dispose());
        _here.Clear();
        if (_limited)
        {
            _limited = false;
            Libc.Checked(Libc.Limit(Context.Cost.Id, Libc.DescriptorLimit, _limit, new ulong[2]), "prlimit");
        }
    }

    public override void Dispose()
    {
        // Also after a failed run: the next run uses the same server.
        if (Context.Cost.IsAlive)
        {
            End();
        }
    }

    protected override void Again() => _here.Add(FaultyClient());
}

/// <summary>The tool does not read the server's log, while connections come and go, so that the server writes to it.</summary>
internal sealed class UnreadLog : FaultInjection
{
    private const int AtOnce = 10;

    // Connections, with two lines each: more than a pipe of 64 KiB and a logger's queue of 2,500 lines hold.
    private const int FillsLog = 2_000;

    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);

    private readonly List<PubSubConnection> _here = [];

    public UnreadLog(FaultContext context)
        : base(context)
    {
        context.Server.ReadLog(false);
        try
        {
            for (var opened = 0; opened < FillsLog; opened += AtOnce)
            {
                Again();
                context.Loop.Until(
                    () => _here.TrueForAll(client => client.IsOpen), OpenTimeout, "for connections to open while the log is not read");
            }
        }
        catch
        {
            End();
            throw;
        }
    }

    public override void End()
    {
        Context.Server.ReadLog(true);
        Leave();
    }

    public override void Dispose() => End();

    protected override void Again()
    {
        Leave();
        while (_here.Count < AtOnce)
        {
            _here.Add(FaultyClient());
        }
    }

    private void Leave()
    {
        _here.ForEach(client => client.Dispose());
        _here.Clear();
    }
}

/// <summary>The server's process is stopped, as when a virtual machine is moved or a container is paused.</summary>
internal sealed class StoppedServer(FaultContext context) : FaultInjection(context)
{
    private static readonly TimeSpan Stop = TimeSpan.FromSeconds(5); // longer than the keep-alive's interval and timeout together
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(20);

    private readonly long _start = Stopwatch.GetTimestamp();
    private Timer? _wake;
    private int _stops;

    /// <summary>How often it was stopped.</summary>
    public override int Count => _stops;

    // Also after a failed run the server must run again.
    public override void Dispose()
    {
        if (_wake is not null)
        {
            _wake.Dispose();
            Resume();
        }
    }

    protected override void Again()
    {
        if (Stopwatch.GetElapsedTime(_start) >= _stops * Period)
        {
            _stops++;
            Libc.Checked(Libc.Kill(Context.Cost.Id, Libc.SigStop), "kill");
            _wake?.Dispose();
            _wake = new Timer(_ => Resume(), null, Stop, Timeout.InfiniteTimeSpan);
        }
    }

    private void Resume()
    {
        if (Context.Cost.IsAlive)
        {
            Libc.Checked(Libc.Kill(Context.Cost.Id, Libc.SigContinue), "kill");
        }
    }
}

/// <summary>A publisher fills topic after topic, and their subscribers never read.</summary>
internal sealed class FullMemory : FaultInjection
{
    private const int Topics = 40;

    // Topics that are filled first: a full topic replaces its oldest message, so its publishes are not refused.
    private const int Full = 4;

    private const int Readers = 40; // subscribers that do not read
    private const int PayloadBytes = 16_000;
    private const int AtOnce = 10; // messages
    private const int MostFilled = 2_000; // messages; four times as many as MAX_RETAINED_BYTES has room for
    private const int TinyWindow = 1; // byte

    private static readonly TimeSpan FillTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CutTimeout = TimeSpan.FromSeconds(20); // from the start; the server may be stopped for a part of it

    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly string _stem = $"fill-{Guid.NewGuid():N}-";
    private readonly PubSubConnection _publisher;
    private readonly List<PubSubConnection> _readers = [];
    private readonly Random _random = new(1);
    private long _published;
    private int _refused;
    private int _cut;
    private bool _hasLeft;

    public FullMemory(FaultContext context)
        : base(context)
    {
        for (var n = 0; n < Topics; n++)
        {
            context.Server.CreateTopic(Topic(n));
        }

        _publisher = context.Server.Begin(context.Loop, PayloadBytes);
        _publisher.PublishToNumbered(_stem);
        _publisher.OnAnswer = error => _refused += error switch
        {
            null => 0,
            "LIMIT_EXCEEDED" => 1,
            _ => throw new RunFailed($"a publish was refused with {error}"),
        };
        Fill(Full, Full * (context.Server.Retained ?? 0));
        while (_refused == 0)
        {
            Fill(Topics, AtOnce);
            if (_published > MostFilled)
            {
                throw new RunFailed($"{_published} messages of {PayloadBytes} bytes are retained: the server has no bound on them");
            }
        }
    }

    /// <summary>Publishes refused because of the limit of retained bytes.</summary>
    public override int Count => _refused;

    public override void End()
    {
        if (_cut == 0 && Stopwatch.GetElapsedTime(_start) > CutTimeout)
        {
            throw new RunFailed("no subscriber that does not read was cut");
        }

        Leave();
    }

    public override void Dispose() => Leave();

    protected override void Again()
    {
        while (_readers.Count < Readers)
        {
            var reader = Context.Server.Begin(Context.Loop, PayloadBytes, TinyWindow);
            reader.MayEnd = true;
            reader.Subscribe(Topic(_random.Next(Full)), lastN: 0);
            reader.OnAnswer = _ => Context.Loop.Remove(reader);
            _readers.Add(reader);
        }

        // A connection that is not read does not notice its end; the socket does.
        var ended = _readers.Where(reader => reader.Ending is not null || reader.Socket.Poll(0, SelectMode.SelectError)).ToArray();
        foreach (var reader in ended)
        {
            _cut++;
            reader.Abandon();
            _readers.Remove(reader);
        }

        for (var n = _publisher.Unanswered; n < AtOnce; n++)
        {
            _publisher.Publish(_random.Next(n % 2 == 0 ? Full : Topics), ++_published);
        }

        _publisher.Flush();
    }

    private void Fill(int topics, int messages)
    {
        for (var n = 0; n < messages; n++)
        {
            _publisher.Publish(n % topics, ++_published);
        }

        _publisher.Flush();
        Context.Loop.Until(() => _publisher.Unanswered == 0, FillTimeout, "for the messages that fill the memory to be answered");
    }

    private string Topic(int number) => _stem + Digits.Text(number);

    private void Leave()
    {
        if (_hasLeft)
        {
            return;
        }

        _hasLeft = true;
        _readers.ForEach(reader => reader.Abandon());
        _publisher.Dispose();
        for (var n = 0; n < Topics; n++)
        {
            Context.Server.DeleteTopic(Topic(n));
        }
    }
}
