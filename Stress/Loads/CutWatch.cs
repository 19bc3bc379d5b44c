using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>
/// Asks the server now and then, beside the load, whether only the healthy subscribers are left. It goes on asking whatever it hears, before
/// the slow ones are there and after they are gone: asking costs the others something too, so they must always pay it or never.
/// </summary>
internal sealed class CutWatch(PubSubContender server, string topic, int healthy)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private long _start;
    private long _askedAt;
    private Task<int> _answer = Task.FromResult(int.MaxValue);
    private TimeSpan? _seenAfter;

    public bool IsSeen => _seenAfter is not null;

    /// <summary>From the start until it was seen, or until now.</summary>
    public TimeSpan Elapsed => _seenAfter ?? Stopwatch.GetElapsedTime(_start);

    /// <summary>The slow ones are there now; what was asked before does not count.</summary>
    public void Start()
    {
        _start = Stopwatch.GetTimestamp();
        _seenAfter = null;
        Ask();
    }

    public void Look()
    {
        if (!_answer.IsCompleted || Stopwatch.GetElapsedTime(_askedAt) < Interval)
        {
            return;
        }

        if (_answer.GetAwaiter().GetResult() <= healthy)
        {
            _seenAfter ??= Stopwatch.GetElapsedTime(_start);
        }

        Ask();
    }

    private void Ask()
    {
        _askedAt = Stopwatch.GetTimestamp();
        _answer = server.CountSubscribers(topic);
    }
}
