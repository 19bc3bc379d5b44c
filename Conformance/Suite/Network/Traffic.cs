using System.Collections.Concurrent;
using PubSub.Conformance.Targets;

namespace PubSub.Conformance.Network;

/// <summary>
/// The load on a target: connections, bytes, and the last requests. Servers that a scenario starts itself do not count.
/// </summary>
public sealed class Traffic
{
    private const int KeptRequests = 256;

    private readonly TimeProvider _time;
    private readonly Traffic? _whole;
    private readonly ConcurrentQueue<Request> _requests = [];
    private readonly ConcurrentDictionary<string, long> _heardFrom = new(StringComparer.Ordinal); // by address
    private readonly long _start;
    private volatile HashSet<string> _hosts;
    private long _connections;
    private long _open;
    private long _mostOpen;
    private long _sent;
    private long _received;
    private long _heard;
    private int _unheard; // requests since the target's last answer
    private volatile bool _wasDown;
    private Interference? _interference;

    internal Traffic(Target target, TimeProvider time)
    {
        _time = time;
        _hosts = Hosts(target);
        _start = _heard = time.GetTimestamp();
        Gateway = new Gateway(time);
    }

    private Traffic(Traffic whole)
        => (_time, _whole, _hosts, _start, _heard, Gateway) =
            (whole._time, whole, whole._hosts, whole._start, whole._start, whole.Gateway);

    public long Connections => Volatile.Read(ref _connections);
    public long MostOpen => Volatile.Read(ref _mostOpen);
    public long BytesSent => Volatile.Read(ref _sent);
    public long BytesReceived => Volatile.Read(ref _received);

    /// <summary>When the target last answered anything, since the start.</summary>
    internal TimeSpan LastHeard => _time.GetElapsedTime(_start, Volatile.Read(ref _heard));

    /// <summary>The time of this timestamp, since the start.</summary>
    internal TimeSpan Since(long timestamp) => _time.GetElapsedTime(_start, timestamp);

    /// <summary>A connection was refused after the target had answered before: the target is or was down.</summary>
    internal bool WasDown => _wasDown;

    internal TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>The state of a gateway in front of the target, shared by all parts.</summary>
    internal Gateway Gateway { get; }

    /// <summary>The last interference with this part; null when there was none.</summary>
    internal Interference? Interference => Volatile.Read(ref _interference);

    /// <summary>The newest requests, oldest first.</summary>
    internal IReadOnlyList<Request> Requests => [.. _requests];

    /// <summary>A part that counts for itself and for the whole.</summary>
    internal Traffic Part() => new(this);

    /// <summary>Records the interference, even if the scenario catches the exception, and returns it.</summary>
    internal Interference Noted(Interference interference)
    {
        Volatile.Write(ref _interference, interference);
        return interference;
    }

    /// <summary>True for the target's own address, and those of its other doors.</summary>
    internal bool Covers(Uri uri) => (_whole ?? this)._hosts.Contains(Authority(uri));

    /// <summary>Call this when the target was restarted at another address.</summary>
    internal void MoveTo(Target target) => _hosts = Hosts(target);

    /// <summary>When the target last answered anything through this door, since the start; through any if it never did.</summary>
    internal TimeSpan LastHeardFrom(Target door) =>
        _heardFrom.TryGetValue(Authority(door.WebSocket), out var heard) ? Since(heard) : LastHeard;

    internal void Opened()
    {
        _whole?.Opened();
        Interlocked.Increment(ref _connections);
        var open = Interlocked.Increment(ref _open);
        long most;
        while (open > (most = Volatile.Read(ref _mostOpen)) && Interlocked.CompareExchange(ref _mostOpen, open, most) != most)
        {
            // Another thread set another maximum in between.
        }
    }

    internal void Refused()
    {
        _whole?.Refused();
        _wasDown |= Volatile.Read(ref _heard) > _start;
    }

    internal void Closed()
    {
        _whole?.Closed();
        Interlocked.Decrement(ref _open);
    }

    internal void Sent(long bytes)
    {
        _whole?.Sent(bytes);
        Interlocked.Add(ref _sent, bytes);
    }

    internal void Heard(long bytes)
    {
        _whole?.Heard(bytes);
        Interlocked.Add(ref _received, bytes);
    }

    /// <summary>Call this when a complete answer of the target itself, not of a gateway, has arrived from this address.</summary>
    internal void Lived(Uri from)
    {
        _whole?.Lived(from);
        var now = _time.GetTimestamp();
        _heardFrom[Authority(from)] = now;
        Volatile.Write(ref _heard, now);
        Volatile.Write(ref _unheard, 0);
    }

    internal void Requested(string scenario, string connection, string kind, string data)
    {
        if (_whole is { } whole)
        {
            whole.Requested(scenario, connection, kind, data);
            return;
        }

        if (Interlocked.Increment(ref _unheard) > KeptRequests / 2)
        {
            // Once the target is silent, only the first requests are of interest.
            return;
        }

        _requests.Enqueue(new(Now, scenario, connection, kind, data));
        while (_requests.Count > KeptRequests && _requests.TryDequeue(out _))
        {
            // Only the newest are of interest.
        }
    }

    private static HashSet<string> Hosts(Target target) => [.. target.Doors.Select(door => Authority(door.WebSocket))];

    private static string Authority(Uri uri) => $"{uri.DnsSafeHost}:{uri.Port}";

    internal sealed record Request(TimeSpan At, string Scenario, string Connection, string Kind, string Data);
}
