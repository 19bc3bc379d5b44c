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

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("mid-frame", "publishers stop in the middle of a frame and hang up", scene => new Clients(scene, c => c.BreakOffAfter(100), leave: c => c.Dispose())),
        new("reset", "subscribers break off with a reset", scene => new Clients(scene, _ => { }, leave: c => c.Reset())),
        new("half-open", "subscribers close their sending side and stay", scene => new Clients(scene, c => c.Socket.Shutdown(SocketShutdown.Send), leave: null)),
        new("vanish", "subscribers vanish without a word, as a machine that lost its power", scene => new Clients(scene, _ => { }, leave: Vanish)),
        new("mute", "connections are opened and nothing is ever asked", scene => new Mutes(scene)),
        new("tiny-window", "subscribers whose window is as small as it can be never read", scene => new Clients(scene, scene.Loop.Remove, leave: null, TinyWindow)),
        new("sigstop", "a subscriber's process is stopped, and killed at the end", scene => new StoppedProcess(scene)),
        new("descriptors", "the server runs out of file descriptors while connections come", scene => new NoDescriptors(scene)),
    ];

    // Closing in repair mode sends nothing; it takes a right that not everybody has.
    private static void Vanish(PubSubConnection client)
    {
        const int tcp = 6, repair = 19;
        try
        {
            client.Socket.SetRawSocketOption(tcp, repair, BitConverter.GetBytes(1));
        }
        catch (SocketException)
        {
            client.Loop.Remove(client); // then it only falls silent
            return;
        }

        client.Abandon();
    }
}

/// <summary>A fault that is being committed, again and again, until it ends.</summary>
internal abstract class Damage(FaultScene scene) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private long _committedAt = Stopwatch.GetTimestamp();

    /// <summary>How often it was committed.</summary>
    public int Count { get; private set; }

    protected FaultScene Scene => scene;

    /// <summary>Commits it once more when it is time.</summary>
    public void Commit()
    {
        if (Stopwatch.GetElapsedTime(_committedAt) >= Interval)
        {
            _committedAt = Stopwatch.GetTimestamp();
            Count++;
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
        client.OnAnswer = (_, _) => act(client);
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
    private readonly List<TcpClient> _here = [];

    public override void Dispose() => _here.ForEach(client => client.Dispose());

    protected override void Again() => _here.Add(new TcpClient(Scene.Server.Url.Host, Scene.Server.Url.Port));
}

/// <summary>A subscriber that the scheduler never runs again.</summary>
internal sealed class StoppedProcess : Damage
{
    private readonly Process _process;

    public StoppedProcess(FaultScene scene)
        : base(scene)
    {
        _process = SubscriberProcess.Start(scene.Server, scene.Topic);
        Libc.Checked(Libc.Kill(_process.Id, Libc.SigStop), "kill");
    }

    public override void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    protected override void Again()
    {
        // It lasts.
    }
}

/// <summary>The server may open two more files, and many connections come.</summary>
internal sealed class NoDescriptors : Damage
{
    private readonly List<PubSubConnection> _here = [];
    private readonly ulong[] _limit = new ulong[2]; // as it was: soft and hard

    public NoDescriptors(FaultScene scene)
        : base(scene)
    {
        ulong[] none = new ulong[2];
        Libc.Checked(Libc.Limit(scene.Cost.Id, Libc.DescriptorLimit, default, _limit), "prlimit");
        none[0] = (ulong)scene.Cost.Descriptors + 2;
        none[1] = _limit[1];
        Libc.Checked(Libc.Limit(scene.Cost.Id, Libc.DescriptorLimit, none, new ulong[2]), "prlimit");
    }

    public override void End()
    {
        Libc.Checked(Libc.Limit(Scene.Cost.Id, Libc.DescriptorLimit, _limit, new ulong[2]), "prlimit");
        _here.ForEach(client => client.Dispose());
        _here.Clear();
    }

    public override void Dispose() => _here.ForEach(client => client.Dispose());

    protected override void Again() => _here.Add(Rude());
}
