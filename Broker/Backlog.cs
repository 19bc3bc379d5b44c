using System.Diagnostics;

namespace PubSub;

/// <summary>
/// The bytes outstanding for all subscribers together (<see cref="BrokerLimits.MaxOutstandingBytes"/>, PS-BPR-014). Over
/// the bound, the subscribers with the most are closed as slow consumers.
/// </summary>
/// <remarks>
/// Safe for concurrent use. Its latch is a leaf below those of subscribers. A subscriber with no more than <see cref="Slack"/> is not
/// counted, so one that keeps up never enters the latch.
/// </remarks>
internal sealed class Backlog(long most)
{
    /// <summary>Bytes by which a subscriber's own count may differ from what is counted here.</summary>
    public const int Slack = 16 * 1024;

    private readonly Lock _latch = new();
    private Subscriber? _first; // guarded by _latch; those that are counted, linked by Previous and Next
    private long _bytes; // guarded by _latch

    /// <summary>Counts so many bytes for a subscriber from now on.</summary>
    /// <returns>Whether the sum is over the bound; then <see cref="Relieve"/> is to be called, outside of every lock.</returns>
    public bool Count(Subscriber subscriber, long bytes)
    {
        lock (_latch)
        {
            ref var link = ref subscriber.Link;
            if (link.Bytes == 0 && bytes > 0)
            {
                link.Next = _first;
                if (_first is not null)
                {
                    _first.Link.Previous = subscriber;
                }

                _first = subscriber;
            }
            else if (link.Bytes > 0 && bytes == 0)
            {
                Unlink(ref link);
            }

            _bytes += bytes - link.Bytes;
            link.Bytes = bytes;
            Debug.Assert(_bytes >= 0, "more was given back than counted");
            return _bytes > most;
        }
    }

    /// <summary>Closes the subscribers with the most until an eighth of the bound is free.</summary>
    public void Relieve()
    {
        while (Largest() is { } largest)
        {
            largest.Cut();
        }
    }

    private Subscriber? Largest()
    {
        lock (_latch)
        {
            Subscriber? largest = null;
            for (var one = _bytes > most - most / 8 ? _first : null; one is not null; one = one.Link.Next)
            {
                largest = largest is null || one.Link.Bytes > largest.Link.Bytes ? one : largest;
            }

            return largest;
        }
    }

    private void Unlink(ref Link link)
    {
        if (link.Previous is { } previous)
        {
            previous.Link.Next = link.Next;
        }
        else
        {
            _first = link.Next;
        }

        if (link.Next is { } next)
        {
            next.Link.Previous = link.Previous;
        }

        (link.Previous, link.Next) = (null, null);
    }

    /// <summary>A subscriber's place among those that are counted. Guarded by the backlog's latch.</summary>
    internal struct Link
    {
        public Subscriber? Previous;
        public Subscriber? Next;
        public long Bytes;
    }
}
