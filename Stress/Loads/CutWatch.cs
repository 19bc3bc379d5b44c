using System.Diagnostics;
using PubSub.Stress.Contenders;

namespace PubSub.Stress.Loads;

/// <summary>
/// Asks the server every 100 ms, beside the load, whether only the healthy subscribers are left. It also asks before the slow ones
/// come and after they are gone: the requests slow the other subscribers a little, so every phase must have them.
/// </summary>
internal sealed class CutWatch(PubSubContender server, string topic, int healthy)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private long? _start;
    private long _askedAt;
    private Task<int>? _answer;
    private TimeSpan? _seenAfter;

    /// <summary>An answer since the start counted the healthy subscribers alone.</summary>
    public bool IsSeen => _seenAfter is not null;

    /// <summary>The time from the start until that answer, or until now; zero before the start.</summary>
    public TimeSpan Elapsed => _seenAfter ?? (_start is { } start ? Stopwatch.GetElapsedTime(start) : TimeSpan.Zero);

    /// <summary>Called for every answer with the number of subscribers besides the healthy, and the time of the request.</summary>
    public Action<int, long>? Heard { get; set; }

    /// <summary>Counts answers to requests from now on, and ignores earlier ones.</summary>
    public void Start()
    {
        _start = Stopwatch.GetTimestamp();
        _seenAfter = null;
        Ask();
    }

    public void Look()
    {
        if (_answer is not null)
        {
            if (!_answer.IsCompleted || Stopwatch.GetElapsedTime(_askedAt) < Interval)
            {
                return;
            }

            var others = Math.Max(0, _answer.GetAwaiter().GetResult() - healthy);
            if (others == 0 && _start is { } start)
            {
                _seenAfter ??= Stopwatch.GetElapsedTime(start);
            }

            Heard?.Invoke(others, _askedAt);
        }

        Ask();
    }

    private void Ask()
    {
        _askedAt = Stopwatch.GetTimestamp();
        _answer = server.CountSubscribers(topic);
    }
}
