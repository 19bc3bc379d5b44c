using System.Diagnostics;

namespace PubSub.Stress;

/// <summary>
/// Asks the server now and then, beside the load, whether only the healthy subscribers are left. It goes on asking whatever it hears, before
/// the slow ones are there and after they are gone: asking costs the others something too, so they must always pay it or never.
/// </summary>
internal sealed class CutWatch(PubSubContender server, string topic, int healthy)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private long? _start;
    private long _askedAt;
    private Task<int>? _answer;
    private TimeSpan? _seenAfter;

    /// <summary>Since the start an answer counted the healthy alone.</summary>
    public bool IsSeen => _seenAfter is not null;

    /// <summary>From the start until it was seen, or until now; nothing before the start.</summary>
    public TimeSpan Elapsed => _seenAfter ?? (_start is { } start ? Stopwatch.GetElapsedTime(start) : TimeSpan.Zero);

    /// <summary>Told of every answer: how many there are besides the healthy, and since when that may be so.</summary>
    public Action<int, long>? Heard { get; set; }

    /// <summary>What is asked from now on counts, and what was asked before does not.</summary>
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
