namespace PubSub.Stress.Net;

/// <summary>
/// One or more loops. Before <see cref="Start"/> and after <see cref="Stop"/> the caller drives all of them; in between it drives only
/// the home loop, and each other loop has its own thread. A failure in one of them fails the next turn of the home loop.
/// </summary>
internal sealed class Loops : IDisposable
{
    private const int Idle = 100; // milliseconds

    private readonly Loop[] _all;
    private readonly List<Thread> _threads = [];
    private volatile bool _stopping;

    public Loops(int count) => _all = [.. Enumerable.Range(0, count).Select(_ => new Loop())];

    public Loop Home => _all[0];

    /// <summary>The loop of a connection by its number; connections are assigned in turn.</summary>
    public Loop this[int connection] => _all[connection % _all.Length];

    public void Start()
    {
        _stopping = false;
        foreach (var loop in _all[1..])
        {
            var thread = new Thread(() => Serve(loop)) { IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }
    }

    public void Stop()
    {
        _stopping = true;
        Array.ForEach(_all, loop => loop.Wake());
        _threads.ForEach(thread => thread.Join());
        _threads.Clear();
    }

    /// <summary>Turns all loops until <paramref name="done"/>. Call it only while they are stopped.</summary>
    public void Until(Func<bool> done, TimeSpan limit, string what) => Home.Until(
        () =>
        {
            Turn();
            return done();
        },
        limit,
        what);

    /// <summary>Serves all loops once. Waits at most this long, and only in the home loop.</summary>
    public void Turn(int milliseconds = 0)
    {
        foreach (var loop in _all[1..])
        {
            loop.Turn(0);
        }

        Home.Turn(milliseconds);
    }

    public void Dispose()
    {
        Stop();
        Array.ForEach(_all, loop => loop.Dispose());
    }

    private void Serve(Loop loop)
    {
        try
        {
            while (!_stopping)
            {
                loop.Turn(Idle);
            }
        }
        catch (Exception e)
        {
            Home.Fail(e);
        }
    }
}
