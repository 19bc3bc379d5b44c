using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>Asks the server now and then, beside the load, whether only the healthy subscribers are left.</summary>
internal sealed class CutWatch
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly PubSubContender _server;
    private readonly string _topic;
    private readonly int _healthy;
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _askedAt = Stopwatch.GetTimestamp();
    private Task<int> _answer;
    private TimeSpan? _seenAfter;

    public CutWatch(PubSubContender server, string topic, int healthy)
    {
        (_server, _topic, _healthy) = (server, topic, healthy);
        _answer = server.CountSubscribers(topic);
    }

    public bool IsSeen => _seenAfter is not null;

    /// <summary>From the beginning until it was seen, or until now.</summary>
    public TimeSpan Elapsed => _seenAfter ?? Stopwatch.GetElapsedTime(_start);

    public void Look()
    {
        if (IsSeen || !_answer.IsCompleted || Stopwatch.GetElapsedTime(_askedAt) < Interval)
        {
            return;
        }

        if (_answer.GetAwaiter().GetResult() <= _healthy)
        {
            _seenAfter = Stopwatch.GetElapsedTime(_start);
            return;
        }

        _askedAt = Stopwatch.GetTimestamp();
        _answer = _server.CountSubscribers(_topic);
    }
}
