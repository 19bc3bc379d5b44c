namespace PubSub.Stress;

/// <summary>
/// One or more loops. Until <see cref="Start"/> and after <see cref="Stop"/> all of them belong to the caller; between, the home loop
/// does, and each other has a thread of its own. What fails in one of them fails the next turn at home.
/// </summary>
internal sealed class Loops : IDisposable
{
    private const int Idle = 100; // milliseconds

    private readonly Loop[] _all;
    private readonly List<Thread> _threads = [];
    private volatile bool _stopping;

    public Loops(int count) => _all = [.. Enumerable.Range(0, count).Select(_ => new Loop())];

    public Loop Home => _all[0];

    /// <summary>Connections are dealt out one after the other.</summary>
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

    /// <summary>Turns all of them, while they belong to the caller.</summary>
    public void Until(Func<bool> done, TimeSpan limit, string what) => Home.Until(
        () =>
        {
            Turn();
            return done();
        },
        limit,
        what);

    /// <summary>Serves what is ready now; where nothing is, waits at home for so many milliseconds at most.</summary>
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
