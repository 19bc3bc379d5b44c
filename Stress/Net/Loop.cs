using System.Diagnostics;

namespace PubSub.Stress.Net;

/// <summary>
/// One thread drives many connections. A connection acts only inside a turn, so the state of a load needs no lock. Other threads may
/// only call <see cref="Wake"/> and <see cref="Fail"/>.
/// </summary>
internal sealed class Loop : IDisposable
{
    private const int AlarmKey = -1;
    private const int TimerKey = -2;
    private const int ReceiveBytes = 256 * 1024;

    private readonly Epoll _epoll = new();
    private readonly EventDescriptor _alarm = new();
    private readonly TimerDescriptor _timer = new();
    private readonly List<Connection?> _connections = [];
    private readonly Stack<int> _free = [];
    private readonly HashSet<int> _removed = [];
    private byte[] _buffer = new byte[ReceiveBytes];
    private volatile Exception? _failure;

    public Loop()
    {
        _epoll.Add(_alarm.Handle, AlarmKey, Epoll.Readable);
        _epoll.Add(_timer.Handle, TimerKey, Epoll.Readable);
    }

    /// <summary>Adds a connection, which is called first when it can be written to.</summary>
    public int Add(Connection connection)
    {
        if (!_free.TryPop(out var key))
        {
            key = _connections.Count;
            _connections.Add(null);
        }

        _connections[key] = connection;
        _epoll.Add((int)connection.Socket.Handle, key, Interest(connection.AwaitsRoom));
        return key;
    }

    /// <summary>Stops reading and writing a connection without closing it.</summary>
    public void Remove(Connection connection)
    {
        if (_removed.Add(connection.Key))
        {
            _epoll.Remove((int)connection.Socket.Handle);
        }
    }

    /// <summary>Reads and writes a removed connection again.</summary>
    public void Return(Connection connection)
    {
        if (_removed.Remove(connection.Key))
        {
            _epoll.Add((int)connection.Socket.Handle, connection.Key, Interest(connection.AwaitsRoom));
        }
    }

    /// <summary>Forgets a connection that is about to be closed. A new connection may get its key.</summary>
    public void Forget(Connection connection)
    {
        Remove(connection);
        _removed.Remove(connection.Key);
        _connections[connection.Key] = null;
        _free.Push(connection.Key);
    }

    public void Await(Connection connection, bool room)
    {
        if (!_removed.Contains(connection.Key))
        {
            _epoll.Modify((int)connection.Socket.Handle, connection.Key, Interest(room));
        }
    }

    /// <summary>Makes the buffer of the next reads at least this large.</summary>
    public void Expect(int bytes)
    {
        if (bytes > _buffer.Length)
        {
            _buffer = new byte[Math.Max(bytes, _buffer.Length * 2)];
        }
    }

    /// <summary>Ends the current or the next wait. Any thread may call it.</summary>
    public void Wake() => _alarm.Signal();

    /// <summary>Makes the next turn fail with this exception. Any thread may call it.</summary>
    public void Fail(Exception failure)
    {
        _failure ??= failure;
        _alarm.Signal();
    }

    /// <summary>Waits until a connection is ready, at most <paramref name="milliseconds"/>, and serves all that are.</summary>
    public void Turn(int milliseconds)
    {
        var count = _epoll.Wait(milliseconds);
        for (var i = 0; i < count; i++)
        {
            var (events, key) = _epoll.At(i);
            if (key < 0)
            {
                _alarm.Clear(key == AlarmKey);
                _timer.Clear(key == TimerKey);
                continue;
            }

            if ((events & Epoll.Writable) != 0)
            {
                _connections[key]?.OnWritable();
            }

            if ((events & ~Epoll.Writable) != 0 && !_removed.Contains(key))
            {
                _connections[key]?.Read(_buffer);
            }
        }

        if (_failure is { } failure)
        {
            throw new RunFailed(failure.Message, failure);
        }
    }

    /// <summary>
    /// Like <see cref="Turn"/>, but waits at most until a moment in ticks of <see cref="Stopwatch"/>, to the microsecond.
    /// </summary>
    public void TurnUntil(long moment)
    {
        if (moment > Stopwatch.GetTimestamp())
        {
            _timer.Set(moment);
            Turn(1000);
        }
        else
        {
            Turn(0);
        }
    }

    /// <summary>Turns until <paramref name="done"/>; fails the run after <paramref name="limit"/>.</summary>
    public void Until(Func<bool> done, TimeSpan limit, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (!done())
        {
            Turn(20);
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new RunFailed($"after {limit.TotalSeconds:0.#} s still waiting: {what}");
            }
        }
    }

    /// <summary>Turns for a length of time.</summary>
    public void For(TimeSpan length)
    {
        var start = Stopwatch.GetTimestamp();
        for (var left = length; left > TimeSpan.Zero; left = length - Stopwatch.GetElapsedTime(start))
        {
            Turn((int)Math.Ceiling(left.TotalMilliseconds));
        }
    }

    /// <summary>Closes every connection.</summary>
    public void Dispose()
    {
        foreach (var connection in _connections.ToArray())
        {
            connection?.Dispose();
        }

        _epoll.Dispose();
        _alarm.Dispose();
        _timer.Dispose();
    }

    private static uint Interest(bool room) => room ? Epoll.Readable | Epoll.Writable : Epoll.Readable;
}
