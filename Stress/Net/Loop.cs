using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>
/// One thread drives every connection: what a connection does, it does inside a turn, so no state of a load needs a lock.
/// </summary>
internal sealed class Loop : IDisposable
{
    private readonly Epoll _epoll = new();
    private readonly List<Connection> _connections = [];
    private readonly HashSet<int> _removed = [];
    private byte[] _buffer = new byte[256 * 1024];

    public int Add(Connection connection)
    {
        _epoll.Add(connection.Socket, _connections.Count, Epoll.Readable);
        _connections.Add(connection);
        return _connections.Count - 1;
    }

    /// <summary>Stops reading and writing a connection without closing it.</summary>
    public void Remove(Connection connection)
    {
        if (_removed.Add(connection.Key))
        {
            _epoll.Remove(connection.Socket);
        }
    }

    /// <summary>Reads and writes a removed connection again.</summary>
    public void Return(Connection connection)
    {
        if (_removed.Remove(connection.Key))
        {
            _epoll.Add(connection.Socket, connection.Key, Epoll.Readable);
        }
    }

    public void Await(Connection connection, bool room) =>
        _epoll.Modify(connection.Socket, connection.Key, room ? Epoll.Readable | Epoll.Writable : Epoll.Readable);

    /// <summary>The next reads can take a frame of so many bytes.</summary>
    public void Expect(int bytes)
    {
        if (bytes > _buffer.Length)
        {
            _buffer = new byte[bytes];
        }
    }

    /// <summary>Waits until a connection is ready, at most <paramref name="milliseconds"/>, and serves all that are.</summary>
    public void Turn(int milliseconds)
    {
        var count = _epoll.Wait(milliseconds);
        for (var i = 0; i < count; i++)
        {
            var (events, key) = _epoll.At(i);
            if ((events & Epoll.Writable) != 0)
            {
                _connections[key].Flush();
            }

            if ((events & ~Epoll.Writable) != 0 && !_removed.Contains(key))
            {
                _connections[key].Read(_buffer);
            }
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
                throw new RunFailed($"after {limit.TotalSeconds:0} s still waiting: {what}");
            }
        }
    }

    /// <summary>Turns for a length of time in which nothing needs to happen.</summary>
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
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }

        _epoll.Dispose();
    }
}
