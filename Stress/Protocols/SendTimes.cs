namespace PubSub.Stress.Protocols;

/// <summary>The send times of the unanswered requests. Requests are numbered, and answered in that order.</summary>
internal sealed class SendTimes
{
    private long[] _times = new long[64]; // by the number modulo the length, which is a power of two

    public void Add(long request, long time, int unanswered)
    {
        if (unanswered >= _times.Length)
        {
            var longer = new long[_times.Length * 2];
            for (var earlier = request - _times.Length; earlier < request; earlier++)
            {
                longer[earlier & (longer.Length - 1)] = _times[earlier & (_times.Length - 1)];
            }

            _times = longer;
        }

        _times[request & (_times.Length - 1)] = time;
    }

    public long Of(long request) => _times[request & (_times.Length - 1)];
}
