using System.Diagnostics;
using System.Net.Sockets;

namespace PubSub.Stress;

/// <summary>Where a fault is committed.</summary>
internal sealed record FaultScene(PubSubContender Server, Loop Loop, string Topic, ProcessCost Cost);

/// <summary>Something that clients do, or suffer, that no server can prevent.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="What">In a sentence.</param>
/// <param name="Begin">Prepares it.</param>
internal sealed record Fault(string Name, string What, Func<FaultScene, Damage> Begin)
{
    private const int TinyWindow = 1; // byte; the kernel makes it the least it has
    private const int TcpLevel = 6, TcpRepair = 19;

    /// <summary>What it is on this machine instead, if that is something else.</summary>
    public Func<string?> Falls { get; private init; } = () => null;

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("mid-frame", "subscribers stop in the middle of a request's frame and hang up", scene => new Clients(scene, c => c.BreakOffAfter(100), leave: c => c.Dispose())),
        new("reset", "subscribers break off with a reset", scene => new Clients(scene, _ => { }, leave: c => c.Reset())),
        new("half-open", "subscribers close their sending side and stay", scene => new Clients(scene, c => c.Socket.Shutdown(SocketShutdown.Send), leave: null)),
        new("vanish", "subscribers vanish without a word, as a machine that lost its power", scene => new Clients(scene, _ => { }, leave: Vanish)) { Falls = () => CanVanish() ? null : "no right to TCP_REPAIR: they fall silent instead" },
        new("mute", "connections are opened and nothing is ever asked", scene => new Mutes(scene)),
        new("tiny-window", "subscribers whose window is as small as it can be never read", scene => new Clients(scene, scene.Loop.Remove, leave: null, TinyWindow)),
        new("sigstop", "subscribers' processes are stopped, and killed at the end", scene => new StoppedProcesses(scene)),
        new("descriptors", "the server runs out of file descriptors while connections come", scene => new NoDescriptors(scene)),
    ];

    /// <summary>Whether this process may let a connection vanish; otherwise it stays, silent, until the server gives up on it.</summary>
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

    // Closing in repair mode sends nothing; it takes a right that not everybody has.
    private static void Vanish(PubSubConnection client)
    {
        try
        {
            client.Socket.SetRawSocketOption(TcpLevel, TcpRepair, BitConverter.GetBytes(1));
        }
        catch (SocketException)
        {
            client.Loop.Remove(client); // then it only falls silent, which CanVanish says
            return;
        }

        client.Abandon();
    }
}

/// <summary>A fault that is being committed, again and again, until it ends.</summary>
internal abstract class Damage(FaultScene scene) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private int _count;
    private long _committedAt = Stopwatch.GetTimestamp();

    /// <summary>How often it was committed.</summary>
    public virtual int Count => _count;

    protected FaultScene Scene => scene;

    /// <summary>Commits it once more when it is time.</summary>
    public void Commit()
    {
        if (Stopwatch.GetElapsedTime(_committedAt) >= Interval)
        {
            _committedAt = Stopwatch.GetTimestamp();
            _count++;
            Again();
        }
    }

    /// <summary>Undoes what would keep the server from recovering.</summary>
    public virtual void End()
    {
    }

    /// <summary>Ends the clients that are left.</summary>
    public abstract void Dispose();

    protected abstract void Again();

    protected PubSubConnection Rude(int receiveBuffer = 0)
    {
        var client = scene.Server.Begin(scene.Loop, FaultLoad.PayloadBytes, receiveBuffer);
        client.MayEnd = true;
        client.Inbox = new TailInbox();
        return client;
    }
}

/// <summary>Clients that subscribe, do something rude, and end in their way a little later; or never, where there is no way.</summary>
internal sealed class Clients(FaultScene scene, Action<PubSubConnection> act, Action<PubSubConnection>? leave, int receiveBuffer = 0) : Damage(scene)
{
    private const int AtATime = 5;

    private readonly Queue<PubSubConnection> _here = [];

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
        var client = Rude(receiveBuffer);
        client.Subscribe(Scene.Topic, lastN: 0);
        client.OnAnswer = _ => act(client);
        _here.Enqueue(client);
        if (leave is not null && _here.Count > AtATime)
        {
            leave(_here.Dequeue());
        }
    }
}

/// <summary>Connections without a request.</summary>
internal sealed class Mutes(FaultScene scene) : Damage(scene)
{
    private readonly Endpoint _endpoint = Endpoint.Of(scene.Server.Url, path: null);
    private readonly List<Socket> _here = [];

    public override void Dispose() => _here.ForEach(client => client.Dispose());

    protected override void Again() => _here.Add(_endpoint.Begin(receiveBuffer: 0));
}

/// <summary>Subscribers that the scheduler never runs again: more of them than descriptors may be left over.</summary>
internal sealed class StoppedProcesses : Damage
{
    private readonly List<Process> _processes = [];

    public StoppedProcesses(FaultScene scene)
        : base(scene)
    {
        try
        {
            while (_processes.Count <= FaultLoad.DescriptorsOfSlack)
            {
                _processes.Add(SubscriberProcess.Start(scene.Server, scene.Topic));
                Libc.Checked(Libc.Kill(_processes[^1].Id, Libc.SigStop), "kill");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>It is committed once for each, and lasts.</summary>
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

/// <summary>The server may open two more files, and many connections come.</summary>
internal sealed class NoDescriptors : Damage
{
    private readonly List<PubSubConnection> _here = [];
    private readonly ulong[] _limit = new ulong[2]; // as it was: soft and hard
    private bool _limited;

    public NoDescriptors(FaultScene scene)
        : base(scene)
    {
        ulong[] none = new ulong[2];
        Libc.Checked(Libc.Limit(scene.Cost.Id, Libc.DescriptorLimit, default, _limit), "prlimit");
        none[0] = (ulong)scene.Cost.Descriptors + 2;
        none[1] = _limit[1];
        Libc.Checked(Libc.Limit(scene.Cost.Id, Libc.DescriptorLimit, none, new ulong[2]), "prlimit");
        _limited = true;
    }

    public override void End()
    {
        _here.ForEach(client => client.Dispose());
        _here.Clear();
        if (_limited)
        {
            _limited = false;
            Libc.Checked(Libc.Limit(Scene.Cost.Id, Libc.DescriptorLimit, _limit, new ulong[2]), "prlimit");
        }
    }

    public override void Dispose()
    {
        // However the run has failed, the server of the next one is the same.
        if (Scene.Cost.IsAlive)
        {
            End();
        }
    }

    protected override void Again() => _here.Add(Rude());
}
